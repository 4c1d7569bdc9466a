"""A role's files as text: image.toml and deploy.py. Everything that they may hold, and its order, is here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakewell.migration.ledger import Finding
from bakewell.migration.role import Role, commented
from bakewell.migration.values import Plain

_KEYS = ("memory_gb", "cpus", "disk_gb", "arch")
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def files(role: Role) -> dict[str, bytes]:
    """The role's files: path below the project → content."""
    texts = {"image.toml": image_toml(role), "deploy.py": deploy(role)}
    written = {name: text.encode() for name, text in texts.items()}
    return {f"packer/images/{role.name}/{path}": content for path, content in (written | role.files).items()}


def image_toml(role: Role) -> str:
    """image.toml, with what is left to do as comments."""
    description = role.description or f"Imported from {role.template}"
    lines = [f"description = {toml(description)}"]
    lines.append(f"parent = {toml(role.parent)}" if role.parent else f"base = {toml(role.base)}")
    for key in _KEYS:
        if key in role.facts:
            lines.append(f"{key} = {toml(role.facts[key])}")
    lines += [line for finding in _unique(role.notes) for line in commented(finding.comment)]
    if role.versions:
        lines += ["", "[versions]"]
        for key, (version, purpose) in sorted(role.versions.items()):
            lines += [*commented(purpose), f"{_key(key)} = {toml(version)}"]
    if role.variables:
        lines += ["", "[variables]"]
        for key, (value, purpose) in sorted(role.variables.items()):
            missing = [*commented(purpose), f'# {key} = ""  # TODO the template has no default: give it a value']
            lines += missing if value is None else [*commented(purpose), f"{_key(key)} = {toml(value)}"]
    if role.secrets:
        lines += ["", "[secrets]"]
        lines += [f"{_key(key)} = {toml(purpose)}" for key, purpose in sorted(role.secrets.items())]
    return "\n".join(lines) + "\n"


def deploy(role: Role) -> str:
    """deploy.py, with what is left to do as comments."""
    body = "\n".join(role.lines)
    stores = [store for store in ("secrets", "variables", "versions") if re.search(rf"\b{store}\[", _code(role.lines))]
    said = f"{role.name}, imported from {role.template}. What is left to do says TODO."
    lines = [f'"""{said}"""', "", "from __future__ import annotations", ""]
    lines += [f"import {name}" for name in sorted(role.imports)] + ([""] if role.imports else [])
    lines += ["from pyinfra import host"] if stores else []
    if role.operations:
        lines.append(f"from pyinfra.operations import {', '.join(sorted(role.operations))}")
    lines += [f"from steps import {', '.join(steps(role))}"] if steps(role) else []
    lines += [] if lines[-1] == "" else [""]
    lines += [f"{store} = host.data.{store}" for store in stores] + ([""] if stores else [])
    return "\n".join([*lines, *([body] if body else [])]) + "\n"


def steps(role: Role) -> list[str]:
    """The steps that deploy.py imports."""
    return sorted(role.steps)


def toml(value: Plain) -> str:
    """A value in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    text = "".join(
        _TOML.get(
            char, char if char.isprintable() else f"\\u{ord(char):04x}" if ord(char) < 65536 else f"\\U{ord(char):08x}"
        )
        for char in str(value)
    )
    return f'"{text}"'


_TOML = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _key(key: str) -> str:
    return key if _BARE.match(key) else toml(key)


def _unique(notes: list[Finding]) -> Iterator[Finding]:
    yield from dict.fromkeys(notes)


def _code(lines: list[str]) -> str:
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))
