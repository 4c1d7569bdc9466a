"""`aws:autoscaling/group:Group`: as many machines of a launch template as the program says.

A new version of the template reaches running machines by an instance refresh, which is started and not waited for.
Load balancers, mixed instances, warm pools, lifecycle hooks, metrics, and of a refresh
checkpoints and triggers are not implemented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bakewell_local.sandbox.providers.aws.machine import launch_template
from bakewell_local.sandbox.providers.aws.resource import REGION, AwsResource, changed
from bakewell_local.sandbox.providers.aws.shapes import request, seen
from bakewell_local.sandbox.providers.bridge.schema import Field, Schema, one_of
from bakewell_local.sandbox.providers.bridge.waiting import Patience, Wait
from bakewell_local.sandbox.providers.server import Properties

_PREFERENCES: Schema = {
    "autoRollback": Field("bool"),
    "instanceWarmup": Field("str"),
    "maxHealthyPercentage": Field("int", default=100),
    "minHealthyPercentage": Field("int", default=90),
    "scaleInProtectedInstances": Field("str", default="Ignore", valid=one_of("Refresh", "Ignore", "Wait")),
    "skipMatching": Field("bool"),
    "standbyInstances": Field("str", default="Ignore", valid=one_of("Terminate", "Ignore", "Wait")),
}
_NUMBERS = {"instanceWarmup", "maxHealthyPercentage", "minHealthyPercentage"}
_REFRESH: Schema = {
    "strategy": Field("str", required=True, valid=one_of("Rolling")),
    "preferences": Field("object", _PREFERENCES),
}
_TAG: Schema = {
    "key": Field("str", required=True),
    "value": Field("str", required=True),
    "propagateAtLaunch": Field("bool", required=True),
}
# What the API tells as it takes it.
_SETTINGS: Schema = {
    "availabilityZones": Field("set", computed=True),
    "defaultInstanceWarmup": Field("int"),
    "desiredCapacity": Field("int", computed=True),
    "healthCheckGracePeriod": Field("int", default=300),
    "healthCheckType": Field("str", computed=True),
    "maxSize": Field("int", required=True),
    "minSize": Field("int", required=True),
    "protectFromScaleIn": Field("bool", default=False, api="NewInstancesProtectedFromScaleIn"),
}
_SEEN: Schema = {
    **_SETTINGS,
    "name": Field("str", replaces=True, autonamed=True, api="AutoScalingGroupName"),
    "arn": Field("str", output=True, api="AutoScalingGroupARN"),
    "launchTemplate": Field(
        "object",
        {
            "id": Field("str", required=True, api="LaunchTemplateId"),
            "name": Field("str", output=True, api="LaunchTemplateName"),
            "version": Field("str", computed=True),
        },
    ),
    "tags": Field("set", _TAG),
}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Group(AwsResource):
    """An auto scaling group, made once it has the machines it should have. Its name is its ID."""

    label = "Auto Scaling Group"
    limits: ClassVar[Mapping[str, float]] = {"update": 10 * 60.0, "delete": 10 * 60.0}
    schema: ClassVar[Schema] = {
        **REGION,
        **_SEEN,
        "forceDelete": Field("bool", default=False),
        "instanceRefresh": Field("object", _REFRESH),
        "vpcZoneIdentifiers": Field("set", computed=True),
        "waitForCapacityTimeout": Field("str", default="10m"),
    }

    def faults(self, inputs: Properties) -> Iterable[tuple[str, str]]:
        if "launchTemplate" not in inputs:
            choice = "`launch_configuration,launch_template,mixed_instances_policy`"
            yield "launchTemplate", f'Missing required argument. "launch_template": one of {choice} must be specified'

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        name = str(planned["name"])
        self.client("autoscaling", planned).create_auto_scaling_group(
            AutoScalingGroupName=name, **_settings(planned, set(planned)), Tags=_tags(name, planned)
        )
        return name

    def settle(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        target = int(planned.get("desiredCapacity") or planned["minSize"])
        self._wait_for_capacity(patience, resource_id, planned, target, exactly=False)

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        group = self._find(resource_id, state)
        if group is None:
            return None
        group["Tags"] = [tag for tag in group.get("Tags", []) if not tag["Key"].startswith("aws:")]
        subnets = group.get("VPCZoneIdentifier", "").split(",")
        found = {**dict.fromkeys(_SEEN), **seen(_SEEN, group)}
        return {**found, "vpcZoneIdentifiers": sorted(filter(None, subnets))}

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        client, different = self.client("autoscaling", planned), changed(state, planned)
        settings = _settings(planned, different)
        if settings:
            client.update_auto_scaling_group(AutoScalingGroupName=resource_id, **settings)
        if "tags" in different:
            kept = {tag["key"] for tag in planned.get("tags", [])}
            gone = [tag for tag in state.get("tags", []) if tag["key"] not in kept]
            if gone:
                client.delete_tags(Tags=_tags(resource_id, {"tags": gone}))
            if kept:
                client.create_or_update_tags(Tags=_tags(resource_id, planned))
        refresh = planned.get("instanceRefresh")
        if refresh and "launchTemplate" in different:
            self._refresh(patience, resource_id, planned)
        if different & {"desiredCapacity", "minSize"}:
            target = max(int(planned.get("desiredCapacity") or 0), int(planned["minSize"]))
            self._wait_for_capacity(patience, resource_id, planned, target, exactly=True)

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        client, group = self.client("autoscaling", state), self._find(resource_id, state)
        if group is None:
            return
        force = state.get("forceDelete") is True
        if not force:
            client.update_auto_scaling_group(AutoScalingGroupName=resource_id, MinSize=0, MaxSize=0, DesiredCapacity=0)
            guarded = [one["InstanceId"] for one in group["Instances"] if one.get("ProtectedFromScaleIn")]
            if guarded:
                client.set_instance_protection(
                    AutoScalingGroupName=resource_id, InstanceIds=guarded, ProtectedFromScaleIn=False
                )

            def left() -> str:
                return str(len((self._find(resource_id, state) or {}).get("Instances", [])))

            patience.wait_for(left, Wait("0", timeout=patience.limit))
        client.delete_auto_scaling_group(AutoScalingGroupName=resource_id, ForceDelete=force)
        there = lambda: "there" if self._find(resource_id, state) else "gone"  # noqa: E731
        patience.wait_for(there, Wait("gone", ("there",), timeout=patience.limit))

    def _find(self, name: str, properties: Properties) -> Any:
        client = self.client("autoscaling", properties)
        found = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return found[0] if found else None

    def _wait_for_capacity(
        self, patience: Patience, name: str, planned: Properties, target: int, *, exactly: bool
    ) -> None:
        timeout = _seconds(planned["waitForCapacityTimeout"])
        if timeout <= 0:
            return
        wanted = f"want {'exactly' if exactly else 'at least'} {target} healthy instance(s) in Auto Scaling Group"

        def look() -> str:
            machines = (self._find(name, planned) or {}).get("Instances", [])
            healthy = [
                m for m in machines if m["LifecycleState"] == "InService" and m["HealthStatus"].lower() == "healthy"
            ]
            have = len(healthy)
            enough = have == target if exactly else have >= target
            return "ok" if enough else f"{wanted}, have {have}"

        patience.wait_for(look, Wait("ok", timeout=timeout))

    def _refresh(self, patience: Patience, name: str, planned: Properties) -> None:
        """Start a refresh; one that is under way is cancelled first, as a group has only one."""
        client, refresh = self.client("autoscaling", planned), planned["instanceRefresh"]
        given: Properties = refresh.get("preferences") or {}
        preferences = {
            f"{key[0].upper()}{key[1:]}": int(value) if key in _NUMBERS else value
            for key, value in given.items()
            if value not in (None, "", [])
        }
        wanted: Properties = {"AutoScalingGroupName": name, "Strategy": refresh["strategy"]}
        if preferences:
            wanted["Preferences"] = preferences
        if given.get("autoRollback"):
            wanted["DesiredConfiguration"] = {"LaunchTemplate": launch_template(planned)}
        try:
            client.start_instance_refresh(**wanted)
        except client.exceptions.InstanceRefreshInProgressFault:
            self._cancel_refresh(patience, client, name)
            client.start_instance_refresh(**wanted)

    def _cancel_refresh(self, patience: Patience, client: Any, name: str) -> None:
        try:
            cancelled = client.cancel_instance_refresh(AutoScalingGroupName=name)["InstanceRefreshId"]
        except client.exceptions.ActiveInstanceRefreshNotFoundFault:
            return

        def look() -> str:
            found = client.describe_instance_refreshes(AutoScalingGroupName=name, InstanceRefreshIds=[cancelled])
            ended = found["InstanceRefreshes"][0]["Status"] in ("Cancelled", "Failed", "Successful")
            return "ended" if ended else "Cancelling"

        patience.wait_for(look, Wait("ended", ("Cancelling",), timeout=patience.limit))


def _settings(planned: Properties, keys: set[str]) -> Properties:
    """What create and update have in common, for the properties `keys`."""
    settings = {key: field for key, field in _SETTINGS.items() if key in keys}
    zeros = {f"{key[0].upper()}{key[1:]}": 0 for key, field in settings.items() if field.kind == "int"}
    other = {
        "launchTemplate": ("LaunchTemplate", launch_template(planned)),
        "vpcZoneIdentifiers": ("VPCZoneIdentifier", ",".join(planned.get("vpcZoneIdentifiers", []))),
    }
    given = {name: value for key, (name, value) in other.items() if key in keys and value}
    return {**zeros, **request(settings, planned), **given}


def _tags(name: str, properties: Properties) -> list[Properties]:
    return [
        {
            "Key": tag["key"],
            "Value": tag["value"],
            "PropagateAtLaunch": tag["propagateAtLaunch"],
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
        }
        for tag in properties.get("tags", [])
    ]


def _seconds(text: str) -> float:
    """A duration as Go writes it ("10m", "1h30m"); 0 for what is none."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", text))
