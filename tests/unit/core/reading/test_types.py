"""A value is taken by its own type only: what equals it (`true` and 1.0 equal 1) makes another fingerprint."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from bakewell.bases import BaseEntry
from bakewell.catalog.spec import ImageFile
from bakewell.downloads import Download
from bakewell.errors import ConfigError
from bakewell.reading import Model, checked
from bakewell.settings import Settings
from bakewell.user_data import UserData

IMAGE = {"description": "web", "base": "debian-12"}
NEEDED: dict[type[BaseModel], dict[str, Any]] = {
    ImageFile: IMAGE,
    Settings: {},
    BaseEntry: {"image": "x", "name": "x", "date": "2026-11-02"},
    Download: {"url": "https://x/{version}", "checksums": "https://x/{version}"},
    UserData: {"role": "web"},
}
ODD = [True, False, 1, 0, 1.0, 2.0, 4.5, float("nan"), float("inf"), "1", "true", "", b"1", None]
ODD += [datetime.date(2026, 11, 21), datetime.time(1), [], [True], [1.0], {}, {"web": True}, {"web": 1.0}]
ODD += [{"digitalocean": True}, {"port": True}, {"port": 80.0}, {"web": {"count": True}}, {"web": {"count": 1.0}}]
ODD += [{"encrypted": 1}, {"encrypted": "true"}, {"instances": {"web": {"count": True}}}, {"mode": True}]
ODD += [{"containers": {"web": {"port": 80.0}}}, {"a": 1.0}, {"a": datetime.date(2026, 11, 21)}, (1,), {"x": "x"}]


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def fields() -> Iterator[tuple[type[BaseModel], str]]:
    for model in NEEDED:
        for name in model.model_fields:
            yield model, name


def is_id(model: type[BaseModel], name: str) -> bool:
    """IDs and accounts may be whole numbers: `pulumi config set --path` writes them so."""
    return model is Settings and name in ("pins", "digitalocean", "aws")


@pytest.mark.parametrize(("model", "name"), list(fields()), ids=lambda one: getattr(one, "__name__", one))
def test_what_is_taken_is_what_was_written(model: type[BaseModel], name: str) -> None:
    for odd in ODD:
        try:
            made = checked(model, NEEDED[model] | {name: odd}, file="x", what="it")
        except ConfigError:
            continue
        dumped = [*leaves(made.model_dump(mode="python")[name])]
        assert not is_id(model, name) or float not in map(type, leaves(odd))
        for leaf in leaves(odd):
            assert is_id(model, name) or any(type(leaf) is type(one) and leaf == one for one in dumped), (odd, dumped)


@pytest.mark.parametrize("odd", [True, False, 1.0, 2.0, "1", None, [1], 3, 0])
def test_memory_is_a_whole_number_of_those_there_are(odd: object) -> None:
    with pytest.raises(ConfigError, match="memory_gb"):
        checked(ImageFile, IMAGE | {"memory_gb": odd}, file="x", what="it")


def test_config_as_text_is_still_taken_by_the_type_of_its_key() -> None:
    own = '{"droplets": {"web": {"count": 2}}}'
    settings = Settings.from_mapping({"keep": "4", "local": "false", "digitalocean": own}, "x")
    assert (settings.keep, settings.local, settings.digitalocean.droplets["web"].count) == (4, False, 2)
    for key, text in (("keep", "4.0"), ("keep", "٤"), ("keep", "04"), ("keep", " 4"), ("local", "True")):
        with pytest.raises(ConfigError, match=f"`{key}`"):
            Settings.from_mapping({key: text}, "x")


def test_threads_that_are_the_first_to_use_a_model_have_it_built_once() -> None:
    built: list[type[BaseModel]] = []

    class Slow(Model):
        name: str

        @classmethod
        def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
            built.append(source)
            time.sleep(0.1)  # lets the others come
            return handler(source)

    with ThreadPoolExecutor(4) as pool:
        assert [made.name for made in pool.map(lambda _: Slow.model_validate({"name": "web"}), range(4))] == ["web"] * 4
    assert len(built) == 1
