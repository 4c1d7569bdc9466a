"""The stock machine image: made once, cached, whole or not at all. The recipe here is a stand-in that is quick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from bakewell_local.sandbox.machines import MachineError, base_image, making

pytestmark = pytest.mark.engine


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A recipe of the test's own, with an empty cache; the real machine image stands in for a stock Debian."""
    stock = base_image.ensure(print)
    folder = tmp_path / "recipe"
    folder.mkdir()
    monkeypatch.setattr(base_image.Release, "stock", property(lambda release: tuple(stock.split(":"))))
    monkeypatch.setattr(base_image, "RECIPE", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    yield folder / "install.sh"
    with closing(docker.from_env()) as client:
        client.images.get(stock)
        if client.images.list(base_image.tag()):
            client.images.remove(base_image.tag(), force=True)


@pytest.fixture
def cache(recipe: Path, tmp_path: Path) -> Path:
    return tmp_path / "xdg" / "bakewell"


def left(cache: Path) -> list[str]:
    """What there is of the image and of its making: in the cache, and in the engine."""
    making = base_image._container(cache)
    images = [base_image.tag(), base_image._root_image(cache)]
    with closing(docker.from_env()) as client:
        in_docker = [name for name in images if client.images.list(name)]
        in_docker += [making for _ in client.containers.list(all=True, filters={"name": making})]
    kept = ("machine.lock", "mirror")  # the latter has the certificates
    return sorted(path.name for path in cache.iterdir() if path.name not in kept) + in_docker


def test_made_once_and_loaded_from_the_cache_afterwards(recipe: Path) -> None:
    recipe.write_text("echo making it; rm -rf /usr/share /usr/lib/python3* /usr/lib/systemd; touch /made\n")
    tag = base_image.ensure(print)
    with closing(docker.from_env()) as client:
        assert client.containers.run(tag, ["ls", "/made"], remove=True) == b"/made\n"
        assert client.images.get(tag).labels == {"bakewell": "machine"}
        client.images.remove(tag, force=True)

        said: list[str] = []
        assert base_image.ensure(said.append) == tag
        assert said == ["base machine image: loading it into Docker"]
        client.images.get(tag)
        said.clear()
        base_image.ensure(said.append)
        assert said == []


def test_another_recipe_is_another_image(recipe: Path) -> None:
    recipe.write_text("true\n")
    before = base_image.tag()
    recipe.write_text("false\n")
    assert base_image.tag() != before


def test_interrupted_while_it_writes_the_cache_leaves_nothing(recipe: Path, cache: Path) -> None:
    recipe.write_text("true\n")

    def interrupt(line: str) -> None:
        if "writing" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        base_image.ensure(interrupt)
    assert left(cache) == []


def test_what_a_killed_run_left_is_removed_by_the_next_which_shows_why_it_fails(recipe: Path, cache: Path) -> None:
    recipe.write_text("echo the mirror is away; exit 7\n")
    stock = ":".join(base_image.DEBIAN_12.stock)
    with closing(docker.from_env()) as client:
        client.containers.create(stock, detach=True, name=base_image._container(cache), labels=making.OURS)
        client.images.get(stock).tag(*base_image._root_image(cache).split(":"))
    cache.mkdir(parents=True)
    (cache / "building-machine.tar").write_bytes(b"half")
    assert len(left(cache)) == 3
    with pytest.raises(MachineError, match=r"install.sh failed \(7\):\nthe mirror is away"):
        base_image.ensure(print)
    assert left(cache) == []
