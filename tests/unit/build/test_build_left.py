"""A build is forgotten once nothing of it is left, and from its ready tag on nothing undoes its image."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from bakewell.build import orphans
from bakewell.build.build import build
from bakewell.build.stop import Stop
from bakewell.errors import BuildError, CloudError
from bakewell.image import READY
from tests.unit.build.conftest import Said, Site
from tests.waiting import until


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakewell.build.build._PATIENCE", 0.2)


def order(site: Site, effect: str, method: str, path: str, **more: object) -> None:
    site.served.api.post("/sandbox/faults", {"effect": effect, "method": method, "path": path, **more})


def forgotten(site: Site, said: Said) -> None:
    """Nothing is recorded any more once a command has looked and found nothing."""
    site.leaves()
    orphans.reap_own(site.cloud, site.environment.endpoint, "bakewell", site.state, said.append)
    assert site.runs() == []


@pytest.mark.parametrize(("path", "left"), [("/v2/droplets/[0-9]+", "droplets"), ("/v2/account/keys/.*", "keys")])
def test_what_could_not_be_deleted_goes_with_the_next_command(site: Site, said: Said, path: str, left: str) -> None:
    order(site, "status", "DELETE", path, status=401)
    result = build(site.job("base"), Stop(), said.append)
    assert result.action == "built"
    destroying = any("Error destroying droplet" in line for line in said)
    assert destroying is (left == "droplets"), "as the real Packer, which succeeds"
    assert any("tidying up is left to the next command" in line for line in said)
    assert site.runs() == [f"{result.run}.lock"]
    site.leaves(left)

    site.served.api.delete("/sandbox/faults")
    later: Said = []
    again = build(site.job("base"), Stop(), later.append)
    assert (again.action, again.id) == ("adopted", result.id), "its image stays"
    assert any(line.startswith(f"removing {'builder base-' if left == 'droplets' else 'key '}") for line in later)
    forgotten(site, said)


def test_a_builder_that_a_second_request_deletes_is_looked_for_once_more(site: Site, said: Said) -> None:
    order(site, "status", "DELETE", "/v2/droplets/[0-9]+", status=401, nth=1)
    result = build(site.job("base"), Stop(), said.append)
    assert any("is still there: deleting it" in line for line in said)
    assert site.runs() == [f"{result.run}.lock"], "that it was accepted is no proof that it happened"
    forgotten(site, said)


def test_a_lease_that_could_not_be_taken_off_goes_with_the_next_command(site: Site, said: Said) -> None:
    order(site, "status", "DELETE", "/v2/tags/bakewell:lease:[0-9]+/resources", status=403)
    result = build(site.job("base"), Stop(), said.append)
    site.served.api.delete("/sandbox/faults")
    left = site.cloud.images.get(result.id)
    assert left is not None and any(text.startswith("bakewell:lease:") for text in left.tags)
    build(site.job("base"), Stop(), said.append)
    image = site.cloud.images.get(result.id)
    assert image is not None and image.ready
    assert not [text for text in image.tags if text.startswith(("bakewell:lease", "bakewell:builder"))]
    forgotten(site, said)


def test_tidying_up_that_breaks_still_gives_the_image(site: Site, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise KeyError("created_at")

    monkeypatch.setattr("bakewell.build.build._Baking._builder", broken)
    result = build(site.job("base"), Stop(), said.append)
    assert result.action == "built" and site.runs() == [f"{result.run}.lock"]
    assert any("unexpected KeyError" in line for line in said)


def test_a_record_that_cannot_be_deleted_still_gives_the_image(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def read_only(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".lock" and path.parent.name == "runs":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", read_only)
    assert build(site.job("base"), Stop(), said.append).action == "built"


def test_records_that_cannot_be_read_do_not_keep_an_image_from_being_adopted(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(site.job("base"), Stop(), said.append)

    def broken(*_: object) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "runs")

    job = site.job("base")
    monkeypatch.setattr(Path, "glob", broken)
    again = build(job, Stop(), said.append)
    assert (again.action, again.id) == ("adopted", first.id)
    assert any("put off" in line and "Input/output error" in line for line in said)


@pytest.mark.parametrize("effect", ["drop_after", "status"])
def test_nothing_is_undone_from_the_ready_tag_on(site: Site, said: Said, effect: str) -> None:
    site.served.api.post("/v2/tags", {"name": READY})
    order(site, effect, "POST", f"/v2/tags/{READY}/resources", **({"status": 403} if effect == "status" else {}))
    with pytest.raises(CloudError):
        build(site.job("base"), Stop(), said.append)
    (left,) = site.cloud.images.of("bakewell")
    assert (READY in left.tags) == (effect == "drop_after")
    assert any("the next command adopts it or removes it" in line for line in said)
    site.served.api.delete("/sandbox/faults")
    again = build(site.job("base"), Stop(), said.append)
    assert (again.id == left.id) == (effect == "drop_after")
    until(lambda: [image.id for image in site.cloud.images.of("bakewell")], lambda ids: ids == [again.id])


def test_a_disk_that_is_full_while_staging_is_no_bad_input(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(descriptor: int, data: Any) -> int:
        if "/context/" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    site.write("images/base/files/motd", "hello\n")
    job = site.job("base")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(BuildError, match="staging base failed: No space left") as caught:
        build(job, Stop(), said.append)
    assert caught.value.exit_code == 4 and "free disk space" in caught.value.remedy
    site.leaves()
    assert site.runs() == []
