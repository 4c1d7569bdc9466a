from __future__ import annotations

from pathlib import Path

import pytest

from bakewell.bases import BaseEntry, Bases
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
    ],
)
def test_a_bad_lock_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bases.lock"
    path.write_text(text)
    assert said in refused(path).what


def test_an_update_moves_one_entry_and_keeps_the_rest_and_the_comments(lock: Path) -> None:
    bases = Bases.load(lock)
    assert bases.update("digitalocean", "debian-12", NEW)
    assert bases.entry("debian-12", "digitalocean") == NEW
    again = Bases.load(lock)
    assert again.entry("debian-12", "digitalocean") == NEW
    assert again.resolve("debian-12", "aws", "us-east-1") == "ami-1"
    text = lock.read_text()
    assert text.startswith("# Locked by hand first.\n")
    assert "# as they call it" in text
    assert sorted(lock.parent.iterdir()) == [lock]


def test_an_update_to_the_same_writes_nothing(lock: Path) -> None:
    bases = Bases.load(lock)
    assert not bases.update("digitalocean", "debian-12", bases.entry("debian-12", "digitalocean"))
    assert lock.read_text() == LOCK


def test_ids_that_are_gone_go(lock: Path) -> None:
    bases = Bases.load(lock)
    bases.update("aws", "debian-12", NEW)
    assert Bases.load(lock).entry("debian-12", "aws").ids == {"nyc3": "1", "sfo3": "2"}
    bases.update("aws", "debian-12", NEW.model_copy(update={"ids": {}}))
    assert "ids" not in lock.read_text()


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
