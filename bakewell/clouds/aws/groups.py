"""Auto scaling groups: which machines one has, of which version of its launch template, and how its refresh goes.

Looks only; who waits for what is decided elsewhere (`bakewell.machine.fleet`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bakewell.clouds.aws.api import Clients, asking
from bakewell.errors import ConfigError
from bakewell.image import NAMESPACE

if TYPE_CHECKING:
    from types_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef, InstanceRefreshTypeDef

ACTIVE = ("Pending", "InProgress", "Cancelling", "Baking", "RollbackInProgress")
FAILED = ("Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed")
"""https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html"""


@dataclass(frozen=True, slots=True)
class Member:
    """One machine of a group.

    Attributes:
        id: of the instance.
        version: of the launch template that it was launched from.
        serves: whether the group counts it as healthy and in service.
    """

    id: str
    version: str
    serves: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group as it is now.

    Attributes:
        name: its own.
        role: whose machines these are, by its tag; empty where it has none.
        version: of the launch template, that its machines are to be of.
        wanted: how many machines it is to have.
        members: those that it has, starting and ending ones included.
        refresh: status of its latest instance refresh, as AWS calls it; empty where there never was one.
        reason: what AWS says about that.
    """

    name: str
    role: str
    version: str
    wanted: int
    members: tuple[Member, ...]
    refresh: str
    reason: str

    @property
    def settled(self) -> bool:
        """Whether every machine is there, serves, and is of the version to have; and none will be replaced."""
        return self.new == len(self.members) == self.wanted and self.refresh not in ACTIVE

    @property
    def new(self) -> int:
        """How many machines serve and are of the version to have."""
        return sum(one.serves and one.version == self.version for one in self.members)

    @property
    def state(self) -> str:
        """How far it is, for people."""
        told = f"{self.new} of {self.wanted} machines in service with version {self.version} of the launch template"
        return f"{told}; instance refresh {self.refresh}" if self.refresh else told


def look(clients: Clients, region: str, name: str) -> Group:
    """The group of that name.

    Raises:
        ConfigError: there is none.
    """
    client = clients.autoscaling(region)
    with asking(f"look at auto scaling group {name} in {region}"):
        found = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        if not found:
            raise ConfigError(
                f"there is no auto scaling group {name} in {region}",
                remedy="`pulumi stack output fleets` lists those of the stack",
            )
        refreshes = client.describe_instance_refreshes(AutoScalingGroupName=name)["InstanceRefreshes"]
    active = [one for one in refreshes if one.get("Status") in ACTIVE]  # which has no time while it is pending
    begun = sorted((one for one in refreshes if "StartTime" in one), key=lambda one: one["StartTime"])
    latest: InstanceRefreshTypeDef = (active or begun or [{}])[-1]
    tags = {tag.get("Key"): tag.get("Value", "") for tag in found[0].get("Tags", [])}
    return Group(
        name=name,
        role=tags.get(f"{NAMESPACE}:role", ""),
        version=found[0].get("LaunchTemplate", {}).get("Version", ""),
        wanted=found[0].get("DesiredCapacity", 0),
        members=tuple(_members(found[0])),
        refresh=latest.get("Status", ""),
        reason=latest.get("StatusReason", ""),
    )


def _members(group: AutoScalingGroupTypeDef) -> list[Member]:
    return [
        Member(
            one.get("InstanceId", ""),
            one.get("LaunchTemplate", {}).get("Version", ""),
            serves=(one.get("LifecycleState"), one.get("HealthStatus")) == ("InService", "Healthy"),
        )
        for one in group.get("Instances", [])
    ]


def last_failure(clients: Clients, region: str, name: str) -> str:
    """Why the group could not do the last thing it tried, such as launch a machine; empty where it could."""
    with asking(f"list what group {name} did in {region}"):
        done = clients.autoscaling(region).describe_scaling_activities(AutoScalingGroupName=name, MaxRecords=1)
    latest = next(iter(done["Activities"]), None)
    if latest is None or latest["StatusCode"] != "Failed":
        return ""
    return latest.get("StatusMessage") or latest.get("Description", "")


def addresses(clients: Clients, region: str, instances: list[str]) -> dict[str, str]:
    """By instance where it is reached: its public address, or the private one where it has no other.

    One that is gone meanwhile, or has no address yet, is left out.
    """
    if not instances:
        return {}
    wanted = [{"Name": "instance-id", "Values": instances}]
    with asking(f"look at {len(instances)} instances in {region}"):
        pages = clients.ec2(region).get_paginator("describe_instances").paginate(Filters=wanted)  # type: ignore[arg-type]
        listed = [one for page in pages for reservation in page["Reservations"] for one in reservation["Instances"]]
    found = ((one["InstanceId"], one.get("PublicIpAddress") or one.get("PrivateIpAddress")) for one in listed)
    return {instance: address for instance, address in found if address}
