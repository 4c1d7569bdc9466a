"""The page, as a visitor sees it before there is a Consul, and what consul-template will make it from."""

from __future__ import annotations

import json

from testinfra.host import Host

TEMPLATE = "/etc/consul-template/templates/landing.ctmpl"


def test_the_page_is_there_without_consul(host: Host) -> None:
    image = json.loads(host.file("/etc/bakewell/image.json").content_string)["image"]
    page = host.check_output("curl -fsS http://127.0.0.1/")
    assert "<h1>Welcome</h1>" in page
    assert f"image: {image}" in page
    assert "{{" not in page


def test_the_template_makes_the_same_page_until_the_key_is_there(host: Host) -> None:
    title = '{{ keyOrDefault "landing/title" "Welcome" | html }}'
    template = host.file(TEMPLATE).content_string
    assert title in template
    assert template.replace(title, "Welcome") == host.file("/var/www/html/index.html").content_string
