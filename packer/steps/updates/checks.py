"""Will security updates come, and reboots not?"""

from __future__ import annotations

from testinfra.host import Host


def test_security_updates_are_on(host: Host) -> None:
    said = host.check_output("apt-config dump APT::Periodic")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in said
    assert 'APT::Periodic::Update-Package-Lists "1";' in said


def test_no_reboot_without_being_asked(host: Host) -> None:
    assert "Unattended-Upgrade::Automatic-Reboot " not in host.check_output("apt-config dump")
