"""What the digitalocean plugin answers, row by row, against the local cloud's API."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.providers.asking import Refused
from tests.providers.cloud import ADDRESS, DROPLET, KEY, SMALL, TAG, TOKEN, LocalApi
from tests.providers.plugin import Plugin
from tests.waiting import until

POST = r"POST http://\S+/v2/droplets"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHQvSCRKrQEtSRGLcDGsVlYFyzFVAuo3d9nNpTyBqiqb me"


@pytest.mark.stand_in("digitalocean", why="without the endpoint, the real plugin calls the public API")
def test_an_endpoint_from_the_environment_works_but_a_later_run_without_it_goes_elsewhere(
    api: LocalApi, pulumi_home: Path, tmp_path: Path
) -> None:
    variables = {**os.environ, "DIGITALOCEAN_TOKEN": TOKEN}
    with Plugin(pulumi_home, "digitalocean", tmp_path, variables | {"DIGITALOCEAN_API_URL": api.endpoint}) as plugin:
        assert "apiEndpoint" not in plugin.check_config()[0], "it would be in the state"
        plugin.configure()
        plugin.make(DROPLET, "d", **SMALL)
    with Plugin(pulumi_home, "digitalocean", tmp_path, variables) as later:
        later.configure()
        with pytest.raises(Refused, match=r"calls loopback only, not https://api\.digitalocean\.com"):
            later.make(DROPLET, "d", **SMALL)
    assert len(api.droplets()) == 1


def test_preview_and_up_do_not_object_to_a_missing_token_the_api_does(
    api: LocalApi, pulumi_home: Path, tmp_path: Path
) -> None:
    with Plugin(pulumi_home, "digitalocean", tmp_path) as plugin:
        plugin.configure(apiEndpoint=api.endpoint)
        assert plugin.preview(DROPLET, "d", **SMALL)["image"] == "debian-12-x64"
        with pytest.raises(Refused, match=f"Error creating droplet: {POST}: 401 ") as refused:
            plugin.make(DROPLET, "d", **SMALL)
        assert refused.value.partial is None, "it would be in the state"


def test_500_and_503_are_retried_and_a_post_is_sent_again(digitalocean: Plugin, api: LocalApi) -> None:
    api.fault("status", "POST", "/v2/droplets", status=500, nth=1)
    api.fault("status", "POST", "/v2/droplets", status=503, nth=2, times=2)
    digitalocean.make(DROPLET, "d", **SMALL)
    assert len(api.calls("POST", "/v2/droplets")) == 4
    assert len(api.droplets()) == 1


@pytest.mark.parametrize(
    ("status", "calls", "told"),
    [(500, 5, f"{POST}: 500 .*; giving up after 5 attempt\\(s\\)"), (422, 1, f"Error creating droplet: {POST}: 422 ")],
)
def test_retries_stop_after_4_and_a_422_is_not_retried(
    digitalocean: Plugin, api: LocalApi, status: int, calls: int, told: str
) -> None:
    api.fault("status", "POST", "/v2/droplets", status=status)
    with pytest.raises(Refused, match=told) as refused:
        digitalocean.make(DROPLET, "d", **SMALL)
    assert len(api.calls("POST", "/v2/droplets")) == calls
    assert refused.value.partial is None


def test_an_error_is_told_twice(digitalocean: Plugin, api: LocalApi) -> None:
    """By Terraform's own log, and by Pulumi."""
    before = len(digitalocean.said("ERROR"))
    api.fault("status", "POST", "/v2/droplets", status=422)
    with pytest.raises(Refused, match=r"^1 error occurred:\n\t\* Error creating droplet: "):
        digitalocean.make(DROPLET, "d", **SMALL)
    (first,) = until(lambda: digitalocean.said("ERROR")[before:])
    words = (
        r"  sdk-v2/provider2\.go:572: sdk\.helper_schema: Error creating droplet: .*: provider=digitalocean@4\.65\.0"
    )
    assert re.fullmatch(words, first.strip("\n"))


def test_a_404_while_creating_is_looked_at_again(digitalocean: Plugin, api: LocalApi) -> None:
    api.fault("status", "GET", r"/v2/droplets/\d+", status=404, nth=1, times=2)
    droplet = digitalocean.make(DROPLET, "d", **SMALL)
    looks = [call["status"] for call in api.calls("GET", r"/v2/droplets/\d+")]
    assert looks[:2] == [404, 404]
    assert looks[-1] == 200
    assert droplet.state["status"] == "active"


def test_an_update_that_fails_is_recorded_with_the_reason(digitalocean: Plugin, api: LocalApi) -> None:
    droplet = digitalocean.make(DROPLET, "d", **SMALL)
    api.fault("status", "POST", rf"/v2/droplets/{droplet.id}/actions", status=422)
    with pytest.raises(Refused) as refused:
        droplet.update(**SMALL, name="other")
    (reason,) = refused.value.partial.reasons
    told = re.escape(f"updating {droplet.urn}: 1 error occurred:\n\t* Error renaming droplet ({droplet.id}): POST ")
    assert re.match(told + r"http://\S+/actions: 422 ", reason)
    assert refused.value.partial.id == droplet.id


def test_a_droplet_that_somebody_deleted_fails_its_deletion_until_a_refresh(
    digitalocean: Plugin, api: LocalApi
) -> None:
    droplet = digitalocean.make(DROPLET, "d", **SMALL)
    api.delete_droplet(droplet.id)
    told = f"Error waiting for droplet to be unlocked for destroy ({droplet.id}): unexpected state 'Not Found'"
    with pytest.raises(Refused, match=re.escape(told)):
        droplet.delete()
    assert not droplet.refresh()


def test_keys_and_tags_from_create_to_delete(digitalocean: Plugin, api: LocalApi) -> None:
    key = digitalocean.make(KEY, "k", name="one", publicKey=f"{PUBLIC}\n")
    assert key.state["fingerprint"].count(":") == 15
    assert key.changes(name="two", publicKey=PUBLIC) == {"name": "UPDATE"}
    key.update(name="two", publicKey=PUBLIC)
    assert api.call("GET", "/v2/account/keys")["ssh_keys"][0]["name"] == "two"
    tag = digitalocean.make(TAG, "t", name="a-tag")
    droplet = digitalocean.make(DROPLET, "d", **SMALL, sshKeys=[key.id], tags=["a-tag"])
    assert droplet.state["tags"] == ["a-tag"]
    assert droplet.state["ipv4Address"]
    for made in (droplet, tag, key):
        made.delete()
        assert not made.refresh()


def test_failures_of_check_name_no_property_their_reasons_do(digitalocean: Plugin) -> None:
    _, failures = digitalocean.check(DROPLET, "d", {}, image="", region="nyc3", tags=["fine", "not fine"])
    missing = 'Missing required argument. The argument "size" is required, but no definition was found.'
    tags = "tags may contain lowercase letters, numbers, colons, dashes, and underscores; there is a limit of 255 "
    assert failures == {
        "size": f"{missing}. Examine values at 'd.size'.",
        "image": "image must not be empty, got . Examine values at 'd.image'.",
        "tags[1]": f"{tags}characters per tag. Examine values at 'd.tags[1]'.",
    }


@pytest.mark.stand_in("digitalocean", why="the real plugin has these properties")
def test_a_property_it_does_not_have_is_refused_in_preview(digitalocean: Plugin) -> None:
    _, failures = digitalocean.check(DROPLET, "d", {}, **SMALL, gpuPartitionMode="x", backupPolicy={"plan": "daily"})
    assert set(failures) == {"gpuPartitionMode", "backupPolicy"}
    assert all(" is not implemented by the local cloud's stand-in" in reason for reason in failures.values())


def test_a_reserved_ip_takes_no_limits(digitalocean: Plugin) -> None:
    digitalocean.create(ADDRESS, "ip", {"region": "nyc3"}, timeout=5400)
    told = "Resource does not support customTimeouts, ignoring: create=1h30m0s"
    until(lambda: any(told in warning for warning in digitalocean.said("WARNING")), what=told)
