"""`bakewell eject`: copy shared files of the installed package into the project's packer/, to change them there."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from bakewell.cli.common import Debug, Json, Project, note, print_json
from bakewell.errors import ConfigError
from bakewell.reading import did_you_mean

if TYPE_CHECKING:
    from bakewell.catalog.layers import Layer

_LINES = 200  # of a difference that is shown


def command(
    names: Annotated[list[str], typer.Argument(help="Such as provision.py or steps/nginx.", metavar="FILE…")],
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Copy nothing: record that the project's own takes the package's into account."),
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Copy shared files, or whole steps, into packer/, where they take the package's place."""
    del debug
    from bakewell.catalog.ejected import digest, files, record, recorded_digests
    from bakewell.catalog.layers import Layers
    from bakewell.scaffold.writing import creating

    packer = Project.here().root / "packer"
    layers = Layers.of(packer)
    if layers.shared is None:
        raise ConfigError("this project has the shared files themselves", file=packer, remedy="edit them in packer/")
    digests = recorded_digests(packer)
    written: dict[str, bytes] = {}
    done: dict[str, str] = {}
    for name in dict.fromkeys(map(_name, names)):
        if name not in digests:
            _check(layers.shared, name)
        content, own = files(layers.shared, name), files(layers.project, name)
        if not (keep or content):
            raise _gone(layers.project, name, own=bool(own))
        if keep:
            done[name] = _kept(layers.project, name, there=bool(content), own=bool(own))
        else:
            _refuse_other(layers.project, own, content)
            written |= {path: text for path, text in content.items() if path not in own}
            done[name] = "is there already, as the package has it" if own else f"copied; files: {len(content)}"
        digests.pop(name, None)
        if content:
            digests[name] = digest(content)
    digests = {name: value for name, value in digests.items() if name in done or files(layers.project, name)}
    remedy = "make it writable, or move what is in the way; nothing was copied"
    with creating(packer, written, what="the shared files cannot be copied", remedy=remedy):
        record(packer, digests)
    for name, what in done.items():
        note(f"packer/{name}: {what}")
    if as_json:
        print_json(sorted(written))


def _name(text: str) -> str:
    """As a user may write it: "packer/provision.py", "steps/apt.py", "steps/nginx/"."""
    name = text.removeprefix("./").removeprefix("packer/").rstrip("/")
    return name.removesuffix(".py") if name.startswith("steps/") and not name.endswith("__init__.py") else name


def _check(shared: Layer, name: str) -> None:
    """Raise ConfigError for what is no shared file, or a part of a step."""
    from bakewell.catalog.ejected import names

    known = names(shared)
    if name in known:
        return
    step = "/".join(name.split("/")[:2])
    if step in known:
        raise ConfigError(
            f"{name} is a part of a step, which is taken as a whole", remedy=f"run: bakewell eject {step}"
        )
    folder = f"{name}/"
    if any(each.startswith(folder) for each in known):
        raise ConfigError(
            f"{name} is the folder of all steps, and each is taken by itself",
            remedy=f"name one of: {', '.join(each for each in known if each.startswith(folder))}",
        )
    raise ConfigError(
        f"the package has no shared file `{name}`{_meant(name, known)}",
        file=shared.folder,
        remedy=f"name one of: {', '.join(known)}",
    )


def _meant(name: str, known: list[str]) -> str:
    """As `did_you_mean`; also for a step without `steps/`, and a file without `.py`."""
    short = {each.removeprefix("steps/").partition(".")[0]: each for each in known}
    near = difflib.get_close_matches(name.removesuffix(".py"), short, n=1)
    return f" (did you mean `{short[near[0]]}`?)" if near else did_you_mean(name, known)


def _gone(project: Layer, name: str, *, own: bool) -> ConfigError:
    """The error for a copied file that the package has no more."""
    keep = f"bakewell eject --keep {name}"
    return ConfigError(
        f"{name} was copied from the package, which has it no more",
        file=project.folder / name,
        remedy=f"remove it; or, to keep it as the project's own: {keep}" if own else f"drop its record: {keep}",
    )


def _kept(project: Layer, name: str, *, there: bool, own: bool) -> str:
    """What --keep does about `name`, in words. `there`: whether the package still has it."""
    if not own and not there:
        return "neither the package nor the project has it; it is no longer recorded"
    if not own:
        raise ConfigError(
            f"the project has no {name} of its own",
            file=project.folder / name,
            remedy=f"copy it first: bakewell eject {name}",
        )
    if there:
        return "kept; the package's own is recorded as it is now"
    return "kept; the package has it no more, and it is no longer recorded"


def _refuse_other(project: Layer, own: dict[str, bytes], content: dict[str, bytes]) -> None:
    """Raise ConfigError for a file that differs, after showing how."""
    if not own or own == content:
        return
    differing = [path for path in sorted({*own, *content}) if own.get(path) != content.get(path)]
    for path in differing:
        _show(path, content.get(path), own.get(path))
    raise ConfigError(
        f"packer/{differing[0]} differs from the shared file, as shown above, and is not overwritten",
        file=project.folder / differing[0],
        remedy="move it away to have the package's, or keep it: bakewell eject --keep",
    )


def _show(path: str, shared: bytes | None, own: bytes | None) -> None:
    before, after = ((text or b"").decode("utf-8", "backslashreplace").splitlines() for text in (shared, own))
    lines = list(difflib.unified_diff(before, after, f"shared/{path}", f"packer/{path}", lineterm=""))
    more = [f"… {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    note("\n".join([*lines[:_LINES], *more]))
