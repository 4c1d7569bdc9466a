"""Faults on order, and the journal: what the tests of crashes and retries stand on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.served import KEY, Api, Check, Served, serving
from tests.waiting import LONGEST, until

KEYS = "/v2/account/keys"
NEW_KEY = {"name": "one", "public_key": KEY}


def rule(api: Api, effect: str, **spec: Any) -> str:
    """Orders a fault; its path."""
    return f"/sandbox/faults/{api.post('/sandbox/faults', {'effect': effect, **spec})['fault']['id']}"


def names(api: Api) -> list[str]:
    return [key["name"] for key in api.get(KEYS)["ssh_keys"]]


class Caller:
    """A POST of a key, made in a thread of its own."""

    def __init__(self, api: Api) -> None:
        self.status: int | None = None
        self.error: httpx.TransportError | None = None
        self._http = httpx.Client(base_url=api.endpoint, headers=api.http.headers, timeout=LONGEST, verify=False)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.status = self._http.post(KEYS, json=NEW_KEY).status_code
        except httpx.TransportError as error:
            self.error = error

    def join(self) -> Caller:
        self._thread.join(LONGEST)
        assert not self._thread.is_alive()
        self._http.close()
        return self


@pytest.mark.parametrize(
    ("status", "id"),
    [(500, "server_error"), (503, "service_unavailable"), (429, "too_many_requests"), (401, "Unauthorized")],
)
def test_a_status_instead_of_an_effect(api: Api, status: int, id: str) -> None:
    path = rule(api, "status", method="POST", path=KEYS, status=status, retry_after=7)
    response = api.http.post(KEYS, json=NEW_KEY)
    assert (response.status_code, response.json()["id"], response.headers["retry-after"]) == (status, id, "7")
    assert (response.headers["ratelimit-remaining"] == "0") == (status == 429)
    assert names(api) == []
    api.delete(path)
    api.key()


@pytest.mark.parametrize(("status", "body"), [(200, "<html>"), (204, ""), (404, "{}")])
def test_a_body_instead_of_an_effect(api: Api, status: int, body: str) -> None:
    path = rule(api, "status", method="POST", path=KEYS, status=status, body=body)
    headers = dict(api.http.headers)  # not by `api`, which holds every answer to the contract
    response = httpx.post(f"{api.endpoint}{KEYS}", headers=headers, json=NEW_KEY)
    assert (response.status_code, response.text) == (status, body)
    api.delete(path)
    assert names(api) == []


def test_the_nth_matching_call(api: Api) -> None:
    path = rule(api, "status", method="GET", path="/v2/(account|regions)", nth=2, times=2)
    statuses = [
        api.http.get(f"/v2/{name}").status_code for name in ("account", "sizes", "regions", "account", "account")
    ]
    assert statuses == [200, 200, 500, 500, 200]
    fault = api.get(path)["fault"]
    assert (fault["matched"], fault["fired"]) == (4, 2)


@pytest.mark.parametrize("outcome", ["proceed", "drop"])
def test_a_call_held_before_it_takes_effect(api: Api, outcome: str) -> None:
    path = rule(api, "hold_before", method="POST", path=KEYS)
    response = api.http.get(f"{path}/held?timeout=0.05")
    assert (response.status_code, response.json()["detail"]) == (408, "no call was held within 0.05 s")
    caller = Caller(api)
    assert api.get(f"{path}/held")["fault"]["held"] == 1
    assert names(api) == []
    api.post(f"{path}/release?outcome={outcome}", status=200)
    caller.join()
    assert (caller.status, caller.error is not None) == ((201, False) if outcome == "proceed" else (None, True))
    assert names(api) == (["one"] if outcome == "proceed" else [])
    assert api.get(path)["fault"]["held"] == 0


def test_a_call_held_after_it_took_effect(api: Api) -> None:
    path = rule(api, "hold_after", method="POST", path=KEYS)
    caller = Caller(api)
    api.get(f"{path}/held")
    assert names(api) == ["one"]
    assert caller.status is None
    api.delete(path)  # as good as a release
    assert caller.join().status == 201


def test_a_client_that_is_gone_by_the_time_its_call_is_let_go(api: Api) -> None:
    path = rule(api, "hold_before", method="POST", path=KEYS)
    with pytest.raises(httpx.ReadTimeout):
        api.http.post(KEYS, json=NEW_KEY, timeout=0.3)
    assert api.get(path)["fault"]["held"] == 1
    api.post(f"{path}/release", status=200)
    until(lambda: names(api), lambda found: found == ["one"])


@pytest.mark.parametrize(("effect", "found"), [("drop_before", []), ("drop_after", ["one"])])
def test_a_dropped_connection(api: Api, effect: str, found: list[str]) -> None:
    rule(api, effect, method="POST", path=KEYS, nth=1)
    assert Caller(api).join().error is not None
    assert names(api) == found


def test_an_action_that_ends_errored(api: Api) -> None:
    droplet_id = api.droplet()["id"]
    api.act(droplet_id, "power_off")
    rule(api, "action_errored", method="POST", path=r"/v2/droplets/\d+/actions", nth=1)
    action = api.act(droplet_id, "snapshot", name="never")
    assert action["status"] == "errored"
    assert action["completed_at"] is not None
    assert api.get("/v2/images", private="true")["images"] == []
    assert not api.get(f"/v2/droplets/{droplet_id}")["droplet"]["locked"]
    assert api.act(droplet_id, "snapshot", name="then")["status"] == "completed"


def test_a_droplet_whose_creation_fails_goes_away(served: Served, api: Api) -> None:
    rule(api, "action_errored", method="POST", path="/v2/droplets", nth=1)
    droplet = api.droplet(wait=False)
    until(lambda: api.http.get(f"/v2/droplets/{droplet['id']}").status_code, lambda status: status == 404)
    assert api.get("/v2/actions")["actions"][0]["status"] == "errored"
    assert served.machines.machines == {}
    api.droplet()


def test_the_machine_engine_goes_down_in_the_middle(served: Served, api: Api) -> None:
    droplet_id = api.droplet()["id"]
    path = rule(api, "engine_down", method="POST", path=r"/v2/droplets/\d+/actions", nth=1)
    assert api.act(droplet_id, "power_off")["status"] == "errored"
    assert api.act(droplet_id, "power_off")["status"] == "errored"
    api.destroy(droplet_id)  # as on a real cloud: the account is rid of it, the machine goes when it can
    assert served.machines.exists(f"droplet-{droplet_id}")
    api.delete(path)
    api.droplet()
    until(lambda: served.machines.exists(f"droplet-{droplet_id}"), lambda there: not there)


def test_a_full_disk(api: Api) -> None:
    droplet_id = api.droplet()["id"]
    rule(api, "disk_full")
    assert api.act(droplet_id, "power_off")["status"] == "completed"
    assert api.act(droplet_id, "snapshot")["status"] == "errored"
    new = api.droplet("another", wait=False)
    until(lambda: api.http.get(f"/v2/droplets/{new['id']}").status_code, lambda status: status == 404)


def test_rules_that_cannot_be_and_rules_that_are_taken_away(api: Api) -> None:
    for spec in ({"effect": "odd"}, {"effect": "status", "path": "("}, {"effect": "status", "nth": 0}, {"odd": 1}):
        assert api.http.post("/sandbox/faults", json=spec).status_code == 422, spec
    assert api.get("/sandbox/faults")["faults"] == []
    path = rule(api, "status")
    rule(api, "drop_before")
    assert len(api.get("/sandbox/faults")["faults"]) == 2
    api.delete(path)
    assert api.http.get(path).status_code == 404
    api.delete("/sandbox/faults")
    api.get("/v2/account")


def test_the_journal(api: Api) -> None:
    api.delete("/sandbox/calls")
    rule(api, "status", method="GET", path="/v2/regions")
    api.post(KEYS, NEW_KEY)
    api.http.get("/v2/droplets?tag_name=web")
    api.http.get("/v2/regions")
    calls = api.get("/sandbox/calls")["calls"]
    assert [(c["method"], c["path"], c["query"], c["status"], c["fault"]) for c in calls] == [
        ("POST", KEYS, "", 201, None),
        ("GET", "/v2/droplets", "tag_name=web", 200, None),
        ("GET", "/v2/regions", "", 500, "status"),
    ]
    assert calls[0]["body"] == NEW_KEY
    assert all(c["seconds"] >= 0 for c in calls)
    assert api.http.headers["authorization"].removeprefix("Bearer ") not in str(calls)


def test_a_server_that_is_stopped_lets_held_calls_go(tmp_path: Path, check: Check) -> None:
    with serving(tmp_path, check) as served:
        path = rule(served.api, "hold_after", method="POST", path=KEYS)
        caller = Caller(served.api)
        served.api.get(f"{path}/held")
    caller.join()
