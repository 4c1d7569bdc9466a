"""Machines that build images, and the key pairs that open them, on AWS."""

from __future__ import annotations

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.api import Clients, fitting, unless_gone
from bakewell.clouds.aws.images import Images
from bakewell.clouds.aws.regions import Regions
from bakewell.clouds.aws.tags import texts
from bakewell.clouds.resources import BUILDER, LEASE_SECONDS, AccountKey, Builder, Key
from bakewell.errors import CloudError
from bakewell.image import NAMESPACE, Identity, lease_of


class Builders:
    """The builders of an account, in all its regions."""

    def __init__(self, regions: Regions, images: Images) -> None:
        self._regions, self._clients, self._images = regions, regions.clients, images

    def of(self, project: str) -> list[Builder]:
        wanted = [
            {"Name": "tag-key", "Values": [BUILDER]},
            {"Name": f"tag:{NAMESPACE}:project", "Values": [project]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
        ]

        def ask(region: str) -> list[Builder]:
            what = f"list builders in {region}"
            pages = self._clients.pages(region, calls.INSTANCES, what, Filters=wanted)
            listed = fitting((one for page in pages for one in page.instances), wanted, calls.INSTANCES, what)
            found = []
            for instance in listed:
                tags = texts(instance.tags)
                if (identity := Identity.from_tags(tags)) is None:
                    continue
                self._regions.places[instance.instance_id] = region
                lease = lease_of(tags) or int(instance.launch_time.timestamp()) + LEASE_SECONDS
                found.append(Builder(instance.instance_id, instance.tag("Name"), identity, lease))
            return found

        return self._regions.everywhere(ask)

    def settle(self, builder_id: str) -> list[str]:
        region = self._regions.places.get(builder_id, self._regions.home)
        taken = self._images.amis([{"Name": "source-instance-id", "Values": [builder_id]}], region)
        for _, ami in taken:
            try:
                self._images.wait(ami.image_id, region, f"image {ami.image_id}")
            except CloudError:  # a failed one is to be deleted like the others
                continue
        return [ami.image_id for _, ami in taken]

    def delete(self, builder_id: str) -> None:
        region = self._regions.places.get(builder_id, self._regions.home)
        what = f"terminate builder {builder_id}"
        with unless_gone(builder_id):
            self._clients.ask(region, calls.TERMINATE_INSTANCES, what, InstanceIds=[builder_id])


class BuildKeys:
    """The key pairs of builds. They are made in the first region, and found in all."""

    def __init__(self, regions: Regions) -> None:
        self._regions, self._clients = regions, regions.clients

    def create(self, name: str, public_key: str) -> str:
        material = public_key.encode()
        self._clients.ask(
            self._regions.home, calls.IMPORT_KEY_PAIR, f"import key {name}", KeyName=name, PublicKeyMaterial=material
        )
        return name  # Packer knows keys by name

    def all(self) -> list[Key]:
        def ask(region: str) -> list[Key]:
            pairs = key_pairs(self._clients, region)
            keys = [key for pair in pairs if (key := Key.named(pair.id, pair.name))]
            self._regions.places |= {key.id: region for key in keys}
            return keys

        return self._regions.everywhere(ask)  # the stack's first region may have been another one

    def delete(self, key_id: str) -> None:
        region = self._regions.places.get(key_id, self._regions.home)
        self._clients.ask(region, calls.DELETE_KEY_PAIR, f"delete key {key_id}", KeyName=key_id)


def key_pairs(clients: Clients, region: str) -> list[AccountKey]:
    """Every key pair of the account in `region`."""
    pairs = clients.ask(region, calls.KEY_PAIRS, f"list keys in {region}").key_pairs
    return [AccountKey(pair.key_name, pair.key_name) for pair in pairs]
