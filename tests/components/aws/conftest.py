"""The whole program on AWS: the same small project, with instances and a fleet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.conftest import Fleet


def on_aws(fleet: Fleet, **settings: Any) -> None:
    """Have the stack say this under `bakewell:aws`."""
    fleet.config["bakewell:aws"] = json.dumps(settings)


@pytest.fixture
def ec2(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A stack on AWS alone: an api instance, two of web, a fleet of web."""
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    fleet.config = {"bakewell:clouds": '["aws"]', "bakewell:local": "true"}
    on_aws(fleet, instances={"web": {"count": 2}, "api": {}}, fleets={"web": {"count": 3}})
    return fleet
