"""Answers of DigitalOcean's API that are not whole: an error that names call and field, and nothing is deleted."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from bakewell.build.clean import clean
from bakewell.clouds.digitalocean import DigitalOcean
from bakewell.clouds.digitalocean.api import NotFound
from bakewell.clouds.digitalocean.references import gpu_droplets
from bakewell.clouds.resources import BUILDER
from bakewell.errors import CloudError
from bakewell.image import READY, Identity, tag
from bakewell.retention import Policy
from bakewell.settings import DigitalOceanSettings, Settings
from tests.contract.served import TOKEN, Served
from tests.unit.clouds.conftest import Script

WHEN = "2026-11-21T03:00:00Z"
WHO = Identity("shop", "web", "f" * 64, "0123456789ab", None, "nyc3")
GONE = {"id": "not_found", "message": "The resource you were accessing could not be found."}
MISSING = object()  # stands for a key that is left out

IMAGE = {
    "id": 3,
    "name": "shop-web",
    "status": "available",
    "min_disk_size": 25,
    "created_at": WHEN,
    "regions": ["nyc3"],
    "tags": [*WHO.tags(), READY],
    "size_gigabytes": 1.5,
}
DROPLET = {"id": 4, "name": "web-1", "created_at": WHEN, "tags": [*WHO.tags(), BUILDER], "image": {"id": 3}}
SIZED = DROPLET | {"size_slug": "s-1vcpu-1gb", "region": {"slug": "nyc3"}}
POOL = {"id": "p1", "name": "workers", "droplet_template": {"image": "3"}}
KEY = {"id": 5, "name": "ann"}
TAG: dict[str, Any] = {"name": tag("run", "x"), "resources": {"count": 0}}
SIZE = {"slug": "s-1vcpu-1gb", "disk": 25, "regions": ["nyc3"], "available": True}
ACTION = {"id": 6, "type": "transfer", "status": "completed"}
NYC3 = Settings(digitalocean=DigitalOceanSettings(regions=["nyc3"]))
ACCOUNT = {"status": "active", "email": "a@b", "uuid": "u"}

Ask = Callable[[DigitalOcean], object]
LISTS: dict[str, tuple[str, str, dict[str, Any], list[str], Ask]] = {
    # what is asked: path, key, an item, the fields that it must have, the verb
    "images": ("/v2/images", "images", IMAGE, [*IMAGE], lambda c: c.images.of("shop")),
    "leftovers": ("/v2/images", "images", IMAGE, [*IMAGE], lambda c: c.remains.untagged(["x"])),
    "droplets": ("/v2/droplets", "droplets", DROPLET, [*DROPLET, "image.id"], lambda c: c.references.all()),
    "builders": ("/v2/droplets", "droplets", DROPLET, [*DROPLET, "image.id"], lambda c: c.builders.of("shop")),
    "gpus": ("/v2/droplets", "droplets", DROPLET, [*DROPLET, "image.id"], lambda c: gpu_droplets(c.api)),
    "pools": (
        "/v2/droplets/autoscale",
        "autoscale_pools",
        POOL,
        [*POOL, "droplet_template.image"],
        lambda c: c.references.pools(),
    ),
    "keys": ("/v2/account/keys", "ssh_keys", KEY, [*KEY], lambda c: c.account_keys.all()),
    "tags": ("/v2/tags", "tags", TAG, [*TAG, "resources.count"], lambda c: c.remains.sweep("shop")),
    "sizes": ("/v2/sizes", "sizes", SIZE, [*SIZE], lambda c: c.offers.sizes()),
    "regions": ("/v2/regions", "regions", {"slug": "nyc3"}, ["slug"], lambda c: c.stack_checks.check(NYC3, {})),
    "running": ("/v2/droplets", "droplets", SIZED, [*SIZED, "region.slug"], lambda c: c.offers.running("shop")),
    "actions": ("/v2/droplets/4/actions", "actions", ACTION, [*ACTION], lambda c: c.builders.settle("4")),
}
ONES: dict[str, tuple[str, str, dict[str, Any], list[str], Ask]] = {
    "image": ("/v2/images/3", "image", IMAGE, [*IMAGE], lambda c: c.images.get("3")),
    "tags of": ("/v2/images/3", "image", IMAGE, [*IMAGE], lambda c: c.images.tags("3")),
    "regions of": ("/v2/images/3", "image", IMAGE, [*IMAGE], lambda c: c.images.regions("3")),
    "stock": ("/v2/images/debian-12-x64", "image", IMAGE, [*IMAGE], lambda c: c.bases.stock("debian-12-x64")),
    "base": ("/v2/images/debian-12-x64", "image", IMAGE, [*IMAGE], lambda c: c.bases.check("debian-12-x64", "x86_64")),
    "account": ("/v2/account", "account", ACCOUNT, [*ACCOUNT], lambda c: c.account.check()),
    "key": ("/v2/account/keys", "ssh_key", KEY, [*KEY], lambda c: c.keys.create("n", "k")),
    "action": (
        "/v2/images/3/actions",
        "action",
        ACTION,
        [*ACTION],
        lambda c: c.images._begin("/v2/images/3/actions", "nyc3"),
    ),
    "tag": (
        "/v2/tags/bakewell%3Arun%3Ax",
        "tag",
        TAG,
        [*TAG, "resources.count"],
        lambda c: c.tag_objects.delete_unused([TAG["name"]]),
    ),
}
NULLABLE = ("tags", "size_gigabytes", "min_disk_size")  # of an image, by the contract
NOT_WHOLE = ["", "<html>sign in</html>", '{"a": ', "null", "[]", '"x"', "5"]


def changed(answer: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with another value, or none, at a path of keys and numbers."""
    made = copy.deepcopy(answer)
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at: Any = made
    for part in above:
        at = at[part]
    if value is MISSING:
        del at[last]
    else:
        at[last] = value
    return made


def wrong_items(key: str, answer: dict[str, Any], at: str, fields: list[str]) -> Iterator[tuple[str, object]]:
    """A field that the message must name, and an answer with a fault there."""
    for field in fields:
        for value in (MISSING, None, {"x": 1}, True, -1, ""):
            path = f"{at}.{field}"
            may_be_empty = value == "" and field in ("name", "type", "email", "uuid")
            may_be_null = value is None and key.startswith("image") and field in NULLABLE
            if not may_be_empty and not may_be_null and not (value is True and field == "available"):
                yield path, changed(answer, path, value)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_not_whole_is_an_error(script: Script, name: str) -> None:
    path, key, item, fields, ask = LISTS[name]
    good = {key: [item], "links": {}, "meta": {"total": 1}}
    cases: list[tuple[str, object]] = [(path, body) for body in NOT_WHOLE]
    for value in (MISSING, None, {}, "x", 1, [None], ["x"], [[]]):
        cases.append((key, changed(good, key, value)))
    for value in (MISSING, None, [], 1):
        cases.append(("meta", changed(good, "meta", value)))
    for value in (MISSING, None, "1", 1.5, True, [1]):
        cases.append(("meta.total", changed(good, "meta.total", value)))
    for value in (None, [], "x", {"pages": None}, {"pages": []}, {"pages": {"next": 5}}):
        cases.append(("links", changed(good, "links", value)))
    if name != "tags":  # a glance need not be whole: each tag is looked at again
        cases += [("meta.total", changed(good, "meta.total", total)) for total in (0, 2)]
        empty = key if name in ("sizes", "regions") else "whole"  # of these there are some in any account
        cases += [(empty, changed(good, key, [])), ("whole", changed(good, key, [item, item]))]
    cases += wrong_items(key, good, f"{key}.0", fields)
    for field, body in cases:
        script.answers = [(200, {}, body)]
        with pytest.raises(CloudError) as caught:
            ask(script.cloud())
        assert path in caught.value.what and field in caught.value.what, (body, caught.value.what)
        assert type(caught.value) is CloudError and caught.value.exit_code == 3 and caught.value.remedy
    assert {method for method, _, _ in script.asked} == {"GET"}


@pytest.mark.parametrize("name", ONES)
def test_an_answer_about_a_single_thing_that_is_not_whole_is_an_error(script: Script, name: str) -> None:
    path, key, item, fields, ask = ONES[name]
    good = {key: item}
    cases: list[tuple[str, object]] = [(path, body) for body in NOT_WHOLE]
    cases += [(key, changed(good, key, value)) for value in (MISSING, None, [], "x")]
    cases += wrong_items(key, good, key, fields)
    for field, body in cases:
        script.answers = [(200, {}, body)]
        with pytest.raises(CloudError) as caught:
            ask(script.cloud())
        assert path in caught.value.what and field in caught.value.what, (body, caught.value.what)
        assert type(caught.value) is CloudError and caught.value.exit_code == 3


@pytest.mark.parametrize("name", [*LISTS, *ONES])
@pytest.mark.parametrize("status", [203, 204, 302, 307])
def test_a_status_that_the_call_does_not_have_is_an_error(script: Script, name: str, status: int) -> None:
    path, *_, ask = (LISTS | ONES)[name]
    with pytest.raises(CloudError, match=rf"{path}: {status}, which is no answer with a body"):
        ask(script.answer(status).cloud())


NOT_OURS = [
    "",
    "<html>404 page not found</html>",
    "{}",
    "[]",
    '{"message": "Not Found"}',
    '{"id": "not_found"}',
    '{"id": "no_such_route", "message": "x"}',
]


@pytest.mark.parametrize("body", NOT_OURS)
def test_a_404_in_other_words_than_digitalocean_s_does_not_say_that_a_thing_is_gone(script: Script, body: str) -> None:
    cloud = script.answer(404, body).cloud()
    asks: list[Callable[[], object]] = [
        lambda: cloud.images.get("3"),
        lambda: cloud.images.tags("3"),
        lambda: cloud.references.pools(),
        lambda: cloud.builders.settle("4"),
        lambda: cloud.images.delete("3"),
        lambda: cloud.builders.delete("4"),
        lambda: cloud.keys.delete("5"),
        lambda: cloud.images.untag("3", ["x"]),
        lambda: cloud.images.tag("3", ["x"]),
        lambda: cloud.tag_objects.delete_unused([tag("run", "x")]),
    ]
    for ask in asks:
        with pytest.raises(CloudError, match="404, but not in DigitalOcean's words") as caught:
            ask()
        assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize("status", [200, 201, 202, 302])
def test_a_deletion_that_is_answered_otherwise_is_none(script: Script, status: int) -> None:
    with pytest.raises(CloudError, match=rf"DELETE .*/v2/images/3: {status}, which is no answer without one"):
        script.answer(status).cloud().images.delete("3")


def test_what_the_contract_allows_to_be_null_is_empty(script: Script) -> None:
    untagged = IMAGE | {"tags": None, "size_gigabytes": None}
    script.answer(200, {"images": [untagged, IMAGE | {"id": 7, "size_gigabytes": None}], "meta": {"total": 2}})
    (found,) = script.cloud().images.of("shop")
    assert (found.id, found.size_gb) == ("7", 0.0)


def test_the_item_at_fault_is_named(script: Script) -> None:
    droplets = [DROPLET, {key: value for key, value in DROPLET.items() if key != "image"} | {"id": 77}]
    script.answer(200, {"droplets": droplets, "meta": {"total": 2}})
    with pytest.raises(CloudError, match=r"GET .*/v2/droplets: .*`droplets\.1\.image` is missing \(id 77\)"):
        script.cloud().references.all()


def test_an_action_that_is_gone_does_not_hide_the_snapshots(script: Script) -> None:
    running = ACTION | {"status": "in-progress"}
    script.answer(200, {"actions": [running], "meta": {"total": 1}}).answer(404, GONE)
    script.answer(200, {"snapshots": [{"id": 9}], "meta": {"total": 1}})
    assert script.cloud().builders.settle("4") == ["9"]


def test_an_empty_page_that_promises_a_next_one_is_not_the_end_of_a_list(script: Script) -> None:
    script.answer(200, {"droplets": [], "links": {"pages": {"next": "x"}}, "meta": {"total": 0}})
    with pytest.raises(CloudError, match=r"GET .*/v2/droplets: .* an empty page promises a next one"):
        script.cloud().references.all()


def test_a_next_page_that_is_promised_for_ever_is_no_endless_walk(script: Script) -> None:
    more = {"pages": {"next": "https://elsewhere.example/?page=2"}}
    for keys, total in (([KEY], 3), ([], 3)):
        script.answers = [(200, {}, {"ssh_keys": keys, "links": more, "meta": {"total": total}})]
        with pytest.raises(CloudError, match="could not be read whole"):
            script.cloud().account_keys.all()


# `clean`, on the local cloud.


def scene(served: Served, cloud: DigitalOcean) -> dict[str, str]:
    """Four finished images of which one may go: what needs it -> its ID."""
    made = {}
    for number, need in enumerate(("droplet", "pool", "nobody", "newest")):
        who = Identity("shop", "web", f"{number:064x}", f"{number:012x}", None, "nyc3")
        made[need] = str(served.api.snapshot(f"shop-web-{number}")["id"])
        cloud.images.tag(made[need], [*who.tags(), READY])
    served.api.droplet("web-1", image=int(made["droplet"]))
    served.api.droplet("trainer", size="gpu-h100x1-80gb")
    lease = tag("lease", str(int(time.time()) + 3600))
    served.api.droplet("builder", tags=[*WHO.tags(), BUILDER, lease])
    template = {"region": "nyc3", "size": "s-1vcpu-1gb", "image": made["pool"], "ssh_keys": []}
    body = {"name": "workers", "config": {"target_number_instances": 1}, "droplet_template": template}
    served.api.post("/v2/droplets/autoscale", body, 202)
    served.api.key()
    return made


def empty_of(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if not isinstance(value, list)}


def without_items(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: [] if isinstance(value, list) else value for key, value in answer.items()}


def without_fields(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: [{}] if isinstance(value, list) else value for key, value in answer.items()}


WHOLE_ANSWERS: dict[str, tuple[int, Callable[[dict[str, Any]], object]]] = {
    "an empty body": (200, lambda answer: ""),
    "no content": (204, lambda answer: ""),
    "a proxy's page": (200, lambda answer: "<html>sign in</html>"),
    "a proxy's 404": (404, lambda answer: "<html>not found</html>"),
    "an empty object": (200, lambda answer: {}),
    "no meta": (200, lambda answer: {key: value for key, value in answer.items() if key != "meta"}),
    "no list": (200, empty_of),
    "no items": (200, without_items),
    "items without fields": (200, without_fields),
}


def test_clean_deletes_nothing_where_an_answer_is_not_whole(
    served: Served, cloud: DigitalOcean, tmp_path: Path
) -> None:
    made = scene(served, cloud)
    policy, said, api = Policy(1, frozenset(), "shop"), list[str](), served.api

    def act() -> tuple[str, ...]:
        there = DigitalOcean(api.endpoint, TOKEN, sleep=lambda seconds: None)
        done = clean(there, api.endpoint, tmp_path / "state", policy, {}, said.append, dry_run=False)
        return tuple(image.id for image in done.deleted)

    calls: dict[str, str] = {}  # path and query of each list that `clean` reads -> path
    held = api.post("/sandbox/faults", {"effect": "status", "status": 403, "method": "DELETE"})["fault"]["id"]
    api.delete("/sandbox/calls")
    with pytest.raises(CloudError, match="403"):
        act()
    for call in api.get("/sandbox/calls")["calls"]:
        if call["method"] == "GET":
            calls.setdefault(f"{call['path']}?{call['query']}", call["path"])
    api.delete(f"/sandbox/faults/{held}")
    assert {*calls.values()} == {"/v2/droplets", "/v2/images", "/v2/account/keys", "/v2/tags", "/v2/droplets/autoscale"}
    assert len(calls) == 7, "droplets by tag, those with a GPU, and all"

    api.delete("/sandbox/calls")
    for (url, path), kind in product(calls.items(), WHOLE_ANSWERS):
        if (kind, path) == ("no items", "/v2/tags"):
            continue  # a glance: nothing goes because a tag is not in it
        status, told = WHOLE_ANSWERS[kind]
        body = told(api.get(url))
        text = body if isinstance(body, str) else json.dumps(body)
        spec = {"method": "GET", "path": path, "query": re.escape(url.partition("?")[2])}
        rule = api.post("/sandbox/faults", spec | {"effect": "status", "status": status, "body": text})["fault"]["id"]
        with pytest.raises(CloudError) as caught:
            act()
        assert path in caught.value.what and caught.value.exit_code == 3, (kind, url)
        api.delete(f"/sandbox/faults/{rule}")
    changed = [call["path"] for call in api.get("/sandbox/calls")["calls"] if call["method"] == "DELETE"]
    assert [path for path in changed if not path.startswith("/sandbox/")] == []
    assert act() == (made["nobody"],)
    left = {image.id for image in cloud.images.of("shop")}
    assert left == {made[need] for need in ("droplet", "pool", "newest")}
