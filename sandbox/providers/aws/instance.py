"""`aws:ec2/instance:Instance`.

A new image is a new machine. New user data stops, changes and starts the machine that is there, unless
`userDataReplaceOnChange` says otherwise. Extra volumes, interfaces and spot requests are not implemented.
"""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.providers.aws import machine as api
from sandbox.providers.aws.machine import METADATA
from sandbox.providers.aws.resource import (
    DEFAULT_TIMEOUT,
    AwsResource,
    changed,
    has_code,
    tag_list,
    wait_for,
)
from sandbox.providers.aws.schema import REGION, TAGS, Failures, Field, Schema
from sandbox.providers.server import Operation, Properties

_DELETE_TIMEOUT = 20 * 60.0
_USER_DATA_BYTES = 16384
_ROOT: Schema = {
    "deleteOnTermination": Field("bool", default=True),
    "deviceName": Field("str", output=True),
    "encrypted": Field("bool", computed=True, replaces=True),
    "iops": Field("int", computed=True),
    "kmsKeyId": Field("str", computed=True, replaces=True),
    "throughput": Field("int", computed=True),
    "volumeId": Field("str", output=True),
    "volumeSize": Field("int", computed=True),
    "volumeType": Field("str", computed=True),
}
_LAUNCH_TEMPLATE: Schema = {
    "id": Field("str", computed=True),
    "name": Field("str", computed=True),
    "version": Field("str", default="$Default"),
}


class Instance(AwsResource):
    """A machine. It is created, and its addresses known, once it is running; gone, once it is terminated."""

    label = "EC2 Instance"
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "ami": Field("str", computed=True, replaces=True),
        "associatePublicIpAddress": Field("bool", computed=True, replaces=True),
        "availabilityZone": Field("str", computed=True, replaces=True),
        "disableApiStop": Field("bool", computed=True),
        "disableApiTermination": Field("bool", computed=True),
        "ebsOptimized": Field("bool", computed=True, replaces=True),
        "forceDestroy": Field("bool", default=False),
        "getPasswordData": Field("bool", default=False),
        "iamInstanceProfile": Field("str", computed=True),
        "instanceInitiatedShutdownBehavior": Field("str", computed=True, one_of=("stop", "terminate")),
        "instanceType": Field("str", computed=True),
        "keyName": Field("str", computed=True, replaces=True),
        "launchTemplate": Field("object", _LAUNCH_TEMPLATE, replaces=True),
        "metadataOptions": Field("object", METADATA, computed=True),
        "monitoring": Field("bool", computed=True),
        "privateIp": Field("str", computed=True, replaces=True),
        "rootBlockDevice": Field("object", _ROOT, computed=True),
        "securityGroups": Field("set", computed=True, replaces=True),
        "sourceDestCheck": Field("bool", default=True),
        "subnetId": Field("str", computed=True, replaces=True),
        "tenancy": Field("str", computed=True, replaces=True),
        "userData": Field("str", computed=True),
        "userDataBase64": Field("str", computed=True),
        "userDataReplaceOnChange": Field("bool", default=False),
        "volumeTags": Field("map"),
        "vpcSecurityGroupIds": Field("set", computed=True),
        "arn": Field("str", output=True),
        "instanceState": Field("str", output=True),
        "primaryNetworkInterfaceId": Field("str", output=True),
        "privateDns": Field("str", output=True),
        "publicDns": Field("str", output=True),
        "publicIp": Field("str", output=True),
    }

    def faults(self, name: str, inputs: Properties) -> Failures:
        found: Failures = []
        for key, argument in (("ami", "ami"), ("instanceType", "instance_type")):
            if key not in inputs and "launchTemplate" not in inputs:
                told = f'Missing required argument. "{argument}": one of `{argument},launch_template` must be specified'
                found.append((key, f"{told}. Examine values at '{name}.{key}'."))
        if "userData" in inputs and "userDataBase64" in inputs:
            told = 'Conflicting configuration arguments. "userData": conflicts with userDataBase64'
            found.append(("userData", f"{told}. Examine values at '{name}.userData'."))
        data = inputs.get("userData")
        if isinstance(data, str) and len(data.encode(errors="replace")) > _USER_DATA_BYTES:
            # The text itself may hold what nobody should see, and is long.
            told = f"expected length of userData to be in the range (0 - {_USER_DATA_BYTES})"
            found.append(("userData", f"{told}, got {len(data.encode(errors='replace'))}. Examine '{name}.userData'."))
        return found

    def replaces(self, path: str, planned: Properties) -> bool:
        if path in ("userData", "userDataBase64"):
            return planned.get("userDataReplaceOnChange") is True
        return super().replaces(path, planned)

    def make(self, inputs: Properties, planned: Properties) -> str:
        client = self.client("ec2", planned)
        tags = {"instance": planned["tagsAll"], "volume": planned.get("volumeTags")}
        request: Properties = {"MinCount": 1, "MaxCount": 1, **api.network(planned)}
        optional = {
            "ImageId": planned.get("ami"),
            "InstanceType": planned.get("instanceType"),
            "KeyName": planned.get("keyName"),
            "EbsOptimized": planned.get("ebsOptimized"),
            "UserData": api.user_data(planned),
            "LaunchTemplate": api.launch_template(inputs),
            "MetadataOptions": api.metadata(planned.get("metadataOptions")),
            "Monitoring": {"Enabled": True} if planned.get("monitoring") else None,
            "IamInstanceProfile": {"Name": planned["iamInstanceProfile"]} if "iamInstanceProfile" in planned else None,
            "DisableApiTermination": planned.get("disableApiTermination"),
            "DisableApiStop": planned.get("disableApiStop"),
            "InstanceInitiatedShutdownBehavior": planned.get("instanceInitiatedShutdownBehavior"),
            "Placement": api.placement(planned),
            "BlockDeviceMappings": api.root_mapping(client, planned),
            "TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(one)} for kind, one in tags.items() if one],
        }
        request |= {key: value for key, value in optional.items() if value not in (None, [], {})}
        return str(client.run_instances(**request)["Instances"][0]["InstanceId"])

    def settle(self, op: Operation, resource_id: str, planned: Properties) -> None:
        self._wait(resource_id, planned, "running", ("pending",), op.timeout or DEFAULT_TIMEOUT)
        if planned["sourceDestCheck"] is False:
            self._modify(resource_id, planned, SourceDestCheck={"Value": False})

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        client = self.client("ec2", state)
        found = api.find(client, resource_id)
        if found is None or found["State"]["Name"] == "terminated":
            return None

        def attribute(name: str, key: str) -> Any:
            return client.describe_instance_attribute(InstanceId=resource_id, Attribute=name)[key].get("Value")

        data = attribute("userData", "UserData") or ""
        # Text that was base64 when it was given stays as it was given.
        as_text = data if state.get("userData") == data else base64.b64decode(data).decode(errors="replace")
        return {
            **api.attributes(found),
            **self.tags_seen(found.get("Tags", []), state),
            "region": state["region"],
            "arn": self.arn("ec2", f"instance/{resource_id}", state),
            "userData": None if state.get("userDataBase64") else as_text or None,
            "userDataBase64": data if state.get("userDataBase64") else None,
            "disableApiStop": attribute("disableApiStop", "DisableApiStop") is True,
            "disableApiTermination": attribute("disableApiTermination", "DisableApiTermination") is True,
            "instanceInitiatedShutdownBehavior": attribute(
                "instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior"
            ),
            "rootBlockDevice": api.root(client, found),
        }

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        client, timeout = self.client("ec2", planned), op.timeout or DEFAULT_TIMEOUT
        different = changed(state, planned)
        for key, parameter in {"disableApiStop": "DisableApiStop", "sourceDestCheck": "SourceDestCheck"}.items():
            if key in different:
                self._modify(resource_id, planned, **{parameter: {"Value": planned.get(key, False)}})
        if "vpcSecurityGroupIds" in different:
            interface = str(state["primaryNetworkInterfaceId"])
            client.modify_network_interface_attribute(
                NetworkInterfaceId=interface, Groups=planned["vpcSecurityGroupIds"]
            )
        if "iamInstanceProfile" in different:
            api.profile(client, resource_id, planned.get("iamInstanceProfile"))
        if "instanceType" in different:
            self._while_stopped(resource_id, planned, timeout, InstanceType={"Value": planned["instanceType"]})
        if different & {"userData", "userDataBase64"}:
            data = {"Value": api.user_data(planned) or b""}
            self._while_stopped(resource_id, planned, timeout, UserData=data)
        if "disableApiTermination" in different:
            value = {"Value": planned.get("disableApiTermination", False)}
            self._modify(resource_id, planned, DisableApiTermination=value)
        if "instanceInitiatedShutdownBehavior" in different:
            value = {"Value": planned["instanceInitiatedShutdownBehavior"]}
            self._modify(resource_id, planned, InstanceInitiatedShutdownBehavior=value)
        if "metadataOptions" in different:
            client.modify_instance_metadata_options(InstanceId=resource_id, **api.metadata(planned["metadataOptions"]))
        if "monitoring" in different:
            toggle = client.monitor_instances if planned.get("monitoring") else client.unmonitor_instances
            toggle(InstanceIds=[resource_id])
        if "rootBlockDevice" in different:
            api.change_root(client, resource_id, state.get("rootBlockDevice", {}), planned["rootBlockDevice"])
        if "volumeTags" in different:
            volume = {"tagsAll": state.get("volumeTags", {})}, planned | {"tagsAll": planned.get("volumeTags", {})}
            self.retag(state["rootBlockDevice"]["volumeId"], *volume)
        self.retag(resource_id, state, planned)

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        client = self.client("ec2", state)
        if state.get("forceDestroy") and api.find(client, resource_id) is not None:
            self._modify(resource_id, state, DisableApiTermination={"Value": False})
        try:
            client.terminate_instances(InstanceIds=[resource_id])
        except ClientError as error:
            if has_code(error, "InvalidInstanceID.NotFound"):
                return
            raise
        pending = ("pending", "running", "shutting-down", "stopped", "stopping")
        self._wait(resource_id, state, "terminated", pending, op.timeout or _DELETE_TIMEOUT)

    def _modify(self, resource_id: str, properties: Properties, **attribute: Any) -> None:
        self.client("ec2", properties).modify_instance_attribute(InstanceId=resource_id, **attribute)

    def _while_stopped(self, resource_id: str, properties: Properties, timeout: float, **attribute: Any) -> None:
        client = self.client("ec2", properties)
        client.stop_instances(InstanceIds=[resource_id])
        self._wait(resource_id, properties, "stopped", ("pending", "running", "shutting-down", "stopping"), timeout)
        self._modify(resource_id, properties, **attribute)
        client.start_instances(InstanceIds=[resource_id])
        self._wait(resource_id, properties, "running", ("pending", "stopped"), timeout)

    def _wait(
        self, resource_id: str, properties: Properties, target: str, pending: tuple[str, ...], timeout: float
    ) -> None:
        client = self.client("ec2", properties)

        def look() -> tuple[str, Any]:
            found = api.find(client, resource_id)
            if found is None:
                return "terminated", None
            return found["State"]["Name"], found.get("StateReason", {}).get("Message")

        wait_for(look, target, pending, timeout)
