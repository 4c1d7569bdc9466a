"""The page, as a visitor sees it. An image that fails a check is never made."""

from __future__ import annotations

from testinfra.host import Host


def test_the_page_is_served(host: Host) -> None:
    page = host.file("/var/www/html/index.html").content_string
    assert host.check_output("curl -fsS http://127.0.0.1/") == page.rstrip("\n")


def test_it_answers_from_outside(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:80").is_listening
