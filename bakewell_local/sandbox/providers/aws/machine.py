"""An instance as EC2's API words it: the parts of a request, and the attributes that its answers give."""

from __future__ import annotations

import base64
from typing import Any

from bakewell_local.sandbox.providers.aws.shapes import request, seen
from bakewell_local.sandbox.providers.bridge.schema import Field, Schema, one_of
from bakewell_local.sandbox.providers.server import Properties

_ABLED = one_of("disabled", "enabled")
METADATA: Schema = {
    "httpEndpoint": Field("str", computed=True, valid=_ABLED),
    "httpProtocolIpv6": Field("str", computed=True, valid=_ABLED),
    "httpPutResponseHopLimit": Field("int", computed=True),
    "httpTokens": Field("str", computed=True, valid=one_of("optional", "required")),
    "instanceMetadataTags": Field("str", computed=True, valid=_ABLED),
}
_VOLUME: Schema = {
    "iops": Field("int", computed=True),
    "throughput": Field("int", computed=True),
    "volumeSize": Field("int", computed=True, api="Size"),
    "volumeType": Field("str", computed=True),
}
_NEW_VOLUME: Schema = {
    **_VOLUME,
    "encrypted": Field("bool", computed=True, replaces=True),
    "kmsKeyId": Field("str", computed=True, replaces=True),
}
ROOT: Schema = {
    **_NEW_VOLUME,
    "deleteOnTermination": Field("bool", default=True),
    "deviceName": Field("str", output=True),
    "volumeId": Field("str", output=True),
}


def launch_template(planned: Properties) -> Properties | None:
    """`LaunchTemplate` of a request."""
    given = planned.get("launchTemplate")
    return {"LaunchTemplateId": given["id"], "Version": given.get("version") or "$Default"} if given else None


def network(planned: Properties) -> Properties:
    """Groups and subnet of a request, as an interface where a public address is asked for, or refused."""
    groups, subnet = planned.get("vpcSecurityGroupIds"), planned.get("subnetId")
    if "associatePublicIpAddress" not in planned:
        flat = {"SecurityGroupIds": groups, "SubnetId": subnet, "PrivateIpAddress": planned.get("privateIp")}
        return {key: value for key, value in flat.items() if value}
    # Where a public address is asked for, or refused, the API wants the interface spelled out.
    interface = {
        "DeviceIndex": 0,
        "AssociatePublicIpAddress": planned["associatePublicIpAddress"],
        "Groups": groups,
        "SubnetId": subnet,
        "PrivateIpAddress": planned.get("privateIp"),
    }
    return {"NetworkInterfaces": [{key: value for key, value in interface.items() if value not in (None, [])}]}


def user_data(planned: Properties) -> bytes | None:
    """The user data itself; the SDK encodes it. Text that is base64 already is not encoded again, as the real provider
    has it.
    """
    text = planned.get("userData")
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return str(text).encode()


def root_mapping(client: Any, planned: Properties) -> list[Properties]:
    """`BlockDeviceMappings` of a request, for the root volume that the program describes."""
    wanted = planned.get("rootBlockDevice")
    if not wanted or "ami" not in planned:
        return []
    image = client.describe_images(ImageIds=[planned["ami"]])["Images"][0]
    ebs = {"DeleteOnTermination": wanted["deleteOnTermination"], **request(_NEW_VOLUME, wanted)}
    if "Size" in ebs:
        ebs["VolumeSize"] = ebs.pop("Size")
    return [{"DeviceName": image["RootDeviceName"], "Ebs": ebs}]


def change_root(client: Any, resource_id: str, old: Properties, new: Properties) -> None:
    """Bring the root volume from `old` to `new`, while it is in use."""
    different = request(_VOLUME, {key: new.get(key) for key in _VOLUME if new.get(key) != old.get(key)})
    if different:
        client.modify_volume(VolumeId=old["volumeId"], **different)
    if old.get("deleteOnTermination") != new["deleteOnTermination"]:
        ebs = {"DeleteOnTermination": new["deleteOnTermination"]}
        mapping = {"DeviceName": old["deviceName"], "Ebs": ebs}
        client.modify_instance_attribute(InstanceId=resource_id, BlockDeviceMappings=[mapping])


def profile(client: Any, resource_id: str, name: Any) -> None:
    """Give the instance the profile `name`, or none."""
    filters = [{"Name": "instance-id", "Values": [resource_id]}]
    found = client.describe_iam_instance_profile_associations(Filters=filters)["IamInstanceProfileAssociations"]
    if found and name:
        client.replace_iam_instance_profile_association(
            AssociationId=found[0]["AssociationId"], IamInstanceProfile={"Name": name}
        )
    elif found:
        client.disassociate_iam_instance_profile(AssociationId=found[0]["AssociationId"])
    elif name:
        client.associate_iam_instance_profile(InstanceId=resource_id, IamInstanceProfile={"Name": name})


def attributes(machine: Any) -> Properties:
    """What the API's object says, by Pulumi's names."""
    interface: Any = next((one for one in machine.get("NetworkInterfaces", [])), {})
    groups = interface.get("Groups") or machine.get("SecurityGroups", [])
    profile = machine.get("IamInstanceProfile", {}).get("Arn", "")
    return {
        "ami": machine["ImageId"],
        "associatePublicIpAddress": bool(interface.get("Association")),
        "availabilityZone": machine.get("Placement", {}).get("AvailabilityZone"),
        "iamInstanceProfile": profile.rpartition("/")[2] or None,
        "instanceState": machine["State"]["Name"],
        "instanceType": machine["InstanceType"],
        "keyName": machine.get("KeyName"),
        "metadataOptions": seen(METADATA, machine.get("MetadataOptions") or {}),
        "monitoring": machine.get("Monitoring", {}).get("State") in ("enabled", "pending"),
        "primaryNetworkInterfaceId": interface.get("NetworkInterfaceId"),
        "privateDns": machine.get("PrivateDnsName"),
        "privateIp": machine.get("PrivateIpAddress"),
        "publicDns": machine.get("PublicDnsName", ""),
        "publicIp": machine.get("PublicIpAddress", ""),
        "subnetId": machine.get("SubnetId"),
        "vpcSecurityGroupIds": sorted(group["GroupId"] for group in groups),
    }


def root(client: Any, machine: Any) -> Properties | None:
    """`rootBlockDevice`, of what is attached; None where nothing is (any more)."""
    attached = {one["DeviceName"]: one["Ebs"] for one in machine.get("BlockDeviceMappings", []) if "Ebs" in one}
    ebs = attached.get(machine.get("RootDeviceName", ""))
    if ebs is None:
        return None
    volume = client.describe_volumes(VolumeIds=[ebs["VolumeId"]])["Volumes"][0]
    return {
        **seen(_NEW_VOLUME, volume),
        "deleteOnTermination": ebs.get("DeleteOnTermination", True),
        "deviceName": machine["RootDeviceName"],
        "volumeId": ebs["VolumeId"],
    }
