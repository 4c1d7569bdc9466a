"""`build` blocks: which roles each makes of its sources, and which provisioners each role has."""

from __future__ import annotations

from dataclasses import dataclass

from bakewell.migration.blocks.sources import CLOUDS, Use
from bakewell.migration.language.syntax import Attribute, Block, Listing
from bakewell.migration.language.template import Template
from bakewell.migration.ledger import Ledger
from bakewell.migration.values import Scope, plain, word


@dataclass(frozen=True, eq=False)
class Planned:
    """One role: sources of several clouds whose provisioners are the same."""

    template: Template
    build: Block
    uses: list[Use]
    provisioners: tuple[Block, ...]


def planned(template: Template, build: Block, ledger: Ledger) -> list[Planned]:
    """The roles that a build makes. What it does with other sources is reported."""
    ledger.translated(build, "packer/images/")
    uses = []
    for use in _uses(template, build, ledger):
        if use.type in CLOUDS and not _windows(use):
            uses.append(use)
        else:
            _refused(use, ledger)
    found: list[Planned] = []
    for use in uses:
        blocks = tuple(block for block in build.all("provisioner") if _applies(template, block, use))
        same = next((one for one in found if _joins(one, use, blocks)), None)
        if same is None:
            found.append(Planned(template, build, [use], blocks))
        else:
            same.uses.append(use)
    if not found:
        for below in build.blocks:
            ledger.todo(below, "no source of this build becomes a role: it stays with Packer")
    elif len(found) > 1 and (name := build.get("name")) is not None:
        ledger.translated(name, "the roles' names")
    for attribute in build.attributes:
        if attribute.name in ("name", "sources"):
            ledger.translated(attribute, "packer/images/")
        elif attribute.name == "description":
            ledger.translated(attribute, "image.toml: description")
    return found


def _joins(one: Planned, use: Use, blocks: tuple[Block, ...]) -> bool:
    return one.provisioners == blocks and use.type not in {there.type for there in one.uses}


def _uses(template: Template, build: Block, ledger: Ledger) -> list[Use]:
    """The sources of a build, by its list or by its own blocks."""
    found: list[Use] = []
    listed = build.get("sources")
    items = listed.value.items if listed and isinstance(listed.value, Listing) else ()
    if listed is not None and not isinstance(listed.value, Listing):
        ledger.todo(listed, "name the sources one by one in the template, and run the command again")
    for item in items:
        value = plain(Scope(template).resolve(item).value)
        name = word(value) if value is not None else item.source
        _add(template, name, None, found, listed, ledger)
    for block in build.all("source"):
        _add(template, block.labels[0] if block.labels else "", block, found, block, ledger)
    return found


def _add(
    template: Template,
    name: str,
    override: Block | None,
    found: list[Use],
    at: Attribute | Block | None,
    ledger: Ledger,
) -> None:
    type_, _, label = name.removeprefix("source.").partition(".")
    block = template.sources.get((type_, label))
    if block is not None:
        found.append(Use(type_, label, block, override))
    elif at is not None:
        remedy = "no file that was named has this source: name the file that has it as well"
        ledger.todo(at, remedy, what=f"source {name[:100]}")


def _applies(template: Template, block: Block, use: Use) -> bool:
    """Whether a provisioner runs on a source, by its `only` and `except`."""
    for name, wanted in (("only", True), ("except", False)):
        attribute = block.get(name)
        if attribute is not None:
            value = plain(Scope(template).resolve(attribute.value).value)
            named = {word(each) for each in value} if isinstance(value, list) else set()
            if bool(named & use.names) is not wanted:
                return False
    return True


def _windows(use: Use) -> bool:
    """Whether the machine is one of Windows."""
    communicator = use.get("communicator")
    if communicator is not None and "winrm" in communicator.value.source.lower():
        return True
    return any("windows" in attribute.value.source.lower() for attribute in _names(use))


def _names(use: Use) -> list[Attribute]:
    found = [use.get("source_ami"), use.get("image"), use.get("user_data_file")]
    for block in use.block.all("source_ami_filter"):
        found.append(block.get("filters"))
    return [attribute for attribute in found if attribute is not None]


def _refused(use: Use, ledger: Ledger) -> None:
    why = f"Bakewell builds on {', '.join(sorted(CLOUDS))}"
    if use.type in CLOUDS:
        why = "Bakewell makes no images of Windows"
    ledger.todo(use.block, f"{why}; this stays with Packer")
    if use.override is not None:
        ledger.todo(use.override, f"{why}; this stays with Packer")
