"""The proxy, as a visitor sees it before it knows of any application server."""

from __future__ import annotations

from testinfra.host import Host

TEMPLATE = "/etc/consul-template/templates/upstream.ctmpl"


def test_it_is_well_by_itself(host: Host) -> None:
    assert host.check_output("curl -fsS http://127.0.0.1/healthz") == "ok"


def test_without_servers_it_says_to_come_back(host: Host) -> None:
    said = host.check_output("curl -sS -i http://127.0.0.1/any/page")
    head, _, page = said.replace("\r", "").partition("\n\n")
    assert head.startswith("HTTP/1.1 503 ")
    assert "Retry-After: 5" in head.splitlines()
    assert "<h1>Back in a moment</h1>" in page


def test_the_page_for_that_is_no_page_of_its_own(host: Host) -> None:
    status = host.check_output("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/unavailable.html")
    assert status == "404"


def test_it_finds_its_servers_by_their_name_in_consul(host: Host) -> None:
    assert '{{- range service "app-node" }}' in host.file(TEMPLATE).content_string.splitlines()


def test_it_answers_from_outside(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:80").is_listening
