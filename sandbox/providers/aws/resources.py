"""`aws:ssm/parameter:Parameter` and `aws:ec2/keyPair:KeyPair`, whose names are their IDs, and
`aws:ec2/amiLaunchPermission:AmiLaunchPermission`.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.providers.aws.resource import LOOK_SECONDS, AwsResource, changed, has_code, tag_list
from sandbox.providers.aws.schema import REGION, TAGS, Failures, Field, Schema
from sandbox.providers.server import Operation, Properties
from sandbox.providers.values import UNKNOWN

_VALIDATED_SECONDS = 120.0
_NO_IMAGE = ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")


class Parameter(AwsResource):
    """A value by name, with a version that rises with each change. The SDK keeps `value` secret, whatever the type;
    `insecureValue` is shown. Write-only values are not implemented.
    """

    label = "SSM Parameter"
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "name": Field("str", replaces=True, autonamed=True),
        "type": Field("str", required=True, one_of=("String", "StringList", "SecureString")),
        "value": Field("str", computed=True),
        "insecureValue": Field("str", computed=True),
        "allowedPattern": Field("str"),
        "arn": Field("str", computed=True),
        "dataType": Field("str", computed=True, replaces=True, one_of=("aws:ec2:image", "aws:ssm:integration", "text")),
        "description": Field("str"),
        "keyId": Field("str", computed=True),
        "overwrite": Field("bool"),
        "tier": Field("str", computed=True, one_of=("Standard", "Advanced", "Intelligent-Tiering")),
        "hasValueWo": Field("bool", output=True),
        "version": Field("int", output=True),
    }

    def faults(self, name: str, inputs: Properties) -> Failures:
        if ("value" in inputs) == ("insecureValue" in inputs):
            told = "only one of" if "value" in inputs else "one of"
            what = "can be specified, but all were" if "value" in inputs else "must be specified"
            reason = f'Invalid combination of arguments. "value": {told} `insecure_value,value,value_wo` {what}'
            return [("value", f"{reason}. Examine values at '{name}.value'.")]
        return []

    def replaces(self, path: str, planned: Properties) -> bool:
        # Nothing but a new parameter leads back from the advanced tier.
        return super().replaces(path, planned) or (path == "tier" and planned.get("tier") == "Standard")

    def foresee(self, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        unknown = ["version"] if changed & {"value", "description"} else []
        # The real one makes the other unknown, and shows the old version as if it were still true.
        if "insecureValue" in changed:
            unknown.append("value")
        return dict.fromkeys(unknown, UNKNOWN)

    def make(self, inputs: Properties, planned: Properties) -> str:
        client, name = self.client("ssm", planned), planned["name"]
        overwrite = planned.get("overwrite") is True
        request = {**_request(planned), "Name": name, "Overwrite": overwrite}
        if "dataType" in planned:
            request["DataType"] = planned["dataType"]
        tags = tag_list(planned["tagsAll"])
        if tags and not overwrite:
            request["Tags"] = tags
        client.put_parameter(**request)
        if tags and overwrite:
            client.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tags)
        return str(name)

    def settle(self, op: Operation, resource_id: str, planned: Properties) -> None:
        # An image is looked at before the parameter is there; one that fails that never is.
        until = time.monotonic() + _VALIDATED_SECONDS
        while self._find(resource_id, planned) is None and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        client, found = self.client("ssm", state), self._find(resource_id, state)
        if found is None:
            return None
        by_name = [{"Key": "Name", "Option": "Equals", "Values": [found["Name"]]}]
        detail = client.describe_parameters(ParameterFilters=by_name)["Parameters"][0]
        tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=found["Name"])["TagList"]
        insecure = bool(state.get("insecureValue")) and found["Type"] != "SecureString"
        return {
            **self.tags_seen(tags, state),
            "region": state["region"],
            "name": found["Name"],
            "type": found["Type"],
            "value": None if insecure else found["Value"],
            "insecureValue": found["Value"] if insecure else None,
            "allowedPattern": detail.get("AllowedPattern") or None,
            "arn": found["ARN"],
            "dataType": detail.get("DataType") or found.get("DataType", "text"),
            "description": detail.get("Description") or None,
            "keyId": detail.get("KeyId") or None,
            "tier": detail.get("Tier", "Standard"),
            "version": found["Version"],
        }

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        client, different = self.client("ssm", planned), changed(state, planned)
        if different - {"overwrite", "tags", "tagsAll"}:
            overwrite = planned.get("overwrite") is not False
            client.put_parameter(**_request(planned), Name=resource_id, Overwrite=overwrite)
        old, new = state.get("tagsAll") or {}, planned.get("tagsAll") or {}
        gone = [key for key in old if key not in new]
        if gone:
            client.remove_tags_from_resource(ResourceType="Parameter", ResourceId=resource_id, TagKeys=gone)
        if old != new and new:
            client.add_tags_to_resource(ResourceType="Parameter", ResourceId=resource_id, Tags=tag_list(new))

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        try:
            self.client("ssm", state).delete_parameter(Name=resource_id)
        except ClientError as error:
            if not has_code(error, "ParameterNotFound"):
                raise

    def _find(self, name: str, properties: Properties) -> Any:
        try:
            return self.client("ssm", properties).get_parameter(Name=name, WithDecryption=True)["Parameter"]
        except ClientError as error:
            if has_code(error, "ParameterNotFound"):
                return None
            raise


def _request(planned: Properties) -> Properties:
    request = {
        "Type": planned["type"],
        "Value": planned.get("insecureValue") or planned.get("value", ""),
        "AllowedPattern": planned.get("allowedPattern"),
        "Description": planned.get("description"),
        "KeyId": planned.get("keyId") if planned["type"] == "SecureString" else None,
        "Tier": planned.get("tier"),
    }
    return {key: value for key, value in request.items() if value is not None}


class KeyPair(AwsResource):
    """A public key of the account in a region. White space at its ends does not count."""

    label = "EC2 Key Pair"
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "keyName": Field("str", computed=True, replaces=True, autonamed=True),
        "keyNamePrefix": Field("str", computed=True, replaces=True),
        "publicKey": Field("str", required=True, replaces=True),
        "arn": Field("str", output=True),
        "fingerprint": Field("str", output=True),
        "keyPairId": Field("str", output=True),
        "keyType": Field("str", output=True),
    }

    def check(self, op: Operation, old: Properties, new: Properties) -> tuple[Properties, Failures]:
        inputs, failures = super().check(op, old, new)
        if isinstance(inputs.get("publicKey"), str):
            inputs["publicKey"] = inputs["publicKey"].strip()
        return inputs, failures

    def make(self, inputs: Properties, planned: Properties) -> str:
        name = planned.get("keyName") or f"{planned['keyNamePrefix']}{secrets.token_hex(13)}"
        request: Properties = {"KeyName": name, "PublicKeyMaterial": planned["publicKey"].encode()}
        if planned["tagsAll"]:
            request["TagSpecifications"] = [{"ResourceType": "key-pair", "Tags": tag_list(planned["tagsAll"])}]
        return str(self.client("ec2", planned).import_key_pair(**request)["KeyName"])

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        try:
            found = self.client("ec2", state).describe_key_pairs(KeyNames=[resource_id])["KeyPairs"]
        except ClientError as error:
            if has_code(error, "InvalidKeyPair.NotFound"):
                return None
            raise
        if not found:
            return None
        return {
            **self.tags_seen(found[0].get("Tags", []), state),
            "region": state["region"],
            "arn": self.arn("ec2", f"key-pair/{resource_id}", state),
            "keyName": found[0]["KeyName"],
            "keyNamePrefix": state.get("keyNamePrefix"),
            "fingerprint": found[0]["KeyFingerprint"],
            "keyPairId": found[0]["KeyPairId"],
            "keyType": found[0].get("KeyType"),
        }

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        self.retag(state["keyPairId"], state, planned)

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        self.client("ec2", state).delete_key_pair(KeyName=resource_id)


class AmiLaunchPermission(AwsResource):
    """One account that may launch an AMI of ours. Groups and organizations are not implemented."""

    label = "EC2 AMI Launch Permission"
    schema: ClassVar[Schema] = {
        **REGION,
        "imageId": Field("str", required=True, replaces=True),
        "accountId": Field("str", required=True, replaces=True),
    }

    def faults(self, name: str, inputs: Properties) -> Failures:
        account = inputs.get("accountId")
        if isinstance(account, str) and not re.fullmatch(r"\d{12}", account):
            told = f'"account_id" is an invalid account ID: {account}'
            return [("accountId", f"{told}. Examine values at '{name}.accountId'.")]
        return []

    def make(self, inputs: Properties, planned: Properties) -> str:
        self._modify("Add", planned)
        return f"{planned['imageId']}-{planned['accountId']}"

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        image, _, account = resource_id.rpartition("-")
        try:
            answer = self.client("ec2", state).describe_image_attribute(ImageId=image, Attribute="launchPermission")
        except ClientError as error:
            if has_code(error, *_NO_IMAGE):
                return None
            raise
        if not any(one.get("UserId") == account for one in answer["LaunchPermissions"]):
            return None
        return {"region": state["region"], "imageId": image, "accountId": account}

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        """Whatever changes makes another one."""

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        try:
            self._modify("Remove", state)
        except ClientError as error:
            if not has_code(error, *_NO_IMAGE):
                raise

    def _modify(self, what: str, properties: Properties) -> None:
        permission = {what: [{"UserId": properties["accountId"]}]}
        client = self.client("ec2", properties)
        client.modify_image_attribute(ImageId=properties["imageId"], LaunchPermission=permission)
