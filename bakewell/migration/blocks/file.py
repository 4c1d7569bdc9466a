"""`provisioner "file"`: `files.put` for a file, `files.sync` for a folder, from the role's files/."""

from __future__ import annotations

import re

from bakewell.migration.blocks.shell import path_of
from bakewell.migration.copying import Copied, NotCopied
from bakewell.migration.language.syntax import Attribute, Block
from bakewell.migration.masking import HIDDEN, leak
from bakewell.migration.role import Python, Raw, python
from bakewell.migration.values import Const, Items, Value, held, lost, plain, prefix, suffix
from bakewell.migration.working import Working

_FOLDERS = re.compile(
    r"(?:/|/tmp|/var/tmp|/opt|/etc|/srv|/root|/home/[^/]+|/usr/local(?:/s?bin)?|/var|/etc/[a-z.-]+\.d|/etc/systemd/system|~|\.)\Z"
)
"""Destinations that are folders on any machine, though no slash says so."""

_SETTLED = {
    "only": "the role has those provisioners alone that its sources have",
    "type": "its label",
    "timeout": "a build has one limit, `[build] timeout_minutes`",
}
_TODO = {
    "generated": "a build makes no files here: have something put the file into files/ before",
    "override": "make one role for each source",
    "max_retries": "leave it out: an upload is not tried again",
    "pause_before": "leave it out: there is nothing to wait for",
    "except": "make one role for each source",
}


def file(working: Working, block: Block) -> None:
    """Translate the block."""
    direction = block.get("direction")
    if direction is not None and "download" in direction.value.source:
        _download(working, block)
        return
    working.ledger.translated(block, "deploy.py")
    working.settle(block, "direction", "upload is what files.put does")
    done = {"source", "sources", "destination", "content", "direction"}
    working.rest(block, done, _SETTLED, _TODO)
    destination = _destination(working, block)
    if destination is None:
        return
    if (found := working.value(block, "content", "files/")) is not None:
        _content(working, *found, destination)
    for name in ("source", "sources"):
        if (found := working.value(block, name)) is not None:
            attribute, value = found
            for item in value.items if isinstance(value, Items) else (value,):
                _upload(working, attribute, item, destination)


def _download(working: Working, block: Block) -> None:
    """A file that the build brings back: beside its log, whatever the template says."""
    found = working.value(block, "source")
    where = plain(found[1]) if found else None
    if not isinstance(where, str):
        working.todo(block, 'say in deploy.py which file to bring back: fetch.file("/path")')
        return
    working.ledger.translated(block, "deploy.py")
    working.value(block, "direction")
    working.settle(block, "destination", "a build keeps the file beside its log")
    working.rest(block, {"source", "direction", "destination"}, _SETTLED, _TODO)
    working.role.steps.add("fetch")
    working.role.call("fetch.file", where if where.startswith("/") else f"/root/{where}")


def _destination(working: Working, block: Block) -> Value | None:
    found = working.value(block, "destination")
    if found is None:
        working.role.todo(working.ledger.todo(block, "say where the file goes, by files.put in deploy.py"))
        return None
    attribute, value = found
    if lost(value):
        working.left(attribute, value)
        _unread(working, block, "destination is left to do")
        return None
    return value


def _unread(working: Working, block: Block, why: str) -> None:
    for name in ("source", "sources", "content"):
        if (attribute := block.get(name)) is not None:
            working.role.todo(working.ledger.todo(attribute, f"write the files.put in deploy.py: {why}"))


def _content(working: Working, attribute: Attribute, value: Value, destination: Value) -> None:
    """A file that the template itself holds."""
    if lost(value):
        working.left(attribute, value)
        _unwritten(working, destination)
        return
    secret = any(part.store == "secrets" for part in held(value))
    if secret or (isinstance(value, Const) and any(leak(line) for line in str(value.value).splitlines())):
        remedy = "a secret would be in the image: have the machine fetch it when it starts"
        working.role.todo(working.ledger.todo(attribute, remedy, what=f"content: {HIDDEN}"))
        _unwritten(working, destination)
        return
    name = re.sub(r"[^\w.-]", "-", prefix(destination).rstrip("/").rpartition("/")[2]) or f"content-{attribute.at.line}"
    if isinstance(value, Const):
        path = working.role.copier.place(working.role.copier.folder / f"line {attribute.at.line}", f"files/{name}")
        working.role.add(Copied(path, str(value.value).encode(), False))
        _put(working, Raw(python(path)), destination, "", False)
        return
    working.role.imports.add("io")
    _put(working, Raw(f"io.StringIO({python(working.role.text(value))})"), destination, "", False)


def _unwritten(working: Working, destination: Value) -> None:
    """The call, without its content, as a comment."""
    working.role.comment(f"files.put(src=…, dest={python(_path(working, destination, ''))})")


def _upload(working: Working, attribute: Attribute, item: Value, destination: Value) -> None:
    name = path_of(working, attribute, item)
    if name is None:
        return
    try:
        source = working.role.copier.find(name)
        if source.is_dir():
            _folder(working, attribute, name, destination)
            return
        copied = working.role.copier.file(source, f"files/{source.name}")
    except NotCopied as error:
        working.not_copied(attribute, name, error)
        last = name.rstrip("/").rpartition("/")[2]
        where = python(_path(working, destination, "" if name.endswith("/") else last, folder=name.endswith("/")))
        verb = "sync" if name.endswith("/") else "put"
        working.role.comment(f'files.{verb}(src="files/{last}", dest={where})')
        return
    _put(working, Raw(python(working.role.add(copied))), destination, source.name, copied.executable)


def _put(working: Working, source: Python, destination: Value, name: str, executable: bool) -> None:
    working.role.operations.add("files")
    dest = _path(working, destination, name)
    working.role.call("files.put", src=source, dest=dest, mode="755" if executable else None)


def _folder(working: Working, attribute: Attribute, name: str, destination: Value) -> None:
    """A folder: with a slash at its end its contents, without it the folder itself."""
    source = working.role.copier.find(name)
    wanted = f"files/{source.name}" if source != working.role.copier.root else "files/all"
    below = working.role.copier.place(source, wanted)
    dest = _path(working, destination, "" if name.endswith("/") else source.name, folder=True)
    executable = []
    count = 0
    for copied in working.role.copier.tree(source, below):
        if isinstance(copied, Copied):
            count += 1
            path = working.role.add(copied)
            executable += [path] if copied.executable else []
        else:
            working.not_copied(attribute, f"{name.rstrip('/')}/{copied[0]}", copied[1])
    if count == 0:
        working.role.todo(
            working.ledger.todo(
                attribute, "make the folder with files.directory", what=f"{attribute.name}: {name[:200]} holds no file"
            )
        )
        return
    working.role.operations.add("files")
    working.role.call("files.sync", src=below, dest=dest)
    for path in executable:
        inner = path.removeprefix(f"{below}/")
        put = f"{dest}/{inner}" if isinstance(dest, str) else Raw(f"{python(dest)} + {python('/' + inner)}")
        working.role.call("files.put", src=path, dest=put, mode="755")


def _path(working: Working, destination: Value, name: str, *, folder: bool = False) -> Python:
    """Where a file goes: what is relative is so to the user's home, which is root's here."""
    found = working.role.text(destination)
    if not isinstance(found, str):
        ends = suffix(destination).endswith("/")
        return Raw(f"{python(found)} + {python(name)}") if ends and name else found
    if found.startswith("~/"):
        found = found[2:]
    if folder:
        found = f"{found.rstrip('/')}/{name}".rstrip("/") or "/"
    elif name and (found.endswith("/") or _FOLDERS.match(found)):
        found = f"{found.rstrip('/')}/{name}"
    found = found.removeprefix("./")
    return found if found.startswith("/") else f"/root/{'' if found in ('~', '.') else found}".rstrip("/")
