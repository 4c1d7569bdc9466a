"""What a build says when a step, a download or a check fails: its last lines name what failed, and the remedy.

provision.py alone, as Packer runs it, on one stock machine; "the vendor" is a server of this test.
"""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.sandbox.machines import Machines
from tests.e2e.booted import booted, lets_in
from tests.e2e.cloud import CloudView
from tests.e2e.machine import Machine
from tests.e2e.workspace import PROJECT
from tests.waiting import eventually

PROGRAM = b"#!/bin/sh\necho works\n"
STEPS = ("__init__.py", "apt.py", "release")
INSTALL = 'from steps import release\nrelease.install(name="Install tool", release="tool", download=download)\n'
Provision = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def machine(local_cloud: LocalCloud, cloud: CloudView) -> Iterator[Machine]:
    """A stock machine with the few tools that the steps here need."""
    key = Path(local_cloud.environment()["BAKEWELL_SSH_KEY"])
    with booted(cloud, "debian-12-x64", "provisioned") as address:
        one = Machine(address, key)
        eventually("the machine lets us in", lambda: lets_in(one))
        yield one


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory, local_cloud: LocalCloud) -> Iterator[tuple[str, Path]]:
    """Where machines reach a server of files, and the folder that it serves."""
    folder = tmp_path_factory.mktemp("vendor")
    known = local_cloud.address()
    assert known is not None
    host = Machines(known.cloud_id).bridge_address()
    server = ThreadingHTTPServer((host, 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{host}:{server.server_address[1]}", folder
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def provision(machine: Machine, tmp_path: Path) -> Provision:
    """Runs provision.py with a deploy.py, with one download and checks of the test's own."""

    def run(deploy: str, download: dict[str, Any] | None = None, checks: str = "") -> subprocess.CompletedProcess[str]:
        context = tmp_path / "context"
        shutil.rmtree(context, ignore_errors=True)
        (context / "steps").mkdir(parents=True)
        for path in (*(PROJECT / "packer").glob("*.py"), PROJECT / "packer" / "requirements.txt"):
            shutil.copy(path, context)
        for name in STEPS:
            source = PROJECT / "packer" / "steps" / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, context / "steps" / name)
        # Of all releases on a machine; here, there is none where the test is of a failure.
        (context / "steps" / "release" / "checks.py").unlink()
        for name in ("before.py", "after.py"):
            (context / name).write_text("")
        (context / "image.toml").write_text("")
        if download is not None:
            (context / "downloads.json").write_text(json.dumps({"tool": download}))
        (context / "deploy.py").write_text(
            f'from pyinfra import host\ndownload = host.data.downloads["tool"]\n{deploy}' if download else deploy
        )
        (context / "checks.py").write_text(checks or "def test_nothing():\n    assert True\n")
        return subprocess.run(
            [sys.executable, "provision.py"],
            cwd=context,
            env={"BUILD_HOST": machine.address, "BUILD_KEY_FILE": str(machine.key)}
            | {"BUILD_ROLE": "try", "BUILD_IMAGE": "try"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def release(url: str, content: bytes, arch: str = "x86_64") -> dict[str, Any]:
    """The download of one file."""
    return {"version": "1.0", "files": {arch: {"url": url, "sha256": hashlib.sha256(content).hexdigest()}}}


def packed(name: str) -> bytes:
    """PROGRAM as a file of that name."""
    file = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("tool", PROGRAM)
            archive.writestr("LICENSE.txt", "free")
    elif name.endswith(".tar.gz"):
        with tarfile.open(fileobj=file, mode="w:gz") as tar:
            entry = tarfile.TarInfo("tool-1.0/bin/tool")
            entry.size = len(PROGRAM)
            tar.addfile(entry, io.BytesIO(PROGRAM))
    else:
        file.write(PROGRAM)
    return file.getvalue()


def failure(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """The last two lines of stderr: what failed, and its remedy."""
    assert done.returncode == 1, done.stdout + done.stderr
    what, remedy = done.stderr.splitlines()[-2:]
    assert remedy.startswith("  remedy: "), done.stderr
    return what, remedy


@pytest.mark.parametrize("name", ["tool_1.0.zip", "tool-1.0.tar.gz", "tool-linux-amd64"])
def test_a_release_is_installed_once(
    name: str, provision: Provision, vendor: tuple[str, Path], machine: Machine
) -> None:
    address, folder = vendor
    content = packed(name)
    (folder / name).write_bytes(content)
    for outcome in ("Success", "No changes"):
        done = provision(INSTALL, release(f"{address}/{name}", content))
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"[{machine.address}] {outcome}" in done.stderr
    assert machine.run("tool") == "works\n"
    assert machine.run("stat -c '%U %G %a' /usr/local/bin/tool") == "root root 755\n"
    assert machine.run("ls -A /tmp /var/lib/bakewell/releases").split()[-1] == "tool"


def test_another_checksum_is_a_mismatch(provision: Provision, vendor: tuple[str, Path], machine: Machine) -> None:
    address, folder = vendor
    (folder / "forged").write_bytes(b"forged")
    before = machine.run("ls -AR /usr/local/bin /var/lib/bakewell /tmp", check=False)
    done = provision(INSTALL, release(f"{address}/forged", b"genuine"))
    what, remedy = failure(done)
    assert what == "provision: step `Install tool` failed"
    assert "bakewell lock tool" in remedy
    got, want = (hashlib.sha256(content).hexdigest() for content in (b"forged", b"genuine"))
    assert f"checksum mismatch for {address}/forged: got {got}, want {want}" in done.stderr
    assert machine.run("ls -AR /usr/local/bin /var/lib/bakewell /tmp", check=False) == before


def test_a_release_that_is_not_there(provision: Provision, vendor: tuple[str, Path]) -> None:
    url = f"{vendor[0]}/tool_9.9.9.zip"
    done = provision(INSTALL, release(url, b""))
    what, remedy = failure(done)
    assert what == "provision: step `Install tool` failed"
    assert f"{url} is not there" in done.stderr
    assert "image.toml [versions]" in remedy


def test_a_vendor_that_does_not_answer(provision: Provision, vendor: tuple[str, Path]) -> None:
    url = vendor[0].rpartition(":")[0] + ":9/tool.zip"
    done = provision(INSTALL, release(url, b""))
    assert failure(done)[0] == "provision: step `Install tool` failed"
    assert f"{url} cannot be fetched" in done.stderr


def test_a_release_that_is_not_locked_for_this_processor(provision: Provision) -> None:
    what, remedy = failure(provision(INSTALL, release("https://vendor.example/tool", b"", arch="riscv64")))
    assert what == "provision: step `Install tool` failed"
    assert "bakewell lock tool" in remedy


def test_a_download_that_no_version_is_stated_of(provision: Provision) -> None:
    what, remedy = failure(provision('from pyinfra import host\nhost.data.downloads["tool"]\n'))
    assert what == "provision: deploy.py failed"
    assert "bakewell lock tool" in remedy


def test_a_package_version_that_does_not_exist(provision: Provision) -> None:
    deploy = 'from steps import apt\napt.install(name="Install jq 9.9", wanted={"jq": "9.9*"})\n'
    what, remedy = failure(provision(deploy))
    assert what == "provision: step `Install jq 9.9` failed"
    assert "there is jq 1." in remedy


def test_packages_are_installed_while_the_machine_updates_itself(provision: Provision, machine: Machine) -> None:
    # As apt-daily does: it has the lock of the lists, until the step has met it.
    holder = """
import fcntl, pathlib, time
def updates():
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(bytes(1))
        except OSError:
            continue
        if words[0] == b"apt-get" and b"update" in words:
            return True
    return False
lock = open("/var/lib/apt/lists/lock", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
pathlib.Path("/run/holds").touch()
while not updates():
    time.sleep(0.001)
while updates():
    time.sleep(0.001)
pathlib.Path("/run/met").touch()
"""
    machine.run("rm -f /run/apt-lists-fresh")
    machine.run(f"systemd-run --quiet python3 -c {shlex.quote(holder)}")
    eventually("the lock is held", lambda: "holds" in machine.run("ls /run"))
    done = provision('from steps import apt\napt.install(name="Install jq", wanted={"jq": "1.*"})\n')
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.run("ls /run/met && command -v jq").split() == ["/run/met", "/usr/bin/jq"]


def test_a_check_that_fails(provision: Provision) -> None:
    checks = 'def test_it(host):\n    assert host.run("false").rc == 0, "no\\nremedy: make it true"\n'
    what, remedy = failure(provision("", checks=checks))
    assert what == "provision: checks: `checks.py::test_it` failed, so no image is made"
    assert remedy == "  remedy: make it true"


def test_a_deploy_that_is_no_python(provision: Provision) -> None:
    what, remedy = failure(provision("this is nothing\n"))
    assert what == "provision: deploy.py failed"
    assert "packer/README.md" in remedy
