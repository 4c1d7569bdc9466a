"""`bakewell lock` and downloads: what is asked of vendors, what is written, and what never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakewell.bases import Bases
from tests.unit.cli.conftest import Bakewell
from tests.unit.vendor import Vendor

ONE, TWO = "1a" * 32, "2b" * 32
BASE = 'description = "base"\nbase = "debian-12"\nversions = { consul = "1.17.1" }\n'
WEB = 'description = "web"\nparent = "base"\n'


@pytest.fixture
def lock(bakewell: Bakewell, vendor: Vendor) -> Path:
    """bases.lock of a project whose base installs consul from `vendor`; web uses it."""
    bakewell.site.write("steps/consul/__init__.py", "")
    url = vendor.url + "/{version}"
    declared = f'[consul]\nurl = "{url}/linux_{{arch}}.zip"\nchecksums = "{url}/SHA256SUMS"\n'
    bakewell.site.write("steps/consul/downloads.toml", declared)
    for role in ("base", "web"):
        bakewell.site.write(f"images/{role}/deploy.py", "import steps.consul\n")
    bakewell.site.write("images/base/image.toml", BASE)
    bakewell.site.write("images/web/image.toml", WEB)
    vendor.pages["/1.17.1/SHA256SUMS"] = f"{ONE}  linux_amd64.zip\n{TWO}  linux_arm64.zip\n"
    return bakewell.site.root / "packer" / "bases.lock"


def test_bases_and_downloads_that_images_use_are_locked(bakewell: Bakewell, lock: Path) -> None:
    missing = bakewell("validate")
    assert missing.code == 2 and "step consul needs consul 1.17.1" in missing.err
    assert "remedy: run: bakewell lock consul" in missing.err and str(lock) in missing.err
    assert bakewell("lock", "--json").json == {"debian-12 on digitalocean": True, "consul 1.17.1": True}
    assert Bases.load(lock).checksums("consul", "1.17.1") == {"x86_64": ONE, "aarch64": TWO}
    assert bakewell("lock", "--json").json == {"debian-12 on digitalocean": False, "consul 1.17.1": False}
    assert bakewell("validate").code == 0
    assert "consul 1.17.1: aarch64, x86_64: unchanged" in bakewell("lock", "consul").err


def test_locking_a_download_needs_no_token_and_asks_no_cloud(
    bakewell: Bakewell, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    monkeypatch.delenv("DIGITALOCEAN_API_URL")
    before = lock.read_text()
    assert bakewell("lock", "consul", "--json").json == {"consul 1.17.1": True}
    assert lock.read_text().startswith(before)
    assert bakewell("lock").code == 2, "the base needs one"


def test_every_version_that_an_image_states_is_locked(bakewell: Bakewell, lock: Path, vendor: Vendor) -> None:
    bakewell.site.write("images/web/image.toml", WEB + 'versions = { consul = "1.18.0" }\n')
    vendor.pages["/1.18.0/SHA256SUMS"] = f"{TWO}  linux_amd64.zip\n"
    assert bakewell("lock", "consul", "--json").json == {"consul 1.17.1": True, "consul 1.18.0": True}
    assert Bases.load(lock).versions("consul") == ["1.17.1", "1.18.0"]


def test_checksums_of_the_local_mirror_are_never_locked(
    bakewell: Bakewell, lock: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mirror = tmp_path / "downloads.toml"
    mirror.write_text(f'[consul."1.17.1"]\nx86_64 = "{TWO}"\n')
    monkeypatch.setenv("BAKEWELL_DOWNLOADS", str(mirror))
    assert bakewell("validate").code == 0, "they count, though nothing is locked"
    every = bakewell("lock")
    assert every.code == 0 and "mirror stands in for vendors" in every.err and "not locked" in every.err
    named = bakewell("lock", "debian-12", "consul")
    assert named.code == 2 and "unset BAKEWELL_DOWNLOADS and run: bakewell lock consul" in named.err
    assert "downloads" not in lock.read_text() and vendor.asked == []


def test_a_mirror_is_for_the_local_cloud_only(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEWELL_DOWNLOADS", "downloads.toml")
    monkeypatch.delenv("DIGITALOCEAN_API_URL")
    done = bakewell("lock")
    assert done.code == 2 and "BAKEWELL_DOWNLOADS is set" in done.err and "remedy: unset" in done.err


def test_names_that_mean_nothing_are_refused(bakewell: Bakewell, lock: Path, vendor: Vendor) -> None:
    bakewell.site.write("images/base/image.toml", BASE.replace("versions", "variables"))
    unstated = bakewell("lock", "consul")
    assert unstated.code == 2 and "no image states a version of `consul`" in unstated.err
    assert "[versions]" in unstated.err and vendor.asked == []
    reserved = bakewell("lock", "downloads")
    assert reserved.code == 2 and "can name no base" in reserved.err
    for role in ("base", "web"):
        bakewell.site.write(f"images/{role}/deploy.py", "import steps.consul\n")
    bakewell.site.write("images/base/image.toml", BASE)
    assert bakewell("lock", "consul", "--image", "debian-12-x64").code == 2
