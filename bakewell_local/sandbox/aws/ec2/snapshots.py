"""Snapshots by owner, in pages; with the key of what they were made of."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.responses import EC2Response

from bakewell_local.sandbox.aws.ec2.pages import page
from bakewell_local.sandbox.aws.hooks import around, instead


def install() -> None:
    """Puts this module's hooks in place."""

    @instead(EC2Response, "describe_snapshots")
    def describe(self: Any) -> ActionResult:
        backend = self.ec2_backend
        snapshots = backend.describe_snapshots(
            snapshot_ids=self._get_param("SnapshotIds", []), filters=self._filters_from_querystring()
        )
        if owners := self._get_param("OwnerIds", []):
            ids = [backend.account_id if owner == "self" else owner for owner in owners]
            snapshots = [one for one in snapshots if one.owner_id in ids]
        return ActionResult(page(self, "Snapshots", snapshots))

    @around(EC2Backend, "create_snapshot")
    def keyed(original: Any, self: Any, *given: Any, **named: Any) -> Any:
        snapshot = original(self, *given, **named)
        snapshot.kms_key_id = snapshot.volume.kms_key_id
        return snapshot

    @around(Snapshot, "get_filter_value")
    def value(original: Any, self: Any, filter_name: str, method_name: str | None = None) -> Any:
        return self.progress if filter_name == "progress" else original(self, filter_name, method_name)
