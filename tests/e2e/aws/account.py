"""What a test sees of the local AWS: its API, spoken to by boto3, of one project's things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import httpx


class Account:
    """The account that an environment opens.

    Args:
        environment: as `LocalCloud.environment` gives it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        """A boto3 client."""
        if (service, region) not in self._clients:
            make: Any = boto3.client  # its types know services by their literal names only
            self._clients[service, region] = make(
                service,
                region_name=region,
                endpoint_url=self._environment["AWS_ENDPOINT_URL"],
                aws_access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self._environment["AWS_SECRET_ACCESS_KEY"],
            )
        return self._clients[service, region]

    def asked(self, *agents: str) -> set[str]:
        """The actions that programs of these names have asked for so far, whatever project it was for."""
        secret = self._environment["AWS_SECRET_ACCESS_KEY"]
        url = f"{self._environment['AWS_ENDPOINT_URL']}/sandbox/calls"
        calls = httpx.get(url, headers={"Authorization": f"Bearer {secret}"}, timeout=60).raise_for_status().json()
        return {call["action"] for call in calls["calls"] if any(agent in call["agent"] for agent in agents)}

    def name_key(self, alias: str, *regions: str) -> None:
        """Makes a KMS key in each region, called `alias`."""
        for region in regions:
            kms = self.client("kms", region)
            kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])

    def images(self, project: str, region: str) -> dict[str, dict[str, Any]]:
        """The project's AMIs by ID, in any state; their tags as a mapping under `tags`."""
        wanted = [{"Name": "tag:bakewell:project", "Values": [project]}]
        found = self.client("ec2", region).describe_images(Owners=["self"], Filters=wanted, IncludeDisabled=True)
        return {one["ImageId"]: {**one, "tags": tags(one)} for one in found["Images"]}

    def snapshots(self, project: str, region: str) -> dict[str, dict[str, Any]]:
        """The project's snapshots by ID."""
        wanted = [{"Name": "tag:bakewell:project", "Values": [project]}]
        found = self.client("ec2", region).describe_snapshots(OwnerIds=["self"], Filters=wanted)["Snapshots"]
        return {one["SnapshotId"]: one for one in found}

    def machines(self, project: str, region: str) -> list[dict[str, Any]]:
        """The project's instances that run, or will: those of fleets and builders too."""
        wanted = [
            {"Name": "tag:bakewell:project", "Values": [project]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ]
        found = self.client("ec2", region).describe_instances(Filters=wanted)["Reservations"]
        return [{**one, "tags": tags(one)} for reservation in found for one in reservation["Instances"]]

    def parameter(self, name: str, region: str) -> dict[str, Any]:
        """An SSM parameter."""
        found: dict[str, Any] = self.client("ssm", region).get_parameter(Name=name)["Parameter"]
        return found

    def may_launch(self, image: str, region: str) -> list[str]:
        """The other accounts that may launch an AMI."""
        ec2 = self.client("ec2", region)
        found = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
        return [one["UserId"] for one in found]

    def serving(self, group: str, region: str) -> list[str]:
        """IDs of the instances of a fleet that are in service, as its group says in one answer."""
        groups = self.client("autoscaling", region).describe_auto_scaling_groups(AutoScalingGroupNames=[group])
        (found,) = groups["AutoScalingGroups"]
        return [one["InstanceId"] for one in found["Instances"] if one["LifecycleState"] == "InService"]

    def booted_from(self, instances: list[str], region: str) -> set[str]:
        """The AMIs of instances."""
        listed = self.client("ec2", region).describe_instances(InstanceIds=instances)["Reservations"]
        return {one["ImageId"] for reservation in listed for one in reservation["Instances"]}


def tags(thing: Mapping[str, Any]) -> dict[str, str]:
    """The tags of anything that the API lists."""
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}
