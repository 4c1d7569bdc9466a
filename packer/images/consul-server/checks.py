"""What a server has beyond an agent; the agent itself is checked by its step."""

from __future__ import annotations

import json

from testinfra.host import Host


def test_it_forgets_servers_that_died(host: Host) -> None:
    server = json.loads(host.file("/etc/consul.d/server.json").content_string)
    assert server["autopilot"]["cleanup_dead_servers"] is True


def test_it_offers_no_service_of_its_own_and_no_user_interface(host: Host) -> None:
    assert [name for name in host.file("/etc/consul.d").listdir() if name.startswith("service-")] == []
    assert host.run("grep -r ui_config /etc/consul.d").rc == 1


def test_it_waits_until_it_may_vote(host: Host) -> None:
    wanted = json.loads(host.file("/etc/bakewell/ready.json").content_string)
    assert wanted["consul"]["server"] is True
