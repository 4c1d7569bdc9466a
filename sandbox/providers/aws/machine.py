"""An instance as EC2's API words it: the parts of a request, and the attributes that its answers give."""

from __future__ import annotations

import base64
from typing import Any

from botocore.exceptions import ClientError

from sandbox.providers.aws.resource import has_code
from sandbox.providers.aws.schema import Field, Schema
from sandbox.providers.server import Properties

METADATA: Schema = {
    "httpEndpoint": Field("str", computed=True, one_of=("disabled", "enabled")),
    "httpProtocolIpv6": Field("str", computed=True, one_of=("disabled", "enabled")),
    "httpPutResponseHopLimit": Field("int", computed=True),
    "httpTokens": Field("str", computed=True, one_of=("optional", "required")),
    "instanceMetadataTags": Field("str", computed=True, one_of=("disabled", "enabled")),
}


def metadata(options: Any) -> Properties:
    """`MetadataOptions` of a request; empty for None."""
    given = {f"{key[0].upper()}{key[1:]}": value for key, value in (options or {}).items() if value not in (None, "")}
    if "HttpPutResponseHopLimit" in given:
        given["HttpPutResponseHopLimit"] = int(given["HttpPutResponseHopLimit"])
    return given


def launch_template(inputs: Properties) -> Properties | None:
    """`LaunchTemplate` of a request, from what the program gave."""
    given = inputs.get("launchTemplate")
    if not isinstance(given, dict):
        return None
    by = {"LaunchTemplateId": given["id"]} if given.get("id") else {"LaunchTemplateName": given.get("name")}
    return {**by, "Version": given.get("version") or "$Default"}


def network(planned: Properties) -> Properties:
    """Groups and subnet of a request, as an interface where a public address is asked for, or refused."""
    groups, subnet = planned.get("vpcSecurityGroupIds"), planned.get("subnetId")
    if "associatePublicIpAddress" not in planned:
        by_name = {"SecurityGroups": planned.get("securityGroups")}
        flat = {"SecurityGroupIds": groups, "SubnetId": subnet, "PrivateIpAddress": planned.get("privateIp"), **by_name}
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


def placement(planned: Properties) -> Properties:
    """`Placement` of a request; empty where AWS may choose."""
    wanted = {"AvailabilityZone": planned.get("availabilityZone"), "Tenancy": planned.get("tenancy")}
    return {key: value for key, value in wanted.items() if value}


def user_data(planned: Properties) -> bytes | None:
    """The user data itself, from text or base64; the SDK encodes it. Text that is base64 already is not encoded again,
    as the real provider has it.
    """
    if planned.get("userDataBase64"):
        return base64.b64decode(planned["userDataBase64"])
    text = planned.get("userData")
    return None if text is None else decoded(text) or text.encode()


def decoded(text: str) -> bytes | None:
    """What the base64 in `text` stands for; None where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def root_mapping(client: Any, planned: Properties) -> list[Properties]:
    """`BlockDeviceMappings` of a request, for the root volume that the program describes."""
    wanted = planned.get("rootBlockDevice")
    if not wanted or "ami" not in planned:
        return []
    image = client.describe_images(ImageIds=[planned["ami"]])["Images"][0]
    names = {"deleteOnTermination": "DeleteOnTermination", "encrypted": "Encrypted", "kmsKeyId": "KmsKeyId"}
    ebs = {names[key]: wanted[key] for key in names if key in wanted} | _volume(wanted)
    return [{"DeviceName": image["RootDeviceName"], "Ebs": ebs}]


def _volume(device: Properties) -> Properties:
    numbers = {"iops": "Iops", "throughput": "Throughput", "volumeSize": "VolumeSize"}
    ebs = {name: int(device[key]) for key, name in numbers.items() if device.get(key)}
    return ebs | ({"VolumeType": device["volumeType"]} if device.get("volumeType") else {})


def change_root(client: Any, resource_id: str, old: Properties, new: Properties) -> None:
    """Bring the root volume from `old` to `new`, while it is in use."""
    wanted, before = _volume(new), _volume(old)
    different = {
        {"VolumeSize": "Size"}.get(key, key): value for key, value in wanted.items() if before.get(key) != value
    }
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


def find(client: Any, resource_id: str) -> Any:
    """The API's object; None where the ID is not known (any more)."""
    try:
        found = client.describe_instances(InstanceIds=[resource_id])["Reservations"]
    except ClientError as error:
        if has_code(error, "InvalidInstanceID.NotFound"):
            return None
        raise
    return found[0]["Instances"][0] if found else None


def attributes(machine: Any) -> Properties:
    """What the API's object says, by Pulumi's names."""
    interface: Any = next((one for one in machine.get("NetworkInterfaces", [])), {})
    placement, options = machine.get("Placement", {}), machine.get("MetadataOptions") or {}
    groups = interface.get("Groups") or machine.get("SecurityGroups", [])
    profile = machine.get("IamInstanceProfile", {}).get("Arn", "")
    seen = {key: options.get(f"{key[0].upper()}{key[1:]}") for key in METADATA}
    return {
        "ami": machine["ImageId"],
        "associatePublicIpAddress": bool(interface.get("Association")),
        "availabilityZone": placement.get("AvailabilityZone"),
        "ebsOptimized": machine.get("EbsOptimized", False),
        "iamInstanceProfile": profile.rpartition("/")[2] or None,
        "instanceState": machine["State"]["Name"],
        "instanceType": machine["InstanceType"],
        "keyName": machine.get("KeyName"),
        "metadataOptions": {key: value for key, value in seen.items() if value is not None},
        "monitoring": machine.get("Monitoring", {}).get("State") in ("enabled", "pending"),
        "primaryNetworkInterfaceId": interface.get("NetworkInterfaceId"),
        "privateDns": machine.get("PrivateDnsName"),
        "privateIp": machine.get("PrivateIpAddress"),
        "publicDns": machine.get("PublicDnsName", ""),
        "publicIp": machine.get("PublicIpAddress", ""),
        "securityGroups": sorted(group["GroupName"] for group in groups),
        "sourceDestCheck": machine.get("SourceDestCheck", True),
        "subnetId": machine.get("SubnetId"),
        "tenancy": placement.get("Tenancy", "default"),
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
        "deleteOnTermination": ebs.get("DeleteOnTermination", True),
        "deviceName": machine["RootDeviceName"],
        "encrypted": volume.get("Encrypted", False),
        "iops": volume.get("Iops", 0),
        "kmsKeyId": volume.get("KmsKeyId", ""),
        "throughput": volume.get("Throughput", 0),
        "volumeId": ebs["VolumeId"],
        "volumeSize": volume["Size"],
        "volumeType": volume.get("VolumeType", ""),
    }
