"""The whole program: what it asks the engine for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from bakewell.image import Reference
from tests.components.conftest import Fleet
from tests.components.engine import COMMAND, DROPLET, UNKNOWN
from tests.components.fleet import NOON, image

READY = frozenset({"web-1-ready", "web-2-ready"})
ALL = frozenset({"base", "web", "api", "retention"}) | READY


def test_first_preview_knows_everything_but_the_images(fleet: Fleet) -> None:
    run = fleet.run(preview=True, rerun=ALL)
    assert run.error is None
    assert set(run.of_type(COMMAND)) == ALL
    assert set(run.of_type(DROPLET)) == {"web-1", "web-2", "api-1"}
    assert run["web-1"].inputs["image"] == UNKNOWN
    assert run.outputs["images"]["web"]["digitalocean"]["fingerprint"] == fleet.fingerprint("web")
    assert "retention would delete 0 of 0 images" in run.said("info")


def test_build_command_has_every_input_and_nothing_that_varies(fleet: Fleet) -> None:
    fleet.bake()
    command = fleet.run()["web"]
    fingerprint = fleet.fingerprint("web")
    digests = command.inputs["triggers"][1]
    assert command.inputs == {
        "create": "exec bakewell build web --cloud digitalocean",
        "dir": ".",
        "stdin": "",
        "logging": "stderr",
        "addPreviousOutputInEnv": False,
        "environment": {"BAKEWELL_FINGERPRINT": fingerprint},
        "triggers": [fingerprint, digests, 0],
    }
    assert {"image.toml", "deploy.py", "packer.pkr.hcl", "digitalocean.pkr.hcl"} <= set(digests)
    assert command.secret_outputs == ("stdout", "stderr")


def test_commands_of_two_clones_are_equal(fleet: Fleet, tmp_path: Path) -> None:
    fleet.bake()
    other = Fleet(tmp_path / "another" / "place", fleet.listing, outputs=fleet.outputs)
    shutil.copytree(fleet.root, other.root)
    ours, theirs = (run.of_type(COMMAND) for run in (fleet.run(), other.run()))
    assert {n: c.inputs for n, c in ours.items()} == {n: c.inputs for n, c in theirs.items()}


def test_token_and_endpoint_reach_no_command(fleet: Fleet) -> None:
    run = fleet.run(preview=True, rerun=ALL)
    assert "a-token-of-tests" not in repr(run.resources)
    assert "127.0.0.1:9" not in repr(run.of_type(COMMAND))
    assert run["digitalocean"].inputs == {"apiEndpoint": "http://127.0.0.1:9"}


def test_a_child_waits_for_its_parent_and_does_not_take_its_id(fleet: Fleet) -> None:
    baked = fleet.bake()
    run = fleet.run()
    assert run["web"].depends_on == {"base"}
    assert baked["base"].id not in repr(run["web"].inputs)


def test_children_are_inside_their_components(fleet: Fleet) -> None:
    run = fleet.run(preview=True, rerun=ALL)
    components = {r.name: r.parent for r in run.resources if r.type.startswith("bakewell:index:")}
    assert components["web"] == "images"
    assert run["web"].parent == "web"
    assert run["web-1"].parent == "web-1"
    assert run["retention"].parent == "retention"


def test_a_droplet_is_named_by_pulumi_and_told_only_who_it_is(fleet: Fleet) -> None:
    baked = fleet.bake()
    run = fleet.run()
    inputs = run["web-1"].inputs
    assert "name" not in inputs
    assert inputs["image"] == baked["web"].id
    assert inputs["tags"] == ["bakewell:project:bakewell", "bakewell:role:web"]
    assert inputs["userData"].startswith("#cloud-config\n")
    assert "nginx.service" in inputs["userData"]
    assert "digitalocean" in run["web-1"].provider


def test_only_machines_of_a_rebuilt_image_boot_something_unknown(fleet: Fleet) -> None:
    baked = fleet.bake()
    run = fleet.run(preview=True, rerun=frozenset({"web", "retention"}))
    assert run["web-1"].inputs["image"] == run["web-2"].inputs["image"] == UNKNOWN
    assert run["api-1"].inputs["image"] == baked["api"].id


def test_outputs(fleet: Fleet) -> None:
    baked = fleet.bake()
    outputs = fleet.run().outputs
    assert outputs["images"]["web"]["digitalocean"] == {
        "ids": {"nyc3": baked["web"].id},
        "name": baked["web"].name,
        "fingerprint": baked["web"].fingerprint,
        "attempt": 0,
        "parent": baked["base"].run,
        "run": baked["web"].run,
    }
    machine: dict[str, object] = {
        "role": "web",
        "address": "192.0.2.7",
        "url": "http://192.0.2.7:8080/",
        "image": baked["web"].id,
    }
    machine |= {"ready_seconds": 1.42}
    assert outputs["machines"]["web-1"] == machine
    assert outputs["machines"]["api-1"]["url"] is outputs["machines"]["api-1"]["ready_seconds"] is None
    assert len(outputs["retention"]["digitalocean"]["key"]) == 64


def test_each_further_region_gets_a_copy(fleet: Fleet) -> None:
    fleet.bake()
    before = fleet.run()["web"]
    fleet.config["bakewell:regions"] = '["nyc3", "sfo3"]'
    run = fleet.run()
    copy = run["web-sfo3"]
    assert run["web"].inputs == before.inputs
    assert copy.inputs["create"] == "exec bakewell copy web sfo3 --cloud digitalocean"
    assert copy.inputs["triggers"] == [fleet.fingerprint("web"), 0, "sfo3"]
    assert copy.depends_on == {"web"}
    assert set(run.outputs["images"]["web"]["digitalocean"]["ids"]) == {"nyc3", "sfo3"}


def test_an_image_that_is_only_elsewhere_is_copied_to_where_machines_run(fleet: Fleet) -> None:
    baked = fleet.bake()
    fleet.config["bakewell:regions"] = '["sfo3", "nyc3"]'
    run = fleet.run()
    assert {"web-sfo3", "base-sfo3", "api-sfo3"} <= set(run.of_type(COMMAND))
    assert "web-nyc3" not in run.of_type(COMMAND)
    assert run["web-1"].inputs["image"] == baked["web"].id


def test_of_two_images_of_one_content_the_one_built_where_machines_run_counts(fleet: Fleet) -> None:
    baked = fleet.bake()
    identity = replace(baked["web"].identity, home="sfo3", run="9" * 12)
    here = replace(baked["web"], id="1009", identity=identity, regions=("sfo3",), created_at=NOON)
    fleet.listing.found.append(here)
    fleet.config["bakewell:regions"] = '["sfo3"]'
    assert not [name for name in fleet.run().of_type(COMMAND) if name == "web-nyc3"], "there is nothing to copy"
    fleet.listing.found[-1] = replace(here, revoked=True)
    assert "web-sfo3" in fleet.run().of_type(COMMAND), "the other one is adopted, and lives elsewhere"


def test_a_pin_gives_the_machines_another_image_and_builds_as_before(fleet: Fleet) -> None:
    fleet.bake()
    before = fleet.run()
    old = image("web", "0" * 64, 0)
    fleet.listing.found.insert(0, old)
    for wanted in (old.name, old.id):
        fleet.config["bakewell:pins"] = f'{{"web": "{wanted}"}}'
        run = fleet.run()
        assert run["web-1"].inputs["image"] == old.id
        assert run["web"].inputs == before["web"].inputs
        assert run["retention"].inputs["triggers"] != before["retention"].inputs["triggers"]


def test_roles_limits_what_is_baked_to_them_and_their_ancestors(fleet: Fleet) -> None:
    fleet.config |= {"bakewell:roles": '["web"]', "bakewell:machines": '{"web": {}}'}
    run = fleet.run(preview=True, rerun=ALL)
    assert set(run.of_type(COMMAND)) == {"base", "web", "web-1-ready", "retention"}


def test_the_cloud_is_asked_once_and_for_references_only_when_retention_would_run(fleet: Fleet) -> None:
    fleet.bake()
    fleet.outputs["retention"] = fleet.run().outputs["retention"]
    fleet.listing.asked.clear()
    quiet = fleet.run(preview=True)
    assert quiet.messages == []
    assert fleet.listing.asked == ["images of bakewell"]
    fleet.config["bakewell:keep"] = "1"
    fleet.run(preview=True)
    assert sorted(fleet.listing.asked[1:]) == ["images of bakewell", "references"]


def test_preview_says_what_retention_would_do_to_each_image(fleet: Fleet) -> None:
    old = [image("web", f"{n}" * 64, n) for n in range(1, 4)]
    fleet.listing.found += old
    fleet.listing.used.append(Reference(old[0].id, "droplet", "7", "web-7"))
    fleet.config["bakewell:keep"] = "2"
    said = fleet.run(preview=True, rerun=ALL).said("info")
    assert "retention would delete 1 of 3 images" in said
    assert f"would delete {old[1].name} ({old[1].id}): not among the newest 2 of web" in said
    assert f"keeps {old[0].name} ({old[0].id}): in use by droplet web-7 (7)" in said
    assert f"keeps {old[2].name} ({old[2].id}): newest 2 of 2" in said  # the one not built yet is the newest


def test_up_plans_nothing_aloud(fleet: Fleet) -> None:
    fleet.bake()
    assert "retention" not in fleet.run().said()


def test_retention_waits_for_every_image_and_machine_and_is_keyed_on_no_plan(fleet: Fleet) -> None:
    fleet.bake()
    command = fleet.run()["retention"]
    assert command.depends_on == {"base", "web", "api", "web-1", "web-2", "api-1"} | READY
    wanted = {role: fleet.fingerprint(role) for role in ("base", "web", "api")}
    assert command.inputs["triggers"] == [{"keep": 3, "pins": []}, wanted, {"base": 0, "web": 0, "api": 0}]
    assert command.inputs["create"] == "exec bakewell clean --from-pulumi --cloud digitalocean"


def test_up_ends_with_a_summary(fleet: Fleet) -> None:
    baked = fleet.bake()
    said = fleet.run(finished=4e9).said("info").splitlines()
    assert said[0].split() == ["image", "result", "seconds", "ID"]
    assert ["web", "built", "12", baked["web"].id, baked["web"].name] in [line.split() for line in said]
    unchanged = fleet.run(finished=1.0).said("info")
    assert unchanged.count("unchanged") == 3
    assert "built" not in unchanged
