"""Auto scaling groups: which machines one has, of which version of its launch template, and how its refresh goes.

Looks only; who waits for what is decided elsewhere (`bakewell.machine.fleet`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.answers import launching
from bakewell.clouds.aws.api import Clients, fitting
from bakewell.errors import ConfigError
from bakewell.image import NAMESPACE

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
    what = f"look at auto scaling group {name} in {region}"
    groups = clients.ask(region, calls.GROUPS, what, AutoScalingGroupNames=[name]).auto_scaling_groups
    group = next((group for group in groups if group.auto_scaling_group_name == name), None)
    if group is None:
        raise ConfigError(
            f"there is no auto scaling group {name} in {region}",
            remedy="`pulumi stack output fleets` lists those of the stack",
        )
    refreshes = clients.ask(region, calls.REFRESHES, what, AutoScalingGroupName=name).instance_refreshes
    active = [one for one in refreshes if one.status in ACTIVE]  # which has no time while it is pending
    begun = sorted((one for one in refreshes if one.start_time), key=lambda one: one.start_time or _NEVER)
    latest = next(reversed(active or begun), None)
    template = group.launch_template
    return Group(
        name=name,
        role=group.tag(f"{NAMESPACE}:role"),
        version=(template.version if template else None) or "",
        wanted=group.desired_capacity,
        members=tuple(map(_member, group.instances)),
        refresh=latest.status if latest else "",
        reason=latest.status_reason if latest else "",
    )


_NEVER = datetime.min.replace(tzinfo=UTC)


def _member(instance: launching.Member) -> Member:
    template = instance.launch_template
    serves = (instance.lifecycle_state, instance.health_status) == ("InService", "Healthy")
    return Member(instance.instance_id, (template.version if template else None) or "", serves=serves)


def last_failure(clients: Clients, region: str, name: str) -> str:
    """Why the group could not do the last thing it tried, such as launch a machine; empty where it could."""
    what = f"list what group {name} did in {region}"
    answer = clients.ask(region, calls.ACTIVITIES, what, AutoScalingGroupName=name, MaxRecords=1)
    latest = next(iter(answer.activities), None)
    if latest is None or latest.status_code != "Failed":
        return ""
    return latest.status_message or latest.description


def addresses(clients: Clients, region: str, instances: list[str]) -> dict[str, str]:
    """By instance where it is reached: its public address, or the private one where it has no other.

    One that is gone meanwhile, or has no address yet, is left out.
    """
    if not instances:
        return {}
    wanted = [{"Name": "instance-id", "Values": instances}]
    what = f"look at {len(instances)} instances in {region}"
    pages = clients.pages(region, calls.INSTANCES, what, Filters=wanted)
    listed = fitting((instance for page in pages for instance in page.instances), wanted, calls.INSTANCES, what)
    found = ((one.instance_id, one.public_ip_address or one.private_ip_address) for one in listed)
    return {instance: address for instance, address in found if address}
