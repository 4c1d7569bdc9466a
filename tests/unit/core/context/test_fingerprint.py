from __future__ import annotations

import functools
import os
import random
import shutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bakewell.bases import BaseEntry, Bases
from bakewell.catalog import Catalog
from bakewell.context.frames import Frames
from bakewell.context.pointers import pointer
from bakewell.errors import ConfigError
from bakewell.fingerprint import Fingerprint, fingerprints, period
from tests.unit.core.conftest import Tree

Files = dict[str, bytes]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILES = "images/web/files"

names = st.from_regex(r"[a-z]{1,5}\.txt", fullmatch=True)
contents = st.binary(max_size=40).filter(lambda data: b"PRIVATE" not in data and pointer(data) is None)
folders = st.dictionaries(names, contents, min_size=1, max_size=5)


def prints(packer: Path, now: datetime = NOW, cloud: str = "digitalocean") -> dict[str, Fingerprint]:
    return fingerprints(Catalog.load(packer), cloud, Bases.load(packer / "bases.lock"), now=now)


def values(packer: Path, now: datetime = NOW, cloud: str = "digitalocean") -> dict[str, str]:
    return {role: fingerprint.value for role, fingerprint in prints(packer, now, cloud).items()}


def web(packer: Path) -> str:
    return values(packer)["web"]


def with_files(tree: Tree, files: Files) -> str:
    """The fingerprint of web where these are all its files/."""
    packer = once(tree)
    shutil.rmtree(packer / FILES)
    for name, content in files.items():
        path = packer / FILES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return web(packer)


once = functools.cache(lambda tree: tree())


def changed(before: Path, after: Path, cloud: str = "digitalocean") -> set[str]:
    """Roles whose fingerprint differs."""
    old, new = values(before, cloud=cloud), values(after, cloud=cloud)
    return {role for role in old if old[role] != new.get(role)}


def test_every_role_has_one_parents_first(tree: Tree) -> None:
    found = prints(tree())
    assert list(found) == ["base", "api", "web"]
    assert found["base"].parent is None
    assert found["web"].parent == found["base"].value
    assert len({f.value for f in found.values()}) == 3
    assert all(len(f.value) == 64 for f in found.values())


def test_only_what_is_asked_for_and_its_ancestors_is_read(tree: Tree) -> None:
    packer = tree()
    catalog, bases = Catalog.load(packer), Bases.load(packer / "bases.lock")
    some = fingerprints(catalog, "digitalocean", bases, now=NOW, roles=["web"])
    assert list(some) == ["base", "web"]
    assert some["web"] == prints(packer)["web"]
    (packer / "images/api/server.pem").touch()
    assert fingerprints(catalog, "digitalocean", bases, now=NOW, roles=["web"]) == some
    with pytest.raises(ConfigError):
        fingerprints(catalog, "digitalocean", bases, now=NOW)


# What matters.


@given(folders, names, contents)
def test_content_matters(tree: Tree, files: Files, name: str, content: bytes) -> None:
    assume(files.get(name) != content)
    assert with_files(tree, files) != with_files(tree, {**files, name: content})


@given(folders, names)
def test_renaming_matters(tree: Tree, files: Files, name: str) -> None:
    assume(name not in files)
    old = min(files)
    renamed = {**{key: value for key, value in files.items() if key != old}, name: files[old]}
    assert with_files(tree, files) != with_files(tree, renamed)


@given(st.binary(min_size=1, max_size=30).filter(lambda data: b"P" not in data), st.data())
def test_content_moved_from_one_file_to_the_next_matters(tree: Tree, content: bytes, data: st.DataObject) -> None:
    one, two = sorted((data.draw(st.integers(0, len(content))), data.draw(st.integers(0, len(content)))))
    assume(one != two)
    first, second = ({"a.txt": content[:cut], "b.txt": content[cut:]} for cut in (one, two))
    assert with_files(tree, first) != with_files(tree, second)


@given(folders)
def test_which_folder_a_file_is_in_matters(tree: Tree, files: Files) -> None:
    moved = {f"sub/{name}": content for name, content in files.items()}
    assert with_files(tree, files) != with_files(tree, moved)


records = st.lists(st.lists(st.text(max_size=6), max_size=4), max_size=4)


@given(records, records)
def test_different_lists_never_run_together(one: list[list[str]], two: list[list[str]]) -> None:
    assume(one != two)
    first, second = Frames(), Frames()
    for fields in one:
        first.add(*fields)
    for fields in two:
        second.add(*fields)
    assert first.hexdigest() != second.hexdigest()


@pytest.mark.parametrize(
    ("path", "content", "roles"),
    [
        ("images/web/files/index.html", "<p>bye\n", {"web"}),
        ("images/web/checks.py", "\n", {"web"}),
        ("images/web/extra.pkr.hcl", "", {"web"}),
        ("images/web/deploy.py", "from steps.seal import seal\n", {"web"}),
        ("before.py", "\n", {"base", "web", "api"}),
        ("images/api/after.py", "\n", {"api"}),
        ("steps/nginx.py", "\n", {"web"}),
        ("steps/seal.py", "\n", {"base", "web", "api"}),
        ("steps/__init__.py", "\n", {"base", "web", "api"}),
        ("build.pkr.hcl", "build {}\n", {"base", "web", "api"}),
        ("images/base/deploy.py", "\n", {"base", "web", "api"}),
        ("images/api/files/x", "x", {"api"}),
    ],
)
def test_a_change_touches_the_images_that_see_it_and_what_is_built_on_them(
    tree: Tree, path: str, content: str, roles: set[str]
) -> None:
    assert changed(tree(), tree({path: content})) == roles


@pytest.mark.parametrize(
    ("file", "old", "new", "shown"),
    [
        ("bases.lock", '"debian-12-x64"', '"debian-12-x64-v2"', ""),
        ("bases.lock", '"12 x64"', '"12.1 x64"', ""),
        ("bases.lock", "2026-11-02", "2026-12-02", ""),
        ("packer.pkr.hcl", "1.15.0", "1.15.1", "(packer)"),
        ("digitalocean.pkr.hcl", "1.4.1", "1.4.2", "(plugin digitalocean)"),
        ("requirements.txt", "pyinfra==", "pyinfra==9", "requirements.txt"),
        ("requirements.txt", "pytest-testinfra==", "pytest-testinfra==9", "requirements.txt"),
    ],
)
def test_another_base_packer_plugin_or_package_rebuilds_everything(
    tree: Tree, file: str, old: str, new: str, shown: str
) -> None:
    before = tree()
    after = tree({file: (before / file).read_text().replace(old, new)})
    assert changed(before, after) == {"base", "web", "api"}
    role = "base" if file == "bases.lock" else "web"
    digests = prints(after)[role].digests
    differ = {key for key, value in prints(before)[role].digests.items() if digests[key] != value}
    assert any(key.startswith(shown) for key in differ) and (role == "base" or file in differ)


def test_the_cloud_and_the_role_matter(tree: Tree) -> None:
    packer = tree()
    catalog = Catalog.load(packer)
    entry = BaseEntry(image="debian-12-x64", name="12 x64", date="2026-11-02")
    bases = Bases(packer / "bases.lock", {"debian-12": {"digitalocean": entry, "aws": entry}})
    one, two = (fingerprints(catalog, cloud, bases, now=NOW) for cloud in ("digitalocean", "aws"))
    assert all(one[role].value != two[role].value for role in catalog.roles)
    twin = tree({f"images/twin/{f.name}": f.read_bytes() for f in (packer / "images/api").iterdir()})
    assert prints(twin)["twin"].value != prints(twin)["api"].value


CLOUDS = ("digitalocean", "aws")


@pytest.mark.parametrize(("cloud", "other"), [CLOUDS, CLOUDS[::-1]])
def test_a_clouds_template_and_base_rebuild_its_own_images_and_no_other_clouds(
    tree: Tree, cloud: str, other: str
) -> None:
    before, every = tree(), {"base", "web", "api"}
    template = {f"{cloud}.pkr.hcl": (before / f"{cloud}.pkr.hcl").read_text() + "# changed\n"}
    lock = (before / "bases.lock").read_text()
    names = {"digitalocean": '"12 x64"', "aws": '"debian-12-amd64-20261102-1"'}
    moved = {"bases.lock": lock.replace(names[cloud], '"a newer one"')}
    for after in (tree(template), tree(moved)):
        assert changed(before, after, cloud) == every
        assert changed(before, after, other) == set()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_more_memory_for_the_build_is_more_on_every_cloud(tree: Tree, cloud: str) -> None:
    toml = 'description = "api"\nparent = "base"\nmemory_gb = 4\n'
    assert changed(tree(), tree({"images/api/image.toml": toml}), cloud) == {"api"}


# What does not.


def test_the_place_the_clock_modes_empty_folders_and_the_order_of_discovery_do_not_matter(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packer = tree({f"{FILES}/{n}.txt": str(n) for n in range(20)})
    expected = values(packer)
    copy = tmp_path / "another" / "place" / "packer"
    shutil.copytree(packer, copy)
    (copy / FILES / "empty").mkdir()
    for mode in (0o600, 0o777):
        for path in sorted(copy.rglob("*")):
            path.chmod(0o700 if path.is_dir() else mode)
            os.utime(path, (1, 1))
        assert values(copy) == expected
    real, shuffle = os.scandir, random.Random(7)

    class Shuffled:
        def __init__(self, path: str) -> None:
            with real(path) as entries:
                self.entries = list(entries)
            shuffle.shuffle(self.entries)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self) -> object:
            return iter(self.entries)

    monkeypatch.setattr(os, "scandir", Shuffled)
    for _ in range(5):
        assert values(copy) == expected
    monkeypatch.chdir(copy.parent)
    assert values(Path("packer")) == expected


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "images/README.md",
        "images/web/README.md",
        "steps/README.md",
        "steps/unused.py",
        "steps/docker/repository.py",
        "scripts/x.sh",
        "images/web/__pycache__/deploy.cpython-311.pyc",
        "images/web/.deploy.py.swp",
        "../Pulumi.dev.yaml",
    ],
)
def test_what_no_build_sees_does_not_matter(tree: Tree, path: str) -> None:
    assert changed(tree(), tree({path: "something else\n"})) == set()


@pytest.mark.parametrize(
    "toml",
    [
        '# a comment\n\nparent   = "base"\ndescription = "web"\n',
        'description = "another text"\nparent = "base"\n',
    ],
)
def test_what_image_toml_says_matters_and_not_how(tree: Tree, toml: str) -> None:
    assert changed(tree(), tree({"images/web/image.toml": toml})) == set()


def test_another_region_does_not_matter(tree: Tree) -> None:
    before = tree()
    ids = '[debian-12.digitalocean.ids]\nnyc3 = "1"\nsfo3 = "2"\n'
    assert changed(before, tree({"bases.lock": (before / "bases.lock").read_text() + ids})) == set()


def test_no_absolute_path_is_in_it(tree: Tree) -> None:
    packer = tree()
    assert not any(str(packer) in key + value for f in prints(packer).values() for key, value in f.digests.items())


# Rebuild windows.


@pytest.mark.parametrize(
    ("window", "moment", "expected"),
    [
        ("never", NOW, None),
        ("monthly", NOW, "2026-11"),
        ("weekly", NOW, "2026-W47"),
        ("weekly", datetime(2027, 1, 1, tzinfo=UTC), "2026-W53"),
        ("monthly", datetime(2026, 12, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-11"),
    ],
)
def test_periods_are_calendar_months_and_iso_weeks_in_utc(window: str, moment: datetime, expected: str | None) -> None:
    assert period(window, moment) == expected


def test_a_moment_without_a_time_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="time zone"):
        period("monthly", datetime(2026, 11, 1))


def test_a_new_period_rebuilds_the_image_and_what_is_built_on_it(tree: Tree) -> None:
    toml = 'description = "base"\nbase = "debian-12"\nrebuild = { window = "monthly" }\n'
    packer = tree({"images/base/image.toml": toml})
    november, later = values(packer, NOW), values(packer, NOW + timedelta(days=9))
    assert later == november
    december = values(packer, NOW + timedelta(days=10))
    assert all(december[role] != november[role] for role in november)
    assert prints(packer)["base"].digests["(window)"] == "2026-11"
    assert values(tree(), NOW) == values(tree(), NOW + timedelta(days=400))


def test_the_diff_names_the_parent_when_that_is_what_changed(tree: Tree) -> None:
    before, after = prints(tree())["web"], prints(tree({"images/base/checks.py": "\n"}))["web"]
    assert {key for key in after.digests if after.digests[key] != before.digests.get(key)} == {"(parent base)"}


def test_another_encryption_is_another_image_and_the_usual_one_is_not(tree: Tree) -> None:
    packer = tree()
    catalog, bases = Catalog.load(packer), Bases.load(packer / "bases.lock")
    usual, none, key = (
        fingerprints(catalog, "aws", bases, now=NOW, encryption=encryption)
        for encryption in ("", "none", "alias/images")
    )
    assert usual == fingerprints(catalog, "aws", bases, now=NOW)
    assert all(len({usual[role].value, none[role].value, key[role].value}) == 3 for role in catalog.roles)
    assert key["web"].digests["(encryption)"] == "alias/images" and "(encryption)" not in usual["web"].digests


def test_the_value_of_a_known_tree_stays(tree: Tree) -> None:
    """A change of this value rebuilds every image of every user: raise FORMAT, and say so in the changelog."""
    assert web(tree()) == "83c49c316e53348cc78cb054837ca6832d069cc1829d186eead7df25d5fee997"
