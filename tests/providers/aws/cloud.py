"""AWS in this process: moto, with what the provider needs and moto lacks, a journal of calls, and faults to order."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import pytest
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.responses import instances
from moto.ec2.utils import parse_user_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

ACCOUNT = "123456789012"
REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAPROVIDERTESTS", "AWS_SECRET_ACCESS_KEY": "provider-tests"}
_AUTOSCALING = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


@dataclass
class Call:
    """One request that was answered: its action, and the parameters of a query."""

    action: str
    parameters: dict[str, str]


@dataclass
class Fault:
    """A refusal of the next `times` requests for an action."""

    action: str
    code: str
    message: str
    status: int
    times: int


@dataclass
class Journal:
    """WSGI middleware: writes calls down, refuses as ordered, and answers for moto what it has no answer to."""

    app: Any
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    refreshes: list[str] = field(default_factory=list)  # their states

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        target = str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
        query = {} if target else {key: values[0] for key, values in parse_qs(body.decode()).items()}
        action = target or query.get("Action", "")
        if action:
            self.calls.append(Call(action, query))
        for fault in self.faults:
            if fault.action == action and fault.times > 0:
                fault.times -= 1
                return _answer(start, fault.status, _refusal(fault.code, fault.message))
        if "InstanceRefresh" in action:
            return self._refresh(action, start)
        answered: Iterable[bytes] = self.app(environ, start)
        return answered

    def _refresh(self, action: str, start: StartResponse) -> Iterable[bytes]:
        running = [i for i, state in enumerate(self.refreshes) if state == "InProgress"]
        if action == "StartInstanceRefresh":
            if running:
                return _answer(start, 400, _refusal("InstanceRefreshInProgress", "one is under way"))
            self.refreshes.append("InProgress")
            content = f"<InstanceRefreshId>{len(self.refreshes) - 1}</InstanceRefreshId>"
        elif action == "CancelInstanceRefresh":
            self.refreshes[running[0]] = "Cancelled"
            content = f"<InstanceRefreshId>{running[0]}</InstanceRefreshId>"
        else:
            states = "".join(f"<member><Status>{state}</Status></member>" for state in reversed(self.refreshes))
            content = f"<InstanceRefreshes>{states}</InstanceRefreshes>"
        xml = f'<{action}Response xmlns="{_AUTOSCALING}"><{action}Result>{content}</{action}Result></{action}Response>'
        return _answer(start, 200, xml)


def _answer(start: StartResponse, status: int, xml: str) -> Iterable[bytes]:
    start(f"{status} As ordered", [("Content-Type", "text/xml")])
    return [xml.encode()]


def _refusal(code: str, message: str) -> str:
    """In the form of each of the APIs that speak XML."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if code in ("RequestLimitExceeded", "OperationNotPermitted", "DependencyViolation", "InsufficientInstanceCapacity"):
        return f"<Response><Errors>{error}</Errors><RequestID>ordered</RequestID></Response>"
    return f"<ErrorResponse>{error}<RequestId>ordered</RequestId></ErrorResponse>"


class LocalAws:
    """AWS as a test sees it: calls of its own, the journal, faults."""

    def __init__(self, port: int, journal: Journal) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._journal = journal
        self._session = boto3.Session()
        self._clients: dict[tuple[str, str], Any] = {}
        self.image = ""

    def client(self, service: str, region: str = REGION) -> Any:
        """A client that is nobody's who is tested."""
        if (service, region) not in self._clients:
            keys = {"aws_access_key_id": "AKIATESTS", "aws_secret_access_key": "tests"}
            session: Any = self._session
            self._clients[service, region] = session.client(service, region, endpoint_url=self.endpoint, **keys)
        return self._clients[service, region]

    def register(self, name: str) -> str:
        """An image of the account's own; its ID."""
        ec2 = self.client("ec2")
        snapshot = ec2.create_snapshot(VolumeId=ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8)["VolumeId"])
        mapping = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot["SnapshotId"]}}
        return str(
            ec2.register_image(
                Name=name, RootDeviceName="/dev/sda1", BlockDeviceMappings=[mapping], Architecture="x86_64"
            )["ImageId"]
        )

    def instance(self, resource_id: str) -> Any:
        """What the API says of a machine."""
        return self.client("ec2").describe_instances(InstanceIds=[resource_id])["Reservations"][0]["Instances"][0]

    def calls(self, action: str) -> list[dict[str, str]]:
        """The parameters of each call of an action, in order."""
        return [call.parameters for call in self._journal.calls if call.action == action]

    def actions(self) -> list[str]:
        """Every action that was called, in order."""
        return [call.action for call in self._journal.calls]

    def forget(self) -> None:
        """Empty the journal."""
        self._journal.calls.clear()

    def fault(self, action: str, code: str, message: str = "as ordered", *, status: int = 400, times: int = 1) -> None:
        """Refuse the next calls of an action."""
        self._journal.faults.append(Fault(action, code, message, status, times))

    def refreshes(self) -> list[str]:
        """The states of the instance refreshes that were started."""
        return list(self._journal.refreshes)

    def reset(self) -> None:
        """A new account with one image, no faults and an empty journal."""
        from moto.backends import get_backend

        for name in ("ec2", "ssm", "autoscaling", "sts", "iam"):
            get_backend(name).reset()
        self._journal.faults.clear()
        self._journal.refreshes.clear()
        self.image = self.register("one")
        self.forget()


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    """Serve it for the length of a `with` block."""
    journal = Journal(DomainDispatcherApplication(create_backend_app))
    with pytest.MonkeyPatch.context() as patch:
        # The images that moto knows by itself are many, and copied at each reset.
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        patch.setattr(instances, "parse_user_data", _user_data)
        patch.setattr(LaunchTemplateBackend, "create_launch_template", _create_launch_template)
        patch.setattr(
            LaunchTemplate, "tags", property(lambda self: self.get_tags(), lambda self, tags: None), raising=False
        )
        server = make_server("127.0.0.1", 0, journal, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield LocalAws(server.server_port, journal)
        finally:
            server.shutdown()
            thread.join()


def _user_data(value: Any) -> Any:
    """moto takes what ModifyInstanceAttribute was given for base64, which it has decoded by then."""
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    return parse_user_data(value)


_create = LaunchTemplateBackend.create_launch_template


def _create_launch_template(backend: Any, name: Any, description: Any, template_data: Any, tag_spec: Any) -> Any:
    """moto adds a template's own tags to what machines are made from."""
    data = {key: value for key, value in template_data.items() if key != "TagSpecifications"}
    own = [one for one in template_data.get("TagSpecifications", []) if one["ResourceType"] != "launch-template"]
    return _create(backend, name, description, data | ({"TagSpecifications": own} if own else {}), tag_spec)
