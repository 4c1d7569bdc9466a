"""AWS's half of a local cloud served inside the test process, and boto3 as the client that the tests speak with.

moto is global to the process: there is one server (the fixture `one_aws`), and `reset` empties it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from bakewell_local.sandbox.aws.cloud import Aws, serve
from bakewell_local.sandbox.aws.serving.app import create_app
from bakewell_local.sandbox.aws.serving.gate import Access
from bakewell_local.sandbox.aws.stock import NAMES, stock_id
from bakewell_local.sandbox.serving.server import make_server
from bakewell_local.sandbox.serving.state import listen
from tests.contract.dated import Dated
from tests.contract.fake_machines import STOCK, FakeMachines
from tests.waiting import LONGEST, until

ACCESS = Access("AKIALOCALTESTLOCAL22", "a-secret-of-the-tests")
ACTION_SECONDS = 0.05
SLOW_SECONDS = 1.5  # long enough to look while something is pending, on a busy machine too
REGION = "us-east-1"
OTHER = "eu-central-1"
DEBIAN = stock_id(REGION, NAMES[-1])


class Served:
    """The cloud, over machines in memory, and clients for it."""

    def __init__(self) -> None:
        self.machines = FakeMachines()
        self.cloud = Aws("test", self.machines, lambda: STOCK, action_seconds=ACTION_SECONDS)
        self._socket = listen("127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = make_server(create_app(self.cloud, ACCESS))
        self.clock = Dated(self._server)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        self._clients: dict[tuple[str, str], Any] = {}
        self.http = httpx.Client(
            base_url=self.endpoint, headers={"Authorization": f"Bearer {ACCESS.secret}"}, timeout=LONGEST, verify=False
        )

    def client(
        self,
        service: str,
        region: str = REGION,
        key: str = ACCESS.key,
        token: str | None = None,
        attempts: int = 1,
        agent: str | None = None,
    ) -> Any:
        """A boto3 client that does not repeat what fails, unless told to; `agent` is what it says it is."""
        make: Any = boto3.client  # its types know services by their literal names only
        return make(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=ACCESS.secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": attempts}, read_timeout=LONGEST, user_agent=agent),
        )

    def __call__(self, service: str, region: str = REGION) -> Any:
        if (service, region) not in self._clients:
            self._clients[service, region] = self.client(service, region)
        return self._clients[service, region]

    @property
    def ec2(self) -> Any:
        return self("ec2")

    def launch(self, wait: bool = True, **fields: Any) -> Any:
        """An instance, once it runs."""
        fields = {"ImageId": DEBIAN, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, **fields}
        made = self.ec2.run_instances(**fields)["Instances"][0]
        return self.settled(made["InstanceId"]) if wait else made

    def instance(self, id: str) -> Any:
        return self.ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]

    def settled(self, id: str) -> Any:
        """The instance once its state does not change any more by itself."""
        ends = ("running", "stopped", "terminated")
        return until(lambda: self.instance(id), lambda one: one["State"]["Name"] in ends)

    def image(self, id: str, region: str = REGION) -> Any:
        """An AMI, once it is made."""
        look = lambda: self("ec2", region).describe_images(ImageIds=[id])["Images"][0]  # noqa: E731
        return until(look, lambda one: one["State"] != "pending")

    def bake(self, name: str = "web-1", instance: str | None = None, **fields: Any) -> Any:
        """An AMI of an instance, by default of a new one, once it is made."""
        id = instance or self.launch()["InstanceId"]
        return self.image(self.ec2.create_image(InstanceId=id, Name=name, **fields)["ImageId"])

    @contextmanager
    def held(self) -> Iterator[None]:
        """What takes its time in the cloud does not come to its end inside the block."""
        go, pause = threading.Event(), self.cloud.work.pause

        def wait(seconds: float) -> bool:
            go.wait()
            return pause(seconds)

        with patch.object(self.cloud.work, "pause", wait):
            try:
                yield
            finally:
                go.set()

    def under_way(self, action: str) -> bool:
        """Whether a call of an action ("ec2:DescribeImages") has come and is not answered."""
        calls = self.http.get("/sandbox/calls").json()["calls"]
        return any(call["action"] == action and call["status"] is None for call in calls)

    def order(self, effect: str, **spec: Any) -> str:
        """Orders a fault; its path."""
        answer = self.http.post("/sandbox/faults", json={"effect": effect, **spec})
        assert answer.status_code == 201, answer.text
        return f"/sandbox/faults/{answer.json()['fault']['id']}"

    def reset(self) -> None:
        """Makes the cloud empty again, once nothing is under way, and moto's hooks find it."""
        serve(self.cloud)
        self.cloud.faults.clear()
        self.cloud.work.seconds = ACTION_SECONDS
        until(self.cloud.work.idle, bool)
        BackendDict.reset()
        reset_model_data()
        self.machines.machines.clear()
        self.machines.images = {STOCK}
        self.http.delete("/sandbox/calls")

    def stop(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()


def refused(error: ClientError) -> tuple[str, int]:
    """The code and the status of a refusal."""
    return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


def snapshots(aws: Served, region: str = REGION) -> list[Any]:
    """The account's own."""
    found: list[Any] = aws("ec2", region).describe_snapshots(OwnerIds=["self"])["Snapshots"]
    return found


def tagged(kind: str, **tags: str) -> dict[str, Any]:
    """One of a request's TagSpecifications."""
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
