"""Machines that build images, and the key pairs that open them, on AWS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bakewell.clouds import BUILDER, LEASE_SECONDS, AccountKey, Builder, Key
from bakewell.clouds.aws.api import asking, unless_gone
from bakewell.clouds.aws.images import Images
from bakewell.clouds.aws.tags import texts
from bakewell.errors import CloudError
from bakewell.image import NAMESPACE, Identity, lease_of

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import FilterTypeDef

_KEY = re.compile(r"^bakewell-(?P<run>[0-9a-f]{12})-(?P<lease>\d{1,12})$")


class Builders(Images):
    """What builds make and leave in an account."""

    def builders(self, project: str) -> list[Builder]:
        wanted: list[FilterTypeDef] = [
            {"Name": "tag-key", "Values": [BUILDER]},
            {"Name": f"tag:{NAMESPACE}:project", "Values": [project]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
        ]

        def ask(region: str) -> list[Builder]:
            found = []
            with asking(f"list builders in {region}"):
                for page in self.clients.ec2(region).get_paginator("describe_instances").paginate(Filters=wanted):
                    for item in (i for reservation in page["Reservations"] for i in reservation.get("Instances", [])):
                        tags = texts(item.get("Tags", []))
                        if (identity := Identity.from_tags(tags)) is None:
                            continue
                        self._places[item["InstanceId"]] = region
                        lease = lease_of(tags) or int(item["LaunchTime"].timestamp()) + LEASE_SECONDS
                        name = next((t["Value"] for t in item.get("Tags", []) if t.get("Key") == "Name"), "")
                        found.append(Builder(item["InstanceId"], name, identity, lease))
            return found

        return self._everywhere(ask)

    def settle(self, builder_id: str) -> list[str]:
        region = self._places.get(builder_id, self._region)
        taken = self._amis([{"Name": "source-instance-id", "Values": [builder_id]}], region)
        for _, item in taken:
            try:
                self._wait(item["ImageId"], region, f"image {item['ImageId']}")
            except CloudError:  # a failed one is to be deleted like the others
                continue
        return [item["ImageId"] for _, item in taken]

    def delete_builder(self, builder_id: str) -> None:
        region = self._places.get(builder_id, self._region)
        with unless_gone(), asking(f"terminate builder {builder_id}"):
            self.clients.ec2(region).terminate_instances(InstanceIds=[builder_id])

    def create_key(self, name: str, public_key: str) -> str:
        with asking(f"import key {name}"):
            self.clients.ec2(self._region).import_key_pair(KeyName=name, PublicKeyMaterial=public_key.encode())
        return name  # Packer knows keys by name

    def build_keys(self) -> list[Key]:
        def ask(region: str) -> list[Key]:
            found = ((key, _KEY.match(key.name)) for key in self._pairs(region))
            ours = [Key(key.id, key.name, match["run"], int(match["lease"])) for key, match in found if match]
            self._places |= {key.id: region for key in ours}
            return ours

        return self._everywhere(ask)  # the stack's first region may have been another one

    def ssh_keys(self) -> list[AccountKey]:
        return self._pairs(self._region)

    def _pairs(self, region: str) -> list[AccountKey]:
        with asking(f"list keys in {region}"):
            pairs = self.clients.ec2(region).describe_key_pairs()["KeyPairs"]
        return [AccountKey(pair["KeyName"], pair["KeyName"]) for pair in pairs if "KeyName" in pair]

    def delete_key(self, key_id: str) -> None:
        with asking(f"delete key {key_id}"):
            self.clients.ec2(self._places.get(key_id, self._region)).delete_key_pair(KeyName=key_id)
