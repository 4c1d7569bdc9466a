"""The main job on the real images: baked in order, booted, answering; then adopted by a second clone."""

from __future__ import annotations

import os

import httpx
import pytest

from tests.e2e.cloud import CloudView
from tests.e2e.conftest import MakeWorkspace
from tests.e2e.workspace import EVERY_ROLE
from tests.waiting import until

NOBODY = 65534


@pytest.fixture
def project() -> str:
    """Not its own: the tests that come after it adopt what it bakes."""
    return EVERY_ROLE


def answer(url: str) -> httpx.Response:
    """The first answer at `url`."""

    def got() -> httpx.Response | None:
        try:
            return httpx.get(url, timeout=10)
        except httpx.TransportError:
            return None

    found = until(got, lambda answer: answer is not None, url)
    assert found is not None
    return found


def summary(log: str, role: str) -> list[str]:
    """The words of the role's line in the summary at the end of `up`: role, what was done, seconds, ID."""
    lines = [line.split() for line in log.splitlines()]
    return next(
        words for words in reversed(lines) if words[:1] == [role] and set(words) & {"built", "adopted", "unchanged"}
    )


def test_images_are_baked_booted_and_adopted(clone: MakeWorkspace, cloud: CloudView, project: str) -> None:
    first = clone(real_images=True)
    first.init()

    shown = first.preview_text()
    assert "base" in shown and "digitalocean-web-1" in shown

    done = first.up()
    log = done.stdout + done.stderr
    # Live progress: Packer's lines, each prefixed by its image, and the summary at the end.
    for role in ("base", "web", "api"):
        assert f"{role} | " in log
        assert summary(log, role)[1] == "built", log

    outputs = first.outputs()
    runs = first.images()
    assert set(runs) == {"base", "web", "api"}
    assert runs["web"]["parent"] == runs["api"]["parent"] == runs["base"]["run"]
    assert runs["base"]["parent"] is None

    machines = outputs["machines"]
    assert {machine["role"] for machine in machines.values()} == {"web", "api"}
    for machine in machines.values():
        page = answer(machine["url"])
        assert page.status_code == 200
    web = next(machine for machine in machines.values() if machine["role"] == "web")
    assert runs["web"]["name"] in answer(web["url"]).text

    # What was needed only to build is gone; what was built says so.
    assert cloud.builders_left(project) == []
    assert cloud.build_keys() == []
    assert len(cloud.ready(project)) == 3
    assert not [tag for tag in cloud.tags() if tag.startswith("bakewell:lease:")]

    preview = first.preview()
    assert preview.quiet, preview.ops

    # Secrets stay out of everything that is written.
    token = first.env["DIGITALOCEAN_TOKEN"]
    written = [first.root.parent / f"{first.root.name}-{kind}" for kind in ("stacks", "builds")]
    for folder in (first.root, *written):
        for path in folder.rglob("*"):
            if path.is_file():
                assert token.encode() not in path.read_bytes(), path
    assert token not in log and "PRIVATE KEY" not in log

    _adopts(clone, cloud, project, runs)


def _adopts(clone: MakeWorkspace, cloud: CloudView, project: str, runs: dict[str, dict[str, object]]) -> None:
    """Another clone in another folder, checked out under another umask."""
    before = os.umask(0o077)
    try:
        second = clone("elsewhere/deeper/second", real_images=True)
    finally:
        os.umask(before)
    second.configure(digitalocean={})
    second.init()
    snapshots = {snapshot["id"] for snapshot in cloud.snapshots(project)}
    log = second.up().stdout
    assert {s["id"] for s in cloud.snapshots(project)} == snapshots, "it built what was there already"
    for role, image in runs.items():
        adopted = second.image(role)
        assert (adopted["ids"], adopted["fingerprint"]) == (image["ids"], image["fingerprint"])
        assert summary(log, role)[1] == "adopted", log
    assert second.preview().quiet


def test_another_user_finds_the_same_fingerprints(clone: MakeWorkspace) -> None:
    mine = clone("mine", real_images=True)
    theirs = clone("theirs", real_images=True)
    code = (
        "from datetime import UTC, datetime; from pathlib import Path; import os;"
        "from bakewell.bases import Bases; from bakewell.catalog import Catalog;"
        "from bakewell.fingerprint import fingerprints; from bakewell.settings import Environment;"
        "packer = Path('packer');"
        "bases = Bases.load(packer / 'bases.lock', Environment.read(os.environ).downloads);"
        "found = fingerprints(Catalog.load(packer), 'digitalocean', bases,"
        " now=datetime(2026, 11, 21, tzinfo=UTC));"
        "print(os.geteuid(), {role: one.value for role, one in found.items()})"
    )
    as_another: tuple[str, ...]
    if os.geteuid() == 0:
        for path in (theirs.root, *theirs.root.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        # The capability only opens the way to the interpreter and the clone, which lie below folders of root's.
        reach = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        as_another = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *reach)
    else:
        as_another = ("unshare", "--map-root-user")
    ours = mine.run("python", "-c", code).stdout.split(" ", 1)
    others = theirs.run(*as_another, "python", "-c", code).stdout.split(" ", 1)
    assert ours[0] != others[0], "it ran as the same user"
    assert ours[1] == others[1]
