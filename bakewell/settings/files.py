"""The files that hold a stack's settings, read as Pulumi reads them: whatever it would refuse is refused here.

`Pulumi.<stack>.yaml` says what a stack wants. `Pulumi.yaml` declares the keys with the defaults that are in
`Settings`; another value there would count for Pulumi and for no command.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bakewell.errors import ConfigError
from bakewell.reading import from_yaml, looking, read_text, read_yaml
from bakewell.settings.stack import NAMESPACE, Settings

PROJECT_FILE = "Pulumi.yaml"
_STACK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_DECLARATION = frozenset({"type", "default", "value", "description", "secret", "items"})


def stack_file(root: Path, stack: str) -> Path:
    """The file of a stack's config: beside `root`/Pulumi.yaml, or in the folder that `stackConfigDir` there names.

    `config: FOLDER` means the same, as in projects of old. A folder is taken as Pulumi takes it: below the project's,
    even where it begins with a slash; `..` leads out of it.

    Raises:
        ConfigError: Pulumi.yaml cannot be read.
    """
    return _stack_file(root, stack, read_project(root))


def _stack_file(root: Path, stack: str, project: Mapping[str, Any]) -> Path:
    named = project.get("stackConfigDir") or project.get("config") or ""
    if isinstance(named, dict):
        named = ""  # declarations of config
    if not isinstance(named, str):
        remedy = "name a folder of the project there"
        raise ConfigError("`stackConfigDir` is no text", file=root / PROJECT_FILE, remedy=remedy)
    return Path(os.path.normpath(root / named.lstrip("/") / f"Pulumi.{stack}.yaml"))


def project_name(root: Path) -> str:
    """The name that Pulumi.yaml gives the project at `root`.

    Raises:
        ConfigError: the file cannot be read, or says no name.
    """
    name = read_project(root).get("name")
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{PROJECT_FILE} says no name", file=root / PROJECT_FILE, remedy="write `name:` there")
    return name


def named_runtime(project: Mapping[str, Any]) -> Any:
    """What Pulumi.yaml names as its runtime, with or without options: text, where that is as Pulumi takes it."""
    runtime = project.get("runtime")
    return runtime.get("name") if isinstance(runtime, dict) else runtime


def project_runtime(root: Path) -> str:
    """The runtime that Pulumi.yaml names for the project at `root`, with or without options.

    Raises:
        ConfigError: the file cannot be read, or names none.
    """
    name = named_runtime(read_project(root))
    if not isinstance(name, str) or not name:
        remedy = "write `runtime: python` there, or what your program is written in"
        raise ConfigError(f"{PROJECT_FILE} says no runtime", file=root / PROJECT_FILE, remedy=remedy)
    return name


def load_settings(stack: str, root: Path) -> Settings:
    """The settings of `stack`, from its file in the project at `root` (`stack_file`).

    Raises:
        ConfigError: no such file, not YAML, a key that Pulumi does not take or that stands twice, anything that
            `Settings.from_mapping` refuses, or another value in Pulumi.yaml.
    """
    stack = stack.rpartition("/")[2]
    if not _STACK.fullmatch(stack):
        remedy = "letters, digits, hyphens, dots and underscores make a stack's name"
        raise ConfigError(f"`{stack}` is no stack's name", remedy=remedy)
    project = read_project(root)
    path = _stack_file(root, stack, project)
    with looking("stack config", path):
        missing = not path.exists()
    if missing:
        stacks = sorted(p.name.split(".")[1] for p in path.parent.glob("Pulumi.*.yaml"))
        raise ConfigError(
            f"stack {stack} has no config",
            file=path,
            remedy="choose a stack with BAKEWELL_STACK, or --stack of bakewell local "
            f"({', '.join(stacks) or 'none is here'}), or create the file",
        )
    document = read_yaml(path, "stack config")
    document = {} if document is None else document
    config = document.get("config") if isinstance(document, dict) else document
    if config is not None and not isinstance(config, dict):
        remedy = f"write `config:` with lines `{NAMESPACE}<key>: value` below it"
        raise ConfigError("stack config is no mapping", file=path, remedy=remedy)
    written: dict[str, object] = {}
    for key, value in (config or {}).items():
        full = _full(key, project, path)
        if full in written:
            raise ConfigError(f"stack config: `{full}` is there twice", file=path, remedy="keep the one that is meant")
        written[full] = value
    name = project["name"] if isinstance(project.get("name"), str) else None
    settings = Settings.from_mapping(written, str(path), project=name)
    if declared := dict(_declared(project, root / PROJECT_FILE)):
        given = Settings.from_mapping(declared | written, str(root / PROJECT_FILE), project=name)
        check_agreement(given, settings, str(path))
    return settings


def check_agreement(given: Settings, written: Settings, file: str) -> None:
    """Refuse settings that Pulumi has from elsewhere: the commands that it runs read the stack's file and nothing else.

    Args:
        given: what Pulumi hands to the program, or would.
        written: what the stack's file says.
        file: that file.

    Raises:
        ConfigError: they differ.
    """
    differing = [f"{NAMESPACE}{key}" for key in Settings.model_fields if getattr(given, key) != getattr(written, key)]
    if differing:
        keys = ", ".join(differing)
        raise ConfigError(
            f"Pulumi has other values than this file for {keys}, and builds and commands read the file",
            file=file,
            remedy=f"set {keys} there (pulumi config set), and nowhere else: not in Pulumi.yaml, an environment or "
            "another config file",
        )


def read_project(root: Path) -> Mapping[str, Any]:
    """Pulumi.yaml; nothing where there is none. Raises ConfigError where it is no mapping."""
    path = root / PROJECT_FILE
    with looking(PROJECT_FILE, path):
        if not path.exists():
            return {}
    document = from_yaml(read_text(path, PROJECT_FILE), path, PROJECT_FILE)
    if not isinstance(document, dict):
        raise ConfigError(f"{PROJECT_FILE} is no mapping", file=path, remedy="write `name:`, `runtime:` and `config:`")
    return document


def _full(key: object, project: Mapping[str, Any], path: Path) -> str:
    """`<namespace>:<key>`. Pulumi takes `<namespace>:config:<key>` for it, and `<key>` in the project's own namespace.

    Raises:
        ConfigError: it is none of these.
    """
    parts = key.split(":") if isinstance(key, str) else []
    if len(parts) == 3 and parts[1] == "config":
        del parts[1]
    if len(parts) == 1 and isinstance(project.get("name"), str):
        parts.insert(0, project["name"])
    if len(parts) != 2 or not all(parts):
        raise ConfigError(
            f"stack config: `{key}` is no key that Pulumi and the commands both know",
            file=path,
            remedy=f"write {NAMESPACE}{parts[-1] if parts else key}, or remove it",
        )
    return ":".join(parts)


def _declared(project: Mapping[str, Any], path: Path) -> Iterator[tuple[str, object]]:
    """Each of our keys for which Pulumi.yaml has a value, and the value."""
    config = project.get("config")
    for key, said in config.items() if isinstance(config, dict) else ():
        if (full := _full(key, project, path)).startswith(NAMESPACE):
            for value in _value(said):
                yield full, value


def _value(said: Any) -> list[object]:
    """What a key of Pulumi.yaml is set to, by default or for good; nothing where it is only declared."""
    if not isinstance(said, Mapping) or not _DECLARATION & set(said):
        return [said]
    return [said[word] for word in ("value", "default") if word in said][:1]
