"""Are the tools there?"""

from __future__ import annotations

import pytest
from testinfra.host import Host


@pytest.mark.parametrize("tool", ["curl", "ip", "jq", "less", "lsof", "ps", "python3", "rsync"])
def test_the_tools_are_there(host: Host, tool: str) -> None:
    assert host.exists(tool)


def test_certificates_of_the_usual_authorities_are_trusted(host: Host) -> None:
    assert host.file("/etc/ssl/certs/ca-certificates.crt").size > 100_000


def test_every_package_is_fully_installed(host: Host) -> None:
    assert host.check_output("dpkg --audit") == ""
