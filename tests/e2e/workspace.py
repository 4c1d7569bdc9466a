"""A clone of the project for one test: its own folder, its own stack, the session's local cloud.

The clone has the real program, components and templates; by default the small catalog of `tests/e2e/catalog/` takes
the place of the real images, because a scenario needs a graph that rebuilds in seconds, not nginx.
"""

from __future__ import annotations

import compileall
import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.contract.served import TOKEN, serving
from tests.unit.core.machine.sshd import Sshd, listening

PROJECT = Path(__file__).parents[2]
SMALL = Path(__file__).parent / "catalog"
STACKS = ("Pulumi.dev.yaml", "Pulumi.fleet.yaml", "Pulumi.aws.yaml", "Pulumi.both.yaml")
COPIED = ("__main__.py", "Pulumi.yaml", *STACKS, "README.md", "bakewell", "components", "packer", "examples")
COMPILED = ("bakewell", "components")
"""Compiled once, here: with the times of its source, bytecode is valid in every clone."""
EVERY_ROLE = "tevery"
"""The project of the tests that need the real images: test_road builds some, test_fleet the rest, once."""

BARE = """build {
  sources = ["source.digitalocean.image"]
  post-processor "manifest" { output = var.manifest_path }
}"""
MARK = "PACKER_CACHE_DIR"
"""A variable that everything a build starts inherits: few are let through to Packer."""
LONGEST = 900
"""Seconds after which a command of a test is taken to hang."""


def lay_out(root: Path, *, real_images: bool = False, more: Sequence[str] = ()) -> None:
    """Copy what a clone has, and `more` of the project, to `root`."""
    root.mkdir(parents=True)
    junk = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in (*COPIED, *more):
        source = PROJECT / name
        if name in COMPILED:
            compileall.compile_dir(source, quiet=1)
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("*.pyc.*"))  # half written
        elif source.is_dir():
            shutil.copytree(source, root / name, ignore=junk)
        else:
            shutil.copy(source, root / name)
    if not real_images:
        shutil.rmtree(root / "packer" / "images")
        shutil.copytree(SMALL, root / "packer", ignore=junk, dirs_exist_ok=True)


@dataclass
class Workspace:
    """Runs pulumi and bakewell in a clone.

    Attributes:
        root: the clone.
        env: the whole environment of what runs there.
        project: the value of `bakewell:project`, one a test, so that tests sharing a cloud see only their own images.
        stack: the stack that commands work on.
    """

    root: Path
    env: dict[str, str]
    project: str
    stack: str = "dev"
    _outputs: dict[str, Any] | None = field(default=None, init=False, repr=False)

    @classmethod
    def make(
        cls, root: Path, env: Mapping[str, str], project: str, *, real_images: bool = False, stack: str = "dev"
    ) -> Workspace:
        """Lay the clone out under `root`; its Pulumi state goes beside it."""
        lay_out(root, real_images=real_images)
        stacks = root.parent / f"{root.name}-stacks"
        stacks.mkdir()
        own = {"PULUMI_BACKEND_URL": f"file://{stacks}", "BAKEWELL_STATE": str(root.parent / f"{root.name}-builds")}
        own[MARK] = str(root / "cache")
        workspace = cls(root, {**env, **own, "PULUMI_STACK": stack}, project, stack)
        workspace.configure(project=project, prefix=project)
        if not real_images:
            workspace.configure(roles=[])  # a test may have its own
        return workspace

    def configure(self, **settings: object) -> None:
        """Write `bakewell:<key>` values into the stack's file."""
        path = self.root / f"Pulumi.{self.stack}.yaml"
        document = yaml.safe_load(path.read_text())
        for key, value in settings.items():
            document["config"][f"bakewell:{key}"] = value
        path.write_text(yaml.safe_dump(json.loads(json.dumps(document))))  # what is there twice is written twice

    def configured(self, key: str) -> dict[str, Any]:
        """What the stack's file says under `bakewell:<key>`."""
        found: dict[str, Any] = yaml.safe_load((self.root / f"Pulumi.{self.stack}.yaml").read_text())["config"]
        return dict(found.get(f"bakewell:{key}", {}))

    def write(self, path: str, text: str) -> None:
        """Write a file of the clone."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def run(
        self, *argv: str, check: bool = True, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone. A failure carries the whole output, for that is what one wants to read."""
        self._forget(argv)
        done = subprocess.run(
            argv,
            cwd=cwd or self.root,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{argv} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start a command in the clone in a session of its own, so that a test can signal it alone or whole."""
        self._forget(argv)
        return subprocess.Popen(
            argv,
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def processes(self) -> list[psutil.Process]:
        """Those of its builds: the command, its supervisor, Packer, its plugins, and what they run."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it ended meanwhile, or is another user's
                # Pulumi's language host outlives a killed pulumi for a while; it is no part of a build.
                if process.environ().get(MARK) == self.env[MARK] and "pulumi" not in process.name():
                    found.append(process)
        return found

    def kill_builds(self) -> None:
        """The host goes down: nothing of a build has a say."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
                process.kill()

    def init(self, stack: str | None = None, cwd: Path | None = None) -> None:
        """Make the stack, or another of that name."""
        self.run("pulumi", "stack", "init", stack or self.stack, "--non-interactive", cwd=cwd)

    def rename(self, stack: str) -> None:
        """Rename the stack; Pulumi renames its file."""
        self.run("pulumi", "stack", "rename", stack, "--non-interactive")
        self.stack = self.env["PULUMI_STACK"] = stack

    def up(
        self, *options: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`pulumi up`."""
        argv = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color=never", *options)
        return self.run(*argv, check=check, env=env)

    def preview(self, *options: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Preview:
        """`pulumi preview --json`, its steps without the unchanged ones."""
        done = self.run("pulumi", "preview", "--json", "--non-interactive", *options, env=env, cwd=cwd)
        return Preview(json.loads(done.stdout))

    def preview_text(self, *options: str, check: bool = True) -> str:
        """What a person sees of `pulumi preview --diff`."""
        argv = ("pulumi", "preview", "--diff", "--non-interactive", "--color=never", *options)
        done = self.run(*argv, check=check)
        return done.stdout + done.stderr

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; asked for once after each `up`, for tests that wait look at them many times."""
        if self._outputs is None:
            self._outputs = json.loads(self.run("pulumi", "stack", "output", "--json").stdout)
        assert self._outputs is not None
        return self._outputs

    def _forget(self, argv: Sequence[str]) -> None:
        if {"up", "destroy"} & set(argv):
            self._outputs = None

    def image(self, role: str, cloud: str = "digitalocean") -> dict[str, Any]:
        """The record of a role's image on a cloud."""
        return self.images(cloud)[role]

    def images(self, cloud: str = "digitalocean") -> dict[str, dict[str, Any]]:
        """The record of the images on a cloud, by role."""
        return images(self.outputs(), cloud)

    def bakewell(
        self, *args: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The operator's CLI."""
        return self.run("bakewell", *args, check=check, env=env)


def images(outputs: Mapping[str, Any], cloud: str = "digitalocean") -> dict[str, dict[str, Any]]:
    """What a stack's outputs have on record of its images on a cloud, by role."""
    found: dict[str, dict[str, Any]] = outputs["bakewell"][cloud]["images"]
    return found


class Preview:
    """The steps of a preview that change something, by the resource's name.

    Attributes:
        ops: {resource name: operation}, where an operation is "create", "replace", "update", "delete" …; the steps of a
            replacement count as one. Where several are called the same: of the last.
        by_type: the same, {(last part of the type, name): operation}.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.ops: dict[str, str] = {}
        self.by_type: dict[tuple[str, str], str] = {}
        self.paths: dict[str, list[str]] = {}
        for step in document.get("steps", []):
            op, name = step["op"], step["urn"].rsplit("::", 1)[1]
            if op in ("same", "read", "refresh"):
                continue
            self.ops[name] = "replace" if "replace" in op else op
            self.by_type[step["urn"].split("::")[2].rpartition(":")[2], name] = self.ops[name]
            self.paths.setdefault(name, []).extend(step.get("detailedDiff") or {})

    @property
    def quiet(self) -> bool:
        """True when nothing would be done."""
        return not self.ops


def signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal what is left of the process group of `process`, which may be nothing."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextlib.contextmanager
def in_memory(root: Path, env: Mapping[str, str], project: str, *roles: str) -> Iterator[Workspace]:
    """A clone with these roles of the small catalog, and a local cloud of its own: where what counts is the account.

    Machines are in memory, and nobody logs in to them: a build makes all its API calls, but provisions nothing.
    """
    (state := root.parent / f"{root.name}-cloud").mkdir()
    with serving(state, lambda response: None) as served, listening(Sshd()) as sshd:
        tokens = dict.fromkeys(("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"), TOKEN)
        made = Workspace.make(root, {**env, "DIGITALOCEAN_API_URL": served.api.endpoint, **tokens}, project)
        for image in (root / "packer" / "images").iterdir():
            if image.name in roles:
                (image / "build.pkr.hcl").write_text(BARE)  # in the place of the one that all share
            else:
                shutil.rmtree(image)
        source = root / "packer" / "digitalocean.pkr.hcl"
        door = f'ssh_host = "127.0.0.1"\n  ssh_port = {sshd.port}\n  ssh_username '
        source.write_text(source.read_text().replace("ssh_username ", door))
        made.configure(digitalocean={"droplets": {role: {} for role in roles if role != "base"}})
        yield made
