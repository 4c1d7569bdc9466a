"""StartInstanceRefresh: a group's instances replaced in batches, so that enough of them serve at any time.

Warm-up and checkpoints take no time here: a new instance is healthy as soon as it runs. There is no rollback.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from bakewell_local.sandbox.aws.autoscaling import launch
from bakewell_local.sandbox.aws.cloud import current
from bakewell_local.sandbox.aws.hooks import AwsError, instead
from bakewell_local.sandbox.serving.faults import DOOM

ACTIVE = ("Pending", "InProgress", "Cancelling")
_LOOK = 0.05  # seconds between looks at instances that are to run


@dataclass(eq=False)
class Refresh:
    """One refresh of a group, as DescribeInstanceRefreshes tells it."""

    group: Any
    preferences: dict[str, Any]
    desired: dict[str, Any]
    strategy: str
    doomed: bool
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "Pending"
    reason: str | None = None
    start: datetime = field(default_factory=utcnow)
    end: datetime | None = None
    total: int = 0
    left: int = 0

    def view(self) -> dict[str, Any]:
        done = 100 * (self.total - self.left) // self.total if self.total else 100 * (self.status == "Successful")
        return {
            "InstanceRefreshId": self.id,
            "AutoScalingGroupName": self.group.name,
            "Status": self.status,
            "StatusReason": self.reason,
            "StartTime": self.start,
            "EndTime": self.end,
            "PercentageComplete": done,
            "InstancesToUpdate": self.left,
            "Preferences": self.preferences,
            "DesiredConfiguration": self.desired or None,
            "Strategy": self.strategy,
        }

    def finish(self, status: str, reason: str | None = None) -> None:
        self.status, self.reason, self.end = status, reason, utcnow()


def install() -> None:
    """Puts this module's hooks in place."""

    @instead(AutoScalingResponse, "start_instance_refresh")
    def start(self: Any) -> ActionResult:
        group = _group(self)
        if _active(group) is not None:
            what = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."
            raise AwsError("InstanceRefreshInProgress", what)
        preferences = dict(self._get_param("Preferences", {}) or {})
        desired = dict(self._get_param("DesiredConfiguration", {}) or {})
        refresh = Refresh(group, preferences, desired, self._get_param("Strategy", "Rolling"), DOOM.get() is not None)
        if template := desired.get("LaunchTemplate"):
            group._set_launch_configuration(None, template, None)
        _refreshes(group).insert(0, refresh)
        current().work.queue(refresh.id, lambda: _roll(refresh))
        return ActionResult({"InstanceRefreshId": refresh.id})

    @instead(AutoScalingResponse, "describe_instance_refreshes")
    def describe(self: Any) -> ActionResult:
        ids = self._get_param("InstanceRefreshIds", [])
        found = [one.view() for one in _refreshes(_group(self)) if not ids or one.id in ids]
        return ActionResult({"InstanceRefreshes": found})

    @instead(AutoScalingResponse, "cancel_instance_refresh")
    def cancel(self: Any) -> ActionResult:
        refresh = _active(_group(self))
        if refresh is None:
            raise AwsError("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found.")
        refresh.status = "Cancelling"
        return ActionResult({"InstanceRefreshId": refresh.id})


def _group(request: Any) -> Any:
    name = request._get_param("AutoScalingGroupName")
    group = request.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")
    return group


def _refreshes(group: Any) -> list[Refresh]:
    known: list[Refresh] = group.__dict__.setdefault("refreshes", [])
    return known


def _active(group: Any) -> Refresh | None:
    return next((one for one in _refreshes(group) if one.status in ACTIVE), None)


def _roll(refresh: Refresh) -> None:
    """Replaces what was there when it began, a batch after the other; ends as soon as one does not come up."""
    cloud, group = current(), refresh.group
    if cloud.work.pause(cloud.work.seconds):
        return
    old = [one for one in group.instance_states if not _matches(refresh, one)]
    refresh.total = refresh.left = len(old)
    if refresh.status == "Pending":
        refresh.status = "InProgress"
    try:
        if refresh.doomed:
            raise AwsError("InternalError", "fault rule")
        while old and refresh.status == "InProgress":
            batch, old = old[: _batch(refresh)], old[_batch(refresh) :]
            if not _replace(refresh, batch):
                refresh.finish("Failed", "New instances did not become healthy.")
                return
            refresh.left = len(old)
    except ServiceException as error:
        refresh.finish("Failed", str(error))
        return
    refresh.finish("Cancelled" if refresh.status == "Cancelling" else "Successful")


def _matches(refresh: Refresh, state: Any) -> bool:
    """Whether an instance may stay: it is of the version to have, and the request says to skip such ones."""
    group = refresh.group
    if not refresh.preferences.get("SkipMatching") or group.ec2_launch_template is None:
        return False
    wanted = group.ec2_launch_template.get_version(group.launch_template_version).number
    return bool(getattr(state.instance, "template_version", None) == wanted)


def _batch(refresh: Refresh) -> int:
    """How many may be out of service at once, at least one."""
    capacity = refresh.group.desired_capacity or 0
    healthy = int(refresh.preferences.get("MinHealthyPercentage", 90))
    return max(capacity - -(-capacity * healthy // 100), 1)


def _replace(refresh: Refresh, batch: list[Any]) -> bool:
    """Replaces instances; with room above the capacity, the new ones run before the old ones go."""
    group = refresh.group
    first = int(refresh.preferences.get("MaxHealthyPercentage", 100)) > 100
    if not first:
        _retire(group, batch)
    new = launch(group, len(batch))
    while any(one.instance.state == "pending" for one in new):
        if current().work.pause(_LOOK):
            return False
    if any(one.instance.state != "running" for one in new):
        group.instance_states = [one for one in group.instance_states if one not in new]
        return False
    if first:
        _retire(group, batch)
    return True


def _retire(group: Any, batch: list[Any]) -> None:
    group.instance_states = [one for one in group.instance_states if one not in batch]
    group.ec2_backend.terminate_instances([one.instance.id for one in batch])
