"""One local cloud of a state folder: started, stopped, and spoken to by the environment it gives.

The folder holds all that the cloud and its stacks know: `cloud/` (the servers'), `pulumi-home/`, `stacks/`, `builds/`,
`packer/`, `mirror/`, `aws/` (a profile for AWS's tools), `refresh.owed` (while stacks may know what a former AWS half
had). Clouds of different folders don't know of each other. Does not install anything: that is `toolchain/`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
from filelock import FileLock
from pydantic import BaseModel, ValidationError

from bakewell.errors import BakewellError, file_error
from bakewell_local.sandbox import aws_profile, mirror, processes
from bakewell_local.sandbox.aws_profile import AwsAddress
from bakewell_local.sandbox.direct import OPENER
from bakewell_local.sandbox.machines import Machines
from bakewell_local.sandbox.providers import home
from bakewell_local.toolchain.build import Builder, Toolchain
from bakewell_local.toolchain.processes import end
from bakewell_local.toolchain.tools import needed

SERVER = "bakewell_local.sandbox.digitalocean"
AWS_SERVER = "bakewell_local.sandbox.aws"
SECONDS_TO_END = 15  # what a process is given before it is killed
ENTRIES = frozenset(
    ("cloud", "pulumi-home", "stacks", "builds", "packer", "mirror", "aws", "ssh", "start.lock", "refresh.owed")
)
"""All that a local cloud and its stacks have in the state folder."""
PASSPHRASE = "bakewell-local-cloud"  # of a stack that holds no secret worth one


class Address(BaseModel):
    """What the server tells in cloud.json; `pid` is None while it is not serving."""

    cloud_id: str
    token: str
    port: int
    pid: int | None = None

    @property
    def endpoint(self) -> str:
        """The API's root, without `/v2`."""
        return f"http://127.0.0.1:{self.port}"


Known = TypeVar("Known", Address, AwsAddress)


class LocalCloud:
    """The local cloud of one state folder.

    Args:
        state: the folder; made by `start`.
        toolchain: the tools its environment names; by default those that a stack needs, built if need be.
    """

    def __init__(self, state: Path, toolchain: Toolchain | None = None) -> None:
        self.state = state.resolve()
        self._toolchain = toolchain

    @property
    def ssh_key(self) -> Path:
        """The private key whose public half is in its account as `local-cloud`; the first start makes it."""
        return self.state / "ssh" / "id_ed25519"

    def start(self, *, action_seconds: float | None = None, timeout: float = 120) -> None:
        """Have the server answer; does nothing where it does. The base machine image is made by then, or soon.

        Args:
            action_seconds: how long the cloud's actions take at least; by default what the server thinks right.
            timeout: seconds to wait for its first answer.

        Raises:
            BakewellError: it ended, or does not answer in time; the message names its log.
        """
        for name in ("pulumi-home", "stacks", "builds", "packer"):
            self._folder(name)
        self._serve(SERVER, "server.log", self.serving, action_seconds, timeout)

    def serving(self) -> bool:
        """True when the server answers its health check."""
        return _answers(self.address())

    def start_aws(self, *, action_seconds: float | None = None, timeout: float = 120) -> None:
        """Have its AWS half answer too; does nothing where it does. The cloud must have been started.

        A new server of it begins without records, and removes the machines and images of the one before.

        Raises:
            BakewellError: the cloud was never started, or the server ended or does not answer in time.
        """
        self._started()
        self._serve(AWS_SERVER, "aws.log", self.serving_aws, action_seconds, timeout)
        if (address := self.aws_address()) is not None:
            aws_profile.write(self._folder("aws"), address)

    def serving_aws(self) -> bool:
        """True when AWS's server answers its health check."""
        return _answers(self.aws_address())

    def aws_address(self) -> AwsAddress | None:
        """Where its AWS half is to be reached, and its access key; None before its first start."""
        return _read(AwsAddress, self.state / "cloud" / "aws.json")

    def address(self) -> Address | None:
        """Where it is to be reached, and its ID; None before its first start."""
        return _read(Address, self.state / "cloud" / "cloud.json")

    def start_mirror(self) -> None:
        """Have this cloud's mirror answer to vendors' names, with what is built here; `environment` then names its
        downloads. Does nothing where it does. The cloud must have been started.

        The first time on a computer, it builds the programs (minutes) and the mirror's image.

        Raises:
            BakewellError: the cloud was never started, something can't be built, or the mirror does not answer.
        """
        cloud_id = self._started().cloud_id
        folder = self._folder("mirror")
        with FileLock(folder / "lock"):
            downloads = mirror.start(cloud_id)
            draft = folder / "downloads.toml.new"
            draft.write_text(downloads)
            draft.replace(folder / "downloads.toml")

    def stop_mirror(self) -> None:
        """Remove the mirror, as if the vendors were out of reach: `environment` still names its downloads.

        Raises:
            BakewellError: the cloud was never started, or the engine does not answer.
        """
        mirror.stop(self._started().cloud_id)

    def stop(self) -> None:
        """End the servers and remove its mirror, machines, images, volumes, networks and memory. Stacks stay.

        Raises:
            BakewellError: the engine refuses, or does not answer while there is something to remove.
        """
        end([process for process in servers() if served_folder(process) == self.state / "cloud"], SECONDS_TO_END)
        address = self.address()
        if address is not None:
            Machines(address.cloud_id).purge()
        for name in ("cloud", "mirror", "aws"):
            shutil.rmtree(self.state / name, ignore_errors=True)

    def destroy(self) -> None:
        """`stop`, end the builds, Pulumi runs and plugins that use this cloud, and remove the whole state folder."""
        end(processes.using(self.state), SECONDS_TO_END)
        self.stop()
        if self.state.exists():
            shutil.rmtree(self.state)

    def environment(self) -> dict[str, str]:
        """The variables with which pulumi, packer, doctl and bakewell work on this cloud; it must have been started.
        Those of AWS's tools are among them once its AWS half was.

        Raises:
            BakewellError: it was never started.
        """
        address, aws = self._started(), self.aws_address()
        if self._toolchain is None:
            self._toolchain = Builder().ensure(needed(["aws"] if aws else []))
        own = aws_profile.variables(self.state / "aws", aws) if aws else {}
        downloads = self.state / "mirror" / "downloads.toml"
        mirrored = {"BAKEWELL_DOWNLOADS": str(downloads)} if downloads.is_file() else {}
        return (
            mirrored
            | own
            | {
                "PATH": search_path(self._toolchain),
                "PULUMI_HOME": str(self.state / "pulumi-home"),
                "PULUMI_BACKEND_URL": f"file://{self.state / 'stacks'}",
                "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
                "PULUMI_STACK": "dev",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "DIGITALOCEAN_TOKEN": address.token,
                "DIGITALOCEAN_ACCESS_TOKEN": address.token,
                "DIGITALOCEAN_API_URL": address.endpoint,
                "PACKER_PLUGIN_PATH": str(self._toolchain.packer_plugins),
                "PACKER_CONFIG_DIR": str(self.state / "packer"),
                "CHECKPOINT_DISABLE": "1",
                "BAKEWELL_STATE": str(self.state / "builds"),
                "BAKEWELL_SSH_KEY": str(self.ssh_key),
            }
        )

    def install_providers(self) -> dict[str, str]:
        """Lay out its Pulumi home; says which provider plugin is in force, by name."""
        return home.install(self._folder("pulumi-home"))

    def _serve(
        self, module: str, log_name: str, serving: Callable[[], bool], action_seconds: float | None, timeout: float
    ) -> None:
        """Start a server unless it serves, and wait until it does.

        Raises:
            BakewellError: it ended, or does not answer in time; the message names its log.
        """
        folder = self._folder("cloud")
        words = ["-m", module, "--state", str(folder), "--key", str(self.ssh_key)]
        if action_seconds is not None:
            words += ["--action-seconds", str(action_seconds)]
        with FileLock(self.state / "start.lock"):
            if serving():
                return
            with (log := folder / log_name).open("a") as output:
                process = subprocess.Popen(
                    [sys.executable, *words],
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # it outlives this command, and Ctrl-C is not meant for it
                )
            until = time.monotonic() + timeout
            while not serving():
                if process.poll() is not None or time.monotonic() > until:
                    why = "does not answer" if process.poll() is None else f"ended with status {process.returncode}"
                    process.kill()
                    last = "\n    ".join(log.read_text(errors="replace").splitlines()[-5:])
                    raise BakewellError(f"the local cloud {why}:\n    {last}", file=log, remedy="see its log")
                time.sleep(0.05)

    def _started(self) -> Address:
        address = self.address()
        if address is None:
            raise BakewellError(f"no local cloud in {self.state}", remedy="run: bakewell local up")
        return address

    def _folder(self, name: str) -> Path:
        path = self.state / name
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            remedy = "have the project in a folder that this user can write to, and nothing else of that name in it"
            raise file_error(error, "the local cloud's folder cannot be made", file=path, remedy=remedy) from error
        return path


def _read(kind: type[Known], file: Path) -> Known | None:
    try:
        return kind.model_validate_json(file.read_text())
    except (FileNotFoundError, ValidationError):
        return None


def _answers(address: Address | AwsAddress | None) -> bool:
    if address is None or address.pid is None:
        return False
    try:
        with OPENER.open(f"{address.endpoint}/sandbox/health", timeout=5) as answer:
            # Its port may be another's by now.
            return bool(json.load(answer).get("cloud_id") == address.cloud_id)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def search_path(toolchain: Toolchain) -> str:
    """PATH with the tools first; what is on it already moves, so that repeating this changes nothing."""
    first = [str(Path(sys.prefix) / "bin"), *map(str, toolchain.path)]
    rest = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([*first, *rest]))


def servers() -> list[psutil.Process]:
    """The server processes of every local cloud of this user."""
    return [process for process in psutil.process_iter() if served_folder(process) is not None]


def served_folder(process: psutil.Process) -> Path | None:
    """The folder a server serves; None for any other process, one that has just ended, and another user's."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return None
    if "-m" in words and (SERVER in words or AWS_SERVER in words) and "--state" in words[:-1]:
        return Path(words[words.index("--state") + 1])
    return None
