"""A Pulumi stack in a folder of its own: a Python program, the real engine, a file backend, and what came of a run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.plugins_under_test import OFFLINE
from tests.waiting import LONGEST, until

PROJECT = "rows"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True)
class Run:
    """What one command of pulumi did.

    Attributes:
        events: the engine's events, in order.
        text: all that was printed and is no event.
    """

    code: int
    events: list[dict[str, Any]]
    text: str

    @classmethod
    def read(cls, code: int, output: str) -> Run:
        events: list[dict[str, Any]] = []
        text = []
        for line in output.splitlines():
            if line.startswith('{"sequence"'):
                events.append(json.loads(line))
            else:
                text.append(line)
        return cls(code, events, "\n".join(text))

    def _steps(self, kind: str, name: str) -> list[dict[str, Any]]:
        found = [event[kind]["metadata"] for event in self.events if kind in event]
        return [step for step in found if step["urn"].endswith(f"::{name}")]

    def ops(self, name: str) -> list[str]:
        """What the engine did with a resource, in order: "create", "update", "create-replacement" …"""
        return [step["op"] for step in self._steps("resourcePreEvent", name)]

    def diff(self, name: str) -> dict[str, str]:
        """The paths that changed, with their kind: "add", "update-replace" …"""
        details = [step["detailedDiff"] for step in self._steps("resourcePreEvent", name) if step.get("detailedDiff")]
        return {path: found["diffKind"] for path, found in details[0].items()} if details else {}

    def outputs(self, name: str) -> dict[str, Any]:
        """A resource's outputs as the engine told them at the end."""
        return dict([step["new"]["outputs"] for step in self._steps("resOutputsEvent", name) if step["new"]][-1])

    def lines(self, name: str) -> list[str]:
        """What a resource said while it was worked on."""
        told = [event["diagnosticEvent"] for event in self.events if "diagnosticEvent" in event]
        return [t["message"].removesuffix("\n") for t in told if t.get("ephemeral") and t["urn"].endswith(f"::{name}")]

    def said(self, severity: str = "error") -> str:
        """All diagnostics of a severity, and what was printed beside the events."""
        told = [event["diagnosticEvent"] for event in self.events if "diagnosticEvent" in event]
        return "".join(t["message"] for t in told if t["severity"] == severity) + self.text


@dataclass(frozen=True)
class State:
    """What a stack records.

    Attributes:
        pending: operations that were under way.
    """

    records: list[dict[str, Any]]
    pending: list[dict[str, Any]]

    @classmethod
    def read(cls, file: Path) -> State:
        latest = json.loads(file.read_text())["checkpoint"]["latest"]
        return cls(latest.get("resources", []), latest.get("pending_operations") or [])

    def resources(self, name: str) -> list[dict[str, Any]]:
        """The records of a resource, those pending deletion included."""
        return [record for record in self.records if record["urn"].endswith(f"::{name}")]

    def __getitem__(self, name: str) -> dict[str, Any]:
        """The one record of a resource."""
        (record,) = self.resources(name)
        return record


class Stack:
    """The stack `dev` of the project `rows` in `folder`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)

    def write(self, program: str) -> None:
        """Make this the program."""
        (self.folder / "__main__.py").write_text(textwrap.dedent(program))

    def configure(self, **config: str) -> None:
        """Set configuration, by provider input: `digitalocean_apiEndpoint="…"`."""
        path = self.folder / "Pulumi.dev.yaml"
        salt = path.read_text().split("config:")[0]
        lines = [f"  {key.replace('_', ':', 1)}: {json.dumps(value)}\n" for key, value in config.items()]
        path.write_text(f"{salt}config:\n{''.join(lines)}")

    def preview(self) -> Run:
        return self.run("preview")

    def up(self, *options: str) -> Run:
        return self.run("up", "--yes", "--skip-preview", *options)

    def refresh(self) -> Run:
        return self.run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Run:
        return self.run("destroy", "--yes", "--skip-preview")

    def run(self, *command: str) -> Run:
        """Run pulumi to its end."""
        return self.end(self.start(*command))

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start pulumi in a process group of its own; `end` gives what came of it."""
        return subprocess.Popen(
            ["pulumi", *command, *(["--json"] if command[0] != "cancel" else [])],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def end(self, process: subprocess.Popen[str]) -> Run:
        try:
            output, _ = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Run.read(process.returncode, output)

    def wait_for_line(self, process: subprocess.Popen[str], text: str) -> None:
        """Read what a running pulumi prints up to a line with `text`."""
        assert process.stdout is not None
        for line in process.stdout:
            if text in line:
                return
        raise AssertionError(f"pulumi ended without saying {text!r}")

    def state(self) -> State:
        """The state as it was last written."""
        return State.read(self.folder / f"stacks/.pulumi/stacks/{PROJECT}/dev.json")

    def resources(self, name: str) -> list[dict[str, Any]]:
        """The records of a resource in state, those pending deletion included."""
        return self.state().resources(name)

    def __getitem__(self, name: str) -> dict[str, Any]:
        """The one record of a resource in state."""
        return self.state()[name]

    def locked(self) -> bool:
        return any((self.folder / "stacks/.pulumi/locks").rglob("*.json"))

    def file(self, name: str) -> str:
        """The content of a file of the project, as soon as it has any."""
        path = self.folder / name
        return until(lambda: path.read_text() if path.exists() else "", lambda text: text.strip() != "", name)

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()


def template(folder: Path, pulumi_home: Path) -> Stack:
    """An empty stack, to be copied: `pulumi stack init` takes as long as a preview."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
    (folder / "stacks").mkdir()
    stack = Stack(folder, environment(folder, pulumi_home))
    command = ["pulumi", "stack", "init", "dev"]
    bare = {key: value for key, value in stack.environment.items() if key != "PULUMI_STACK"}
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return stack


def copy(original: Stack, folder: Path) -> Stack:
    shutil.copytree(original.folder, folder)
    return Stack(folder, {**original.environment, "PULUMI_BACKEND_URL": f"file://{folder}/stacks"})


def environment(folder: Path, pulumi_home: Path) -> dict[str, str]:
    """What pulumi runs in: nothing of the caller's own Pulumi, AWS or DigitalOcean settings."""
    # No locale either: Python would then set one for itself, which no command may see.
    ours = ("PULUMI_", "AWS_", "DIGITALOCEAN_", "PYTHON", "LC_", "LANG")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {
        **kept,
        **OFFLINE,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{folder}/stacks",
        "PULUMI_CONFIG_PASSPHRASE": "provider-tests",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_STACK": "dev",
        # `preview --json` then tells events, as the other commands do.
        "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
    }
