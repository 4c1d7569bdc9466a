"""What must hold for the nodes' base image, besides what its steps check themselves."""

from __future__ import annotations

import json

from testinfra.host import Host


def test_it_is_debian_12_and_says_which_image_it_is(host: Host) -> None:
    assert (host.system_info.distribution, host.system_info.release.split(".")[0]) == ("debian", "12")
    said = json.loads(host.file("/etc/bakewell/image.json").content_string)
    assert (said["role"], said["parent"]) == ("node-base", None)


def test_it_has_no_docker(host: Host) -> None:
    assert not host.exists("docker")


def test_no_unit_has_failed(host: Host) -> None:
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""
