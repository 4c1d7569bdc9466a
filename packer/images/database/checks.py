"""What must hold for the databases' base image, besides what its steps check themselves."""

from __future__ import annotations

from testinfra.host import Host


def test_it_is_debian_12(host: Host) -> None:
    assert (host.system_info.distribution, host.system_info.release.split(".")[0]) == ("debian", "12")


def test_no_unit_has_failed(host: Host) -> None:
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""


def test_it_has_no_tools_of_operators(host: Host) -> None:
    assert not host.exists("doctl")
