"""A local cloud's state folder and environment, without an engine: a fake server answers the health check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import psutil
import pytest

from bakewell.errors import BakewellError
from bakewell_local.sandbox import local_cloud
from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.toolchain.build import Toolchain
from bakewell_local.toolchain.folders import ROOT
from bakewell_local.toolchain.processes import find

SERVER = """
import http.server, json, os, pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--state") + 1])
if (folder / "broken").exists():
    sys.exit("the port is taken")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/sandbox/health" else 404)
        self.end_headers()
        self.wfile.write(b'{"cloud_id": "c0ffee"}')
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
about = {"cloud_id": "c0ffee", "token": "t0k'en", "port": server.server_port, "pid": os.getpid()}
endpoint = f"http://127.0.0.1:{server.server_port}"
aws = {"endpoint": endpoint, "access_key": "AKIA", "secret_key": "s3cret%", "region": "us-east-1"}
name = "aws.json" if "fake_aws" in sys.argv[0] else "cloud.json"
(folder / name).write_text(json.dumps(about | aws if "aws" in name else about))
server.serve_forever()
"""


class Purged:
    """Stands for the machines of a cloud: remembers whose were removed."""

    ids: list[str]

    def __init__(self, cloud_id: str) -> None:
        self._id = cloud_id

    def purge(self) -> None:
        Purged.ids.append(self._id)


@pytest.fixture
def tools(tmp_path: Path) -> Toolchain:
    plugin = tmp_path / "plugins/github.com/digitalocean/digitalocean/packer-plugin-digitalocean_v1"
    names = ("pulumi", "pulumi-language-python", "packer", "doctl")
    return Toolchain({name: tmp_path / "tools" / name for name in names} | {"packer-plugin-digitalocean": plugin})


@pytest.fixture
def cloud(tmp_path: Path, tools: Toolchain, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    for name in ("fake_server", "fake_aws"):
        (tmp_path / f"{name}.py").write_text(SERVER)
    Purged.ids = []
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(local_cloud, "SERVER", "fake_server")
    monkeypatch.setattr(local_cloud, "AWS_SERVER", "fake_aws")
    monkeypatch.setattr(local_cloud, "Machines", Purged)
    made = LocalCloud(tmp_path / "state", tools)
    yield made
    made.destroy()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path, tools: Toolchain) -> None:
    (tmp_path / ".bakewell").touch()
    with pytest.raises(
        BakewellError, match=r"/\.bakewell/pulumi-home: the local cloud's folder cannot be made"
    ) as told:
        LocalCloud(tmp_path / ".bakewell", tools).start()
    assert told.value.remedy


def test_the_environment_is_whole_and_does_not_grow_when_it_is_evaluated_again(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start()
    given = cloud.environment()
    monkeypatch.setenv("PATH", given["PATH"])
    assert cloud.environment() == given
    address = cloud.address()
    assert address is not None
    state = tmp_path / "state"
    path = given.pop("PATH").split(os.pathsep)
    assert path[:2] == [str(Path(sys.prefix) / "bin"), str(tmp_path / "tools")]
    assert given == {
        "PULUMI_HOME": f"{state}/pulumi-home",
        "PULUMI_BACKEND_URL": f"file://{state}/stacks",
        "PULUMI_CONFIG_PASSPHRASE": "bakewell-local-cloud",
        "PULUMI_STACK": "dev",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "DIGITALOCEAN_TOKEN": "t0k'en",
        "DIGITALOCEAN_ACCESS_TOKEN": "t0k'en",
        "DIGITALOCEAN_API_URL": f"http://127.0.0.1:{address.port}",
        "PACKER_PLUGIN_PATH": f"{tmp_path}/plugins",
        "PACKER_CONFIG_DIR": f"{state}/packer",
        "CHECKPOINT_DISABLE": "1",
        "BAKEWELL_STATE": f"{state}/builds",
        "BAKEWELL_SSH_KEY": f"{state}/ssh/id_ed25519",
    }
    assert all((state / folder).is_dir() for folder in ("pulumi-home", "stacks", "builds", "packer"))


def test_the_profile_of_its_aws_half_leads_aws_tools_there(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start()
    without = cloud.environment()
    cloud.start_aws()
    address, folder = cloud.aws_address(), tmp_path / "state/aws"
    assert address is not None and address.pid is not None and cloud.serving_aws()
    given = cloud.environment()
    assert without.items() <= given.items()
    # That the other variables do, whatever the shell was in before, tests/sandbox/test_up.py shows.
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, given[name])
    session = boto3.Session()
    credentials = session.get_credentials()
    assert credentials is not None
    assert (credentials.access_key, credentials.secret_key, credentials.token) == ("AKIA", "s3cret%", None)
    assert (session.region_name, session.client("sts").meta.endpoint_url) == ("us-east-1", address.endpoint)
    assert [(folder / name).stat().st_mode & 0o777 for name in ("config", "credentials")] == [0o600, 0o600]
    cloud.stop()
    assert find(address.pid) is None
    assert not folder.exists()


def test_it_is_asked_by_no_proxy_and_started_once(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # where nothing listens
    assert not cloud.serving()
    cloud.start()
    before = cloud.address()
    cloud.start()
    assert cloud.serving()
    assert cloud.address() == before


def test_stop_removes_also_what_a_killed_server_made_but_no_stack(cloud: LocalCloud, tmp_path: Path) -> None:
    cloud.start()
    address = cloud.address()
    assert address is not None and address.pid is not None
    psutil.Process(address.pid).kill()
    stack = tmp_path / "state/stacks/dev.json"
    stack.touch()
    for _ in range(2):
        cloud.stop()
        assert Purged.ids == ["c0ffee"], "the second time, there is nothing any more"
    assert stack.exists()
    assert not (tmp_path / "state/cloud").exists()
    cloud.destroy()
    assert not (tmp_path / "state").exists()


def test_destroy_ends_pulumi_and_packer_of_this_cloud_but_no_shell(cloud: LocalCloud, tmp_path: Path) -> None:
    cloud.start()
    for name in ("pulumi", "packer", "editor"):
        (tmp_path / name).symlink_to("/bin/sleep")
    ours = {**os.environ, "BAKEWELL_STATE": f"{cloud.state}/builds"}
    theirs = {**os.environ, "BAKEWELL_STATE": f"{cloud.state}-2/builds"}
    wanted = [("pulumi", ours, True), ("packer", ours, True), ("editor", ours, False), ("pulumi", theirs, False)]
    running = [subprocess.Popen([tmp_path / name, "600"], env=env) for name, env, _ in wanted]
    # What somebody reads or edits of ours is none of ours.
    reader = ["tail", "-f", "bakewell/errors.py"]
    running.append(subprocess.Popen(reader, env=ours, cwd=ROOT, stdout=subprocess.DEVNULL))
    wanted.append(("tail", ours, False))
    try:
        cloud.destroy()
        assert [process.poll() is not None for process in running] == [ended for _, _, ended in wanted]
    finally:
        for process in running:
            process.kill()
            process.wait()


def test_a_server_that_ends_is_told_with_its_last_words(cloud: LocalCloud, tmp_path: Path) -> None:
    (tmp_path / "state/cloud").mkdir(parents=True)
    (tmp_path / "state/cloud/broken").touch()
    with pytest.raises(BakewellError, match=r"ended with status 1:\s+the port is taken"):
        cloud.start()


@pytest.mark.parametrize("ask", [LocalCloud.environment, LocalCloud.start_aws, LocalCloud.start_mirror])
def test_a_cloud_that_was_never_started_is_told(
    cloud: LocalCloud, tmp_path: Path, ask: Callable[[LocalCloud], object]
) -> None:
    with pytest.raises(BakewellError, match="no local cloud in"):
        ask(cloud)
    (tmp_path / "state/cloud").mkdir(parents=True)
    (tmp_path / "state/cloud/cloud.json").write_text(json.dumps({"token": 1}))
    assert cloud.address() is None


def test_a_process_that_has_just_ended_serves_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        seen = psutil.Process(process.pid)
        process.wait()
    assert local_cloud.served_folder(seen) is None
