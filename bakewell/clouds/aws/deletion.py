"""AMIs and their snapshots, deleted so that a failure costs as little as can be, and the next run finds what is left.

Deregistering and deleting are calls of their own. Snapshots are marked first (`DELETED`), so that whatever a failure
leaves can be told from a snapshot that somebody kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.answers.images import Ami
from bakewell.clouds.aws.api import Clients, Refusal, unless_gone
from bakewell.clouds.aws.tags import pairs
from bakewell.errors import CloudError
from bakewell.image import NAMESPACE

DELETED = f"{NAMESPACE}:deleted"
"""On the snapshots of an image that is being deleted."""

WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries to delete a snapshot that AWS takes for one of the AMI that was deregistered just now."""

_IN_USE = "InvalidSnapshot.InUse"


class Deletion:
    """Deletes in one account.

    Attributes:
        left: snapshots that were in use to the last, with their regions; they are marked, so the next run finds them.
    """

    def __init__(self, clients: Clients, sleep: Callable[[float], None]) -> None:
        self._clients, self._sleep = clients, sleep
        self.left: dict[str, str] = {}

    def ami(self, region: str, ami: Ami) -> None:
        """One AMI, then its snapshots; those are left alone where it could not be deregistered."""
        for snapshot in ami.snapshots:  # each by itself: AWS tags none where one of them is gone
            with unless_gone(snapshot):
                self._clients.ask(
                    region,
                    calls.CREATE_TAGS,
                    f"mark snapshot {snapshot} of image {ami.image_id}",
                    Resources=[snapshot],
                    Tags=pairs([DELETED]),
                )
        with unless_gone(ami.image_id):
            self._clients.ask(region, calls.DEREGISTER_IMAGE, f"deregister image {ami.image_id}", ImageId=ami.image_id)
        each(partial(self.snapshot, region, snapshot, WAITS) for snapshot in ami.snapshots)

    def snapshot(self, region: str, snapshot: str, waits: Iterable[float] = ()) -> bool:
        """Whether the snapshot is gone now; one that stays in use through all `waits` is `left`."""
        for wait in waits:
            if self._try(region, snapshot):
                return True
            self._sleep(wait)
        if self._try(region, snapshot):
            return True
        self.left[snapshot] = region
        return False

    def _try(self, region: str, snapshot: str) -> bool:
        try:
            with unless_gone(snapshot):
                self._clients.ask(region, calls.DELETE_SNAPSHOT, f"delete snapshot {snapshot}", SnapshotId=snapshot)
        except Refusal as error:
            if error.code != _IN_USE:
                raise
            return False
        self.left.pop(snapshot, None)
        return True


def each(deletions: Iterable[Callable[[], object]]) -> None:
    """Do all of them, whatever becomes of one: what is half deleted in one region is no reason to leave another so.

    Raises:
        CloudError: the first that failed; those after it are named in it.
    """
    failed: list[CloudError] = []
    for delete in deletions:
        try:
            delete()
        except CloudError as error:
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise CloudError("; ".join(error.what for error in failed), remedy=failed[0].remedy) from failed[0]
