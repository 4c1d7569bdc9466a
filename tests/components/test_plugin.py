"""The plugin for every language: its schema is the committed one, and says what each input and output is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pytest
import yaml
from google.protobuf.struct_pb2 import Struct
from pulumi.errors import InputPropertiesError
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError
from pulumi.runtime.proto.provider_pb2 import ConfigureRequest, ConstructRequest
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorServicer, add_ResourceMonitorServicer_to_server

from bakewell_local import reference
from bakewell_local.toolchain.folders import ROOT
from pulumi_bakewell.plugin import Plugin
from tests.components.conftest import Fleet

AGAIN = "run `python -m bakewell_local.reference`"


def test_schema_and_page_are_what_the_components_say() -> None:
    served = reference.schema()
    assert json.loads(reference.SCHEMA.read_text()) == served, AGAIN
    assert reference.PAGE.read_text() == reference.page(served), AGAIN


def test_everything_in_the_schema_is_described() -> None:
    components = reference.schema()["resources"]
    assert sorted(components) == [
        f"bakewell:index:{n}" for n in ("ImageRetention", "Images", "Machines", "PublishedImages")
    ]
    for token, component in components.items():
        described = {"itself": component, **component["inputProperties"], **component["properties"]}
        assert [name for name, prop in described.items() if not prop.get("description")] == [], token
        for name, prop in component["inputProperties"].items():
            says_its_default = "by default" in prop["description"]
            assert says_its_default != (name in component.get("requiredInputs", [])), f"{token}.{name}"


def test_a_plugin_from_git_is_run_by_the_python_host() -> None:
    folder = ROOT / "components"
    assert yaml.safe_load((folder / "PulumiPlugin.yaml").read_text()) == {"runtime": "python"}
    assert "from pulumi_bakewell.plugin import main" in (folder / "__main__.py").read_text()
    assert (folder / "requirements.txt").read_text().startswith("bakewell[")


def test_a_misspelt_input_is_refused() -> None:
    """Pulumi's own host drops it."""
    with pytest.raises(InputPropertiesError) as caught:
        Plugin().construct("images", "bakewell:index:Images", {"clout": "aws"})
    assert caught.value.message.startswith("Images `images`: there is no argument `clout` (did you mean `cloud`?)\n")
    assert caught.value.errors == []


@pytest.mark.parametrize("kind", [pulumi.RunError, ValueError])
def test_a_refusal_reaches_the_engine_without_a_traceback(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise ComponentInitError(kind("image web: no such thing\n  remedy: do this"))

    monkeypatch.setattr(ComponentProvider, "construct", refuse)
    wanted = InputPropertiesError if kind is pulumi.RunError else ComponentInitError
    with pytest.raises(wanted) as caught:
        Plugin().construct("images", "bakewell:index:Images", {})
    assert getattr(caught.value, "errors", []) == [], "None fails in Pulumi's server"
    assert getattr(caught.value, "message", None) in (None, "image web: no such thing\n  remedy: do this")


PLUGIN = Path(sys.executable).parent / "pulumi-resource-bakewell"


@contextmanager
def served(folder: Path, monitor: str) -> Iterator[ResourceProviderStub]:
    """The program itself, as the engine starts it in a project's folder."""
    process = subprocess.Popen([PLUGIN, monitor], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield ResourceProviderStub(channel)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def monitor() -> Iterator[str]:
    """The address of an engine that has no features, and is asked for no resource."""
    engine = grpc.server(ThreadPoolExecutor(4))
    add_ResourceMonitorServicer_to_server(ResourceMonitorServicer(), engine)
    port = engine.add_insecure_port("127.0.0.1:0")
    engine.start()
    yield f"127.0.0.1:{port}"
    engine.stop(None).wait()


def refused(fleet: Fleet, monitor: str, asked: str = "") -> str:
    """What a preview hears from the plugin, which is asked for Images by an SDK of a version."""
    args = Struct()
    args.update({"version": asked} if asked else {})
    request = ConstructRequest(
        project="bakewell",
        stack="dev",
        config=fleet.config,
        dryRun=True,
        monitorEndpoint=monitor,
        type="bakewell:index:Images",
        name="images",
    )
    with served(fleet.root, monitor) as plugin:
        plugin.Configure(ConfigureRequest(args=args))
        with pytest.raises(grpc.RpcError) as caught:
            plugin.Construct(request)
    return str(caught.value.details())


@pytest.mark.parametrize("asked", ["0.0.9", "99.0.0"])
def test_an_sdk_of_another_version_is_refused(fleet: Fleet, monitor: str, asked: str) -> None:
    said = refused(fleet, monitor, asked)
    versions = f"the program's SDK is {asked}, this plugin is {version('bakewell')}"
    assert said.startswith(f"{PLUGIN}: two versions of bakewell: {versions}\n  remedy: ")
    assert f"{PLUGIN.parent}/" in said and said.endswith(f" -m pip install bakewell=={asked}")


def test_a_bakewell_of_another_version_on_path_is_refused(
    fleet: Fleet, monitor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bakewell"
    other.write_text("#!/bin/sh\necho 0.0.9\n")
    other.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        (fleet.root / "Pulumi.dev.yaml").write_text(json.dumps({"config": fleet.config}))
        said = refused(fleet, monitor, version("bakewell"))
    versions = f"the command on PATH is 0.0.9, the components, in {PLUGIN.parents[1]}, are {version('bakewell')}"
    assert said.startswith(f"{other}: two versions of bakewell: {versions}\n  remedy: ")
    fleet.config["bakewell:keep"] = "0"
    assert "`keep` should be greater than or equal to 1" in refused(fleet, monitor, version("bakewell"))
