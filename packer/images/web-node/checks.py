"""The proxy, as a visitor sees it before it knows of any application server."""

from __future__ import annotations

from testinfra.host import Host

UPSTREAM = "/etc/nginx/conf.d/upstream.conf"
PEERS = "/etc/bakewell/peers/app-node"
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


def test_where_there_is_no_consul_it_takes_user_datas_word(host: Host) -> None:
    """As a machine that is told of two; then as one that is told of none, which is what the image holds."""
    before = host.check_output(f"cat {UPSTREAM}")
    try:
        host.check_output("mkdir -p /etc/bakewell/peers")
        host.check_output(f"printf '10.0.0.5:80\\n10.0.0.6:80\\n' > {PEERS} && systemctl restart upstream.service")
        assert "server 10.0.0.5:80;" in host.check_output(f"cat {UPSTREAM}")
        assert "server 10.0.0.6:80;" in host.check_output(f"cat {UPSTREAM}")
        host.check_output("nginx -t")
        host.check_output("rm -r /etc/bakewell/peers && systemctl restart upstream.service")
        assert "10.0.0.5" in host.check_output(f"cat {UPSTREAM}"), "nothing is said, so nothing changes"
    finally:
        host.run(f"rm -rf /etc/bakewell/peers; cat > {UPSTREAM} <<'END'\n{before}\nEND\nsystemctl reload nginx")
        host.check_output("systemctl stop upstream.service")
        host.check_output("rm -f /var/log/nginx/*.log")  # each reload opens them anew


def test_it_answers_from_outside(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:80").is_listening
