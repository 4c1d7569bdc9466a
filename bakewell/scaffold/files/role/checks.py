"""What must hold before an image of ROLE is made, besides what its steps check themselves."""

from __future__ import annotations

from testinfra.host import Host


def test_no_unit_has_failed(host: Host) -> None:
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""
