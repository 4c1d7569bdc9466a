"""The documents agree with the code: settings, commands, options, exit codes, outputs; and links lead somewhere.

What sentences say is not checked; examples are loaded, not run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from bakewell.catalog import Catalog
from bakewell.catalog.spec import ImageFile
from bakewell.errors import BakewellError
from bakewell.settings import NAMESPACE, AwsSettings, DropletSettings, FleetSettings, InstanceSettings, Settings
from bakewell.settings.builders import BuilderSettings
from bench.run import BEGIN, BENCHES, DOC, END
from pulumi_bakewell.stack.outputs import FleetOutput, ImageOutput, MachineOutput, StackOutputs
from tests.unit.commands import COMMANDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SKIPPED = {"node_modules", "__pycache__"}
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(?P<key>[^`]+)` \| .*? \| `(?P<default>[^`]+)` \|", re.MULTILINE)


def markdown() -> Iterator[Path]:
    """Every document of the project; hidden folders hold environments and state."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name[0] != "." and name not in SKIPPED]
        yield from (Path(folder) / name for name in files if name.endswith(".md"))


DOCUMENTS = sorted(markdown())


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    """The fragments that a document's headings answer to."""
    prose = _FENCE.sub("", path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def errors(kind: type[BakewellError] = BakewellError) -> Iterator[type[BakewellError]]:
    """The errors of `bakewell.errors`."""
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == "bakewell.errors":
            yield from errors(below)


def section(command: str) -> str:
    """What docs/commands.md says of one command."""
    _, found, rest = text("commands.md").partition(f"\n## bakewell {command}\n")
    assert found, f"docs/commands.md has no section `bakewell {command}`"
    return rest.partition("\n## ")[0]


def defaults() -> dict[str, object]:
    """Key to default, as docs/config.md's tables give them."""
    rows = _ROW.finditer(text("config.md"))
    return {row["key"]: json.loads(row["default"]) for row in rows if _is_json(row["default"])}


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def test_there_are_documents() -> None:
    assert {ROOT / "README.md", ROOT / "CONTRIBUTING.md", DOCS / "design.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(path: Path) -> None:
    for link in _LINK.finditer(_FENCE.sub("", path.read_text(encoding="utf-8"))):
        target, _, fragment = link["target"].partition("#")
        if "://" in target:
            continue
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), f"{link[0]}: there is no {file}"
        assert file.is_relative_to(ROOT), f"{link[0]} leaves the project"
        assert not fragment or fragment in anchors(file), f"{link[0]}: no such heading"


def test_every_setting_is_told_with_its_default() -> None:
    told = {key.removeprefix(NAMESPACE): value for key, value in defaults().items() if key.startswith(NAMESPACE)}
    named = {"project", "prefix"}  # after the project in Pulumi.yaml
    assert told == Settings().model_dump(mode="json", exclude=named)
    assert all(f"| `{NAMESPACE}{key}` | name | the name in Pulumi.yaml |" in text("config.md") for key in named)


@pytest.mark.parametrize(
    "kind",
    [DropletSettings, AwsSettings, InstanceSettings, FleetSettings],
    ids=lambda kind: kind.__name__,
)
def test_every_setting_of_a_machine_or_a_cloud_is_told_with_its_default(kind: type[BaseModel]) -> None:
    told = defaults()
    for key, value in kind().model_dump(mode="json").items():
        assert told[key] == value, key


def test_every_setting_of_builders_is_told_with_its_default() -> None:
    told = defaults()
    for cloud, settings in BuilderSettings().model_dump(mode="json").items():
        assert {key: told[f"{cloud}.{key}"] for key in settings} == settings


def fields(model: type[BaseModel]) -> list[str]:
    return sorted(model.model_fields)


@pytest.mark.parametrize("key", fields(ImageFile))
def test_every_key_of_image_toml_is_told(key: str) -> None:
    assert re.search(rf"^\| `(\[)?{key}\b", text("config.md"), re.MULTILINE)


def test_every_variable_of_the_environment_is_told() -> None:
    read = set(
        re.findall(r'environ\.get\("(\w+)"', (ROOT / "bakewell/settings/environment.py").read_text(encoding="utf-8"))
    )
    for variable in read - {"HOME"}:
        assert variable in text("config.md"), variable


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_told_with_its_options(command: str) -> None:
    usage = re.search(rf"^    bakewell {command}\b.*$", section(command), re.MULTILINE)
    assert usage is not None
    options = [option for option in COMMANDS[command].params if isinstance(option, click.Option) and not option.hidden]
    assert set(re.findall(r"--[a-z-]+", usage[0])) == {name for option in options for name in option.opts}


def test_no_command_is_told_that_there_is_not() -> None:
    assert set(re.findall(r"^## bakewell ([\w -]+)$", text("commands.md"), re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("error", list(errors()), ids=lambda error: error.__name__)
def test_every_exit_code_is_told(error: type[BakewellError]) -> None:
    rows = re.findall(rf"^\| {error.exit_code} \| (.*?) \|", text("commands.md"), re.MULTILINE)
    assert rows and f"`{error.__name__}`" in rows[0]


@pytest.mark.parametrize("field", sorted({*fields(ImageOutput), *fields(MachineOutput), *fields(FleetOutput)}))
def test_every_output_is_told(field: str) -> None:
    assert f"| `{field}` |" in text("outputs.md")
    assert f'"{field}"' in text("outputs.md")


@pytest.mark.parametrize("output", fields(StackOutputs))
def test_every_stack_output_is_in_the_shape(output: str) -> None:
    assert f'  "{output}": {{' in text("outputs.md")


def test_every_decision_is_in_the_index() -> None:
    index = text("adr/README.md")
    for path in (DOCS / "adr").glob("[0-9]*.md"):
        number, _, title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").partition(" ")
        assert path.name.startswith(f"{number}-")
        assert f"| [{number}]({path.name}) | {title} |" in index


def test_the_benches_have_their_place() -> None:
    said = DOC.read_text(encoding="utf-8")
    assert said.count(BEGIN) == said.count(END) == 1 and said.index(BEGIN) < said.index(END)
    assert all(f"`{name}`" in said for name in BENCHES)


def test_the_example_of_a_new_role_is_a_role(tmp_path: Path) -> None:
    packer = tmp_path / "packer"
    shutil.copytree(ROOT / "packer", packer, ignore=shutil.ignore_patterns("__pycache__"))
    said = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = re.findall(r"^    (packer/images/\S+)\n\n```\w+\n(.*?)^```", said, re.MULTILINE | re.DOTALL)
    assert [Path(name).name for name, _ in files] == ["image.toml", "deploy.py", "checks.py"]
    for name, content in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    role = Path(files[0][0]).parent.name
    assert Catalog.load(packer)[role].parent == "base"
