"""A build's provisioners in their order, and what a build does after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bakewell.migration.blocks.ansible import ansible
from bakewell.migration.blocks.file import file
from bakewell.migration.blocks.shell import shell
from bakewell.migration.language.syntax import Block
from bakewell.migration.values import plain
from bakewell.migration.working import Working

_KNOWN: Mapping[str, Callable[[Working, Block], None]] = {
    "shell": shell,
    "file": file,
    "ansible": ansible,
    "ansible-local": ansible,
}
_OTHERS: Mapping[str, str] = {
    "shell-local": "do it before `bakewell build`: a build runs nothing on this host",
    "powershell": "Bakewell makes no images of Windows",
    "windows-shell": "Bakewell makes no images of Windows",
    "windows-restart": "Bakewell makes no images of Windows",
    "sleep": "leave it out: there is nothing to wait for",
    "inspec": "write what it tests as checks.py",
    "goss": "write what it tests as checks.py",
}
_LAST: Mapping[str, str] = {
    "manifest": "`bakewell list` and the stack's outputs have the images",
}
_LAST_TODO = "do it after `bakewell build`, or leave it out: `bakewell list --json` has the images"


def provision(working: Working, block: Block) -> None:
    """One provisioner, as lines of deploy.py."""
    kind = block.labels[0] if block.labels else "?"
    if kind == "breakpoint":
        working.ledger.settled(block, "`packer build -on-error=ask` stops where something fails")
        return
    working.role.comment(f"{block.at}: {block.title}")
    translate = _KNOWN.get(kind)
    if translate is not None:
        translate(working, block)
        return
    remedy = _OTHERS.get(kind, "write it with PyInfra's operations, or as a script for `script.run`")
    working.todo(block, remedy)


def after(working: Working, build: Block) -> None:
    """What else a build has: it stands at the end of deploy.py."""
    flat = [
        inner for block in build.blocks for inner in (block.blocks if block.kind == "post-processors" else (block,))
    ]
    for block in build.all("post-processors"):
        working.ledger.translated(block, "deploy.py")
    for block in flat:
        if block.kind in ("provisioner", "source"):
            continue
        kind = block.labels[0] if block.labels else ""
        if block.kind == "post-processor" and kind in _LAST:
            working.ledger.settled(block, _LAST[kind])
        elif block.kind == "error-cleanup-provisioner":
            working.todo(block, "leave it out: a builder whose build failed is deleted")
        elif block.kind == "hcp_packer_registry":
            working.todo(block, "leave it out: tags of images say what they are")
        elif block.kind == "dynamic":
            working.todo(block, "write a loop over its values in deploy.py")
        else:
            working.todo(block, _LAST_TODO if block.kind == "post-processor" else "see docs/from-packer.md")
    description = build.get("description") or working.scope.template.document.root.get("description")
    if description is not None and not working.role.description:
        found = plain(working.scope.resolve(description.value).value)
        working.role.description = found if isinstance(found, str) else ""
