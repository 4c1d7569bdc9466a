"""The local AWS as the plugin's tests see it: an account with one image, a journal of calls, and faults to order."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from bakewell_local.sandbox.aws.instance_refresh import ACTIVE
from bakewell_local.sandbox.aws.stock import NAMES, stock_id
from tests.contract.aws.served import ACCESS, OTHER, Served
from tests.waiting import until

ACCOUNT = "123456789012"
REGION = OTHER
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS.key, "AWS_SECRET_ACCESS_KEY": ACCESS.secret}
ACTION_SECONDS = 0.01  # less than the plugin takes between two looks


class LocalAws:
    """A new account; `image` is its only one."""

    def __init__(self, served: Served) -> None:
        served.reset()
        served.cloud.work.seconds = ACTION_SECONDS
        self.endpoint = served.endpoint
        self._served = served
        self.image = self.register("one")
        self.forget()

    def client(self, service: str, region: str = REGION) -> Any:
        """A client that is nobody's who is tested."""
        return self._served(service, region)

    def register(self, name: str) -> str:
        """An image of the account's own, once machines can be made of it; its ID."""
        source = {"SourceImageId": stock_id(REGION, NAMES[-1]), "SourceRegion": REGION}
        made = self.client("ec2").copy_image(Name=name, **source)["ImageId"]
        return str(self._served.image(made, REGION)["ImageId"])

    def instance(self, resource_id: str) -> Any:
        """What the API says of a machine."""
        return self.client("ec2").describe_instances(InstanceIds=[resource_id])["Reservations"][0]["Instances"][0]

    def calls(self, action: str) -> list[dict[str, Any]]:
        """The parameters of each call of an action, in order."""
        return [call["body"] for call in self._journal() if call["action"].partition(":")[2] == action]

    def actions(self) -> list[str]:
        """Every action that was called, in order."""
        return [call["action"].partition(":")[2] for call in self._journal()]

    def forget(self) -> None:
        """Empty the journal."""
        self._served.http.delete("/sandbox/calls")

    def fault(self, action: str, code: str, message: str = "as ordered", *, status: int = 400, times: int = 1) -> None:
        """Refuse the next calls of an action."""
        which = {"action": f".*:{action}", "nth": 1, "times": times}
        self._served.order("error", code=code, message=message, status=status, **which)

    def held(self) -> AbstractContextManager[None]:
        """No change of a state comes to its end inside the block."""
        return self._served.held()

    def refreshes(self) -> list[str]:
        """How the instance refreshes that were started ended, in order."""
        client = self.client("autoscaling")

        def states() -> list[str]:
            groups = [one["AutoScalingGroupName"] for one in client.describe_auto_scaling_groups()["AutoScalingGroups"]]
            found = [client.describe_instance_refreshes(AutoScalingGroupName=name) for name in groups]
            return [one["Status"] for answer in found for one in reversed(answer["InstanceRefreshes"])]

        return until(states, lambda found: not set(found) & set(ACTIVE))

    def _journal(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._served.http.get("/sandbox/calls").json()["calls"]
        return found
