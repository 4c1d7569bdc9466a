"""The frame that every AWS resource fills: what the provider does for each, tags and regions above all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from bakewell_local.sandbox.providers import diff, versions
from bakewell_local.sandbox.providers.aws.session import Cloud
from bakewell_local.sandbox.providers.bridge import schema
from bakewell_local.sandbox.providers.bridge.resource import BridgedResource
from bakewell_local.sandbox.providers.bridge.schema import Field, Schema
from bakewell_local.sandbox.providers.bridge.waiting import WaitError
from bakewell_local.sandbox.providers.server import Operation, Properties
from bakewell_local.sandbox.providers.values import UNKNOWN

TAGS: Schema = {"tags": Field("map"), "tagsAll": Field("map", output=True)}
REGION: Schema = {"region": Field("str", computed=True, replaces=True)}


class AwsResource(BridgedResource):
    """One type of resource.

    Attributes:
        gone: codes of the API that say that there is no such resource.
        tagged: as the API calls it where it is tagged ("security-group").
    """

    plugin = "aws"
    version = versions.AWS
    deadline = False
    errors = (ClientError, BotoCoreError, WaitError)
    gone: ClassVar[tuple[str, ...]] = ()
    tagged: ClassVar[str] = ""

    def __init__(self) -> None:
        self.cloud: Cloud

    def words(self, doing: str, resource_id: str, error: Exception) -> str:
        which = f" ({resource_id})" if resource_id else ""
        create = " create" if doing == "waiting for" else ""
        return f"{doing} {self.label}{which}{create}: {self.cloud.words(error)}"

    def is_gone(self, error: Exception) -> bool:
        return has_code(error, *self.gone)

    def plan(self, state: Properties | None, inputs: Properties) -> Properties:
        planned = super().plan(state, inputs)
        if "tagsAll" in self.schema:
            own = planned.get("tags") or {}
            unknown = own is UNKNOWN or any(value is UNKNOWN for value in own.values())
            planned["tagsAll"] = UNKNOWN if unknown else {**self.cloud.default_tags, **own}
        return planned

    def check(self, op: Operation, old: Properties, new: Properties) -> tuple[Properties, list[tuple[str, str]]]:
        inputs, failures = super().check(op, old, new)
        if "region" not in inputs:
            inputs["region"] = self.cloud.region
            inputs[schema.DEFAULTS] = sorted([*inputs[schema.DEFAULTS], "region"])
        return inputs, failures

    def changes(self, state: Properties, planned: Properties, inputs: Properties) -> dict[str, str]:
        found = super().changes(state, planned, inputs)
        # Tags of the provider's own configuration have no input of the resource that could show them.
        if "tagsAll" in self.schema and not found and state.get("tagsAll", {}) != planned.get("tagsAll", {}):
            return {"tagsAll": "UPDATE"}
        return found

    def client(self, service: str, properties: Properties) -> Any:
        """A client of the service in the resource's own region."""
        return self.cloud.client(service, properties.get("region"))

    def arn(self, service: str, resource: str, properties: Properties) -> str:
        region = properties.get("region") or self.cloud.region
        return f"arn:{self.cloud.partition}:{service}:{region}:{self.cloud.account_id}:{resource}"

    def tags_of(self, planned: Properties) -> Properties:
        """`TagSpecifications` of the request that makes it; empty where there are no tags."""
        if not planned["tagsAll"]:
            return {}
        return {"TagSpecifications": [{"ResourceType": self.tagged, "Tags": tag_list(planned["tagsAll"])}]}

    def tags_seen(self, tags: list[Any], state: Properties) -> Properties:
        """`tags` and `tagsAll` from what the API lists: tags of the provider's configuration are no tags of ours."""
        every = tag_map(tags)
        own: Mapping[str, str] = state.get("tags") or {}
        inherited = self.cloud.default_tags
        mine = {key: value for key, value in every.items() if key in own or inherited.get(key) != value}
        return {"tags": mine, "tagsAll": every}

    def retag(self, resource_id: str, state: Properties, planned: Properties) -> None:
        """Change the tags of an EC2 resource."""
        old, new = state.get("tagsAll") or {}, planned.get("tagsAll") or {}
        client = self.client("ec2", planned)
        gone = [{"Key": key} for key in old if key not in new]
        if gone:
            client.delete_tags(Resources=[resource_id], Tags=gone)
        fresh = {key: value for key, value in new.items() if old.get(key) != value}
        if fresh:
            client.create_tags(Resources=[resource_id], Tags=tag_list(fresh))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most of the API takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: list[Any]) -> dict[str, str]:
    """Tags as programs see them, from what the API lists: without AWS's own."""
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


def has_code(error: Exception, *codes: str) -> bool:
    """True when the API refused with one of the codes."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in codes


def changed(state: Properties, planned: Properties) -> set[str]:
    """The properties that differ; an empty value is none."""
    return {diff.top(path) for path in diff.changes(state, planned, blanks=False)}
