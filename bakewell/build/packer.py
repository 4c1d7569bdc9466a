"""Packer as a program: finding it, what it may see of this process's environment, validating, and running it.

Nothing here knows what a build means; nothing calls the cloud. Secrets reach Packer through its environment only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from bakewell.bases import Bases
from bakewell.build import supervisor
from bakewell.build.allowed import allowed
from bakewell.build.runs import Run, make_private, there, unwritable
from bakewell.build.stop import Stop
from bakewell.catalog import Catalog, ImageSpec
from bakewell.catalog.packages import check_packages
from bakewell.catalog.templates import requirements
from bakewell.clouds.facts import CLOUDS
from bakewell.context import Context
from bakewell.errors import BuildError, ConfigError
from bakewell.masks import Masks, masked
from bakewell.settings import Environment, Settings
from bakewell.settings.builders import Bastion

GRACE = 120.0  # seconds that an interrupted Packer has to remove its machine
_VERSION = re.compile(r"Packer v(\S+)")
_WHERE = re.compile(r"^\s*on (?P<file>\S+) line (?P<line>\d+)", re.MULTILINE)
_NO_PLUGIN = "Missing plugins"
_ANY_TOKEN = "not-used"  # the plugin wants one even to validate, which asks no API


def find() -> Path:
    """Packer on PATH. Raises ConfigError where there is none."""
    found = shutil.which("packer")
    if found is None:
        raise ConfigError(
            "packer is not on PATH",
            remedy='install it, or for the local cloud: eval "$(bakewell local env)"',
        )
    return Path(found)


def version(packer: Path) -> str:
    """The version that `packer` says it is ("1.15.0")."""
    said = subprocess.run([packer, "version"], capture_output=True, text=True, env=allowed(os.environ), check=False)
    match = _VERSION.search(said.stdout)
    if match is None:
        raise ConfigError(
            f"`packer version` says nothing usable: {masked(said.stdout + said.stderr).strip()[:200]}",
            file=packer,
            remedy="put HashiCorp's packer first on PATH",
        )
    return match[1]


def environment_for(environ: Mapping[str, str], environment: Environment, cloud: str) -> dict[str, str]:
    """What Packer sees: what `allowed` lets through of `environ`, and what `environment` says of the cloud.

    The programs of this Python environment (pyinfra, pytest) come first on PATH.
    """
    kept = allowed(environ, cloud)
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
    if cloud == "digitalocean":
        kept |= {"DIGITALOCEAN_TOKEN": environment.token, "DIGITALOCEAN_API_URL": environment.endpoint}
    if cloud == "docker":  # said aloud, for the program `docker` may have another default than we have
        kept["DOCKER_HOST"] = environment.docker
    return kept


def chosen(cloud: str, settings: Settings, environment: Environment) -> dict[str, object]:
    """Variables of a cloud's own template that follow from the stack's config, or from this host.

    Raises:
        ConfigError: builders are behind a bastion, and no key for it is named; or reached by Session Manager, whose
            program is missing.
    """
    if cloud == "docker":
        return {"ssh_port": _free_port()}
    found: dict[str, object | None] = {}
    if cloud == "aws":
        own, aws = settings.aws, settings.builders.aws
        by_tags = isinstance(aws.subnet, dict)
        found = {
            "encrypted": own.encrypted,
            "kms_key": own.kms_key,
            "size": aws.type,
            "subnet": None if by_tags else aws.subnet,
            "subnet_tags": aws.subnet if by_tags else None,
            "security_group": aws.security_group,
            "profile": aws.profile,
            "spot": aws.spot or None,
            "address": None if aws.address == "public" else aws.address,
            "tunnel_port": _tunnel_port() if aws.address == "session-manager" else None,
            "ssh_from": aws.ssh_from or (list(_OF_THIS_HOST) if environment.local(cloud) else None),
        }
    if cloud == "digitalocean":
        ours = settings.builders.digitalocean
        found = {"vpc": ours.vpc, "private": ours.address == "private" or None}
    found |= _through(settings.builders.bastion(cloud), environment)
    return {name: value for name, value in found.items() if value is not None}


_OF_THIS_HOST = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""Where SSH comes from on the local cloud: networks of this host, which nobody outside can be in."""


def _tunnel_port() -> int:
    """A free port for a tunnel of Session Manager. Raises ConfigError without the program that makes one."""
    if shutil.which("session-manager-plugin") is None:
        raise ConfigError(
            "bakewell:builders.aws.address is session-manager, and session-manager-plugin is not on PATH",
            remedy="install AWS's Session Manager plugin, or choose another address",
        )
    return _free_port()


def _through(bastion: Bastion | None, environment: Environment) -> dict[str, object | None]:
    """How Packer, and provision.py for itself, get through a bastion."""
    if bastion is None:
        return {}
    if environment.bastion_key is None:
        raise ConfigError(
            f"builders are behind the bastion {bastion.host}, and BAKEWELL_BASTION_KEY is not set",
            remedy="set it to the private half of a key that the bastion takes: a file that only you can read",
        )
    return {
        "bastion_host": bastion.host,
        "bastion_port": bastion.port,
        "bastion_user": bastion.user,
        "bastion_key_file": str(environment.bastion_key),
    }


def _free_port() -> int:
    """A port on which nothing listens here; somebody else may be quicker, and Docker then refuses it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_variables(path: Path, variables: Mapping[str, Any]) -> None:
    """A -var-file that only this user can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(variables, file, indent=1)


def validate(
    catalog: Catalog,
    role: str,
    cloud: str,
    bases: Bases,
    fingerprint: str,
    environment: Environment,
    settings: Settings,
    *,
    again: bool = False,
) -> None:
    """Have Packer check the templates of `role`, once a fingerprint on this host (`again`: in any case).

    Raises:
        ConfigError: Packer, a plugin, PyInfra or testinfra is missing or of another version, or the templates are at
            fault: with Packer's own words, and the file and line in this checkout rather than in the staged copy.
    """
    context = Context.collect(catalog, role, cloud, bases)
    check_packages(context)
    seen = environment.state_dir / "validated" / fingerprint
    if there(seen) and not again:
        return
    packer = find()
    check_version(packer, context)
    base = _base(catalog[role], cloud, bases, environment, settings)
    with tempfile.TemporaryDirectory(prefix="bakewell-validate-") as temporary:
        folder = Path(temporary).resolve() / "context"
        context.stage(folder)
        variables = folder.with_name("variables.json")
        own = {"role": role, "prefix": settings.prefix, "base_image": base, "region": settings.home(cloud)}
        write_variables(variables, chosen(cloud, settings, environment) | own)
        environ = environment_for(os.environ, environment, cloud)
        if cloud == "digitalocean" and not environment.token:
            environ["DIGITALOCEAN_TOKEN"] = _ANY_TOKEN
        said = subprocess.run(
            [packer, "validate", f"-var-file={variables}", "."],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if said.returncode != 0:
            raise _fault(context, folder, said.stdout, cloud, local=settings.local or environment.local(cloud))
    try:
        make_private(seen.parent)
        seen.touch(mode=0o600)
    except OSError as error:
        raise unwritable(seen.parent, error) from error


def _base(spec: ImageSpec, cloud: str, bases: Bases, environment: Environment, settings: Settings) -> str:
    """What stands for the base image: `packer validate` asks nobody for it."""
    if spec.base is None:
        return CLOUDS[cloud].any_image
    if environment.local(cloud):  # the locked IDs are those of the real cloud
        entry = bases.entry(spec.base, cloud)
        return CLOUDS[cloud].any_image if entry.searched else entry.image
    return bases.resolve(spec.base, cloud, settings.home(cloud))


def check_version(packer: Path, context: Context) -> None:
    """Raise ConfigError unless `packer` is the version that the templates require, which the fingerprint states."""
    wanted, found = requirements(context).packer, version(packer)
    if found != wanted:
        raise ConfigError(
            f"Packer is {found}, but the templates require {wanted}: its version is part of every fingerprint",
            file=packer,
            remedy=f'put Packer {wanted} first on PATH; for the local cloud: eval "$(bakewell local env)"',
        )


def _fault(context: Context, folder: Path, said: str, cloud: str, *, local: bool) -> ConfigError:
    sources = {file.path: file.source for file in context.files}

    def original(staged: str) -> str:
        path = staged.removeprefix(f"{folder}/").removeprefix("./")
        return str(sources.get(path) or path)

    said = masked(said)
    match = _WHERE.search(said)
    for path, source in sources.items():
        said = said.replace(f"{folder}/{path}", str(source or path))
    lines = "\n".join(f"    {line}" for line in said.replace(f"{folder}/", "").splitlines() if line.strip())
    stage = f"bakewell stage {context.role} DIR --cloud {cloud}"
    if _NO_PLUGIN in said:
        remedy = 'run: eval "$(bakewell local env)"' if local else f"run: {stage} && packer init DIR"
        return ConfigError(f"image {context.role}: Packer lacks a plugin:\n{lines}", remedy=remedy)
    return ConfigError(
        f"image {context.role}: packer validate refuses its templates:\n{lines}",
        file=f"{original(match['file'])}:{match['line']}" if match else context_folder(context),
        remedy=f"correct it; to look at it as Packer does: {stage} && packer validate DIR",
    )


def artifact(manifest: Path, role: str) -> str:
    """The image ID in Packer's manifest ("nyc3:1011", "nyc3,sfo3:1011"). Raises BuildError where there is none."""
    try:
        builds = json.loads(manifest.read_text("utf-8"))["builds"]
        return str(builds[-1]["artifact_id"].rpartition(":")[2])
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise BuildError(
            f"image {role}: Packer succeeded but its manifest names no image ({error})",
            file=manifest,
            remedy="have build.pkr.hcl end with the manifest post-processor",
        ) from error


def context_folder(context: Context) -> str | None:
    """Where the image's own files are."""
    return next((str(f.source.parent) for f in context.files if f.path == "image.toml" and f.source), None)


class Supervised:
    """A `packer build` under its supervisor: see `supervisor`."""

    def __init__(
        self, arguments: list[str], folder: Path, environ: Mapping[str, str], log: Path, run: Run, *, seconds: float
    ) -> None:
        """Start it.

        Args:
            arguments: the whole command line of Packer.
            folder: the staged context, where it runs.
            environ: what Packer sees. Secrets of it, and of this process's own, are masked in the log.
            log: where its output goes.
            run: its lock is shared with the supervisor.
            seconds: how long it may take; then it is interrupted in any case.
        """
        reads, self._pipe = os.pipe()
        command = [sys.executable, "-I", "-S", supervisor.__file__, "--log", str(log), "--parent", str(reads)]
        command += ["--grace", str(GRACE), "--seconds", str(seconds), "--", *arguments]
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=dict(environ),
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    pass_fds=(reads, run.fd),
                )
            masks = json.dumps(Masks(os.environ, environ).texts).encode()
            with suppress(BrokenPipeError), cast("IO[bytes]", self._process.stdin) as stdin:
                stdin.write(masks)  # where nobody reads it, its exit status says why
        except OSError:
            self.interrupt()
            raise
        finally:
            os.close(reads)

    def wait(self, stop: Stop) -> int:
        """Packer's exit status, or one of `supervisor`'s; negative when even the supervisor was killed.

        Told to stop, it interrupts Packer and still waits for it to clean up.
        """
        try:
            with stop.calls(self.interrupt):
                status = self._process.wait()
        finally:
            self.interrupt()
        if status < 0:
            end_group(self._process.pid)
        return status

    def interrupt(self) -> None:
        """Have the supervisor interrupt Packer, as it would if this process died."""
        pipe, self._pipe = self._pipe, -1
        if pipe >= 0:
            os.close(pipe)


def end_group(group: int, grace: float = 20.0) -> None:
    """End every process of a group: SIGINT, then SIGKILL after `grace` seconds. Returns as soon as none is left."""
    try:
        for number, seconds in ((signal.SIGINT, grace), (signal.SIGKILL, 2.0)):
            os.killpg(group, number)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(0.1)
                os.killpg(group, 0)
    except ProcessLookupError:
        return
