"""`aws:ssm/parameter:Parameter` and `aws:ec2/keyPair:KeyPair`, whose names are their IDs, and
`aws:ec2/amiLaunchPermission:AmiLaunchPermission`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from bakewell_local.sandbox.providers.aws.resource import REGION, TAGS, AwsResource, changed, tag_list
from bakewell_local.sandbox.providers.bridge.schema import Field, Schema, one_of
from bakewell_local.sandbox.providers.bridge.waiting import Patience, Wait
from bakewell_local.sandbox.providers.server import Properties
from bakewell_local.sandbox.providers.values import UNKNOWN

_VALIDATED_SECONDS = 120.0


class Parameter(AwsResource):
    """A value by name, with a version that rises with each change. The SDK keeps `value` secret, whatever the type;
    `insecureValue` is shown. Tiers, patterns, keys and write-only values are not implemented.
    """

    label = "SSM Parameter"
    gone = ("ParameterNotFound",)
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "name": Field("str", replaces=True, autonamed=True),
        "type": Field("str", required=True, valid=one_of("String", "StringList", "SecureString")),
        "value": Field("str", computed=True),
        "insecureValue": Field("str", computed=True),
        "arn": Field("str", computed=True),
        "dataType": Field(
            "str", computed=True, replaces=True, valid=one_of("aws:ec2:image", "aws:ssm:integration", "text")
        ),
        "description": Field("str"),
        "version": Field("int", output=True),
    }

    def faults(self, inputs: Properties) -> Iterable[tuple[str, str]]:
        if ("value" in inputs) == ("insecureValue" in inputs):
            told = "only one of" if "value" in inputs else "one of"
            what = "can be specified, but all were" if "value" in inputs else "must be specified"
            yield "value", f'Invalid combination of arguments. "value": {told} `insecure_value,value,value_wo` {what}'

    def foresee(self, planned: Properties, changed: set[str]) -> Properties:
        unknown = ["version"] if changed & {"value", "description"} else []
        # The real one makes the other unknown, and shows the old version as if it were still true.
        if "insecureValue" in changed:
            unknown.append("value")
        return dict.fromkeys(unknown, UNKNOWN)

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        wanted = {**_request(planned), "Name": planned["name"]}
        if "dataType" in planned:
            wanted["DataType"] = planned["dataType"]
        if planned["tagsAll"]:
            wanted["Tags"] = tag_list(planned["tagsAll"])
        self.client("ssm", planned).put_parameter(**wanted)
        return str(planned["name"])

    def settle(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        # An image is looked at before the parameter is there; one that fails that never is.
        def look() -> str:
            try:
                self._find(resource_id, planned)
            except self.errors as error:
                if not self.is_gone(error):
                    raise
                return "missing"
            return "there"

        patience.wait_for(look, Wait("there", timeout=_VALIDATED_SECONDS))

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        client, found = self.client("ssm", state), self._find(resource_id, state)
        by_name = [{"Key": "Name", "Option": "Equals", "Values": [found["Name"]]}]
        detail = client.describe_parameters(ParameterFilters=by_name)["Parameters"][0]
        tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=found["Name"])["TagList"]
        insecure = bool(state.get("insecureValue")) and found["Type"] != "SecureString"
        return {
            **self.tags_seen(tags, state),
            "name": found["Name"],
            "type": found["Type"],
            "value": None if insecure else found["Value"],
            "insecureValue": found["Value"] if insecure else None,
            "arn": found["ARN"],
            "dataType": detail.get("DataType") or found.get("DataType", "text"),
            "description": detail.get("Description") or None,
            "version": found["Version"],
        }

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        client = self.client("ssm", planned)
        if changed(state, planned) - {"tags", "tagsAll"}:
            client.put_parameter(**_request(planned), Name=resource_id, Overwrite=True)
        old, new = state.get("tagsAll") or {}, planned.get("tagsAll") or {}
        gone = [key for key in old if key not in new]
        if gone:
            client.remove_tags_from_resource(ResourceType="Parameter", ResourceId=resource_id, TagKeys=gone)
        if old != new and new:
            client.add_tags_to_resource(ResourceType="Parameter", ResourceId=resource_id, Tags=tag_list(new))

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        self.client("ssm", state).delete_parameter(Name=resource_id)

    def _find(self, name: str, properties: Properties) -> Any:
        return self.client("ssm", properties).get_parameter(Name=name, WithDecryption=True)["Parameter"]


def _request(planned: Properties) -> Properties:
    value = planned.get("insecureValue") or planned.get("value", "")
    told = {"Description": planned["description"]} if planned.get("description") is not None else {}
    return {"Type": planned["type"], "Value": value, **told}


class KeyPair(AwsResource):
    """A public key of the account in a region. White space at its ends does not count."""

    label = "EC2 Key Pair"
    tagged = "key-pair"
    gone = ("InvalidKeyPair.NotFound",)
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "keyName": Field("str", replaces=True, autonamed=True),
        "publicKey": Field("str", required=True, replaces=True, fold=str.strip),
        "arn": Field("str", output=True),
        "fingerprint": Field("str", output=True),
        "keyPairId": Field("str", output=True),
        "keyType": Field("str", output=True),
    }

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        material = planned["publicKey"].strip().encode()
        wanted = {"KeyName": planned["keyName"], "PublicKeyMaterial": material, **self.tags_of(planned)}
        return str(self.client("ec2", planned).import_key_pair(**wanted)["KeyName"])

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        found = self.client("ec2", state).describe_key_pairs(KeyNames=[resource_id])["KeyPairs"]
        if not found:
            return None
        return {
            **self.tags_seen(found[0].get("Tags", []), state),
            "arn": self.arn("ec2", f"key-pair/{resource_id}", state),
            "keyName": found[0]["KeyName"],
            "fingerprint": found[0]["KeyFingerprint"],
            "keyPairId": found[0]["KeyPairId"],
            "keyType": found[0].get("KeyType"),
        }

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        self.retag(state["keyPairId"], state, planned)

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        self.client("ec2", state).delete_key_pair(KeyName=resource_id)


def _account(name: str, value: Any) -> str | None:
    return None if re.fullmatch(r"\d{12}", value) else f'"{name}" is an invalid account ID: {value}'


class AmiLaunchPermission(AwsResource):
    """One account that may launch an AMI of ours. Groups and organizations are not implemented."""

    label = "EC2 AMI Launch Permission"
    gone = ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")
    schema: ClassVar[Schema] = {
        **REGION,
        "imageId": Field("str", required=True, replaces=True),
        "accountId": Field("str", required=True, replaces=True, valid=_account),
    }

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        self._modify("Add", planned)
        return f"{planned['imageId']}-{planned['accountId']}"

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        image, _, account = resource_id.rpartition("-")
        client = self.client("ec2", state)
        answer = client.describe_image_attribute(ImageId=image, Attribute="launchPermission")
        if not any(one.get("UserId") == account for one in answer["LaunchPermissions"]):
            return None
        return {"imageId": image, "accountId": account}

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        self._modify("Remove", state)

    def _modify(self, what: str, properties: Properties) -> None:
        permission = {what: [{"UserId": properties["accountId"]}]}
        client = self.client("ec2", properties)
        client.modify_image_attribute(ImageId=properties["imageId"], LaunchPermission=permission)
