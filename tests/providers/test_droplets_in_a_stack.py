"""What the engine makes of the digitalocean plugin: the order of replacements, records, half-made droplets, signals."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bakewell_local.sandbox.providers.versions import DIGITALOCEAN
from tests.plugins_under_test import REAL
from tests.providers.cloud import TOKEN, LocalApi, local_api
from tests.providers.conftest import NewStack
from tests.providers.stack import UNKNOWN, Run, Stack

USER_DATA = "#cloud-config\nhostname: here\n"
CREATE_FIRST = ["create-replacement", "replace", "delete-replaced"]


def on(stack: Stack, api: LocalApi) -> Stack:
    """Point a stack at the API, by configuration, with short pauses between retries."""
    pauses = {"digitalocean_httpRetryWaitMin": "0.05", "digitalocean_httpRetryWaitMax": "0.1"}
    stack.configure(digitalocean_apiEndpoint=api.endpoint, digitalocean_token=TOKEN, **pauses)
    return stack


PROGRAM = """
    import os

    import pulumi
    import pulumi_digitalocean as do
    from pulumi_command import local

    from bakewell.settings import Environment
    from pulumi_bakewell.digitalocean.provider import make_provider

    def droplet(resource, **inputs):
        given = dict(image="{image}", region="NYC3", size="s-1vcpu-1gb", tags=["b:1", "a"], user_data={data!r})
        return do.Droplet(resource, **{{**given, **inputs}})

    def assigned(name, to, **options):
        ip = do.ReservedIp(f"{{name}}-ip", region="NYC3")
        opts = pulumi.ResourceOptions(**options)
        do.ReservedIpAssignment(name, ip_address=ip.ip_address, droplet_id=to.id.apply(int), opts=opts)

    auto = droplet("auto")
    droplet("named", name="a-name")
    droplet("data", user_data={other!r})
    droplet("changed", **{{"image": "debian-12-x64", **{changes}}})
    assigned("moved", [droplet(name, image="debian-12-x64") for name in ("one", "two")][{holder}])
    ready = local.Command(
        "ready",
        create="echo ready $DROPLET >>log.txt",
        delete="echo retire $DROPLET >>log.txt",
        environment={{"DROPLET": auto.id}},
        triggers=[auto.id],
    )
    assigned("kept", auto, depends_on=[ready])
    explicit = make_provider("cloud", Environment.read(os.environ))
    do.Tag("tag", opts=pulumi.ResourceOptions(provider=explicit))
"""
DROPLETS = ("auto", "named", "data", "changed", "one", "two")
ADDRESSES = ("moved-ip", "kept-ip")


@dataclass(frozen=True)
class Life:
    """A stack whose program changed once: the first preview, the records after the first up, the change's preview and
    its up, and the API that only this stack speaks to.
    """

    stack: Stack
    api: LocalApi
    unborn: Run
    first: dict[str, dict[str, object]]
    before: Run
    done: Run

    def id(self, name: str) -> str:
        return str(self.stack[name]["id"])


@pytest.fixture(scope="module")
def life(new_stack: NewStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with local_api(tmp_path_factory.mktemp("own-cloud")) as api:
        stack = on(new_stack("droplets"), api)
        names = {"DIGITALOCEAN_API_TOKEN": TOKEN, "DIGITALOCEAN_ACCESS_TOKEN": "of-doctl"}
        stack.environment |= {**names, "DIGITALOCEAN_API_URL": api.endpoint}
        given: dict[str, object] = {"name": "before", "size": "s-1vcpu-1gb"}
        texts = {"image": "debian-12-x64", "data": USER_DATA, "other": "#!/bin/sh\n"}
        stack.write(PROGRAM.format(**texts, changes=given, holder=0))
        unborn = stack.preview()
        done = stack.up()
        assert done.code == 0, done.said()
        first = {name: stack[name] for name in (*DROPLETS, *ADDRESSES, "moved", "cloud")}
        # Other names of the token on another host are no change.
        del stack.environment["DIGITALOCEAN_API_TOKEN"]
        stack.environment["DIGITALOCEAN_TOKEN"] = TOKEN
        given = {"name": "after", "size": "s-1vcpu-2gb", "tags": ["a", "c"]}
        texts |= {"image": "126", "other": "#!/bin/sh\ntrue\n"}
        stack.write(PROGRAM.format(**texts, changes=given, holder=1))
        before = stack.preview()
        # Actions that say "completed" and are not: the resize has to wait for them.
        api.unfinished.answers = 3
        done = stack.up()
        assert done.code == 0, done.said()
        yield Life(stack, api, unborn, first, before, done)


def test_an_endpoint_from_config_is_recorded_in_state(life: Life) -> None:
    assert life.stack["default_4_65_0"]["inputs"]["apiEndpoint"] == life.api.endpoint


def test_the_provider_finds_the_token_under_its_third_name_and_keeps_it_out_of_the_state(life: Life) -> None:
    assert TOKEN not in json.dumps(life.first["cloud"])
    assert life.before.ops("cloud") == life.done.ops("cloud") == ["same"]


def test_preview_of_a_create_knows_the_inputs_and_nothing_else(life: Life) -> None:
    outputs = life.unborn.outputs("named")
    assert outputs["image"] == "debian-12-x64"
    assert outputs["name"] == "a-name"
    assert outputs["region"] == "nyc3"
    assert outputs["ipv4Address"] == outputs["status"] == outputs["vpcUuid"] == UNKNOWN


def test_region_is_posted_as_given(life: Life) -> None:
    assert {call["body"]["region"] for call in life.api.calls("POST", "/v2/droplets")} == {"NYC3"}


def test_a_record_shows_a_region_in_lower_case_user_data_as_a_hash_and_null_for_what_is_unset(life: Life) -> None:
    record = life.stack["auto"]
    inputs, outputs = record["inputs"], record["outputs"]
    assert (inputs["region"], outputs["region"]) == ("NYC3", "nyc3")
    assert (inputs["userData"], outputs["userData"]) == (USER_DATA, hashlib.sha1(USER_DATA.encode()).hexdigest())
    assert inputs["publicNetworking"] is outputs["publicNetworking"] is True
    assert outputs["dropletAgent"] is None
    assert "backups" not in inputs
    assert outputs["backups"] is False
    assert re.fullmatch(r"auto-[0-9a-f]{7}", outputs["name"]), "it is named by its resource and 7 hex"


def test_image_and_user_data_replace(life: Life) -> None:
    assert life.before.diff("auto") == {"image": "update-replace"}
    assert life.before.diff("data") == {"image": "update-replace", "userData": "update-replace"}


def test_an_auto_named_droplet_is_replaced_create_before_delete(life: Life) -> None:
    assert life.done.ops("auto") == CREATE_FIRST
    assert life.id("auto") != life.first["auto"]["id"]


def test_an_explicitly_named_droplet_is_replaced_delete_before_create(life: Life) -> None:
    assert life.before.ops("named") == life.done.ops("named") == CREATE_FIRST[::-1]
    assert life.id("named") != life.first["named"]["id"]


def test_name_size_and_tags_update_in_place(life: Life) -> None:
    assert life.before.ops("changed") == life.done.ops("changed") == ["update"]
    assert life.before.diff("changed") == {"name": "update", "size": "update", "tags[1]": "update"}
    record = life.stack["changed"]
    assert record["id"] == life.first["changed"]["id"]
    outputs = record["outputs"]
    assert (outputs["name"], outputs["size"], outputs["tags"]) == ("after", "s-1vcpu-2gb", ["a", "c"])
    droplet = life.api.call("GET", f"/v2/droplets/{record['id']}")["droplet"]
    assert (droplet["name"], droplet["size_slug"], droplet["status"]) == ("after", "s-1vcpu-2gb", "active")
    assert sorted(droplet["tags"]) == ["a", "c"]


def test_an_action_is_waited_for_until_completed_at_is_set(life: Life) -> None:
    assert life.api.unfinished.answers == 0
    assert len(life.api.calls("GET", r"/v2/actions/\d+")) > 3


def test_waits_are_never_zero(life: Life) -> None:
    """Before each look, the real plugin waits 10 s: once for a create, twice for a delete. A stand-in's clock is
    quicker (`bakewell_local.sandbox.providers.pace`), and its looks are the same.
    """
    assert life.api.calls("GET", f"/v2/droplets/{life.id('auto')}")
    assert len(life.api.calls("GET", f"/v2/droplets/{life.first['auto']['id']}")) >= 3


def test_preview_of_a_new_address_does_not_know_it(life: Life) -> None:
    outputs = life.unborn.outputs("moved-ip")
    assert (outputs["region"], outputs["ipAddress"], outputs["reservedIpUrn"]) == ("nyc3", UNKNOWN, UNKNOWN)
    assert life.unborn.outputs("moved") == {"ipAddress": UNKNOWN, "dropletId": UNKNOWN}


def test_an_address_is_its_resources_id(life: Life) -> None:
    record = life.stack["moved-ip"]
    address = record["outputs"]["ipAddress"]
    assert record["id"] == address
    assert record["outputs"]["reservedIpUrn"] == f"do:reservedip:{address}"


def test_an_assignments_id_names_droplet_and_address_and_is_unique(life: Life) -> None:
    address = re.escape(life.id("moved-ip"))
    assert re.fullmatch(rf"{life.id('one')}-{address}-[0-9a-f]{{26}}", str(life.first["moved"]["id"]))
    assert re.fullmatch(rf"{life.id('two')}-{address}-[0-9a-f]{{26}}", life.id("moved"))


def test_another_droplet_replaces_the_assignment_create_before_delete(life: Life) -> None:
    assert life.before.ops("moved") == life.done.ops("moved") == CREATE_FIRST
    assert life.before.diff("moved") == {"dropletId": "update-replace"}
    assert life.done.ops("moved-ip") == ["same"]
    assert life.stack["moved"]["outputs"]["dropletId"] == int(life.id("two"))


def test_deleting_the_old_assignment_leaves_the_address_where_it_went(life: Life) -> None:
    address = life.id("moved-ip")
    assert life.api.orders(address) == ["assign", "assign"]
    assert life.api.holder(address) == life.id("two")


def test_a_successor_is_ready_then_has_the_address_then_its_predecessor_retires_and_goes(life: Life) -> None:
    old, new = life.first["auto"]["id"], life.id("auto")
    assert life.stack.file("log.txt").splitlines() == [f"ready {old}", f"ready {new}", f"retire {old}"]
    started = [event["resourcePreEvent"]["metadata"] for event in life.done.events if "resourcePreEvent" in event]
    steps = [(step["op"], step["urn"].rsplit("::", 1)[-1]) for step in started]
    chain = ("auto", "ready", "kept")
    assert [step for step in steps if step[1] in chain and step[0] != "replace"] == [
        *(("create-replacement", name) for name in chain),
        *(("delete-replaced", name) for name in reversed(chain)),
    ]
    assert life.api.holder(life.id("kept-ip")) == new
    assert int(str(old)) not in [droplet["id"] for droplet in life.api.droplets()]


def test_no_change_is_no_change_and_a_refresh_does_not_show_an_address_who_has_it(life: Life) -> None:
    done = life.stack.refresh()
    assert done.code == 0
    assert [life.stack[name]["inputs"]["__defaults"] for name in ("auto", "named")] == [
        ["name", "publicNetworking", "resizeDisk"],
        ["publicNetworking", "resizeDisk"],
    ]
    assert life.stack["moved-ip"]["outputs"].get("dropletId") is None
    after = life.stack.preview()
    every = (*DROPLETS, *ADDRESSES, "moved", "kept", "ready")
    assert [after.ops(name) for name in every] == [["same"]] * len(every)


LIMITED = """
    import pulumi
    import pulumi_digitalocean as do
    from pulumi_command import local

    from pulumi_bakewell.digitalocean.limits import droplet_options

    opts = pulumi.ResourceOptions.merge({options}, pulumi.ResourceOptions({limits}))
    inputs = dict(image="debian-12-x64", region="nyc3", size="s-1vcpu-1gb", user_data={data!r})
    droplet = do.Droplet("web-1", **inputs, opts=opts)
    local.Command("web-1-ready", create="echo ready >>log.txt", triggers=[droplet.id])
"""
OURS = "droplet_options('test')"
# A real plugin looks for the first time after 10 s.
SHORT = f"custom_timeouts=pulumi.CustomTimeouts(create='{15 if 'digitalocean' in REAL else 1}s', delete='1m')"


def test_a_droplet_that_vanishes_while_created_is_in_the_way_until_a_refresh_and_its_predecessor_stays(
    stack: Stack, api: LocalApi
) -> None:
    """And what our limits and the remedy do: nothing to a machine that is there, and nothing that a destroy needs."""
    on(stack, api).write(LIMITED.format(options="None", limits="", data=None))
    assert stack.up().code == 0
    stack.write(LIMITED.format(options=OURS, limits="", data=None))
    done = stack.up()
    assert done.code == 0, done.said()
    assert done.ops("web-1") == done.ops("web-1-ready") == ["same"]
    assert stack["web-1"]["customTimeouts"] == {"create": 600, "update": 600, "delete": 300}

    predecessor = stack["web-1"]["id"]
    api.fault("action_errored", "POST", "/v2/droplets", nth=1)
    stack.write(LIMITED.format(options=OURS, limits=SHORT, data="other"))
    failed = stack.up()
    assert failed.code != 0
    record, old = stack.resources("web-1")
    assert (old["id"], old["delete"]) == (predecessor, True)
    reason = f"Error waiting for droplet ({record['id']}) to become ready: context deadline exceeded"
    assert record["initErrors"] == [f"creating {record['urn']}: 1 error occurred:\n\t* {reason}\n\n"]
    assert f"1 error occurred:\n\t* creating {record['urn']}: 1 error occurred:\n\t* {reason}" in failed.said()
    assert f"provider=digitalocean@{DIGITALOCEAN}" in failed.said()
    assert "machine web-1: the create of its droplet failed half-way" in failed.said("warning")
    assert "remedy: run `pulumi refresh`" in failed.said("warning")

    again = stack.up()
    assert again.code != 0
    assert f"Resource provider reported that the resource did not exist while updating {record['urn']}." in again.said()
    assert [droplet["id"] for droplet in api.droplets()] == [int(predecessor)]
    assert stack.refresh().code == 0
    done = stack.up()
    assert done.code == 0, done.said()
    assert done.ops("web-1") == ["create", "delete-replaced"]
    assert [droplet["id"] for droplet in api.droplets()] == [int(stack["web-1"]["id"])]
    assert stack.file("log.txt") == "ready\nready\n"

    stack.write("raise SystemExit(1)")
    done = stack.destroy()
    assert done.code == 0, done.said()


ONE = """
    import pulumi_digitalocean as do

    do.Droplet("d", image="debian-12-x64", region="nyc3", size="s-1vcpu-1gb")
"""


@pytest.mark.parametrize("signals", [1, 2])
def test_one_sigint_waits_for_the_create_and_records_it_two_leave_the_droplet_in_the_api_and_out_of_state(
    stack: Stack, api: LocalApi, signals: int
) -> None:
    fault = api.fault("hold_after", "POST", "/v2/droplets")
    on(stack, api).write(ONE)
    process = stack.start("up", "--yes", "--skip-preview")
    api.call("GET", f"/sandbox/faults/{fault}/held?timeout=60")
    process.send_signal(signal.SIGINT)
    if signals == 1:
        api.call("POST", f"/sandbox/faults/{fault}/release")
        assert stack.end(process).code != 0
        (droplet,) = api.droplets()
        assert stack["d"]["id"] == str(droplet["id"])
        assert stack["d"]["outputs"]["status"] == "active"
        assert not stack.locked()
    else:
        stack.wait_for_line(process, "terminate immediately")
        process.send_signal(signal.SIGINT)
        stack.end(process)
        api.call("POST", f"/sandbox/faults/{fault}/release")
        assert len(api.droplets()) == 1
        assert stack.resources("d") == []
