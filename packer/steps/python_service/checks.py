"""Does each service run, with no more rights than it needs?"""

from __future__ import annotations

import pytest
from testinfra.host import Host


@pytest.fixture
def units(host: Host) -> list[str]:
    """The services that run a program under /opt."""
    found = host.check_output("grep -l '^ExecStart=/usr/bin/python3 .* /opt/' /etc/systemd/system/*.service")
    return [path.rsplit("/", 1)[1] for path in found.splitlines()]


def test_each_runs_and_starts_at_boot(host: Host, units: list[str]) -> None:
    assert units
    assert [u for u in units if not (host.service(u).is_running and host.service(u).is_enabled)] == []


def test_none_is_root_or_can_become_it(host: Host, units: list[str]) -> None:
    for unit in units:
        pid = host.check_output(f"systemctl show -p MainPID --value {unit}")
        status = host.file(f"/proc/{pid}/status").content_string.splitlines()
        facts = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        assert set(facts["Uid"].split("\t")) != {"0"}
        assert facts["NoNewPrivs"] == "1"
        assert int(facts["CapEff"], 16) == 0


def test_none_can_change_its_own_program(host: Host, units: list[str]) -> None:
    for unit in units:
        program = host.file(f"/opt/{unit.removesuffix('.service')}/service.py")
        assert (program.user, program.mode) == ("root", 0o644)
