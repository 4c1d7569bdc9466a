"""A remedy names keys and commands that there are: whoever follows it is not refused by the next message."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from bakewell.catalog.spec import ImageFile
from bakewell.downloads import Download
from bakewell.image import Identity
from bakewell.settings import Settings
from tests.unit.commands import COMMANDS

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for room in ("bakewell", "components", "packer")
    for path in (ROOT / room).rglob("*")
    if path.suffix in (".py", ".sh", ".hcl") and path.is_file()
)
IMAGE_KEY = re.compile(r"`([a-z_]+)`(?: and `([a-z_]+)`)? (?:in|of) (?:an? |the )?image\.toml")
IMAGE_TABLE = re.compile(r"image\.toml \[([a-z_]+)\]|\[([a-z_]+)\](?:[^.\n]{0,30}) (?:in|of) (?:\S+ )?image\.toml")
SETTING = re.compile(r"bakewell:([a-z_]+(?:\.(?:[a-z_]+|<[a-z]+>|\{\}))*)")
DOWNLOAD_KEY = re.compile(
    r"`([a-z_0-9]+)`(?:, `([a-z_0-9]+)`)*(?: or `([a-z_0-9]+)`)? (?:in|of) the step's downloads\.toml"
)
COMMAND = re.compile(r"(?:run|with|first|again): bakewell ([a-z-]+)")
NESTED_KEY = re.compile(r"`(\[[a-z_]+\] [a-z_]+)`|(\[(?:boot|consul|compose|rebuild)\] [a-z_]+)")
TAGS = {"index", "ready", "revoked", "imported", "managed", "builder", "name", "lease", *Identity.__dataclass_fields__}
"""bakewell:<word> on images and machines in a cloud, and in the names of our components."""


def texts(path: Path) -> Iterator[str]:
    """Every text in a source file, `{}` in the place of what is filled in; a script whole, without its back-slashes."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield source.replace("\\\n", "").replace("\\", "")
        return
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


def named(pattern: re.Pattern[str]) -> set[tuple[str, str]]:
    """What the pattern finds in any text, with the file."""
    return {
        (str(path.relative_to(ROOT)), word)
        for path in SOURCES
        for text in texts(path)
        for match in pattern.finditer(" ".join(text.split()))
        for word in match.groups()
        if word
    }


def resolves(model: Any, keys: list[str]) -> bool:
    """Whether a path of keys leads somewhere in a model. A key of a mapping may be anything."""
    if not keys:
        return True
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = model.model_fields.get(keys[0])
        return field is not None and resolves(field.annotation, keys[1:])
    if get_origin(model) is dict:
        return resolves(get_args(model)[1], keys[1:])
    return any(resolves(one, keys) for one in get_args(model) if one is not type(None))


@pytest.mark.parametrize(
    ("pattern", "known", "some"),
    [
        (IMAGE_KEY, ImageFile.model_fields, {"memory_gb"}),
        (IMAGE_TABLE, {*ImageFile.model_fields, "variants"}, {"versions"}),
        (DOWNLOAD_KEY, Download.model_fields, set()),
        (COMMAND, COMMANDS, {"lock", "fmt", "build"}),
    ],
    ids=["keys of image.toml", "its tables", "keys of downloads.toml", "commands"],
)
def test_what_is_named_is_there(pattern: re.Pattern[str], known: Collection[str], some: set[str]) -> None:
    found = named(pattern)
    assert found and {word for _, word in found} >= some
    assert {(path, word) for path, word in found if word not in known} == set()


def test_keys_of_such_tables_are_in_its_model() -> None:
    found = {(path, key) for path, key in named(NESTED_KEY)}
    assert {key for _, key in found} >= {"[boot] peers", "[boot] health"}
    wrong = {(path, key) for path, key in found if not resolves(ImageFile, key.removeprefix("[").split("] "))}
    assert {(path, key) for path, key in wrong if not key.endswith((" or", " and", " in", " table"))} == set()


def test_settings_are_in_their_model() -> None:
    found = {(path, word) for path, word in named(SETTING) if word.partition(".")[0] not in TAGS - {"project"}}
    assert {word for _, word in found} >= {"max_context_mb", "ready_timeout"}
    assert {(path, word) for path, word in found if not resolves(Settings, word.split("."))} == set()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (IMAGE_KEY, "choose a larger `size` in image.toml"),
        (IMAGE_TABLE, "state another in image.toml [version]"),
        (SETTING, "set bakewell:machine.<role>.size"),
        (DOWNLOAD_KEY, "give it in `archs` of the step's downloads.toml"),
        (COMMAND, "run: bakewell loc"),
    ],
)
def test_a_wrong_one_would_be_seen(pattern: re.Pattern[str], text: str) -> None:
    match = pattern.search(text)
    assert match is not None
    word = next(filter(None, match.groups()))
    assert word not in {*ImageFile.model_fields, *Download.model_fields, *COMMANDS}
    assert not resolves(Settings, word.split("."))
