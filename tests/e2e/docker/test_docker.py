"""Docker as a cloud: baked by Packer as commits, one on the other, run as a container, adopted, replaced, deleted."""

from __future__ import annotations

import json
import signal
from typing import Any

import httpx
import psutil

from tests.e2e.docker.conftest import Engine
from tests.e2e.workspace import Workspace
from tests.waiting import LONGEST, until


def image(workspace: Workspace, role: str) -> dict[str, Any]:
    return workspace.image(role, "docker")


def page(workspace: Workspace) -> str:
    return httpx.get(workspace.outputs()["machines"]["docker-web-1"]["url"], timeout=10).raise_for_status().text


def test_a_chain_is_baked_run_replaced_and_let_go(workspace: Workspace, engine: Engine, project: str) -> None:
    workspace.configure(keep=1)
    own = workspace.root.parent / "docker"
    own.mkdir()
    proxy = "http://user:a-password@127.0.0.1:9"
    own.joinpath("config.json").write_text(json.dumps({"proxies": {"default": {"httpProxy": proxy, "noProxy": "*"}}}))
    workspace.env["DOCKER_CONFIG"] = str(own)
    program = (workspace.root / "__main__.py").read_text()
    workspace.write("__main__.py", "\n".join(line for line in program.splitlines() if "pulumi.export" not in line))
    workspace.up()
    called = engine.names()
    workspace.write("__main__.py", program)
    workspace.up()
    assert engine.names() == called, "what it is called by is in the state, whatever the program exports"
    first = image(workspace, "web")
    assert first["parent"] == image(workspace, "base")["run"]
    assert page(workspace) == "web 1\n"
    assert engine.containers(builders=True) == []
    assert sorted(engine.images()) == sorted([first["ids"]["local"], image(workspace, "base")["ids"]["local"]])
    made = engine.client.images.get(first["ids"]["local"])
    assert f"bakewell/{project}/web:{first['name']}" in made.tags
    assert "a-password" not in json.dumps(made.attrs), "the proxies of whoever builds are no part of an image"
    preview = workspace.preview()
    assert preview.quiet, preview.ops

    # Another stack finds all of it there.
    done = workspace.bakewell("build", "web", "--json")
    assert [one["action"] for one in json.loads(done.stdout)] == ["adopted", "adopted"]

    # Other content: another image, and a container of it in the place of the one before.
    before = engine.names()
    workspace.write("packer/images/web/files/stamp.txt", "web 2\n")
    preview = workspace.preview()
    assert {name for name, op in preview.ops.items() if op == "replace"} >= {"docker-web", "docker-web-1"}
    assert "docker-base" not in preview.ops
    workspace.up()
    assert page(workspace) == "web 2\n"
    assert len(engine.names()) == 1 and not engine.names() & before
    second = image(workspace, "web")
    assert second["ids"] != first["ids"]
    preview = workspace.preview()
    assert preview.quiet, preview.ops
    listed = json.loads(workspace.bakewell("list", "--json").stdout)
    assert {one["id"]: one["in_use_by"] != [] for one in listed if one["role"] == "web"} == {
        first["ids"]["local"]: False,
        second["ids"]["local"]: True,
    }

    # Its container keeps its name when the stack has another.
    workspace.rename("renamed")
    preview = workspace.preview()
    assert preview.quiet, preview.ops

    # A port of its own goes to the next container, from that of the first image, which a pin brings back.
    port = _free_port()
    with_port = {"containers": {"web": {"count": 1, "port": port}}}
    workspace.configure(keep=2, pins={"web": first["name"]}, docker=with_port)
    workspace.up()
    assert workspace.outputs()["machines"]["docker-web-1"]["url"] == f"http://127.0.0.1:{port}/"
    assert page(workspace) == "web 1\n"
    workspace.configure(pins={})
    workspace.up()
    assert page(workspace) == "web 2\n"
    assert len(engine.names()) == 1

    # Nothing needs the first one any more.
    workspace.configure(keep=1)
    workspace.bakewell("clean")
    assert sorted(engine.images()) == sorted([second["ids"]["local"], image(workspace, "base")["ids"]["local"]])

    workspace.run("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive")
    assert engine.names() == set()


def test_an_interrupted_build_leaves_nothing_that_the_next_command_does_not_remove(
    workspace: Workspace, engine: Engine
) -> None:
    for how in ("interrupted", "killed", "all of it killed"):
        build = workspace.start("bakewell", "build", "base")
        until(lambda: engine.containers(builders=True), what="no builder")
        if how == "interrupted":
            build.send_signal(signal.SIGINT)
        else:
            build.kill()
        if how == "all of it killed":
            workspace.kill_builds()
        build.communicate(timeout=LONGEST)
        psutil.wait_procs(workspace.processes(), timeout=LONGEST)
        # In the other cases there may be one: `docker run` goes on when Packer, which was told to stop, has ended.
        assert how != "all of it killed" or engine.containers(builders=True) != []
        workspace.bakewell("clean")
        assert engine.containers(builders=True) == [] and engine.images() == []
        assert list((workspace.root.parent / "clone-builds" / "docker-keys").iterdir()) == []


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
