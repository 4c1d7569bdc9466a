"""The page, as a visitor sees it."""

from __future__ import annotations

import json

from testinfra.host import Host


def test_the_page_says_role_and_image(host: Host) -> None:
    said = json.loads(host.file("/etc/bakewell/image.json").content_string)
    assert (said["role"], said["parent"]["role"]) == ("web", "base")
    page = host.check_output("curl -fsS http://127.0.0.1/")
    assert "role: web" in page
    assert f"image: {said['image']}" in page


def test_what_is_not_there_is_not_found(host: Host) -> None:
    assert host.check_output("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/missing") == "404"


def test_it_answers_from_outside(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:80").is_listening
