"""The secrets of a build: a private image is pulled with one, and it is in no image, log, argument or login after that.

One bake on the local cloud, whose mirror has a registry with a password; what the search of the disk finds is seen by
provision.py alone, as Packer runs it, on a machine of that image.
"""

from __future__ import annotations

import base64
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil

from bakewell.build.secrets import for_build
from bakewell.catalog import Catalog
from bakewell_local.sandbox.mirror.placeholders import PRIVATE, PRIVATE_REGISTRY, login
from tests.e2e.booted import booted, lets_in
from tests.e2e.cloud import CloudView
from tests.e2e.conftest import MakeWorkspace
from tests.e2e.machine import Machine
from tests.e2e.workspace import PROJECT
from tests.waiting import eventually

USER, TOKEN = login()
IMAGE = f"{PRIVATE_REGISTRY}/{PRIVATE.reference}"
TOML = """
description = "has a private image"
base = "debian-12"

[versions]
"docker.io" = "20.10.24*"
docker-compose = "2.24.0"

[secrets]
REGISTRY_TOKEN = "pulls our private images"
"""
_LOOP = "while sleep 0.02; do cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'; done >> /var/tmp/arguments 2> /dev/null"
WATCH = f"systemd-run --quiet --unit=watch sh -c {shlex.quote(_LOOP)}"
# The arguments that are noted lie on the disk, so the search would find the secret in them.
DEPLOY = f'''
"""A private image, and the arguments of all processes of the builder meanwhile."""

from pyinfra import host
from pyinfra.operations import server
from steps import docker

docker.engine(version=host.data.versions["docker.io"])
docker.compose(download=host.data.downloads["docker-compose"])
server.shell(name="Watch", commands=[{WATCH!r}])
docker.pull(images=["{IMAGE}"], username="{USER}", password=host.data.secrets["REGISTRY_TOKEN"])
server.shell(name="Watch no more", commands=["systemctl stop watch"])
'''
FORMS = (
    TOKEN,
    quote(TOKEN, safe=""),
    *(base64.b64encode(text.encode()).decode() for text in (TOKEN, f"{USER}:{TOKEN}")),
)


@contextmanager
def arguments() -> Iterator[set[str]]:
    """The arguments of all processes of this host that are seen while the block runs."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for one in psutil.process_iter(["cmdline"]):
                seen.update(one.info["cmdline"] or ())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def without(text: str) -> None:
    """It has the secret in no form."""
    assert not [one for one in FORMS if one in text]


def test_a_private_image_is_pulled_and_the_password_is_nowhere(
    clone: MakeWorkspace, mirrored: dict[str, str], cloud: CloudView, project: str, tmp_path: Path
) -> None:
    one = clone()
    one.env.update(mirrored)
    one.env.pop("REGISTRY_TOKEN", None)
    one.write("packer/images/base/image.toml", TOML)
    one.write("packer/images/base/deploy.py", DEPLOY)
    one.write("packer/images/base/checks.py", "")
    one.configure(roles=["base"], digitalocean={})
    one.init()

    # Not set: a preview says so, and nothing is built.
    said = one.preview_text()
    assert "image base: REGISTRY_TOKEN ([secrets] in image.toml) not set in the environment" in said
    refused = one.bakewell("build", "base", check=False)
    assert refused.returncode == 2, refused.stderr
    assert "its secret REGISTRY_TOKEN is not set: pulls our private images" in refused.stderr
    assert "set the variable REGISTRY_TOKEN" in refused.stderr
    assert cloud.snapshots(project) == [] and cloud.builders_left(project) == []

    one.env["REGISTRY_TOKEN"] = TOKEN
    assert "not set in the environment" not in one.preview_text()
    with arguments() as seen:
        done = one.up()
    without(done.stdout + done.stderr)
    without("\n".join(seen))
    assert any("provision.py" in argument for argument in seen)
    for path in tmp_path.rglob("*"):  # logs, the stack's state, what was staged
        if path.is_file():
            without(path.read_bytes().decode(errors="replace"))

    key = Path(one.env["BAKEWELL_SSH_KEY"])
    with booted(cloud, one.image("base")["ids"]["nyc3"], "pulled") as address:
        machine = Machine(address, key)
        eventually("the machine lets us in", lambda: lets_in(machine))
        assert "private/page" in machine.run(f"docker image inspect {IMAGE}")
        watched = machine.run("cat /var/tmp/arguments")
        assert "--password-stdin" in watched, "the login was seen"
        without(watched)
        assert machine.run("find / -xdev -path '*/.docker/config.json' -o -name 'docker-login.??????'") == ""
        assert "auth" not in machine.run("cat /root/.docker/config.json 2> /dev/null || true")
        the_search_names_file_and_secret(one.root / "packer", machine, tmp_path / "context")


def the_search_names_file_and_secret(packer: Path, machine: Machine, context: Path) -> None:
    """Also below what is mounted over it; what lies in memory is no part of the image."""
    context.mkdir()
    for path in (*(PROJECT / "packer").glob("*.py"), PROJECT / "packer" / "requirements.txt"):
        shutil.copy(path, context)
    (context / "steps").mkdir()
    shutil.copy(PROJECT / "packer" / "steps" / "__init__.py", context / "steps")
    for name in ("before.py", "after.py"):
        (context / name).write_text("")
    (context / "checks.py").write_text("def test_nothing():\n    assert True\n")
    (context / "image.toml").write_text('secrets = ["REGISTRY_TOKEN"]\n')
    environ = for_build(Catalog.load(packer)["base"], {"REGISTRY_TOKEN": TOKEN})

    def provision(commands: str) -> subprocess.CompletedProcess[str]:
        (context / "deploy.py").write_text(
            "import base64\nfrom io import StringIO\n"
            "from pyinfra import host\nfrom pyinfra.operations import files, server\n"
            f'token = host.data.secrets["REGISTRY_TOKEN"]\n{commands}\n'
        )
        return subprocess.run(
            [sys.executable, "provision.py"],
            cwd=context,
            env={"PATH": os.environ["PATH"], "BUILD_HOST": machine.address, "BUILD_KEY_FILE": str(machine.key)}
            | {"BUILD_ROLE": "base", "BUILD_IMAGE": "try"}
            | environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    done = provision('files.put(name="Memory", src=StringIO(token), dest="/run/kept")')
    assert done.returncode == 0, done.stdout + done.stderr
    for file, put in {
        "/etc/plain file": "token",
        "/srv/in-base64": 'base64.b64encode(f"user:{token}".encode()).decode()',
        "/mnt/below": "token",
    }.items():
        over = 'server.shell(name="Hide", commands=["mount -t tmpfs none /mnt"])' if file.startswith("/mnt") else ""
        done = provision(f"files.put(name='Keep', src=StringIO({put}), dest={file!r})\n{over}")
        assert done.returncode == 1, done.stdout + done.stderr
        what, remedy = done.stderr.splitlines()[-2:]
        assert what == f"provision: secret REGISTRY_TOKEN is in the image, in {file}, so no image is made"
        assert "keep it in /run" in remedy
        machine.run(f"umount /mnt 2> /dev/null || true; rm {shlex.quote(file)}")
