"""What must hold before an image of ROLE is made."""

from __future__ import annotations

import json

from testinfra.host import Host


def test_it_says_which_image_it_is(host: Host) -> None:
    assert json.loads(host.file("/etc/bakewell/image.json").content_string)["role"] == "ROLE"
