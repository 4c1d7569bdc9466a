"""Does the exporter say how the machine is?"""

from __future__ import annotations

from testinfra.host import Host

UNIT = "prometheus-node-exporter"


def test_it_runs_and_starts_at_boot(host: Host) -> None:
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled


def test_it_is_not_root(host: Host) -> None:
    assert host.process.get(comm="prometheus-node").user == "prometheus"


def test_it_says_how_much_memory_there_is(host: Host) -> None:
    figures = host.check_output("curl -fsS http://127.0.0.1:9100/metrics").splitlines()
    assert [line for line in figures if line.startswith("node_memory_MemTotal_bytes ")] != []
