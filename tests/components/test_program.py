"""The whole program: what it asks the engine for."""

from __future__ import annotations

import shutil
from pathlib import Path

from bakewell.image import Reference
from tests.components.conftest import Fleet, digitalocean, machines
from tests.components.engine import COMMAND, UNKNOWN
from tests.components.fleet import image

READY = frozenset({"digitalocean-web-1-ready", "digitalocean-web-2-ready"})
ALL = frozenset({f"digitalocean-{name}" for name in ("base", "web", "api", "retention")}) | READY


def test_build_command_has_every_input_and_nothing_that_varies(fleet: Fleet) -> None:
    baked = fleet.bake()
    command = fleet.run()["digitalocean-web"]
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
    assert command.depends_on == {"digitalocean-base"} and baked["base"].id not in repr(command.inputs)


def test_commands_of_two_clones_are_equal(fleet: Fleet, tmp_path: Path) -> None:
    fleet.bake()
    other = Fleet(tmp_path / "another" / "place", fleet.listing, outputs=fleet.outputs)
    shutil.copytree(fleet.root, other.root)
    ours, theirs = (run.of_type(COMMAND) for run in (fleet.run(), other.run()))
    assert {n: c.inputs for n, c in ours.items()} == {n: c.inputs for n, c in theirs.items()}


def test_children_are_inside_their_components(fleet: Fleet) -> None:
    run = fleet.run(preview=True, rerun=ALL)
    components = {r.name: r.parent for r in run.resources if r.type.startswith("bakewell:index:")}
    assert components["digitalocean-web"] == "digitalocean-images"
    assert run["digitalocean-web"].parent == "digitalocean-web"
    assert run["digitalocean-web-1"].parent == "digitalocean-web-1"
    assert run["digitalocean-retention"].parent == "digitalocean-retention"


def test_a_droplet_is_named_by_pulumi_and_told_only_who_it_is(fleet: Fleet) -> None:
    baked = fleet.bake()
    run = fleet.run()
    inputs = run["digitalocean-web-1"].inputs
    assert "name" not in inputs
    assert inputs["image"] == baked["web"].id
    assert inputs["tags"] == ["bakewell:project:bakewell", "bakewell:role:web"]
    assert inputs["userData"].startswith("#cloud-config\n")
    assert "nginx.service" in inputs["userData"]
    assert "digitalocean" in run["digitalocean-web-1"].provider


def test_only_machines_of_a_rebuilt_image_boot_something_unknown(fleet: Fleet) -> None:
    baked = fleet.bake()
    run = fleet.run(preview=True, rerun=frozenset({"digitalocean-web", "digitalocean-retention"}))
    assert run["digitalocean-web-1"].inputs["image"] == run["digitalocean-web-2"].inputs["image"] == UNKNOWN
    assert run["digitalocean-api-1"].inputs["image"] == baked["api"].id


def test_outputs(fleet: Fleet) -> None:
    baked = fleet.bake()
    outputs = fleet.run().outputs
    assert outputs["bakewell"]["digitalocean"]["images"]["web"] == {
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
    assert outputs["machines"]["digitalocean-web-1"] == machine
    assert (
        outputs["machines"]["digitalocean-api-1"]["url"]
        is outputs["machines"]["digitalocean-api-1"]["ready_seconds"]
        is None
    )
    assert len(outputs["bakewell"]["digitalocean"]["retention"]["key"]) == 64


def test_each_further_region_gets_a_copy(fleet: Fleet) -> None:
    fleet.bake()
    before = fleet.run()["digitalocean-web"]
    digitalocean(fleet, regions=["nyc3", "sfo3"])
    run = fleet.run()
    copy = run["digitalocean-web-sfo3"]
    assert run["digitalocean-web"].inputs == before.inputs
    assert copy.inputs["create"] == "exec bakewell copy web sfo3 --cloud digitalocean"
    assert copy.inputs["triggers"] == [fleet.fingerprint("web"), 0, "sfo3"]
    assert copy.depends_on == {"digitalocean-web"}
    assert set(run.outputs["bakewell"]["digitalocean"]["images"]["web"]["ids"]) == {"nyc3", "sfo3"}


def test_roles_limits_what_is_baked_to_them_and_their_ancestors(fleet: Fleet) -> None:
    fleet.config["bakewell:roles"] = '["web"]'
    machines(fleet, web={})
    run = fleet.run(preview=True, rerun=ALL)
    assert set(run.of_type(COMMAND)) == {f"digitalocean-{name}" for name in ("base", "web", "web-1-ready", "retention")}


def test_the_cloud_is_asked_once_and_for_references_only_when_retention_would_run(fleet: Fleet) -> None:
    fleet.bake()
    fleet.outputs["bakewell"] = fleet.run().outputs["bakewell"]
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


def test_retention_waits_for_every_image_and_machine_and_is_keyed_on_no_plan(fleet: Fleet) -> None:
    fleet.bake()
    command = fleet.run()["digitalocean-retention"]
    machines = {f"digitalocean-{name}" for name in ("web-1", "web-2", "api-1")}
    assert command.depends_on == ALL - {"digitalocean-retention"} | machines
    wanted = {role: fleet.fingerprint(role) for role in ("base", "web", "api")}
    assert command.inputs["triggers"] == [{"keep": 3, "pins": []}, wanted, {"base": 0, "web": 0, "api": 0}]
    assert command.inputs["create"] == "exec bakewell clean --from-pulumi --cloud digitalocean"


def test_up_ends_with_a_summary(fleet: Fleet) -> None:
    baked = fleet.bake()
    said = fleet.run(finished=4e9).said("info").splitlines()
    assert not [line for line in said if "retention" in line]
    assert said[0].split() == ["image", "result", "seconds", "ID"]
    assert ["web", "built", "12", baked["web"].id, baked["web"].name] in [line.split() for line in said]
    unchanged = fleet.run(finished=1.0).said("info")
    assert unchanged.count("unchanged") == 3
    assert "built" not in unchanged
