"""Importing images that the account has already."""

from __future__ import annotations

import pytest

from bakewell.clouds.digitalocean.images import Images
from bakewell.errors import CloudError
from bakewell.image import IMPORTED, MANAGED, READY, tag
from tests.unit.cli.conftest import Bakewell
from tests.unit.cli.test_cli_commands import finished, going

WEB = ("--name-regex", "^old-", "--role", "base")


@pytest.fixture
def old(bakewell: Bakewell) -> list[str]:
    """Two snapshots that somebody made by hand, and three that an import must not touch."""
    made = [str(bakewell.site.served.api.snapshot(name)["id"]) for name in ("old-1", "old-2", "other")]
    half = str(bakewell.site.served.api.snapshot("old-building")["id"])
    bakewell.site.cloud.images.tag(half, [tag("run", "0" * 12)])
    bakewell.site.served.api.snapshot("old-bakewell-base-2026-11-22-0143-8c0f5d")
    return made[:2]


def tags(bakewell: Bakewell, image: str) -> tuple[str, ...]:
    found = bakewell.site.cloud.images.tags(image)
    assert found is not None
    return found


def listed(bakewell: Bakewell) -> dict[str, str]:
    return {row["id"]: row["state"] for row in bakewell("list", "--json").json}


def test_a_dry_run_writes_nothing(bakewell: Bakewell, old: list[str]) -> None:
    done = bakewell("import", "images", *WEB, "--dry-run")
    assert done.code == 0 and done.out.count("would import") == 2 and "nothing was written" in done.err
    assert "tags of a build: bakewell:run:000000000000" in done.out and "the name of a build" in done.out
    assert tags(bakewell, old[0]) == () and listed(bakewell) == {}


def test_imported_images_are_listed_pinned_and_never_deleted(bakewell: Bakewell, old: list[str]) -> None:
    assert bakewell("import", "images", *WEB).code == 0
    assert listed(bakewell) == dict.fromkeys(old, "imported")
    built = finished(bakewell, "base", 1, 2)
    assert going(bakewell) == built[:1], "imported ones neither go nor take a place among the newest"
    again = bakewell("import", "images", *WEB)
    assert again.out.count("imported already") == 2 and "0 of 4" in again.err
    bakewell.settle('pins: {"base": "old-1"}')
    assert bakewell("clean", "--dry-run").code == 0, "a pin to an imported image is taken"
    kept = bakewell("import", "images", *WEB, "--forget")
    assert "the stack pins it" in kept.out and listed(bakewell)[old[0]] == "imported" and old[1] not in listed(bakewell)


def test_managed_ones_are_retentions_to_delete_and_a_forgotten_one_is_as_before(
    bakewell: Bakewell, old: list[str]
) -> None:
    bakewell("import", "images", *WEB)
    assert "hand over" in bakewell("import", "images", *WEB, "--managed").out
    assert listed(bakewell) == dict.fromkeys(old, "imported, managed") and MANAGED in tags(bakewell, old[0])
    finished(bakewell, "base", 1)
    assert len(going(bakewell)) == 2
    assert bakewell("import", "images", *WEB, "--forget").code == 0
    assert tags(bakewell, old[0]) == tags(bakewell, old[1]) == () and going(bakewell) == []


@pytest.mark.parametrize("act", [[], ["--managed"], ["--forget"]])
def test_one_that_is_cut_short_anywhere_is_completed_by_the_next(
    bakewell: Bakewell, old: list[str], act: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if act == ["--forget"]:
        bakewell("import", "images", *WEB)
    whole = Images.untag if act == ["--forget"] else Images.tag
    for calls in range(8):

        def cut(cloud: Images, image: str, texts: list[str], calls: int = calls) -> None:
            whole(cloud, image, texts[:calls])
            raise CloudError("cut short")

        with monkeypatch.context() as patched:
            patched.setattr(Images, whole.__name__, cut)
            bakewell("import", "images", *WEB, *act)
        assert "--managed" in act or going(bakewell) == []
    assert bakewell("import", "images", *WEB, *act).code == 0
    state = {"--managed": "imported, managed", "--forget": None}.get("".join(act), "imported")
    assert listed(bakewell) == ({} if state is None else dict.fromkeys(old, state))
    assert act != ["--forget"] or tags(bakewell, old[0]) == tags(bakewell, old[1]) == ()


def test_what_another_project_has_begun_to_import_is_left(bakewell: Bakewell, old: list[str]) -> None:
    theirs = [IMPORTED, tag("project", "other"), tag("role", "web")]
    bakewell.site.cloud.images.tag(old[0], theirs)
    done = bakewell("import", "images", *WEB, "--managed")
    assert "project other has begun to import it" in done.out and old[0] not in listed(bakewell)
    assert set(tags(bakewell, old[0])) == set(theirs)


def test_what_an_import_cannot_take(bakewell: Bakewell, old: list[str]) -> None:
    for arguments, words in [
        (("--name-regex", "(", "--role", "base"), "no regular expression"),
        (("--name-regex", "", "--role", "base"), "empty"),
        (("--name-regex", "x", "--role", "bas"), "base"),
        ((*WEB, "--forget", "--managed"), "exclude each other"),
    ]:
        done = bakewell("import", "images", *arguments)
        assert done.code == 2 and words in done.err, done.err
    bakewell("import", "images", *WEB)
    assert READY in tags(bakewell, old[0]) and IMPORTED in tags(bakewell, old[0])
