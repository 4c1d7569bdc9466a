"""The application, as web-node's nginx sees it."""

from __future__ import annotations

import json

from testinfra.host import Host


def test_it_answers_through_nginx(host: Host) -> None:
    said = json.loads(host.file("/etc/bakewell/image.json").content_string)
    answer = host.check_output("curl -fsS http://127.0.0.1/").splitlines()
    assert answer[1:] == ["role: app-node", f"image: {said['image']}"]
    assert host.check_output("curl -fsS http://127.0.0.1/healthz") == "ok"


def test_what_is_not_there_is_not_found(host: Host) -> None:
    assert host.check_output("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/missing") == "404"


def test_only_nginx_is_there_for_others(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:80").is_listening
    assert host.socket("tcp://127.0.0.1:8080").is_listening
    assert not host.socket("tcp://0.0.0.0:8080").is_listening
