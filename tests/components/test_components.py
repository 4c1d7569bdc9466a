"""Components by themselves: where their children hang, and what they do with what a command prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from bakewell.build.result import Result
from bakewell.user_data import UserData
from pulumi_bakewell.digitalocean.limits import droplet_options
from pulumi_bakewell.digitalocean.role_droplet import RoleDroplet
from pulumi_bakewell.packer_image import PackerImage, PackerImageArgs
from pulumi_bakewell.published_images import PublishedImages
from pulumi_bakewell.stack.outputs import StackOutputs
from pulumi_bakewell.stack.summary import table
from tests.components.engine import Run, run_program

WEB: PackerImageArgs = {
    "role": "web",
    "cloud": "digitalocean",
    "fingerprint": "f" * 64,
    "digests": {"image.toml": "1"},
    "attempt": 0,
    "home": "nyc3",
    "regions": ["nyc3"],
}
LINE = {
    "role": "web",
    "cloud": "digitalocean",
    "id": "1020",
    "name": "bakewell-web-2026-11-21-0314-a51f71",
    "fingerprint": "f" * 64,
    "run": "a51f71f82eb2",
    "parent": None,
    "home": "nyc3",
    "regions": ["nyc3"],
    "action": "built",
    "seconds": 61.0,
    "finished": 2000.0,
    "something_newer": True,
}
PUBLISHED = {
    "bakewell": {
        "digitalocean": {
            "images": {
                "web": {
                    "ids": {"nyc3": "1020", "sfo3": "1021"},
                    "name": "bakewell-web-2026-11-21-0314-a51f71",
                    "fingerprint": "f" * 64,
                    "attempt": 0.0,  # Pulumi's numbers are floats
                    "run": "a51f71f82eb2",
                }
            }
        }
    }
}


@dataclass
class Says:
    """An engine whose commands print `stdout`, and in which every stack exported `outputs`."""

    stdout: str = json.dumps(LINE)
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, asked: mocks.MockResourceArgs) -> Mapping[str, Any]:
        if asked.typ == "pulumi:pulumi:StackReference":
            return {"outputs": dict(self.outputs), "secretOutputNames": []}
        return {"stdout": self.stdout, "ipv4Address": "192.0.2.7"}

    def invoke(self, function: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(f"these components call no function, but call {function}")

    def stack_outputs(self, name: str) -> Mapping[str, Any]:
        return self.outputs


def droplet(opts: pulumi.ResourceOptions | None = None) -> RoleDroplet:
    """A machine that can be asked whether it is ready."""
    made = RoleDroplet(
        "web-1",
        {
            "project": "bakewell",
            "role": "web",
            "image": "1",
            "region": "nyc3",
            "size": "s-1vcpu-1gb",
            "ssh_keys": ["7"],
            "user_data": UserData(role="web"),
            "cluster": None,
            "peers": {},
            "health": None,
            "options": droplet_options("test"),
        },
        opts,
    )
    made.await_ready([])
    return made


def test_a_callers_options_do_not_move_the_children() -> None:
    def program() -> None:
        outer = pulumi.ComponentResource("test:index:Outer", "outer")
        PackerImage("web", WEB, opts=pulumi.ResourceOptions(parent=outer))
        droplet(pulumi.ResourceOptions(parent=outer))

    run = run_program(program, Says(json.dumps({**LINE, "ready_seconds": 1.4})))
    assert run.error is None
    parents = {(r.type, r.name): r.parent for r in run.resources}
    assert parents["bakewell:index:PackerImage", "web"] == "outer"
    assert run["web"].parent == "web"
    assert run["web-1"].parent == run["web-1-ready"].parent == "web-1"


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        "Build finished",
        '{"role": "web"}',
        "[]",
        json.dumps(LINE | {"id": 1020}),
        json.dumps(LINE | {"action": "made"}),
    ],
)
def test_a_command_that_prints_something_else_is_an_error_that_says_what_to_do(stdout: str) -> None:
    def program() -> None:
        pulumi.export("web", PackerImage("web", WEB).published())

    run = run_program(program, Says(stdout))
    assert isinstance(run.error, pulumi.RunError)
    assert "run `bakewell build web` by hand" in str(run.error)


def machine(engine: Says) -> Run:
    """A program of one machine, which exports how long that took."""
    return run_program(lambda: pulumi.export("seconds", droplet().ready_seconds), engine)


@pytest.mark.parametrize("stdout", ["", "ready", "[]", "{}"])
def test_a_readiness_command_that_prints_something_else_is_an_error(stdout: str) -> None:
    run = machine(Says(stdout))
    assert isinstance(run.error, pulumi.RunError)
    assert "machine web-1" in str(run.error) and "bakewell ready --address" in str(run.error)


@pytest.mark.parametrize(("stdout", "seconds"), [('{"ready_seconds": 1.42}', 1.42), ('{"ready_seconds": null}', None)])
def test_how_long_a_machine_took_is_no_secret(stdout: str, seconds: float | None) -> None:
    assert machine(Says(stdout)).outputs.get("seconds") == seconds


def test_the_id_is_no_secret_though_the_command_s_output_is() -> None:
    def program() -> None:
        pulumi.export("ids", PackerImage("web", WEB).ids)

    assert run_program(program, Says()).outputs["ids"] == {"nyc3": "1020"}


def published(outputs: Mapping[str, Any], role: str, region: str, cloud: str = "digitalocean") -> Run:
    def program() -> None:
        images = PublishedImages("platform", {"stack": "organization/bakewell/dev"})
        pulumi.export("id", images.image_id(role, region=region, cloud=cloud))

    return run_program(program, Says(outputs=outputs))


def test_published_images_by_region() -> None:
    assert published(PUBLISHED, "web", "nyc3").outputs["id"] == "1020"
    assert published(PUBLISHED, "web", "sfo3").outputs["id"] == "1021"


def test_a_record_may_be_a_list_of_records() -> None:
    listed = {"bakewell": [{"aws": {"images": {}}}, PUBLISHED["bakewell"]]}
    assert published(listed, "web", "nyc3").outputs["id"] == "1020"


@pytest.mark.parametrize(
    ("outputs", "role", "region", "cloud", "said"),
    [
        (PUBLISHED, "wbe", "nyc3", "digitalocean", "there is no image wbe\n  remedy: its images: web"),
        (PUBLISHED, "web", "ams3", "digitalocean", "image web is not in ams3\n  remedy: use one of: nyc3, sfo3"),
        (PUBLISHED, "web", "nyc3", "aws", "image web is not in aws\n  remedy: use one of: digitalocean"),
        ({}, "web", "nyc3", "digitalocean", "its images: none; run `pulumi up` there first"),
        ({"bakewell": "web"}, "web", "nyc3", "digitalocean", "output bakewell can't be read"),
        (
            {"images": {}},
            "web",
            "nyc3",
            "digitalocean",
            "it exports no `bakewell`\n  remedy:",
        ),
    ],
)
def test_an_image_that_is_not_published_is_named_with_what_there_is(
    outputs: Mapping[str, Any], role: str, region: str, cloud: str, said: str
) -> None:
    run = published(outputs, role, region, cloud)
    assert isinstance(run.error, pulumi.RunError)
    assert str(run.error).startswith("stack organization/bakewell/dev: ")
    assert said in str(run.error)


def test_outputs_without_a_parent_or_an_url_are_read() -> None:
    machine = {"role": "api", "address": "192.0.2.7", "image": "1"}
    outputs = StackOutputs.model_validate(PUBLISHED | {"machines": {"api-1": machine}})
    web = outputs.image("web", "digitalocean")
    assert web is not None
    assert web.parent is None
    assert outputs.machines["api-1"].url is None
    assert outputs.image("web", "aws") is outputs.image("api", "digitalocean") is None


def test_summary() -> None:
    made = Result.model_validate_json(json.dumps(LINE))
    results = {
        "base": made.model_copy(update={"role": "base", "finished": 999.9, "id": "7"}),
        "web": made,
        "consul-api": made.model_copy(update={"action": "adopted", "seconds": 0.4}),
    }
    name = LINE["name"]
    assert table(results, since=1000.0) == (
        "image       result     seconds  ID\n"
        f"base        unchanged        -  7  {name}\n"
        f"web         built           61  1020  {name}\n"
        f"consul-api  adopted          0  1020  {name}"
    )
