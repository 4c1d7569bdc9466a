"""Containers of a stack: what the commands that make, await and remove them are told."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pytest
from pulumi.runtime import mocks
from pulumi_command import local

from bakewell.catalog import Boot, Health
from bakewell.desired import Container
from bakewell.settings import ContainerSettings, Settings
from bakewell.user_data import UserData
from bakewell.validation import Looked
from pulumi_bakewell.docker.machines import make
from pulumi_bakewell.stack.session import Session
from tests.components.engine import COMMAND, UNKNOWN, Registered, Run, run_program

IMAGE = "5" * 64
WEB = Container(
    name="docker-web-1",
    role="web",
    settings=ContainerSettings(),
    user_data=UserData.of("web", ["nginx.service"]),
    health=Health(port=8080, path="/up"),
)


ROLES = {
    "web": SimpleNamespace(boot=Boot(health=WEB.health)),
    "proxy": SimpleNamespace(boot=Boot(peers=["web"])),
}
CATALOG = SimpleNamespace(role=ROLES.__getitem__)


@dataclass(frozen=True)
class Answers:
    """Every container runs at 172.17.0.9, and its port is 32768 here. `key`: what the state has of the stack."""

    key: str = "0a1b2c"

    def __call__(self, asked: mocks.MockResourceArgs) -> Mapping[str, Any]:
        assert asked.typ == COMMAND or asked.typ.startswith("bakewell:index:")
        if asked.name == "docker-key":
            return {"stdout": self.key}
        if asked.name == "build" or asked.inputs.get("environment", {}).get("IMAGE") == UNKNOWN:
            return {"stdout": UNKNOWN}
        if asked.inputs.get("create") == "exec bakewell ready":
            return {"stdout": '{"ready_seconds":null}'}
        port = 32768 if "--port" in asked.inputs.get("create", "") else None
        return {"stdout": json.dumps({"id": "c0ffee", "address": "172.17.0.9", "port": port})}

    def invoke(self, function: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(function)

    def stack_outputs(self, name: str) -> Mapping[str, Any]:
        raise AssertionError(name)


def run(
    *wanted: Container,
    image: Callable[[], pulumi.Input[str]] = lambda: IMAGE,
    stack: str = "dev",
    preview: bool = False,
    key: str = "0a1b2c",
) -> Run:
    """The machines of a stack that wants these containers; their outputs are exported."""

    def program() -> None:
        desired = SimpleNamespace(containers=wanted, settings=Settings(project="shop"), catalog=CATALOG)
        session = cast(Session, SimpleNamespace(first_name=pulumi.Output.from_input(stack)))
        looked = cast(Looked, SimpleNamespace(desired=desired))
        parent = pulumi.ComponentResource("bakewell:index:Machines", "machines")
        made = make(looked, lambda role: pulumi.Output.from_input(image()), session, parent)
        pulumi.export("machines", {name: machine.published() for name, machine in made.machines.items()})

    done = run_program(program, Answers(key), preview=preview, stack=stack)
    assert done.error is None
    return done


def called(done: Run, machine: str = "docker-web-1") -> str:
    return str(done[machine].inputs["environment"]["CONTAINER"])


def made(**changes: Any) -> Registered:
    return run(replace(WEB, **changes))["docker-web-1"]


def test_a_container_is_made_and_removed_by_commands_that_name_it_alike() -> None:
    command = made()
    assert re.fullmatch(r"shop-dev-0a1b2c-docker-web-1-[0-9a-f]{8}", command.inputs["environment"]["CONTAINER"])
    assert command.inputs == {
        "create": 'exec bakewell container "$CONTAINER" --image "$IMAGE" --hostname docker-web-1 --port 8080',
        "delete": 'exec bakewell container "$CONTAINER" --remove',
        "dir": ".",
        "stdin": WEB.user_data.render(cloud="docker"),
        "logging": "stderr",
        "addPreviousOutputInEnv": False,
        "environment": {"CONTAINER": command.inputs["environment"]["CONTAINER"], "IMAGE": IMAGE},
        "triggers": [command.inputs["environment"]["CONTAINER"]],
    }
    assert command.secret_outputs == ("stdout", "stderr")
    assert command.parent == "docker-web-1"


def test_its_name_says_whatever_replaces_it() -> None:
    other = replace(WEB, user_data=UserData.of("web", ["other.service"]))
    port = replace(WEB, settings=ContainerSettings(port=9000))
    names = {
        called(run(WEB)),
        called(run(WEB, image=lambda: "6" * 64)),
        called(run(other)),
        called(run(port)),
        called(run(WEB, stack="prod")),
        called(run(WEB, key="ffffff")),
    }
    assert len(names) == 6
    assert called(run(WEB)) in names


def test_it_is_found_at_a_port_of_this_machine_and_asked_there() -> None:
    done = run(WEB)
    assert done.outputs["machines"]["docker-web-1"] == {
        "role": "web",
        "address": "172.17.0.9",
        "url": "http://127.0.0.1:32768/up",
        "image": IMAGE,
        "ready_seconds": None,
    }
    ready = done["docker-web-1-ready"]
    assert ready.inputs["environment"]["BAKEWELL_URL"] == "http://127.0.0.1:32768/up"
    assert ready.inputs["triggers"] == ["c0ffee"]


def test_one_with_a_port_of_its_own_makes_room_first() -> None:
    assert not made().request.deleteBeforeReplace
    command = made(settings=ContainerSettings(port=9000))
    assert command.request.deleteBeforeReplace
    assert command.inputs["create"].endswith(" --port 8080 --publish 9000")


def test_a_role_that_serves_nothing_is_neither_published_nor_awaited() -> None:
    done = run(replace(WEB, health=None))
    assert "--port" not in done["docker-web-1"].inputs["create"]
    assert list(done.of_type(COMMAND)) == ["docker-key", "docker-web-1"]
    assert done.outputs["machines"]["docker-web-1"]["url"] is None


def test_the_first_preview_knows_no_name_for_the_key_is_made_once_by_a_command() -> None:
    done = run(WEB, key=UNKNOWN, preview=True)
    assert called(done) == UNKNOWN
    key = done["docker-key"]
    assert key.inputs["triggers"] == [] and key.ignored == ("create",), "nothing has it make another"
    printed = subprocess.run(key.inputs["create"], shell=True, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch("[0-9a-f]{6}", printed)


def test_no_key_is_an_error_and_no_name() -> None:
    with pytest.raises(AssertionError, match="docker-key, by whose output"):
        run(WEB, key="")


@pytest.mark.parametrize("wanted", [WEB, replace(WEB, health=None)], ids=["with health", "without"])
def test_a_preview_of_an_image_that_is_not_built_yet_knows_no_name(wanted: Container) -> None:
    done = run(wanted, image=lambda: local.Command("build", create="true").stdout, preview=True)
    assert called(done) == UNKNOWN
    assert done["docker-web-1"].inputs["triggers"] == [UNKNOWN]


def test_a_container_is_told_where_its_peers_are() -> None:
    proxy = Container(
        name="docker-proxy-1",
        role="proxy",
        settings=ContainerSettings(),
        user_data=UserData(role="proxy", peers=["web"]),
        health=None,
    )
    done = run(WEB, replace(WEB, name="docker-web-2"), proxy)
    told = json.loads(done["docker-proxy-1"].inputs["stdin"].partition("\n")[2])
    files = {one["path"]: one["content"] for one in told["write_files"]}
    assert files["/etc/bakewell/peers/web"] == "172.17.0.9:8080\n172.17.0.9:8080\n"
    assert called(done, "docker-proxy-1") != called(run(WEB, proxy), "docker-proxy-1")
