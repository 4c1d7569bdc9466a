"""Machines that build images, and the key pairs that open them, on AWS."""

from __future__ import annotations

import re

from bakewell.clouds import BUILDER, LEASE_SECONDS, AccountKey, Builder, Key
from bakewell.clouds.aws import calls
from bakewell.clouds.aws.api import fitting, unless_gone
from bakewell.clouds.aws.images import Images
from bakewell.clouds.aws.tags import texts
from bakewell.errors import CloudError
from bakewell.image import NAMESPACE, Identity, lease_of

_KEY = re.compile(r"^bakewell-(?P<run>[0-9a-f]{12})-(?P<lease>\d{1,12})$")


class Builders(Images):
    """What builds make and leave in an account."""

    def builders(self, project: str) -> list[Builder]:
        wanted = [
            {"Name": "tag-key", "Values": [BUILDER]},
            {"Name": f"tag:{NAMESPACE}:project", "Values": [project]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
        ]

        def ask(region: str) -> list[Builder]:
            what = f"list builders in {region}"
            pages = self.clients.pages(region, calls.INSTANCES, what, Filters=wanted)
            listed = fitting((one for page in pages for one in page.instances), wanted, calls.INSTANCES, what)
            found = []
            for instance in listed:
                tags = texts(instance.tags)
                if (identity := Identity.from_tags(tags)) is None:
                    continue
                self._places[instance.instance_id] = region
                lease = lease_of(tags) or int(instance.launch_time.timestamp()) + LEASE_SECONDS
                found.append(Builder(instance.instance_id, instance.tag("Name"), identity, lease))
            return found

        return self._everywhere(ask)

    def settle(self, builder_id: str) -> list[str]:
        region = self._places.get(builder_id, self._region)
        taken = self._amis([{"Name": "source-instance-id", "Values": [builder_id]}], region)
        for _, ami in taken:
            try:
                self._wait(ami.image_id, region, f"image {ami.image_id}")
            except CloudError:  # a failed one is to be deleted like the others
                continue
        return [ami.image_id for _, ami in taken]

    def delete_builder(self, builder_id: str) -> None:
        region = self._places.get(builder_id, self._region)
        what = f"terminate builder {builder_id}"
        with unless_gone(builder_id):
            self.clients.ask(region, calls.TERMINATE_INSTANCES, what, InstanceIds=[builder_id])

    def create_key(self, name: str, public_key: str) -> str:
        material = public_key.encode()
        self.clients.ask(
            self._region, calls.IMPORT_KEY_PAIR, f"import key {name}", KeyName=name, PublicKeyMaterial=material
        )
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
        pairs = self.clients.ask(region, calls.KEY_PAIRS, f"list keys in {region}").key_pairs
        return [AccountKey(pair.key_name, pair.key_name) for pair in pairs]

    def delete_key(self, key_id: str) -> None:
        region = self._places.get(key_id, self._region)
        self.clients.ask(region, calls.DELETE_KEY_PAIR, f"delete key {key_id}", KeyName=key_id)
