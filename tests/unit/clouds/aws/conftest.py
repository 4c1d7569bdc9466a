"""An account in the local AWS, and AMIs of ours in it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from bakewell.clouds.aws import Aws
from bakewell.clouds.aws.tags import pairs
from bakewell.image import READY, Identity
from bakewell_local.sandbox.aws.stock import NAMES, stock_id
from tests.contract.aws.served import OTHER, REGION, Served
from tests.waiting import until

_sleep = time.sleep  # as it is before botocore's is taken away
HOME, THIRD = REGION, "eu-west-1"
WHO = Identity(project="shop", role="web", fingerprint="f" * 64, run="0123456789ab", parent="ba9876543210", home=HOME)


class Account:
    """Makes what the tests look at."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def ec2(self, region: str = HOME) -> Any:
        return self.served("ec2", region)

    def instance(self, image: str | None = None, region: str = HOME) -> str:
        """One that runs."""
        wanted = {"ImageId": image or stock_id(region, NAMES[-1]), "MinCount": 1, "MaxCount": 1}
        made: str = self.ec2(region).run_instances(InstanceType="t3.micro", **wanted)["Instances"][0]["InstanceId"]

        def state() -> str:
            found = self.ec2(region).describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]
            return str(found["State"]["Name"])

        until(state, lambda found: found == "running")
        return made

    def image(self, *flags: str, who: Identity | None = WHO, name: str = "shop-web-1", region: str = HOME) -> str:
        """An AMI with an identity (or without any) and what else it is tagged with, once it is made."""
        tags = pairs([*who.tags(), *flags]) if who else []
        given = {"TagSpecifications": [{"ResourceType": "image", "Tags": tags}]} if tags else {}
        instance = self.instance(region=region)
        made: str = self.ec2(region).create_image(InstanceId=instance, Name=name, **given)["ImageId"]
        self.served.image(made, region)
        self.ec2(region).terminate_instances(InstanceIds=[instance])
        return made

    def images(self, count: int) -> list[str]:
        """Finished AMIs, each of a build of its own."""
        made = ((replace(WHO, run=f"{number:012}"), f"shop-web-{number}") for number in range(count))
        return [self.image(READY, who=who, name=name) for who, name in made]

    def snapshots(self, *regions: str) -> dict[str, dict[str, str]]:
        """Every snapshot there is in those regions: by ID its tags."""
        return {
            item["SnapshotId"]: {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}
            for region in regions or (HOME, OTHER, THIRD)
            for item in self.ec2(region).describe_snapshots(OwnerIds=["self"])["Snapshots"]
        }

    def calls(self, action: str) -> list[Any]:
        """What was asked for with an action, in order."""
        found = self.served.http.get("/sandbox/calls").json()["calls"]
        return [call["body"] for call in found if call["action"] == f"ec2:{action}"]


@pytest.fixture
def account(aws: Served, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An empty one of three regions, whose refusals are tried again at once."""
    monkeypatch.setattr("bakewell_local.sandbox.aws.stock.REGIONS", (HOME, OTHER, THIRD))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    return Account(aws)


@pytest.fixture
def cloud(account: Account) -> Aws:
    """Bakewell's view of it."""
    return Aws(HOME, sleep=pause)


def pause(seconds: float) -> None:
    """The local cloud is quicker than AWS."""
    _sleep(min(seconds, 0.05))
