"""Spot requests: open until their time comes, known after they end, listed in pages. Nothing interrupts an instance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.spot_requests import SpotInstanceRequest
from moto.ec2.responses import EC2Response

from bakewell_local.sandbox.aws.ec2.pages import page
from bakewell_local.sandbox.aws.hooks import around, instead


def install() -> None:
    """Puts this module's hooks in place."""

    @around(SpotInstanceRequest, "launch_instance")
    def launch(original: Any, self: Any) -> Any:
        return None if _later(self.valid_from) else original(self)

    def state(self: Any) -> str:
        """A persistent request whose instance has gone is open again; here it launches no other."""
        if getattr(self, "cancelled", False):
            return "cancelled"
        instance = getattr(self, "instance", None)
        if instance is not None and instance.state not in ("shutting-down", "terminated"):
            return "active"
        return "closed" if instance is not None and self.type != "persistent" else "open"

    instead(SpotInstanceRequest, "state")(property(state, lambda self, state: None))
    instead(SpotInstanceRequest, "instance_id")(property(lambda self: self.instance.id if self.instance else None))

    @instead(EC2Backend, "cancel_spot_instance_requests")
    def cancel(self: Any, request_ids: list[str]) -> list[Any]:
        found = [self.spot_instance_requests[id] for id in request_ids]
        for request in found:
            request.cancelled = True
        return found

    @instead(EC2Response, "describe_spot_instance_requests")
    def describe(self: Any) -> ActionResult:
        requests = self.ec2_backend.describe_spot_instance_requests(
            filters=self._filters_from_querystring(), spot_instance_ids=self._get_param("SpotInstanceRequestIds", [])
        )
        return ActionResult(page(self, "SpotInstanceRequests", requests))


def _later(when: Any) -> bool:
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    if when is None:
        return False
    return bool((when if when.tzinfo else when.replace(tzinfo=UTC)) > datetime.now(UTC))
