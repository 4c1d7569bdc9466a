"""What boto3 sends and gets, below everything that reads it: kept, given again, spoilt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import parse_qs

import pytest
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

PARSED: dict[str, tuple[str, str]] = {
    "ec2:DescribeRegions": ("regionInfo", "regionName"),
    "ec2:DescribeImages": ("imagesSet", "imageState"),
    "ec2:DescribeSnapshots": ("snapshotSet", "snapshotId"),
    "ec2:DescribeImageAttribute": ("launchPermission", "imageId"),
    "ec2:DescribeImageReferences": ("imageReferenceSet", "arn"),
    "ec2:DescribeInstances": ("reservationSet", "imageId"),
    "ec2:DescribeKeyPairs": ("keySet", "keyName"),
    "ec2:DescribeLaunchTemplates": ("launchTemplates", "latestVersionNumber"),
    "ec2:DescribeLaunchTemplateVersions": ("launchTemplateVersionSet", "launchTemplateData"),
    "ec2:DescribeFleets": ("fleetSet", "launchTemplateConfigs"),
    "ec2:DescribeSpotFleetRequests": ("spotFleetRequestConfigSet", "imageId"),
    "ec2:DescribeSpotInstanceRequests": ("spotInstanceRequestSet", "imageId"),
    "autoscaling:DescribeAutoScalingGroups": ("AutoScalingGroups", "LaunchTemplate"),
    "autoscaling:DescribeInstanceRefreshes": ("InstanceRefreshes", "Status"),
    "autoscaling:DescribeLaunchConfigurations": ("LaunchConfigurations", "ImageId"),
    "ssm:DescribeParameters": ("Parameters", "Name"),
    "ssm:GetParameters": ("Parameters", "Value"),
    "ssm:GetParameter": ("Parameter", "Value"),
}
"""All questions that `clean` asks -> in the body, the list, and what its things cannot be without."""
Spoil = Callable[[str, bytes], tuple[int, bytes]]
"""An action and the body of its answer -> status and body to have instead."""


def without(action: str, body: bytes, name: str) -> bytes:
    """A body without the elements, or keys, of a name."""
    if action.startswith("ssm"):
        return re.sub(rb'"%s": ?("[^"]*"|\[\]|\[.*?\]|\{.*?\}),? ?' % name.encode(), b"", body)
    tag = name.encode()
    return re.sub(rb"<%s ?/>|<%s>.*?</%s>" % (tag, tag, tag), b"", body, flags=re.DOTALL)


def lacking(action: str, body: bytes) -> bytes:
    """A body whose things lack what they cannot be without; the local cloud has no recipes, so here is one."""
    if action == "ec2:DescribeImageReferences":
        item = b"<item><imageId>ami-0123</imageId></item>"
        body = body.replace(b"<imageReferenceSet/>", b"<imageReferenceSet>" + item + b"</imageReferenceSet>")
    return without(action, body, PARSED[action][1])


SPOILT: dict[str, Spoil] = {
    "an empty body": lambda action, body: (200, b""),
    "no content": lambda action, body: (204, b""),
    "a proxy's page": lambda action, body: (200, b"<html><body>Please log in</body></html>"),
    "a proxy's page that is no XML": lambda action, body: (200, b"<!DOCTYPE html><html><br></html>"),
    "a proxy's refusal": lambda action, body: (403, b"<!DOCTYPE html><html><br></html>"),
    "another call's answer": lambda action, body: (
        200,
        b"<DescribeAddressesResponse><requestId>1</requestId><addressesSet/></DescribeAddressesResponse>",
    ),
    "null": lambda action, body: (200, b"null"),
    "an empty object": lambda action, body: (200, b"{}"),
    "nesting without an end": lambda action, body: (200, b"[" * 100_000),
    "a refusal that nests without an end": lambda action, body: (400, b"[" * 100_000),
    "half of it": lambda action, body: (200, body[: len(body) // 2]),
    "no list": lambda action, body: (200, without(action, body, PARSED[action][0])),
    "things without a field": lambda action, body: (200, lacking(action, body)),
}


class Wire:
    """All that leaves this process for AWS.

    Attributes:
        asked: the actions that were asked for: "DescribeImages".
        replaying: a question that was answered once gets the same answer, and AWS does not hear of it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: set[str] = set()
        self.replaying = False
        self._kept: dict[object, tuple[int, Any, bytes]] = {}
        self._spoil: dict[str, Spoil] = {}
        send = URLLib3Session.send
        monkeypatch.setattr(URLLib3Session, "send", lambda session, request: self._send(send, session, request))

    @contextmanager
    def spoilt(self, action: str, spoil: Spoil) -> Iterator[None]:
        """The answers to an action are what `spoil` makes of them."""
        self._spoil[action.partition(":")[2]] = lambda _, body: spoil(action, body)
        try:
            yield
        finally:
            self._spoil.clear()

    def _send(self, send: Any, session: Any, request: Any) -> AWSResponse:
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        operation = target.rpartition(".")[2] or parse_qs(body.decode())["Action"][0]
        self.asked.add(operation)
        question = (operation, request.url, body)
        if not (self.replaying and question in self._kept):
            answer = send(session, request)
            self._kept[question] = (answer.status_code, answer.headers, answer.content)
        status, headers, content = self._kept[question]
        if operation in self._spoil:
            status, content = self._spoil[operation](operation, content)
        made: Any = AWSResponse(request.url, status, headers, None)
        made._content = content
        return cast(AWSResponse, made)
