"""Does the image say what it is?"""

from __future__ import annotations

import json
import os

from testinfra.host import Host


def test_it_says_which_image_it_is(host: Host) -> None:
    said = json.loads(host.file("/etc/bakewell/image.json").content_string)
    assert (said["role"], said["image"]) == (os.environ["BUILD_ROLE"], os.environ["BUILD_IMAGE"])
