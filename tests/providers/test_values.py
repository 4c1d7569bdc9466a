"""What the stand-ins compute without an engine or an API: property values, paths of changes, planned states."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.providers import diff, values
from sandbox.providers.digitalocean import schema
from sandbox.providers.digitalocean.droplet import Droplet
from sandbox.providers.digitalocean.resources import SshKey
from sandbox.providers.values import NULL, UNKNOWN, Secret

INPUTS = {"image": "1", "name": "n-1234567", "region": "nyc3", "size": "s", "__defaults": ["name"]}
STATE = {
    key: f"the API's {key}" if value is UNKNOWN else value
    for key, value in schema.plan(Droplet.schema, None, INPUTS).items()
}


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


def test_text_that_is_no_utf8_cannot_be_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        values.write({"stdout": b"\xff".decode(errors="surrogateescape")})


def test_a_null_is_sent_where_it_is_meant_and_no_other() -> None:
    sent = values.write({"null": NULL, "left-out": None, "list": [NULL]})
    assert sent.fields["null"].WhichOneof("kind") == "null_value"
    assert "left-out" not in sent.fields
    assert values.read(sent) == {"list": [None]}


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
    assert schema.difference(Droplet.schema, STATE, INPUTS | change).paths == expected


def test_a_set_has_no_order_and_its_elements_are_named() -> None:
    tagged = STATE | {"tags": ["a", "b", "c"]}
    assert schema.difference(Droplet.schema, tagged, INPUTS | {"tags": ["c", "b", "a"]}).paths == {}
    found = schema.difference(Droplet.schema, tagged, INPUTS | {"tags": ["d", "c", "b", "e"]}).paths
    assert found == {"tags[0]": "UPDATE", "tags[3]": "ADD"}
    assert schema.difference(Droplet.schema, tagged, INPUTS).paths == {"tags": "DELETE"}


@pytest.mark.parametrize(("defaults", "first"), [(["name"], False), ([], True)])
def test_an_explicit_name_is_deleted_before_its_replacement(defaults: list[str], first: bool) -> None:
    inputs = INPUTS | {"image": "2", "__defaults": defaults}
    assert schema.difference(Droplet.schema, STATE, inputs).delete_first is first
    assert schema.difference(Droplet.schema, STATE, INPUTS | {"__defaults": defaults}).delete_first is False


def test_a_default_name_is_kept_and_an_explicit_one_is_not() -> None:
    new = {"image": "1", "region": "nyc3", "size": "s"}
    kept, _ = schema.check(Droplet.schema, "n", INPUTS, new)
    assert kept["name"] == INPUTS["name"]
    again, _ = schema.check(Droplet.schema, "n", INPUTS | {"name": "explicit", "__defaults": []}, new)
    assert again["name"] != "explicit"
    assert again["__defaults"] == ["name", "publicNetworking", "resizeDisk"]
    assert again["publicNetworking"] is True


def test_a_number_stands_for_its_text() -> None:
    checked, failures = schema.check(Droplet.schema, "n", {}, {"image": 1011.0, "region": "nyc3", "size": "s"})
    assert failures == []
    assert checked["image"] == "1011"


def test_white_space_around_a_key_is_no_change() -> None:
    state = {"name": "k", "publicKey": "ssh-ed25519 A me", "fingerprint": "f"}
    assert schema.difference(SshKey.schema, state, {"name": "k", "publicKey": "ssh-ed25519 A me\n"}).paths == {}


def test_a_refresh_takes_over_what_changed_outside_and_keeps_what_is_hashed() -> None:
    old = INPUTS | {"userData": "x", "tags": ["a", "b"]}
    state = STATE | {"name": "renamed", "userData": "hash", "tags": ["b", "new"]}
    inputs = schema.inputs_after_refresh(Droplet.schema, old, state)
    assert (inputs["name"], inputs["userData"], inputs["tags"]) == ("renamed", "x", ["b"])
    assert "__defaults" not in inputs
