"""Are the tools there?"""

from __future__ import annotations

import pytest
from testinfra.host import Host


@pytest.mark.parametrize("tool", ["curl", "ip", "jq", "less", "lsof", "ps", "python3", "rsync"])
def test_the_tools_are_there(host: Host, tool: str) -> None:
    assert host.exists(tool)


def test_certificates_of_the_usual_authorities_are_trusted(host: Host) -> None:
    files = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
    assert max(host.file(path).size for path in files if host.file(path).exists) > 100_000


def test_every_package_is_fully_installed(host: Host) -> None:
    assert host.check_output("! command -v dpkg > /dev/null || dpkg --audit") == ""
