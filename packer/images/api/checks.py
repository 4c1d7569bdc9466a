"""The service, as a client sees it."""

from __future__ import annotations

import json

from testinfra.host import Host


def test_it_says_role_and_image(host: Host) -> None:
    image = json.loads(host.file("/etc/bakewell/image.json").content_string)
    said = json.loads(host.check_output("curl -fsS http://127.0.0.1:8080/"))
    assert (said["role"], said["image"]) == ("api", image["image"])
    assert image["parent"]["role"] == "base"


def test_it_says_that_it_is_well(host: Host) -> None:
    assert json.loads(host.check_output("curl -fsS http://127.0.0.1:8080/healthz")) == {"status": "ok"}


def test_what_is_not_there_is_not_found(host: Host) -> None:
    assert host.check_output("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/missing") == "404"


def test_it_answers_from_outside(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:8080").is_listening
