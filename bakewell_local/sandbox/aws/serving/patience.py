"""Answering Packer's amazon plugin late rather than twice.

It looks at an AMI every 15 s, and at an instance every few seconds, and waits that long before its second look (1.8.0;
what a template says of an AMI's waits is not heeded). Here states change within a second, so most of a build would be
such waiting. A look of the plugin's at a state that will change by itself is answered when it has; anybody else's at
once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.types import Message

from bakewell_local.sandbox.serving.faults import Call

PLUGIN = "packer-plugin-amazon"
LONGEST = 10.0  # seconds; the SDK's own patience is longer
PAUSE = 0.1
_PASSING = {
    ("ec2:DescribeImages", "ImageId.1"): (b"<imageState>pending<",),
    ("ec2:DescribeInstances", "InstanceId.1"): (b"<name>pending<", b"<name>stopping<", b"<name>shutting-down<"),
}


async def settled(ask: Callable[[], Awaitable[list[Message]]], call: Call) -> list[Message]:
    """What `ask` gives; asked again while the caller is the plugin, and it shows a state that passes."""
    words = next((words for (action, one), words in _PASSING.items() if call.action == action and one in call.body), ())
    until = time.monotonic() + (LONGEST if words and PLUGIN in call.agent else 0)
    while True:
        messages = await ask()
        content = b"".join(message.get("body", b"") for message in messages)
        if time.monotonic() >= until or not any(word in content for word in words):
            return messages
        await asyncio.sleep(PAUSE)
