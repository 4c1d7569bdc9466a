"""When the same content has to be made again: by the stack's last outputs and what the cloud still has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.components.conftest import Fleet

RETENTION = frozenset({"digitalocean-retention"})


def attempts(fleet: Fleet) -> dict[str, int]:
    run = fleet.run(preview=True, rerun=RETENTION)
    return {role: run[f"digitalocean-{role}"].inputs["triggers"][2] for role in ("base", "web", "api")}


@pytest.mark.parametrize(
    ("role", "changes", "found"),
    [
        ("web", {}, {"base": 0, "web": 2, "api": 0}),
        ("web", {"ready": False}, {"base": 0, "web": 2, "api": 0}),  # its tag is there, but it is in transfer, say
        ("web", {"revoked": True}, {"base": 0, "web": 3, "api": 0}),
        ("web", {"ready": False, "tags": ()}, {"base": 0, "web": 3, "api": 0}),
        ("base", {"revoked": True}, {"base": 1, "web": 3, "api": 1}),
    ],
)
def test_rises_for_what_may_not_be_used_and_what_is_built_on_it(
    fleet: Fleet, role: str, changes: dict[str, Any], found: dict[str, int]
) -> None:
    old = fleet.bake(attempts={"web": 2})[role]
    fleet.listing.found[fleet.listing.found.index(old)] = replace(old, **changes)
    assert attempts(fleet) == found
    fleet.outputs.clear()
    assert attempts(fleet) == {"base": 0, "web": 0, "api": 0}, "of a stack without outputs"


def test_rises_for_an_image_deleted_by_hand_and_preview_says_so(fleet: Fleet) -> None:
    baked = fleet.bake(attempts={"web": 2})
    fleet.listing.found.remove(baked["web"])
    run = fleet.run(preview=True, rerun=frozenset({"digitalocean-web", "digitalocean-retention"}))
    assert run["digitalocean-web"].inputs["triggers"][2] == 3
    web = baked["web"]
    assert run.said("warning") == (
        f"snapshot web {web.name} ({web.id}) in the outputs is gone from the cloud: will be rebuilt"
    )
    assert run.outputs["bakewell"]["digitalocean"]["images"]["web"]["attempt"] == 3
    assert attempts(fleet) == {"base": 0, "web": 3, "api": 0}


def test_an_up_does_not_say_it_again(fleet: Fleet) -> None:
    baked = fleet.bake()
    fleet.outputs["bakewell"]["digitalocean"]["images"]["web"]["run"] = "f" * 12
    run = fleet.run()
    assert run["digitalocean-web"].inputs["triggers"][2] == 1
    assert run.said("warning") == ""
    assert run["digitalocean-web-1"].inputs["image"] == baked["web"].id


def test_says_what_takes_the_place_of_a_lost_image(fleet: Fleet) -> None:
    baked = fleet.bake()
    fleet.outputs["bakewell"]["digitalocean"]["images"]["web"]["run"] = "f" * 12
    said = fleet.run(preview=True, rerun=frozenset({"digitalocean-web", "digitalocean-retention"})).said("warning")
    assert f"{baked['web'].name} ({baked['web'].id}) will take its place" in said


def test_new_content_starts_at_zero_whatever_became_of_the_old_image(fleet: Fleet) -> None:
    baked = fleet.bake(attempts={"web": 2})
    fleet.listing.found.remove(baked["web"])
    (fleet.root / "packer/images/web/deploy.py").write_text("changed = True\n")
    run = fleet.run(preview=True, rerun=frozenset({"digitalocean-web", "digitalocean-retention"}))
    assert run["digitalocean-web"].inputs["triggers"][2] == 0
    assert run.said("warning") == ""


def test_a_repeated_build_makes_retention_look_again(fleet: Fleet) -> None:
    baked = fleet.bake()
    before = fleet.run()["digitalocean-retention"].inputs["triggers"]
    fleet.listing.found.remove(baked["api"])
    fleet.listing.found.append(replace(baked["api"], id="99", identity=replace(baked["api"].identity, run="9" * 12)))
    assert fleet.run()["digitalocean-retention"].inputs["triggers"] != before


def test_outputs_that_are_not_understood_count_as_none(fleet: Fleet) -> None:
    fleet.bake()
    fleet.outputs["bakewell"]["digitalocean"]["images"] = {"web": "an ID, once"}
    run = fleet.run(preview=True, rerun=RETENTION)
    assert run.error is None
    assert "not understood" in run.said("warning")
    assert run["digitalocean-web"].inputs["triggers"][2] == 0
