"""What the digitalocean plugin does with droplets and the rest, row by row, against the local cloud's API."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from collections.abc import Iterator

import pytest

from tests.plugins_under_test import REAL
from tests.providers.cloud import TOKEN, LocalApi, local_api
from tests.providers.conftest import NewStack
from tests.providers.stack import UNKNOWN, Run, Stack
from tests.waiting import until

ONE = """
    import pulumi_digitalocean as do

    do.Droplet("d", image="debian-12-x64", region="nyc3", size="s-1vcpu-1gb")
"""
USER_DATA = "#cloud-config\nhostname: here\n"


def on(stack: Stack, api: LocalApi) -> Stack:
    """Point a stack at the API, by configuration, with short pauses between retries."""
    stack.configure(
        digitalocean_apiEndpoint=api.endpoint, digitalocean_httpRetryWaitMin="0.05", digitalocean_httpRetryWaitMax="0.1"
    )
    stack.environment["DIGITALOCEAN_TOKEN"] = TOKEN
    api.reset()
    return stack


@pytest.fixture
def cloud(stack: Stack, api: LocalApi) -> Stack:
    """An empty stack on an empty cloud."""
    return on(stack, api)


def test_an_endpoint_from_config_is_recorded_in_state(cloud: Stack, api: LocalApi) -> None:
    cloud.write(ONE)
    done = cloud.up()
    assert done.code == 0, done.said()
    assert cloud["default_4_65_0"]["inputs"]["apiEndpoint"] == api.endpoint
    assert len(api.droplets()) == 1


@pytest.mark.stand_in("digitalocean", why="without the endpoint, the real plugin calls the public API")
def test_an_endpoint_from_the_environment_works_but_a_later_run_without_it_goes_elsewhere(
    cloud: Stack, api: LocalApi
) -> None:
    cloud.configure()
    cloud.environment["DIGITALOCEAN_API_URL"] = api.endpoint
    cloud.write(ONE)
    assert cloud.up().code == 0
    assert "apiEndpoint" not in cloud["default_4_65_0"]["inputs"]
    calls = len(api.calls("GET", ".*"))
    del cloud.environment["DIGITALOCEAN_API_URL"]
    cloud.environment["DIGITALOCEAN_HTTP_RETRY_MAX"] = "0"
    assert cloud.refresh().code != 0
    assert len(api.calls("GET", ".*")) == calls


def test_preview_and_up_do_not_object_to_a_missing_token_the_api_does(cloud: Stack, api: LocalApi) -> None:
    del cloud.environment["DIGITALOCEAN_TOKEN"]
    cloud.write(ONE)
    assert cloud.preview().code == 0
    done = cloud.up()
    assert done.code != 0
    assert re.search(r"Error creating droplet: POST http://\S+/v2/droplets: 401 ", done.said())
    assert cloud.resources("d") == []


def test_the_provider_finds_the_token_under_its_third_name_and_keeps_it_out_of_the_state(
    cloud: Stack, api: LocalApi
) -> None:
    cloud.configure()
    cloud.environment |= {"DIGITALOCEAN_API_TOKEN": TOKEN, "DIGITALOCEAN_ACCESS_TOKEN": "of-doctl"}
    del cloud.environment["DIGITALOCEAN_TOKEN"]
    cloud.environment["DIGITALOCEAN_API_URL"] = api.endpoint
    cloud.write("""
        import os

        import pulumi
        import pulumi_digitalocean as do

        from bakewell.settings import Environment
        from components.digitalocean.provider import provider

        opts = pulumi.ResourceOptions(provider=provider("cloud", Environment.read(os.environ)))
        do.Tag("t", opts=opts)
    """)
    done = cloud.up()
    assert done.code == 0, done.said()
    assert TOKEN not in json.dumps(cloud["cloud"])
    del cloud.environment["DIGITALOCEAN_API_TOKEN"]
    cloud.environment["DIGITALOCEAN_TOKEN"] = TOKEN
    assert cloud.up().ops("cloud") == ["same"], "other names on another host are no change"


REPLACED = """
    import pulumi_digitalocean as do

    def droplet(resource, **inputs):
        given = dict(image="{image}", region="NYC3", size="s-1vcpu-1gb", tags=["b:1", "a"], user_data={data!r})
        do.Droplet(resource, **{{**given, **inputs}})

    droplet("auto")
    droplet("named", name="a-name")
    droplet("data", user_data={other!r})
    droplet("changed", **{{"image": "debian-12-x64", **{changes}}})
"""


Replaced = tuple[Stack, Run, Run, Run, dict[str, str]]


@pytest.fixture(scope="module")
def own_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalApi]:
    """An API that no other test resets."""
    with local_api(tmp_path_factory.mktemp("own-cloud")) as served:
        yield served


@pytest.fixture(scope="module")
def replaced(new_stack: NewStack, own_api: LocalApi) -> Replaced:
    """Droplets, their first preview, the preview of changes to them, its up, and their first IDs."""
    api = own_api
    stack = on(new_stack("replaced"), api)
    first = {"name": "before", "size": "s-1vcpu-1gb"}
    stack.write(REPLACED.format(image="debian-12-x64", data=USER_DATA, other="#!/bin/sh\n", changes=first))
    unborn = stack.preview()
    done = stack.up()
    assert done.code == 0, done.said()
    ids = {name: stack[name]["id"] for name in ("auto", "named", "data", "changed")}
    then = {"name": "after", "size": "s-1vcpu-2gb", "tags": ["a", "c"]}
    stack.write(REPLACED.format(image="126", data=USER_DATA, other="#!/bin/sh\ntrue\n", changes=then))
    before = stack.preview()
    # Actions that say "completed" and are not: the resize has to wait for them.
    api.unfinished.answers = 3
    done = stack.up()
    assert done.code == 0, done.said()
    return stack, unborn, before, done, ids


def test_preview_of_a_create_knows_the_inputs_and_nothing_else(replaced: Replaced) -> None:
    outputs = replaced[1].outputs("named")
    assert outputs["image"] == "debian-12-x64"
    assert outputs["name"] == "a-name"
    assert outputs["region"] == "nyc3"
    assert outputs["ipv4Address"] == outputs["status"] == outputs["vpcUuid"] == UNKNOWN


def test_region_is_posted_as_given_and_shown_in_lower_case(replaced: Replaced, own_api: LocalApi) -> None:
    posted = {call["body"]["region"] for call in own_api.calls("POST", "/v2/droplets")}
    assert posted == {"NYC3"}
    assert replaced[0]["auto"]["inputs"]["region"] == "NYC3"
    assert replaced[0]["auto"]["outputs"]["region"] == "nyc3"


def test_public_networking_is_true_by_default_and_what_is_unset_is_null(replaced: Replaced) -> None:
    record = replaced[0]["auto"]
    assert record["inputs"]["publicNetworking"] is record["outputs"]["publicNetworking"] is True
    unset = {key for key, value in record["outputs"].items() if value is None}
    assert {"backupPolicy", "dropletAgent"} <= unset
    assert "backups" not in record["inputs"]
    assert record["outputs"]["backups"] is False


def test_a_droplet_without_a_name_is_named_by_its_resource_and_7_hex(replaced: Replaced) -> None:
    assert re.fullmatch(r"auto-[0-9a-f]{7}", replaced[0]["auto"]["outputs"]["name"])


def test_user_data_appears_as_a_hash(replaced: Replaced) -> None:
    record = replaced[0]["auto"]
    assert record["outputs"]["userData"] == hashlib.sha1(USER_DATA.encode()).hexdigest()
    assert record["inputs"]["userData"] == USER_DATA


def test_image_and_user_data_replace(replaced: Replaced) -> None:
    _, _, before, _, _ = replaced
    assert before.diff("auto") == {"image": "update-replace"}
    assert before.diff("data") == {"image": "update-replace", "userData": "update-replace"}


def test_an_auto_named_droplet_is_replaced_create_before_delete(replaced: Replaced) -> None:
    stack, _, _, done, ids = replaced
    assert done.ops("auto") == ["create-replacement", "replace", "delete-replaced"]
    assert stack["auto"]["id"] != ids["auto"]


def test_an_explicitly_named_droplet_is_replaced_delete_before_create(replaced: Replaced) -> None:
    stack, _, before, done, ids = replaced
    steps = ["delete-replaced", "replace", "create-replacement"]
    assert before.ops("named") == steps
    assert done.ops("named") == steps
    assert stack["named"]["id"] != ids["named"]


def test_name_size_and_tags_update_in_place(replaced: Replaced, own_api: LocalApi) -> None:
    stack, _, before, done, ids = replaced
    assert before.ops("changed") == done.ops("changed") == ["update"]
    assert before.diff("changed") == {"name": "update", "size": "update", "tags[1]": "update"}
    record = stack["changed"]
    assert record["id"] == ids["changed"]
    outputs = record["outputs"]
    assert (outputs["name"], outputs["size"], outputs["tags"]) == ("after", "s-1vcpu-2gb", ["a", "c"])
    droplet = own_api.call("GET", f"/v2/droplets/{record['id']}")["droplet"]
    assert (droplet["name"], droplet["size_slug"], droplet["status"]) == ("after", "s-1vcpu-2gb", "active")
    assert sorted(droplet["tags"]) == ["a", "c"]


def test_an_action_is_waited_for_until_completed_at_is_set(replaced: Replaced, own_api: LocalApi) -> None:
    assert own_api.unfinished.answers == 0
    assert len(own_api.calls("GET", r"/v2/actions/\d+")) > 3


def test_waits_are_never_zero(replaced: Replaced, own_api: LocalApi) -> None:
    """Before each look, the real plugin waits 10 s: once for a create, twice for a delete. A stand-in's clock is
    quicker (`sandbox.providers.pace`), and its looks are the same.
    """
    stack, _, _, _, ids = replaced
    assert own_api.calls("GET", f"/v2/droplets/{stack['auto']['id']}")
    assert len(own_api.calls("GET", f"/v2/droplets/{ids['auto']}")) >= 3


def test_no_change_is_no_change(replaced: Replaced) -> None:
    stack = replaced[0]
    done = stack.refresh()
    assert done.code == 0
    assert [stack[name]["inputs"]["__defaults"] for name in ("auto", "named")] == [
        ["name", "publicNetworking", "resizeDisk"],
        ["publicNetworking", "resizeDisk"],
    ]
    after = stack.preview()
    assert [after.ops(name) for name in ("auto", "named", "data", "changed")] == [["same"]] * 4


def test_500_and_503_are_retried_and_a_post_is_sent_again(cloud: Stack, api: LocalApi) -> None:
    api.fault("status", "POST", "/v2/droplets", status=500, nth=1)
    api.fault("status", "POST", "/v2/droplets", status=503, nth=2, times=2)
    cloud.write(ONE)
    assert cloud.up().code == 0
    assert len(api.calls("POST", "/v2/droplets")) == 4
    assert len(api.droplets()) == 1


def test_retries_stop_after_4(cloud: Stack, api: LocalApi) -> None:
    api.fault("status", "POST", "/v2/droplets", status=500)
    cloud.write(ONE)
    done = cloud.up()
    assert done.code != 0
    assert re.search(r"POST http://\S+/v2/droplets: 500 .*; giving up after 5 attempt\(s\)", done.said())
    assert len(api.calls("POST", "/v2/droplets")) == 5
    assert cloud.resources("d") == []


def test_422_is_not_retried(cloud: Stack, api: LocalApi) -> None:
    api.fault("status", "POST", "/v2/droplets", status=422)
    cloud.write(ONE)
    done = cloud.up()
    assert done.code != 0
    assert re.search(r"Error creating droplet: POST http://\S+/v2/droplets: 422 ", done.said())
    assert len(api.calls("POST", "/v2/droplets")) == 1


def test_an_error_is_told_twice(cloud: Stack, api: LocalApi) -> None:
    """By Terraform's own log, and by Pulumi."""
    api.fault("status", "POST", "/v2/droplets", status=422)
    cloud.write(ONE)
    said = cloud.up().said()
    first = (
        r"^  sdk-v2/provider2\.go:572: sdk\.helper_schema: Error creating droplet: .*: provider=digitalocean@4\.65\.0$"
    )
    assert len(re.findall(first, said, re.MULTILINE)) == 1
    assert len(re.findall(r"^1 error occurred:\n\t\* Error creating droplet: ", said, re.MULTILINE)) == 1


def test_a_404_while_creating_is_looked_at_again(cloud: Stack, api: LocalApi) -> None:
    api.fault("status", "GET", r"/v2/droplets/\d+", status=404, nth=1, times=2)
    cloud.write(ONE)
    done = cloud.up()
    assert done.code == 0, done.said()
    looks = [call["status"] for call in api.calls("GET", r"/v2/droplets/\d+")]
    assert looks[:2] == [404, 404]
    assert looks[-1] == 200
    assert cloud["d"]["outputs"]["status"] == "active"


LIMITED = """
    import pulumi
    import pulumi_digitalocean as do

    limits = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="{limit}", delete="1m"))
    do.Droplet("d", image="debian-12-x64", region="nyc3", size="s-1vcpu-1gb", user_data="other", opts=limits)
"""
# A real plugin looks for the first time after 10 s.
LIMIT = "15s" if "digitalocean" in REAL else "1s"


def test_a_droplet_that_vanishes_while_created_is_in_the_way_until_a_refresh_and_its_predecessor_stays(
    cloud: Stack, api: LocalApi
) -> None:
    cloud.write(ONE)
    assert cloud.up().code == 0
    predecessor = cloud["d"]["id"]
    api.fault("action_errored", "POST", "/v2/droplets", nth=1)
    cloud.write(LIMITED.format(limit=LIMIT))
    failed = cloud.up()
    assert failed.code != 0
    record, old = cloud.resources("d")
    assert (old["id"], old["delete"]) == (predecessor, True)
    reason = f"Error waiting for droplet ({record['id']}) to become ready: context deadline exceeded"
    assert record["initErrors"] == [f"creating {record['urn']}: 1 error occurred:\n\t* {reason}\n\n"]
    assert f"1 error occurred:\n\t* creating {record['urn']}: 1 error occurred:\n\t* {reason}" in failed.said()
    again = cloud.up()
    assert again.code != 0
    assert f"Resource provider reported that the resource did not exist while updating {record['urn']}." in again.said()
    assert [droplet["id"] for droplet in api.droplets()] == [int(predecessor)]
    assert cloud.refresh().code == 0
    done = cloud.up()
    assert done.code == 0, done.said()
    assert done.ops("d") == ["create", "delete-replaced"]
    assert [droplet["id"] for droplet in api.droplets()] == [int(cloud["d"]["id"])]


def test_an_update_that_fails_is_recorded_with_the_reason(cloud: Stack, api: LocalApi) -> None:
    cloud.write(ONE)
    assert cloud.up().code == 0
    droplet, urn = cloud["d"]["id"], cloud["d"]["urn"]
    api.fault("status", "POST", rf"/v2/droplets/{droplet}/actions", status=422)
    cloud.write(ONE.replace('region="nyc3"', 'region="nyc3", name="other"'))
    assert cloud.up().code != 0
    (reason,) = cloud["d"]["initErrors"]
    told = re.escape(f"updating {urn}: 1 error occurred:\n\t* Error renaming droplet ({droplet}): POST ")
    assert re.match(told + r"http://\S+/actions: 422 ", reason)
    assert cloud["d"]["id"] == droplet


def test_a_droplet_that_somebody_deleted_fails_its_deletion_until_a_refresh(cloud: Stack, api: LocalApi) -> None:
    cloud.write(ONE)
    assert cloud.up().code == 0
    droplet = cloud["d"]["id"]
    api.call("DELETE", f"/v2/droplets/{droplet}")
    until(lambda: not api.droplets())
    done = cloud.destroy()
    assert done.code != 0
    told = f"Error waiting for droplet to be unlocked for destroy ({droplet}): unexpected state 'Not Found'"
    assert told in done.said()
    assert cloud.refresh().code == 0
    assert cloud.resources("d") == []
    assert cloud.preview().ops("d") == ["create"]


def test_one_sigint_waits_for_the_create_and_records_it(cloud: Stack, api: LocalApi) -> None:
    fault = api.fault("hold_after", "POST", "/v2/droplets")
    cloud.write(ONE)
    process = cloud.start("up", "--yes", "--skip-preview")
    api.call("GET", f"/sandbox/faults/{fault}/held?timeout=60")
    process.send_signal(signal.SIGINT)
    api.call("POST", f"/sandbox/faults/{fault}/release")
    done = cloud.end(process)
    assert done.code != 0
    (droplet,) = api.droplets()
    assert cloud["d"]["id"] == str(droplet["id"])
    assert cloud["d"]["outputs"]["status"] == "active"
    assert not cloud.locked()


def test_two_sigints_leave_the_droplet_in_the_api_and_out_of_state(cloud: Stack, api: LocalApi) -> None:
    fault = api.fault("hold_after", "POST", "/v2/droplets")
    cloud.write(ONE)
    process = cloud.start("up", "--yes", "--skip-preview")
    api.call("GET", f"/sandbox/faults/{fault}/held?timeout=60")
    process.send_signal(signal.SIGINT)
    cloud.wait_for_line(process, "terminate immediately")
    process.send_signal(signal.SIGINT)
    cloud.end(process)
    api.call("POST", f"/sandbox/faults/{fault}/release")
    assert len(api.droplets()) == 1
    assert cloud.resources("d") == []


def test_keys_tags_reserved_ips_and_look_ups(cloud: Stack, api: LocalApi) -> None:
    """No row of the table: that the rest of the plugin works at all, from create to destroy."""
    program = """
        import pulumi
        import pulumi_digitalocean as do

        key = do.SshKey("k", name="{key}", public_key="{public}\\n")
        d = do.Droplet("d", image="debian-12-x64", region="nyc3", size="s-1vcpu-1gb", ssh_keys=[key.id], tags=["t"])
        ip = do.ReservedIp("ip", region="nyc3", droplet_id=d.id.apply(int) if {assigned} else None)
        do.Tag("t", name="a-tag")
        pulumi.export("image", do.get_image(slug="debian-12-x64").id)
        pulumi.export("found", do.get_droplet_output(id=d.id.apply(int)).name)
        pulumi.export("address", d.ipv4_address)
    """
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHQvSCRKrQEtSRGLcDGsVlYFyzFVAuo3d9nNpTyBqiqb me"
    cloud.write(program.format(key="one", public=public, assigned=True))
    done = cloud.up()
    assert done.code == 0, done.said()
    outputs = cloud["rows-dev"]["outputs"]
    assert outputs["image"] == 126
    assert outputs["found"] == cloud["d"]["outputs"]["name"]
    assert outputs["address"] == cloud["d"]["outputs"]["ipv4Address"]
    assert cloud["ip"]["outputs"]["dropletId"] == int(cloud["d"]["id"])
    assert cloud["k"]["outputs"]["fingerprint"].count(":") == 15
    cloud.write(program.format(key="two", public=public, assigned=False))
    done = cloud.up()
    assert done.code == 0, done.said()
    assert done.ops("k") == done.ops("ip") == ["update"]
    assert api.call("GET", "/v2/reserved_ips")["reserved_ips"][0]["droplet"] is None
    assert api.call("GET", "/v2/account/keys")["ssh_keys"][0]["name"] == "two"
    assert cloud.destroy().code == 0
    assert api.droplets() == api.call("GET", "/v2/reserved_ips")["reserved_ips"] == []
