"""nginx on a node, as its children find it."""

from __future__ import annotations

import json

from testinfra.host import Host


def test_it_is_built_on_the_nodes_base(host: Host) -> None:
    said = json.loads(host.file("/etc/bakewell/image.json").content_string)
    assert (said["role"], said["parent"]["role"]) == ("node-nginx", "node-base")


def test_it_has_a_page(host: Host) -> None:
    assert "nothing to serve yet" in host.check_output("curl -fsS http://127.0.0.1/")


def test_it_answers_from_outside(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:80").is_listening
