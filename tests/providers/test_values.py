"""What the stand-ins compute without an engine or an API: property values, paths of changes, planned states."""

from __future__ import annotations

from typing import Any

import pytest

from bakewell_local.sandbox.providers import diff, values
from bakewell_local.sandbox.providers.bridge import schema
from bakewell_local.sandbox.providers.digitalocean.droplet import Droplet
from bakewell_local.sandbox.providers.server import Operation
from bakewell_local.sandbox.providers.values import UNKNOWN, Secret

INPUTS = {"image": "1", "name": "n-1234567", "region": "nyc3", "size": "s", "__defaults": ["name"]}
STATE = {
    key: f"the API's {key}" if value is UNKNOWN else value
    for key, value in schema.plan(Droplet.schema, None, INPUTS).items()
}


def changes(state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, str]:
    return dict(Droplet().diff(Operation(urn="", name="n"), state, {}, inputs).paths)


def test_values_survive_the_wire() -> None:
    sent = {
        "plain": "text",
        "number": 1.5,
        "flag": False,
        "nested": {"list": [1.0, None, UNKNOWN, {"a": Secret(["b"])}], "empty": {}},
        "secret": Secret({"x": UNKNOWN}),
        "none": [],
    }
    assert values.read(values.write({**sent, "left-out": None})) == sent


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1.0}, {"a": 1.0}, {}),
        ({"a": 1.0}, {"a": True}, {"a": "UPDATE"}),
        ({"a": None}, {}, {}),
        ({"a": [1.0]}, {"a": [1.0, 2.0]}, {"a[1]": "ADD"}),
        ({"a": [1.0, 2.0]}, {"a": [2.0]}, {"a[0]": "UPDATE", "a[1]": "DELETE"}),
        ({"a": {"b": [{"c-d": 1.0}]}}, {"a": {"b": [{"c-d": 2.0}]}}, {'a.b[0]["c-d"]': "UPDATE"}),
        ({"a": {'q"': 1.0}}, {"a": {}}, {'a["q\\""]': "DELETE"}),
        ({"a": "x"}, {"a": Secret("x")}, {"a": "UPDATE"}),
        ({"a": [{"b": "x"}]}, {"a": UNKNOWN}, {"a": "UPDATE"}),
        ({"a": ["x"]}, {"a": [UNKNOWN]}, {"a[0]": "UPDATE"}),
    ],
)
def test_changes_are_pathed(old: dict[str, Any], new: dict[str, Any], expected: dict[str, str]) -> None:
    assert diff.changes(old, new) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"image": UNKNOWN}, {"image": "UPDATE_REPLACE"}),
        ({"userData": "x"}, {"userData": "ADD_REPLACE"}),
        ({"userData": UNKNOWN}, {"userData": "ADD_REPLACE"}),
        ({"region": "NYC3"}, {}),
        ({"sshKeys": ["1", "2"]}, {"sshKeys": "ADD_REPLACE"}),
        ({"monitoring": True}, {"monitoring": "UPDATE_REPLACE"}),
        ({"size": "l", "name": "other"}, {"size": "UPDATE", "name": "UPDATE"}),
        ({"tags": []}, {}),
        ({"vpcUuid": "w"}, {"vpcUuid": "UPDATE_REPLACE"}),
        ({"publicNetworking": False}, {"publicNetworking": "UPDATE_REPLACE"}),
    ],
)
def test_a_droplet_is_replaced_or_updated_by_what_changes(change: dict[str, Any], expected: dict[str, str]) -> None:
    assert changes(STATE, INPUTS | change) == expected


def test_a_set_has_no_order_and_its_elements_are_named() -> None:
    tagged = STATE | {"tags": ["a", "b", "c"]}
    assert changes(tagged, INPUTS | {"tags": ["c", "b", "a"]}) == {}
    assert changes(tagged, INPUTS | {"tags": ["d", "c", "b", "e"]}) == {"tags[0]": "UPDATE", "tags[3]": "ADD"}
    assert changes(tagged, INPUTS) == {"tags": "DELETE"}


def test_a_default_name_is_kept_and_an_explicit_one_is_not() -> None:
    new = {"image": "1", "region": "nyc3", "size": "s"}
    kept = schema.inputs(Droplet.schema, "n", INPUTS, new)
    assert kept["name"] == INPUTS["name"]
    again = schema.inputs(Droplet.schema, "n", INPUTS | {"name": "explicit", "__defaults": []}, new)
    assert again["name"] != "explicit"
    assert again["__defaults"] == ["name", "publicNetworking", "resizeDisk"]
    assert again["publicNetworking"] is True


def test_a_number_stands_for_its_text() -> None:
    given = {"image": 1011.0, "region": "nyc3", "size": "s"}
    checked, failures = Droplet().check(Operation(urn="", name="n"), {}, given)
    assert (checked["image"], failures) == ("1011", [])


def test_a_refresh_takes_over_what_changed_outside_and_keeps_what_is_hashed() -> None:
    old = INPUTS | {"userData": "x", "tags": ["a", "b"]}
    state = STATE | {"name": "renamed", "userData": "hash", "tags": ["b", "new"]}
    inputs = schema.inputs_after_refresh(Droplet.schema, old, state)
    assert (inputs["name"], inputs["userData"], inputs["tags"]) == ("renamed", "x", ["b"])
    assert "__defaults" not in inputs
