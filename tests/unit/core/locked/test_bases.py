from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bakewell.bases import BaseEntry, Bases
from bakewell.downloads import Arch
from bakewell.errors import ConfigError

LOCK = """# Locked by hand first.

[debian-12.digitalocean]
image = "debian-12-x64"
name = "12 x64"  # as they call it
date = "2026-11-02"

[debian-12.aws]
image = "debian-12-amd64-*"
name = "debian-12-amd64-20261102-1"
date = "2026-11-02"
[debian-12.aws.ids]
us-east-1 = "ami-1"
eu-west-1 = "ami-2"
"""
NEW = BaseEntry(image="debian-12-x64", name="12.1 x64", date="2026-12-01", ids={"sfo3": "2", "nyc3": "1"})
DOWNLOADS = f"""
[downloads.consul."1.17.1"]
x86_64 = "{"1" * 64}"  # checked by hand
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "bases.lock"
    path.write_text(LOCK)
    return path


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Bases.load(path)
    assert caught.value.file == str(path)
    assert caught.value.remedy
    return caught.value


def test_an_id_is_used_where_ids_are_locked_and_the_slug_where_none_are(lock: Path) -> None:
    bases = Bases.load(lock)
    assert bases.resolve("debian-12", "aws", "eu-west-1") == "ami-2"
    assert bases.resolve("debian-12", "digitalocean", "nyc3") == "debian-12-x64"
    assert bases.entry("debian-12", "digitalocean").date == "2026-11-02"
    assert "debian-12" in bases
    assert "debian-13" not in bases


@pytest.mark.parametrize(
    ("name", "cloud", "region", "said"),
    [
        ("debain-12", "aws", "us-east-1", "did you mean `debian-12`"),
        ("debian-12", "azure", "x", "not locked for azure"),
        ("debian-12", "aws", "ap-south-1", "eu-west-1, us-east-1, but not for ap-south-1"),
    ],
)
def test_what_is_not_locked_is_refused(lock: Path, name: str, cloud: str, region: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Bases.load(lock).resolve(name, cloud, region)
    assert said in caught.value.what
    assert caught.value.remedy == f"run: bakewell lock {name}"


def test_a_base_that_is_found_by_search_is_nothing_to_start_from_without_an_id(lock: Path) -> None:
    lock.write_text("[debian-12.aws]\nimage = '136693071363/debian-12-amd64-*'\nname = 'x'\ndate = '2026-11-02'\n")
    bases = Bases.load(lock)
    assert bases.entry("debian-12", "aws").searched
    with pytest.raises(ConfigError, match="locked on aws for no region, but not for us-east-1") as caught:
        bases.resolve("debian-12", "aws", "us-east-1")
    assert caught.value.remedy == "run: bakewell lock debian-12"
    lock.write_text(lock.read_text() + "[debian-12.aws.ids]\nus-east-1 = 'ami-1'\n")
    assert Bases.load(lock).resolve("debian-12", "aws", "us-east-1") == "ami-1"


@pytest.mark.parametrize(
    ("image", "searched"),
    [("debian-12-x64", False), ("136693071363/debian-12-*", True), ("ssm:/aws/debian/12", True), ("ssm:debian", True)],
)
def test_a_slug_is_an_image_and_all_else_a_way_to_find_one(image: str, searched: bool) -> None:
    assert NEW.model_copy(update={"image": image}).searched is searched


def test_what_is_locked_for_a_cloud_is_found_or_nothing(lock: Path) -> None:
    found = Bases.load(lock).find("debian-12", "aws")
    assert found is not None and found.ids == {"us-east-1": "ami-1", "eu-west-1": "ami-2"}
    assert Bases.load(lock).find("debian-12", "azure") is Bases.load(lock).find("debian-13", "aws") is None


def test_no_file_locks_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none yet"):
        Bases.load(tmp_path / "bases.lock").entry("debian-12", "aws")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[debian-12.aws]\nimage = 'x'\nname = 'x'", "base debian-12.aws: key `date` is missing"),
        ("[debian-12.aws]\nimage = 'x'\nname = 'x'\ndate = 'monday'", "`date`"),
        (
            "[debian-12.aws]\nimage = 'x'\nname = 'x'\ndate = '2026-11-02'\nid = '3'",
            "unknown key `id` (did you mean `ids`?)",
        ),
        ("[debian-12.aws]\nimage = 'x'\nname = 'x'\ndate = '2026-11-02'\nids = { nyc3 = 3 }", "`ids.nyc3`"),
        ("debian-12 = 'x'", "`debian-12`"),
        ("[debian-12]\naws = 'x'", "`debian-12.aws`"),
        ("[Debian_12.aws]\nimage = 'x'\nname = 'x'\ndate = '2026-11-02'", "`Debian_12`"),
        ("[", "not TOML"),
        ("downloads = 3", "`downloads`"),
        ("[downloads.consul]\nx86_64 = 'x'", "`downloads.consul.x86_64`"),
        ("[downloads.consul.'1.17.1']\nx86_64 = 'ABC'", "`downloads.consul.1.17.1.x86_64`: should be a SHA-256"),
        (f"[downloads.consul.'1.17.1']\nx86_64 = '{'A' * 64}'", "64 hex digits in lower case"),
        (f"[downloads.consul.'1.17.1']\nriscv64 = '{'a' * 64}'", "'x86_64' or 'aarch64'"),
        (f"[downloads.consul.'1/7']\nx86_64 = '{'a' * 64}'", "`downloads.consul.1/7`"),
        (f"[downloads.Consul.'1.17.1']\nx86_64 = '{'a' * 64}'", "`downloads.Consul`"),
    ],
)
def test_a_bad_lock_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bases.lock"
    path.write_text(text)
    assert said in refused(path).what


def test_an_update_to_the_same_writes_nothing(lock: Path) -> None:
    bases = Bases.load(lock)
    assert not bases.update("digitalocean", "debian-12", bases.entry("debian-12", "digitalocean"))
    assert lock.read_text() == LOCK


def test_a_new_base_a_new_cloud_and_a_new_file(lock: Path, tmp_path: Path) -> None:
    Bases.load(lock).update("digitalocean", "ubuntu-24.04", NEW)
    assert Bases.load(lock).entry("ubuntu-24.04", "digitalocean") == NEW
    Bases.load(lock).update("azure", "debian-12", NEW)
    assert Bases.load(lock).entry("debian-12", "azure") == NEW
    fresh = tmp_path / "new.lock"
    Bases.load(fresh).update("digitalocean", "debian-12", NEW)
    assert Bases.load(fresh).entry("debian-12", "digitalocean") == NEW


def test_a_folder_that_takes_no_file_is_an_error_and_leaves_the_old_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        Bases.load(tmp_path / "missing" / "bases.lock").update("aws", "debian-12", NEW)


# Checksums of downloads.


def test_checksums_are_known_by_name_and_version(lock: Path) -> None:
    lock.write_text(LOCK + DOWNLOADS)
    bases = Bases.load(lock)
    assert bases.checksums("consul", "1.17.1") == {"x86_64": "1" * 64}
    assert bases.checksums("consul", "1.17.2") == bases.checksums("doctl", "1.17.1") == {}
    assert bases.versions("consul") == ["1.17.1"] and bases.versions("doctl") == []
    assert bases.resolve("debian-12", "aws", "eu-west-1") == "ami-2"
    assert "downloads" not in bases


@pytest.mark.parametrize("found", [{"x86_64": "1" * 64}, {}])
def test_locking_what_is_locked_writes_nothing(lock: Path, found: dict[Arch, str]) -> None:
    lock.write_text(LOCK + DOWNLOADS)
    assert not Bases.load(lock).update_download("consul", "1.17.1", found)
    assert lock.read_text() == LOCK + DOWNLOADS


def test_a_checksum_that_changed_is_not_overwritten(lock: Path) -> None:
    lock.write_text(LOCK + DOWNLOADS)
    with pytest.raises(ConfigError) as caught:
        Bases.load(lock).update_download("consul", "1.17.1", {"aarch64": "2" * 64, "x86_64": "3" * 64})
    assert "consul 1.17.1 for x86_64" in caught.value.what and caught.value.file == str(lock)
    assert 'remove `x86_64` below [downloads.consul."1.17.1"]' in caught.value.remedy
    assert lock.read_text() == LOCK + DOWNLOADS


def test_no_base_can_be_called_downloads(lock: Path) -> None:
    bases = Bases.load(lock)
    for attempt in (
        lambda: bases.entry("downloads", "digitalocean"),
        lambda: bases.update("digitalocean", "downloads", NEW),
    ):
        with pytest.raises(ConfigError, match="`downloads` can name no base"):
            attempt()
    assert lock.read_text() == LOCK


names = st.sampled_from(["consul", "consul-template", "doctl"])
versions = st.sampled_from(["1.17.1", "1.17.2", "2", "0.41.0-rc1"])
arches: st.SearchStrategy[Arch] = st.sampled_from(["x86_64", "aarch64"])
bases = st.tuples(st.sampled_from(["debian-12", "debian-13", "aws"]), st.sampled_from(["digitalocean", "aws"]))
entries = st.sampled_from([NEW, NEW.model_copy(update={"ids": {}})])
steps = st.lists(st.tuples(names, versions, arches) | st.tuples(bases, entries), max_size=8)


@given(steps)
@example([(("debian-12", "aws"), NEW), (("debian-12", "digitalocean"), NEW), ("doctl", "2", "x86_64")])
@example([(("debian-12", "aws"), NEW.model_copy(update={"ids": {}})), ("consul", "1.17.1", "aarch64")])
def test_in_whatever_order_things_are_locked_the_file_holds_them_all(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("lock") / "bases.lock"
    path.write_text(LOCK + DOWNLOADS)
    wanted = tomllib.loads(LOCK + DOWNLOADS)
    for step in steps:
        bases = Bases.load(path)
        if len(step) == 2:
            (name, cloud), entry = step
            bases.update(cloud, name, entry)
            wanted.setdefault(name, {})[cloud] = entry.model_dump(exclude_defaults=True)
            assert bases.entry(name, cloud) == Bases.load(path).entry(name, cloud) == entry
        else:
            name, version, arch = step
            digest = "1" * 64 if arch == "x86_64" else "2" * 64
            bases.update_download(name, version, {arch: digest})
            wanted["downloads"].setdefault(name, {}).setdefault(version, {})[arch] = digest
            assert bases.checksums(name, version) == wanted["downloads"][name][version]
        assert tomllib.loads(path.read_text()) == wanted
    text = path.read_text()
    assert text.startswith("# Locked by hand first.\n") and "# as they call" in text and "# checked by hand" in text
    assert sorted(path.parent.iterdir()) == [path]
