"""What builds and deletions that were cut short leave on AWS: AMIs without tags, and snapshots behind no AMI."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.answers.images import Snapshot
from bakewell.clouds.aws.api import fitting
from bakewell.clouds.aws.deletion import DELETED, each
from bakewell.clouds.aws.images import Images
from bakewell.clouds.aws.regions import Regions
from bakewell.clouds.aws.tags import texts
from bakewell.clouds.resources import Leftover
from bakewell.image import NAMESPACE, READY, Identity, lease_of


class Remains:
    """What is left in one account.

    Args:
        now: the account's time.
    """

    def __init__(self, regions: Regions, images: Images, now: Callable[[], float]) -> None:
        self._regions, self._clients, self._images, self._now = regions, regions.clients, images, now

    def untagged(self, names: Collection[str]) -> list[Leftover]:
        found = self._images.amis([{"Name": "name", "Values": sorted(names)}]) if names else []
        return [
            Leftover(ami.image_id, ami.name or "") for _, ami in found if Identity.from_tags(texts(ami.tags)) is None
        ]

    def sweep(self, project: str) -> list[str]:
        """Delete snapshots behind no image any more: those of a deletion that was cut short, whosever it was, and of
        builds of `project` that died between Packer's own image and the encrypted one. Others are somebody's.
        """
        wanted = [{"Name": "tag-key", "Values": [f"{NAMESPACE}:*"]}]

        def doomed(snapshot: Snapshot) -> bool:
            tags = texts(snapshot.tags)
            lease = lease_of(tags)
            dead = lease is not None and lease < self._now() and READY not in tags
            return DELETED in tags or (dead and f"{NAMESPACE}:project:{project}" in tags)

        def ask(region: str) -> list[tuple[str, Snapshot]]:
            what = f"list snapshots in {region}"
            pages = self._clients.pages(region, calls.SNAPSHOTS, what, OwnerIds=["self"], Filters=wanted)
            found = fitting((one for page in pages for one in page.snapshots), wanted, calls.SNAPSHOTS, what)
            return [(region, snapshot) for snapshot in found]

        marked = [(region, one.snapshot_id) for region, one in self._regions.everywhere(ask) if doomed(one)]
        removed: list[str] = []
        if marked:  # as hardly ever: else the account's AMIs need not be listed
            used = {snapshot for _, ami in self._images.amis([]) for snapshot in ami.snapshots}

            def delete(region: str, snapshot: str) -> None:
                if self._images.deletion.snapshot(region, snapshot):
                    removed.append(f"removed snapshot {snapshot} in {region}, whose image is gone")

            orphans = ((region, snapshot) for region, snapshot in marked if snapshot not in used)
            each(partial(delete, region, snapshot) for region, snapshot in orphans)
        return removed + [
            f"left snapshot {snapshot} in {region} behind: AWS says that it is still in use; the next run deletes it"
            for region, snapshot in marked
            if snapshot in self._images.deletion.left
        ]
