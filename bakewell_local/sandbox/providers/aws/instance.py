"""`aws:ec2/instance:Instance`.

A new image is a new machine. New user data stops, changes and starts the machine that is there, unless
`userDataReplaceOnChange` says otherwise. Extra volumes, interfaces, protection and spot requests are not implemented.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bakewell_local.sandbox.providers.aws import machine as api
from bakewell_local.sandbox.providers.aws.resource import REGION, TAGS, AwsResource, changed, has_code
from bakewell_local.sandbox.providers.aws.shapes import request
from bakewell_local.sandbox.providers.bridge.schema import Field, Schema
from bakewell_local.sandbox.providers.bridge.waiting import Patience, Wait
from bakewell_local.sandbox.providers.server import Properties

_USER_DATA_BYTES = 16384
_LAUNCH_TEMPLATE: Schema = {
    "id": Field("str", required=True),
    "name": Field("str", output=True),
    "version": Field("str", default="$Default"),
}


class Instance(AwsResource):
    """A machine. It is created, and its addresses known, once it is running; gone, once it is terminated."""

    label = "EC2 Instance"
    tagged = "instance"
    gone = ("InvalidInstanceID.NotFound",)
    limits: ClassVar[Mapping[str, float]] = {"create": 10 * 60.0, "update": 10 * 60.0, "delete": 20 * 60.0}
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "ami": Field("str", computed=True, replaces=True, api="ImageId"),
        "associatePublicIpAddress": Field("bool", computed=True, replaces=True),
        "availabilityZone": Field("str", computed=True, replaces=True),
        "iamInstanceProfile": Field("str", computed=True),
        "instanceType": Field("str", computed=True),
        "keyName": Field("str", computed=True, replaces=True),
        "launchTemplate": Field("object", _LAUNCH_TEMPLATE, replaces=True),
        "metadataOptions": Field("object", api.METADATA, computed=True),
        "monitoring": Field("bool", computed=True),
        "privateIp": Field("str", computed=True, replaces=True),
        "rootBlockDevice": Field("object", api.ROOT, computed=True),
        "subnetId": Field("str", computed=True, replaces=True),
        "userData": Field("str", computed=True),
        "userDataReplaceOnChange": Field("bool", default=False),
        "vpcSecurityGroupIds": Field("set", computed=True),
        "arn": Field("str", output=True),
        "instanceState": Field("str", output=True),
        "primaryNetworkInterfaceId": Field("str", output=True),
        "privateDns": Field("str", output=True),
        "publicDns": Field("str", output=True),
        "publicIp": Field("str", output=True),
    }

    def faults(self, inputs: Properties) -> Iterable[tuple[str, str]]:
        for key, argument in (("ami", "ami"), ("instanceType", "instance_type")):
            if key not in inputs and "launchTemplate" not in inputs:
                told = f'Missing required argument. "{argument}": one of `{argument},launch_template` must be specified'
                yield key, told
        data = inputs.get("userData")
        size = len(data.encode(errors="replace")) if isinstance(data, str) else 0
        if size > _USER_DATA_BYTES:
            # The text itself may hold what nobody should see, and is long.
            yield "userData", f"expected length of userData to be in the range (0 - {_USER_DATA_BYTES}), got {size}"

    def replaces(self, path: str, planned: Properties) -> bool:
        if path == "userData":
            return planned.get("userDataReplaceOnChange") is True
        return super().replaces(path, planned)

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        client, profile = self.client("ec2", planned), planned.get("iamInstanceProfile")
        plain = {key: self.schema[key] for key in ("ami", "instanceType", "keyName", "metadataOptions")}
        optional = {
            "UserData": api.user_data(planned),
            "LaunchTemplate": api.launch_template(planned),
            "Monitoring": {"Enabled": True} if planned.get("monitoring") else None,
            "IamInstanceProfile": {"Name": profile} if profile else None,
            "Placement": {"AvailabilityZone": zone} if (zone := planned.get("availabilityZone")) else None,
            "BlockDeviceMappings": api.root_mapping(client, planned),
        }
        wanted = {**request(plain, planned), **{key: value for key, value in optional.items() if value}}
        made = client.run_instances(MinCount=1, MaxCount=1, **api.network(planned), **wanted, **self.tags_of(planned))
        return str(made["Instances"][0]["InstanceId"])

    def settle(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        self._wait(patience, resource_id, planned, "running", "pending")

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        client, found = self.client("ec2", state), self._find(resource_id, state)
        if found is None or found["State"]["Name"] == "terminated":
            return None
        told = client.describe_instance_attribute(InstanceId=resource_id, Attribute="userData")
        data = told["UserData"].get("Value") or ""
        # Text that was base64 when it was given stays as it was given.
        as_text = data if state.get("userData") == data else base64.b64decode(data).decode(errors="replace")
        return {
            **api.attributes(found),
            **self.tags_seen(found.get("Tags", []), state),
            "arn": self.arn("ec2", f"instance/{resource_id}", state),
            "userData": as_text or None,
            "rootBlockDevice": api.root(client, found),
        }

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        client, different = self.client("ec2", planned), changed(state, planned)
        if "vpcSecurityGroupIds" in different:
            interface, groups = str(state["primaryNetworkInterfaceId"]), planned["vpcSecurityGroupIds"]
            client.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=groups)
        if "iamInstanceProfile" in different:
            api.profile(client, resource_id, planned.get("iamInstanceProfile"))
        if "instanceType" in different:
            self._while_stopped(patience, resource_id, planned, InstanceType={"Value": planned["instanceType"]})
        if "userData" in different:
            self._while_stopped(patience, resource_id, planned, UserData={"Value": api.user_data(planned) or b""})
        if "metadataOptions" in different:
            options = request(api.METADATA, planned["metadataOptions"])
            client.modify_instance_metadata_options(InstanceId=resource_id, **options)
        if "monitoring" in different:
            toggle = client.monitor_instances if planned.get("monitoring") else client.unmonitor_instances
            toggle(InstanceIds=[resource_id])
        if "rootBlockDevice" in different:
            api.change_root(client, resource_id, state.get("rootBlockDevice", {}), planned["rootBlockDevice"])
        self.retag(resource_id, state, planned)

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        self.client("ec2", state).terminate_instances(InstanceIds=[resource_id])
        pending = ("pending", "running", "shutting-down", "stopped", "stopping")
        self._wait(patience, resource_id, state, "terminated", *pending)

    def _while_stopped(self, patience: Patience, resource_id: str, properties: Properties, **attribute: Any) -> None:
        client = self.client("ec2", properties)
        client.stop_instances(InstanceIds=[resource_id])
        self._wait(patience, resource_id, properties, "stopped", "pending", "running", "shutting-down", "stopping")
        client.modify_instance_attribute(InstanceId=resource_id, **attribute)
        client.start_instances(InstanceIds=[resource_id])
        self._wait(patience, resource_id, properties, "running", "pending", "stopped")

    def _wait(self, patience: Patience, resource_id: str, properties: Properties, target: str, *pending: str) -> None:
        def look() -> str:
            found = self._find(resource_id, properties) or {"State": {"Name": "terminated"}}
            patience.last_error = found.get("StateReason", {}).get("Message", "")
            return str(found["State"]["Name"])

        patience.wait_for(look, Wait(target, pending, timeout=patience.limit))

    def _find(self, resource_id: str, properties: Properties) -> Any:
        """The API's object; None where the ID is not known (any more)."""
        try:
            found = self.client("ec2", properties).describe_instances(InstanceIds=[resource_id])["Reservations"]
        except self.errors as error:
            if has_code(error, *self.gone):
                return None
            raise
        return found[0]["Instances"][0] if found else None
