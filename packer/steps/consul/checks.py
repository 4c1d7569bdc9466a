"""Would the agent start on a machine that is told its cluster, and only there?"""

from __future__ import annotations

import json
import re

from testinfra.host import Host

CLUSTER = {"server": True, "bootstrap_expect": 3, "datacenter": "nyc3", "retry_join": ["10.0.0.2", "10.0.0.3"]}
"""As user_data writes it for a server; a client's is a part of it."""


def test_it_is_the_version_that_was_asked_for(host: Host) -> None:
    assert re.match(r"Consul v\d+\.\d+\.\d+\n", host.check_output("consul version") + "\n")


def test_it_starts_at_boot_once_there_is_a_cluster(host: Host) -> None:
    assert host.service("consul.service").is_enabled
    assert not host.service("consul.service").is_running
    assert not host.file("/etc/consul.d/cluster.json").exists


def test_the_configuration_is_valid_with_a_cluster(host: Host) -> None:
    said = host.run(
        "d=$(mktemp -d /run/check.XXXXXX) && cp /etc/consul.d/*.json $d && echo %s > $d/cluster.json && "
        "consul validate $d; code=$?; rm -rf $d; exit $code",
        json.dumps(CLUSTER),
    )
    assert said.rc == 0, said.stdout + said.stderr


def test_no_machine_begins_with_anothers_memory(host: Host) -> None:
    folder = host.file("/opt/consul")
    assert (folder.user, folder.group, folder.mode) == ("consul", "consul", 0o750)
    assert folder.listdir() == []


def test_its_user_cannot_change_its_configuration(host: Host) -> None:
    assert host.file("/etc/consul.d").user == "root"
    assert [path for path in host.file("/etc/consul.d").listdir() if not path.endswith(".json")] == []
    assert host.check_output("find /etc/consul.d -user consul") == ""
