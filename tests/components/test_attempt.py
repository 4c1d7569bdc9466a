"""When the same content has to be made again: by the stack's last outputs and what the cloud still has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bakewell.image import Image
from tests.components.conftest import Fleet

RETENTION = frozenset({"retention"})


def attempts(fleet: Fleet) -> dict[str, int]:
    run = fleet.run(preview=True, rerun=RETENTION)
    return {role: run[role].inputs["triggers"][2] for role in ("base", "web", "api")}


def change(fleet: Fleet, found: Image, **changes: object) -> None:
    at = fleet.listing.found.index(found)
    fleet.listing.found[at] = replace(found, **changes)  # type: ignore[arg-type]


def test_zero_for_a_stack_without_outputs(fleet: Fleet) -> None:
    fleet.bake()
    fleet.outputs.clear()
    assert attempts(fleet) == {"base": 0, "web": 0, "api": 0}


def test_stays_while_the_image_is_there(fleet: Fleet) -> None:
    fleet.bake(attempts={"web": 2})
    assert attempts(fleet) == {"base": 0, "web": 2, "api": 0}


def test_rises_for_an_image_deleted_by_hand_and_preview_says_so(fleet: Fleet) -> None:
    baked = fleet.bake(attempts={"web": 2})
    fleet.listing.found.remove(baked["web"])
    run = fleet.run(preview=True, rerun=frozenset({"web", "retention"}))
    assert run["web"].inputs["triggers"][2] == 3
    web = baked["web"]
    assert run.said("warning") == (
        f"snapshot web {web.name} ({web.id}) in the outputs is gone from the cloud: will be rebuilt"
    )
    assert run.outputs["images"]["web"]["digitalocean"]["attempt"] == 3
    assert attempts(fleet) == {"base": 0, "web": 3, "api": 0}


def test_an_up_does_not_say_it_again(fleet: Fleet) -> None:
    baked = fleet.bake()
    fleet.outputs["images"]["web"]["digitalocean"]["run"] = "f" * 12
    run = fleet.run()
    assert run["web"].inputs["triggers"][2] == 1
    assert run.said("warning") == ""
    assert run["web-1"].inputs["image"] == baked["web"].id


def test_says_what_takes_the_place_of_a_lost_image(fleet: Fleet) -> None:
    baked = fleet.bake()
    fleet.outputs["images"]["web"]["digitalocean"]["run"] = "f" * 12
    said = fleet.run(preview=True, rerun=frozenset({"web", "retention"})).said("warning")
    assert f"{baked['web'].name} ({baked['web'].id}) will take its place" in said


def test_stays_for_a_finished_image_that_cannot_be_booted_right_now(fleet: Fleet) -> None:
    change(fleet, fleet.bake()["web"], ready=False)  # its tag is there, but it is in transfer, say
    assert attempts(fleet) == {"base": 0, "web": 0, "api": 0}


@pytest.mark.parametrize("changes", [{"revoked": True}, {"ready": False, "tags": ()}])
def test_rises_for_an_image_that_may_not_be_used(fleet: Fleet, changes: dict[str, object]) -> None:
    change(fleet, fleet.bake()["web"], **changes)
    assert attempts(fleet) == {"base": 0, "web": 1, "api": 0}


def test_rises_for_everything_built_on_a_revoked_image(fleet: Fleet) -> None:
    change(fleet, fleet.bake()["base"], revoked=True)
    assert attempts(fleet) == {"base": 1, "web": 1, "api": 1}


def test_new_content_starts_at_zero_whatever_became_of_the_old_image(fleet: Fleet) -> None:
    baked = fleet.bake(attempts={"web": 2})
    fleet.listing.found.remove(baked["web"])
    (fleet.root / "packer/images/web/deploy.py").write_text("changed = True\n")
    run = fleet.run(preview=True, rerun=frozenset({"web", "retention"}))
    assert run["web"].inputs["triggers"][2] == 0
    assert run.said("warning") == ""


def test_a_repeated_build_makes_retention_look_again(fleet: Fleet) -> None:
    baked = fleet.bake()
    before = fleet.run()["retention"].inputs["triggers"]
    fleet.listing.found.remove(baked["api"])
    fleet.listing.found.append(replace(baked["api"], id="99", identity=replace(baked["api"].identity, run="9" * 12)))
    assert fleet.run()["retention"].inputs["triggers"] != before


def test_outputs_that_are_not_understood_count_as_none(fleet: Fleet) -> None:
    fleet.bake()
    fleet.outputs["images"] = {"web": "an ID, once"}
    run = fleet.run(preview=True, rerun=RETENTION)
    assert run.error is None
    assert "not understood" in run.said("warning")
    assert run["web"].inputs["triggers"][2] == 0
