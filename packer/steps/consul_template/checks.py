"""Would consul-template start on a machine that is told what to render, and only there?"""

from __future__ import annotations

import json

from testinfra.host import Host

TEMPLATES = "/etc/consul-template/templates"


def test_it_starts_at_boot_once_there_is_something_to_render(host: Host) -> None:
    assert host.service("consul-template.service").is_enabled
    assert not host.service("consul-template.service").is_running
    assert not host.file("/etc/consul-template/config.d/watches.json").exists


def test_every_template_is_one_that_it_understands(host: Host) -> None:
    sources = [f"{TEMPLATES}/{name}" for name in sorted(host.file(TEMPLATES).listdir())]
    watches = {"template": [{"source": source, "destination": "/run/check-of-templates"} for source in sources]}
    said = host.run(
        "d=$(mktemp -d /run/check.XXXXXX) && cp /etc/consul-template/config.d/*.json $d && "
        "echo %s > $d/watches.json && consul-template -config=$d -parse-only; code=$?; rm -rf $d; exit $code",
        json.dumps(watches),
    )
    assert said.rc == 0, said.stdout + said.stderr
    assert not host.file("/run/check-of-templates").exists
