"""Will security updates come, and reboots not?"""

from __future__ import annotations

import pytest
from testinfra.host import Host


@pytest.fixture(scope="module")
def dnf(host: Host) -> bool:
    """Whether the base has dnf in the place of apt."""
    return bool(host.exists("dnf"))


def test_security_updates_are_on(host: Host, dnf: bool) -> None:
    if dnf:
        assert host.service("dnf-automatic-install.timer").is_enabled
        assert "upgrade_type = security" in host.file("/etc/dnf/automatic.conf").content_string
        return
    said = host.check_output("apt-config dump APT::Periodic")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in said
    assert 'APT::Periodic::Update-Package-Lists "1";' in said


def test_no_reboot_without_being_asked(host: Host, dnf: bool) -> None:
    said = host.file("/etc/dnf/automatic.conf").content_string if dnf else host.check_output("apt-config dump")
    assert "Unattended-Upgrade::Automatic-Reboot " not in said and "reboot" not in said.split("[commands]")[-1].lower()
