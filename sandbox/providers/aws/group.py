"""`aws:autoscaling/group:Group`: as many machines of a launch template as the program says.

A new version of the template reaches running machines by an instance refresh, which is started and not waited for.
Load balancers, mixed instances, warm pools, lifecycle hooks and metrics are not implemented.
"""

from __future__ import annotations

import re
import secrets
from typing import Any, ClassVar

from sandbox.providers.aws.machine import launch_template
from sandbox.providers.aws.resource import DEFAULT_TIMEOUT, AwsResource, changed, wait_for
from sandbox.providers.aws.schema import REGION, Failures, Field, Schema, canonical
from sandbox.providers.server import Operation, Properties
from sandbox.providers.values import UNKNOWN

_PREFERENCES: Schema = {
    "autoRollback": Field("bool"),
    "checkpointDelay": Field("str"),
    "checkpointPercentages": Field("list"),
    "instanceWarmup": Field("str"),
    "maxHealthyPercentage": Field("int", default=100),
    "minHealthyPercentage": Field("int", default=90),
    "scaleInProtectedInstances": Field("str", default="Ignore", one_of=("Refresh", "Ignore", "Wait")),
    "skipMatching": Field("bool"),
    "standbyInstances": Field("str", default="Ignore", one_of=("Terminate", "Ignore", "Wait")),
}
_NUMBERS = {"checkpointDelay", "instanceWarmup", "maxHealthyPercentage", "minHealthyPercentage"}
_REFRESH: Schema = {
    "strategy": Field("str", required=True, one_of=("Rolling",)),
    "preferences": Field("object", _PREFERENCES),
    "triggers": Field("set"),
}
_TAG: Schema = {
    "key": Field("str", required=True),
    "value": Field("str", required=True),
    "propagateAtLaunch": Field("bool", required=True),
}
# As Terraform names them in `triggers`, where that is not the Pulumi name in snake case.
_TERRAFORM_NAMES = {"tag": "tags", "vpc_zone_identifier": "vpcZoneIdentifiers"}
_INTEGERS = {
    "maxSize": "MaxSize",
    "minSize": "MinSize",
    "desiredCapacity": "DesiredCapacity",
    "defaultCooldown": "DefaultCooldown",
    "defaultInstanceWarmup": "DefaultInstanceWarmup",
    "healthCheckGracePeriod": "HealthCheckGracePeriod",
    "maxInstanceLifetime": "MaxInstanceLifetime",
}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Group(AwsResource):
    """An auto scaling group, made once it has the machines it should have. Its name is its ID."""

    label = "Auto Scaling Group"
    schema: ClassVar[Schema] = {
        **REGION,
        "name": Field("str", computed=True, replaces=True, autonamed=True),
        "namePrefix": Field("str", computed=True, replaces=True),
        "availabilityZones": Field("set", computed=True),
        "capacityRebalance": Field("bool"),
        "defaultCooldown": Field("int", computed=True),
        "defaultInstanceWarmup": Field("int"),
        "desiredCapacity": Field("int", computed=True),
        "forceDelete": Field("bool", default=False),
        "healthCheckGracePeriod": Field("int", default=300),
        "healthCheckType": Field("str", computed=True),
        "instanceRefresh": Field("object", _REFRESH),
        "launchTemplate": Field(
            "object",
            {
                "id": Field("str", computed=True),
                "name": Field("str", computed=True),
                "version": Field("str", computed=True),
            },
        ),
        "maxInstanceLifetime": Field("int"),
        "maxSize": Field("int", required=True),
        "minSize": Field("int", required=True),
        "protectFromScaleIn": Field("bool", default=False),
        "tags": Field("set", _TAG),
        "terminationPolicies": Field("list"),
        "vpcZoneIdentifiers": Field("set", computed=True),
        "waitForCapacityTimeout": Field("str", default="10m"),
        "arn": Field("str", output=True),
    }

    def faults(self, name: str, inputs: Properties) -> Failures:
        if "launchTemplate" not in inputs:
            choice = "`launch_configuration,launch_template,mixed_instances_policy`"
            told = f'Missing required argument. "launch_template": one of {choice} must be specified'
            return [("launchTemplate", f"{told}. Examine values at '{name}.launchTemplate'.")]
        return []

    def plan(self, state: Properties | None, inputs: Properties) -> Properties:
        planned = super().plan(state, inputs)
        given: Any = inputs.get("launchTemplate")
        before = ((state or {}).get("launchTemplate") or {}).get("name")
        # The ID in state is another template's by now.
        if before and isinstance(given, dict) and "id" not in given and given.get("name") != before:
            planned["launchTemplate"] = {**planned["launchTemplate"], "id": UNKNOWN}
        return planned

    def make(self, inputs: Properties, planned: Properties) -> str:
        name = planned.get("name") or f"{planned['namePrefix']}{secrets.token_hex(13)}"
        self.client("autoscaling", planned).create_auto_scaling_group(
            AutoScalingGroupName=name, **_settings(planned, set(planned)), Tags=_tags(name, planned)
        )
        return str(name)

    def settle(self, op: Operation, resource_id: str, planned: Properties) -> None:
        target = int(planned.get("desiredCapacity") or planned["minSize"])
        self._wait_for_capacity(resource_id, planned, target, exactly=False)

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        group = self._find(resource_id, state)
        if group is None:
            return None
        template = group.get("LaunchTemplate") or {}
        policies = group.get("TerminationPolicies", [])
        tags = [
            {"key": tag["Key"], "value": tag["Value"], "propagateAtLaunch": tag["PropagateAtLaunch"]}
            for tag in group.get("Tags", [])
            if not tag["Key"].startswith("aws:")
        ]
        return {
            **{key: group.get(name) for key, name in _INTEGERS.items()},
            "region": state["region"],
            "name": group["AutoScalingGroupName"],
            "arn": group["AutoScalingGroupARN"],
            "availabilityZones": sorted(group.get("AvailabilityZones", [])),
            "capacityRebalance": group.get("CapacityRebalance"),
            "healthCheckType": group.get("HealthCheckType"),
            "launchTemplate": {
                "id": template.get("LaunchTemplateId"),
                "name": template.get("LaunchTemplateName"),
                "version": template.get("Version"),
            },
            "protectFromScaleIn": group.get("NewInstancesProtectedFromScaleIn", False),
            "tags": canonical(self.schema["tags"], tags),
            "terminationPolicies": None
            if policies == ["Default"] and not state.get("terminationPolicies")
            else policies,
            "vpcZoneIdentifiers": sorted(filter(None, group.get("VPCZoneIdentifier", "").split(","))),
        }

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
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
        if refresh and different & {"launchTemplate", *map(_pulumi_name, refresh.get("triggers") or ())}:
            self._refresh(resource_id, planned, op.timeout or DEFAULT_TIMEOUT)
        if different & {"desiredCapacity", "minSize"}:
            target = max(int(planned.get("desiredCapacity") or 0), int(planned["minSize"]))
            self._wait_for_capacity(resource_id, planned, target, exactly=True)

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        client, timeout = self.client("autoscaling", state), op.timeout or DEFAULT_TIMEOUT
        group = self._find(resource_id, state)
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

            def look() -> tuple[str, None]:
                left = (self._find(resource_id, state) or {}).get("Instances", [])
                return str(len(left)), None

            wait_for(look, "0", (), timeout)
        client.delete_auto_scaling_group(AutoScalingGroupName=resource_id, ForceDelete=force)
        wait_for(lambda: ("there" if self._find(resource_id, state) else "gone", None), "gone", ("there",), timeout)

    def _find(self, name: str, properties: Properties) -> Any:
        client = self.client("autoscaling", properties)
        found = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return found[0] if found else None

    def _wait_for_capacity(self, name: str, planned: Properties, target: int, *, exactly: bool) -> None:
        timeout = _seconds(planned["waitForCapacityTimeout"])
        if timeout <= 0:
            return
        wanted = f"want {'exactly' if exactly else 'at least'} {target} healthy instance(s) in Auto Scaling Group"

        def look() -> tuple[str, None]:
            machines = (self._find(name, planned) or {}).get("Instances", [])
            healthy = [
                m for m in machines if m["LifecycleState"] == "InService" and m["HealthStatus"].lower() == "healthy"
            ]
            have = len(healthy)
            enough = have == target if exactly else have >= target
            return ("ok" if enough else f"{wanted}, have {have}"), None

        wait_for(look, "ok", (), timeout)

    def _refresh(self, name: str, planned: Properties, timeout: float) -> None:
        """Start a refresh; one that is under way is cancelled first, as a group has only one."""
        client, refresh = self.client("autoscaling", planned), planned["instanceRefresh"]
        given: Properties = refresh.get("preferences") or {}
        preferences = {
            f"{key[0].upper()}{key[1:]}": _preference(key, value)
            for key, value in given.items()
            if value not in (None, "", [])
        }
        request: Properties = {"AutoScalingGroupName": name, "Strategy": refresh["strategy"]}
        if preferences:
            request["Preferences"] = preferences
        if given.get("autoRollback"):
            request["DesiredConfiguration"] = {"LaunchTemplate": launch_template(planned)}
        try:
            client.start_instance_refresh(**request)
        except client.exceptions.InstanceRefreshInProgressFault:
            self._cancel_refresh(client, name, timeout)
            client.start_instance_refresh(**request)

    def _cancel_refresh(self, client: Any, name: str, timeout: float) -> None:
        try:
            cancelled = client.cancel_instance_refresh(AutoScalingGroupName=name)["InstanceRefreshId"]
        except client.exceptions.ActiveInstanceRefreshNotFoundFault:
            return

        def look() -> tuple[str, None]:
            found = client.describe_instance_refreshes(AutoScalingGroupName=name, InstanceRefreshIds=[cancelled])
            ended = found["InstanceRefreshes"][0]["Status"] in ("Cancelled", "Failed", "Successful")
            return ("ended" if ended else "Cancelling"), None

        wait_for(look, "ended", ("Cancelling",), timeout)


def _settings(planned: Properties, keys: set[str]) -> Properties:
    """What create and update have in common, for the properties `keys`."""
    other = {
        "availabilityZones": ("AvailabilityZones", planned.get("availabilityZones")),
        "capacityRebalance": ("CapacityRebalance", planned.get("capacityRebalance", False)),
        "healthCheckType": ("HealthCheckType", planned.get("healthCheckType")),
        "launchTemplate": ("LaunchTemplate", launch_template(planned)),
        "protectFromScaleIn": ("NewInstancesProtectedFromScaleIn", planned.get("protectFromScaleIn", False)),
        "terminationPolicies": ("TerminationPolicies", planned.get("terminationPolicies") or ["Default"]),
        "vpcZoneIdentifiers": ("VPCZoneIdentifier", ",".join(planned.get("vpcZoneIdentifiers", []))),
    }
    request = {name: int(planned.get(key) or 0) for key, name in _INTEGERS.items() if key in keys}
    return request | {
        name: value for key, (name, value) in other.items() if key in keys and value not in (None, "", [])
    }


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


def _preference(key: str, value: Any) -> Any:
    if key == "checkpointPercentages":
        return [int(one) for one in value]
    return int(value) if key in _NUMBERS else value


def _pulumi_name(name: str) -> str:
    first, *rest = name.split("_")
    return _TERRAFORM_NAMES.get(name, first + "".join(part.capitalize() for part in rest))


def _seconds(text: str) -> float:
    """A duration as Go writes it ("10m", "1h30m"); 0 for what is none."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", text))
