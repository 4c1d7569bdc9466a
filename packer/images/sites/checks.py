"""Each site under its own name, and nothing under any other."""

from __future__ import annotations

import pytest
from testinfra.host import Host


def status(host: Host, name: str, path: str = "/") -> str:
    """The HTTP status of a page of the site `name`."""
    said: str = host.check_output(f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {name}' http://127.0.0.1{path}")
    return said


@pytest.mark.parametrize(("name", "title"), [("www.example.com", "Example"), ("docs.example.com", "Documentation")])
def test_each_site_has_its_own_page(host: Host, name: str, title: str) -> None:
    page = host.check_output(f"curl -fsS -H 'Host: {name}' http://127.0.0.1/")
    assert f"<h1>{title}</h1>" in page
    assert status(host, name, "/missing") == "404"


def test_every_folder_of_pages_is_a_site(host: Host) -> None:
    pages = set(host.check_output("ls /var/www").split()) - {"html"}
    assert pages == set(host.check_output("ls /etc/nginx/sites-enabled").split()) - {"default"}
    assert len(pages) >= 2


def test_other_names_have_no_page_but_say_that_nginx_is_well(host: Host) -> None:
    assert status(host, "nobody.example.net") == "404"
    assert status(host, "nobody.example.net", "/healthz") == "200"


def test_it_answers_from_outside(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:80").is_listening
