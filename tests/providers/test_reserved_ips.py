"""What the digitalocean plugin does with reserved IPs and their assignments, row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.cloud import LocalApi, local_api
from tests.providers.conftest import NewStack
from tests.providers.stack import UNKNOWN, Run, Stack
from tests.providers.test_digitalocean import on
from tests.waiting import until

MOVED = """
    import pulumi_digitalocean as do

    droplets = [do.Droplet(name, image="debian-12-x64", region="nyc3", size="s-1vcpu-1gb") for name in ("one", "two")]
    ip = do.ReservedIp("ip", region="NYC3")
    do.ReservedIpAssignment("assignment", ip_address=ip.ip_address, droplet_id=droplets[{holder}].id.apply(int))
"""
ACTIONS = r"/v2/reserved_ips/[^/]+/actions"
Moved = tuple[Stack, Run, Run, Run, str]


@pytest.fixture(scope="module")
def moved_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalApi]:
    """An API that no other test resets."""
    with local_api(tmp_path_factory.mktemp("moved-cloud")) as served:
        yield served


@pytest.fixture(scope="module")
def moved(new_stack: NewStack, moved_api: LocalApi) -> Moved:
    """An address that goes from one droplet to another: the first preview, the move's preview and up, the first ID."""
    stack = on(new_stack("moved"), moved_api)
    stack.write(MOVED.format(holder=0))
    unborn = stack.preview()
    done = stack.up()
    assert done.code == 0, done.said()
    first = stack["assignment"]["id"]
    stack.write(MOVED.format(holder=1))
    before = stack.preview()
    done = stack.up()
    assert done.code == 0, done.said()
    return stack, unborn, before, done, first


def holder(api: LocalApi) -> str | None:
    """The droplet that has the one address."""
    (address,) = api.call("GET", "/v2/reserved_ips")["reserved_ips"]
    return str(address["droplet"]["id"]) if address["droplet"] else None


def orders(api: LocalApi) -> list[str]:
    """What was asked of the one address, in order."""
    return [call["body"]["type"] for call in api.calls("POST", ACTIONS)]


def test_preview_of_a_new_address_does_not_know_it(moved: Moved) -> None:
    outputs = moved[1].outputs("ip")
    assert (outputs["region"], outputs["ipAddress"], outputs["reservedIpUrn"]) == ("nyc3", UNKNOWN, UNKNOWN)
    assert outputs["dropletId"] is None
    assert moved[1].outputs("assignment") == {"ipAddress": UNKNOWN, "dropletId": UNKNOWN}


def test_an_address_is_its_resources_id(moved: Moved) -> None:
    record = moved[0]["ip"]
    address = record["outputs"]["ipAddress"]
    assert record["id"] == address
    assert record["outputs"]["reservedIpUrn"] == f"do:reservedip:{address}"


def test_an_assignments_id_names_droplet_and_address_and_is_unique(moved: Moved) -> None:
    stack, _, _, _, first = moved
    address = re.escape(stack["ip"]["id"])
    assert re.fullmatch(rf"{stack['one']['id']}-{address}-[0-9a-f]{{26}}", first)
    assert re.fullmatch(rf"{stack['two']['id']}-{address}-[0-9a-f]{{26}}", stack["assignment"]["id"])


def test_another_droplet_replaces_the_assignment_create_before_delete(moved: Moved) -> None:
    stack, _, before, done, _ = moved
    steps = ["create-replacement", "replace", "delete-replaced"]
    assert before.ops("assignment") == done.ops("assignment") == steps
    assert before.diff("assignment") == {"dropletId": "update-replace"}
    assert done.ops("ip") == ["same"]
    assert stack["assignment"]["outputs"]["dropletId"] == int(stack["two"]["id"])


def test_deleting_the_old_assignment_leaves_the_address_where_it_went(moved: Moved, moved_api: LocalApi) -> None:
    assert orders(moved_api) == ["assign", "assign"]
    assert holder(moved_api) == moved[0]["two"]["id"]


def test_a_refresh_does_not_show_the_address_who_has_it(moved: Moved) -> None:
    stack = moved[0]
    assert stack.refresh().code == 0
    assert stack["ip"]["outputs"]["dropletId"] is None
    after = stack.preview()
    assert [after.ops(name) for name in ("ip", "assignment", "one", "two")] == [["same"]] * 4


@pytest.fixture
def assigned(stack: Stack, api: LocalApi) -> Stack:
    """A stack whose address is with droplet `one`."""
    on(stack, api).write(MOVED.format(holder=0))
    done = stack.up()
    assert done.code == 0, done.said()
    return stack


def test_an_assignment_that_somebody_took_is_gone_on_refresh(assigned: Stack, api: LocalApi) -> None:
    body = {"type": "assign", "droplet_id": int(assigned["two"]["id"])}
    api.call("POST", f"/v2/reserved_ips/{assigned['ip']['id']}/actions", body)
    until(lambda: holder(api) == assigned["two"]["id"])
    assert assigned.refresh().code == 0
    assert assigned.resources("assignment") == []
    assert assigned.preview().ops("assignment") == ["create"]


def test_destroy_takes_the_address_from_its_droplet_first(assigned: Stack, api: LocalApi) -> None:
    done = assigned.destroy()
    assert done.code == 0, done.said()
    assert orders(api) == ["assign", "unassign"]
    assert api.call("GET", "/v2/reserved_ips")["reserved_ips"] == api.droplets() == []


def test_an_assignment_of_an_address_that_nobody_has_is_only_gone_after_a_refresh(
    assigned: Stack, api: LocalApi
) -> None:
    api.call("POST", f"/v2/reserved_ips/{assigned['ip']['id']}/actions", {"type": "unassign"})
    until(lambda: holder(api) is None)
    assert assigned.destroy().code != 0
    assert assigned.refresh().code == 0
    done = assigned.destroy()
    assert done.code == 0, done.said()
    assert api.call("GET", "/v2/reserved_ips")["reserved_ips"] == []


def test_an_address_that_is_gone_fails_its_assignments_refresh(assigned: Stack, api: LocalApi) -> None:
    api.call("DELETE", f"/v2/reserved_ips/{assigned['ip']['id']}")
    done = assigned.refresh()
    assert done.code != 0
    assert re.search(r"Error retrieving reserved IP.*: GET http://\S+/v2/reserved_ips/\S+: 404 ", done.said())


def test_an_assignment_that_the_api_refuses_or_fails_is_not_in_state(stack: Stack, api: LocalApi) -> None:
    on(stack, api).write(MOVED.format(holder=0))
    api.fault("status", "POST", ACTIONS, status=422, nth=1)
    api.fault("action_errored", "POST", ACTIONS, nth=2)
    refused = stack.up()
    assert re.search(r"Error .*: POST http://\S+/actions: 422 ", refused.said())
    failed = stack.up()
    assert "unexpected state 'errored'" in failed.said()
    for done in (refused, failed):
        assert done.code != 0
        assert done.ids("assignment") == []
    assert stack.resources("assignment") == []
    done = stack.up()
    assert done.code == 0, done.said()
    assert holder(api) == stack["one"]["id"]


HELD = """
    import pulumi
    import pulumi_digitalocean as do

    droplets = [do.Droplet(name, image="debian-12-x64", region="nyc3", size="s-1vcpu-1gb") for name in ("one", "two")]
    limits = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="1h30m"))
    do.ReservedIp("ip", region="nyc3", droplet_id=droplets[0].id.apply(int), opts=limits)
"""


def test_an_address_made_for_a_droplet_follows_who_has_it_and_takes_no_limits(stack: Stack, api: LocalApi) -> None:
    on(stack, api).write(HELD)
    done = stack.up()
    assert done.code == 0, done.said()
    assert "Resource does not support customTimeouts, ignoring: create=1h30m0s" in done.said("warning")
    assert holder(api) == stack["one"]["id"]
    body = {"type": "assign", "droplet_id": int(stack["two"]["id"])}
    api.call("POST", f"/v2/reserved_ips/{stack['ip']['id']}/actions", body)
    until(lambda: holder(api) == stack["two"]["id"])
    assert stack.refresh().code == 0
    assert stack["ip"]["outputs"]["dropletId"] == int(stack["two"]["id"])
    done = stack.up()
    assert done.ops("ip") == ["update"]
    assert holder(api) == stack["one"]["id"]


RETIRED = """
    import pulumi
    import pulumi_digitalocean as do
    from pulumi_command import local

    ip = do.ReservedIp("ip", region="nyc3")
    droplet = do.Droplet("d", image="debian-12-x64", region="nyc3", size="s-1vcpu-1gb", user_data="{data}")
    ready = local.Command(
        "ready",
        create="echo ready $DROPLET >>{log}",
        delete="echo retire $DROPLET >>{log}",
        environment={{"DROPLET": droplet.id}},
        triggers=[droplet.id],
    )
    do.ReservedIpAssignment(
        "assignment",
        ip_address=ip.ip_address,
        droplet_id=droplet.id.apply(int),
        opts=pulumi.ResourceOptions(depends_on=[ready]),
    )
"""


def test_a_successor_is_ready_then_has_the_address_then_its_predecessor_retires_and_goes(
    stack: Stack, api: LocalApi, tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    on(stack, api).write(RETIRED.format(data="one", log=log))
    done = stack.up()
    assert done.code == 0, done.said()
    old = stack["d"]["id"]
    api.call("DELETE", "/sandbox/calls")
    stack.write(RETIRED.format(data="two", log=log))
    done = stack.up()
    assert done.code == 0, done.said()
    new = stack["d"]["id"]
    assert log.read_text().splitlines() == [f"ready {old}", f"ready {new}", f"retire {old}"]
    started = [event["resourcePreEvent"]["metadata"] for event in done.events if "resourcePreEvent" in event]
    steps = [
        (s["op"], s["urn"].rsplit("::", 1)[-1]) for s in started if s["op"] in ("create-replacement", "delete-replaced")
    ]
    assert steps == [
        *(("create-replacement", name) for name in ("d", "ready", "assignment")),
        *(("delete-replaced", name) for name in ("assignment", "ready", "d")),
    ]
    assert holder(api) == new
    assert [droplet["id"] for droplet in api.droplets()] == [int(new)]
