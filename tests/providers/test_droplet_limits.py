"""Our limits on droplets, and the remedy where one is left half made, under the real engine."""

from __future__ import annotations

from sandbox.providers.versions import DIGITALOCEAN
from tests.providers.cloud import LocalApi
from tests.providers.stack import Stack
from tests.providers.test_digitalocean import on
from toolchain.folders import ROOT

PROGRAM = """
    import sys

    sys.path.append({root!r})
    import pulumi
    import pulumi_digitalocean as do
    from pulumi_command import local

    from components.digitalocean.limits import LIMITS, remedy

    limited = dict(custom_timeouts=LIMITS, hooks=remedy("web-1")) if {limited} else {{}}
    droplet = do.Droplet(
        "web-1",
        image="debian-12-x64",
        region="nyc3",
        size="s-1vcpu-1gb",
        opts=pulumi.ResourceOptions(**limited),
    )
    local.Command("web-1-ready", create="echo ready >>log.txt", triggers=[droplet.id])
"""


def program(*, limited: bool) -> str:
    return PROGRAM.format(root=str(ROOT), limited=limited)


def test_limits_and_remedy_change_no_machine_that_is_there_and_a_destroy_needs_no_program(
    stack: Stack, api: LocalApi
) -> None:
    on(stack, api).write(program(limited=False))
    assert stack.up().code == 0
    stack.write(program(limited=True))
    for done in (stack.preview(), stack.up()):
        assert done.code == 0, done.said()
        assert done.ops("web-1") == done.ops("web-1-ready") == ["same"]
    assert stack["web-1"]["customTimeouts"] == {"create": 600, "update": 600, "delete": 300}
    assert stack.file("log.txt") == "ready\n"
    stack.write("raise SystemExit(1)")
    done = stack.destroy()
    assert done.code == 0, done.said()


def test_a_droplet_that_is_left_half_made_says_what_to_do(stack: Stack, api: LocalApi) -> None:
    on(stack, api).write(program(limited=True))
    api.fault("status", "GET", r"/v2/droplets/\d+", status=403)
    failed = stack.up()
    assert failed.code != 0
    assert f"provider=digitalocean@{DIGITALOCEAN}" in failed.said()
    assert "machine web-1: the create of its droplet failed half-way" in failed.said("warning")
    assert "remedy: run `pulumi refresh`" in failed.said("warning")
    api.call("DELETE", "/sandbox/faults")
    assert stack.refresh().code == 0
    done = stack.up()
    assert done.code == 0, done.said()
    assert len(api.droplets()) == 1
    assert done.ops("web-1-ready") == ["create"]
