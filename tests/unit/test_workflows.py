"""The workflows under .github: what they may do, what they are pinned to, and their scripts run with fakes on PATH.

actionlint, which knows GitHub's grammar, is part of `make lint`.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
FLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
PROJECTS = sorted((ROOT / "bakewell/scaffold/files/github").rglob("*.yml"))
"""What `bakewell init --github` writes besides these workflows."""
WRITES = {("preview", "preview"): {"id-token"}, ("preview", "comment"): {"pull-requests"}, ("up", "up"): {"id-token"}}
WRITES[("rebuild", "up")] = WRITES[("clean", "clean")] = {"id-token"}
TRIGGERS = {
    "checks": {"pull_request"},
    "preview": {"pull_request"},
    "up": {"push", "workflow_dispatch", "workflow_call"},
    "rebuild": {"schedule", "workflow_dispatch"},
    "clean": {"schedule", "workflow_dispatch"},
}
_USES = re.compile(r"uses: (?P<action>[^@\s]+)(?:@(?P<ref>\S+))?(?: # (?P<version>v\d+\.\d+\.\d+))?$", re.MULTILINE)
_SECRET = re.compile(r"secrets\.(\w+)")
_VARIABLE = re.compile(r"vars\.(\w+)")


def load(path: Path) -> dict[str, Any]:
    """The document, `on` as GitHub reads it: YAML 1.1 takes the word for true."""
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in document.items()}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in FLOWS:
        for name, job in load(path)["jobs"].items():
            yield path.stem, name, job


JOBS = list(jobs())
NAMES = [f"{flow}.{name}" for flow, name, _ in JOBS]
each_job = pytest.mark.parametrize(("flow", "name", "job"), JOBS, ids=NAMES)
everything = pytest.mark.parametrize(
    "path", [*FLOWS, *ACTIONS, *PROJECTS], ids=lambda path: path.relative_to(ROOT).as_posix()
)


def steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document.get("steps", [])
    return found


def script(flow: str, job: str, name: str) -> str:
    """What a step of a workflow runs."""
    (found,) = [step for step in steps(load(GITHUB / f"workflows/{flow}.yml")["jobs"][job]) if step.get("name") == name]
    return str(found["run"])


def run(text: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step as a runner does; its files for the environment and for outputs are in `folder`."""
    files = {name: str(folder / name) for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", text],
        cwd=environment.pop("CWD", folder),
        env={"PATH": path, "RUNNER_TEMP": str(folder), **files, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def fake(folder: Path, name: str, text: str) -> None:
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/bash\n{text}")
    program.chmod(0o755)


def test_there_is_what_we_think_there_is() -> None:
    assert {path.stem: set(load(path)["on"]) for path in FLOWS} == TRIGGERS
    assert [path.parent.name for path in ACTIONS] == ["setup"]


@everything
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = list(_USES.finditer(text))
    assert len(found) == len(re.findall(r"\buses:", text))
    for use in found:
        if not use["action"].startswith("./"):
            assert re.fullmatch(r"[0-9a-f]{40}", use["ref"] or "") and use["version"], use[0]


def test_an_action_is_the_same_everywhere() -> None:
    uses = {
        use.groups()
        for path in (*FLOWS, *ACTIONS, *PROJECTS)
        for use in _USES.finditer(path.read_text(encoding="utf-8"))
    }
    assert len(uses) == len({action for action, *_ in uses})


@each_job
def test_a_job_may_do_no_more_than_it_must(flow: str, name: str, job: dict[str, Any]) -> None:
    assert load(GITHUB / f"workflows/{flow}.yml")["permissions"] == {}
    granted = job["permissions"]
    assert {scope for scope, level in granted.items() if level == "write"} == WRITES.get((flow, name), set())
    assert {scope for scope, level in granted.items() if level != "write"} <= {"contents"}
    if "uses" not in job:
        assert job["timeout-minutes"] <= 350


@each_job
def test_secrets_are_given_to_single_steps_of_jobs_behind_an_environment(
    flow: str, name: str, job: dict[str, Any]
) -> None:
    assert "env" not in job and "env" not in load(GITHUB / f"workflows/{flow}.yml")
    for step in steps(job):
        assert not (_SECRET.search(str(step)) and "uses" in step), "no third party's action gets a secret"
        assert "${{" not in step.get("run", ""), "values reach scripts by the environment: text is no program"
        if _SECRET.search(str(step)):
            assert job["environment"] == {"preview": "preview", "up": "production", "clean": "clean"}[flow]
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


def test_no_workflow_runs_a_forks_code_with_secrets() -> None:
    checks, preview = (load(GITHUB / f"workflows/{flow}.yml")["jobs"] for flow in ("checks", "preview"))
    assert "github.event.pull_request.head.repo.full_name == github.repository" in preview["preview"]["if"]
    assert not _SECRET.search(str(checks)) and checks["test"]["permissions"] == {"contents": "read"}
    assert not any("checkout" in step.get("uses", "") for step in preview["comment"]["steps"])


@everything
def test_there_is_no_key_of_aws(path: Path) -> None:
    assert not re.search(r"access[-_]key|secret[-_]access|session[-_]token", path.read_text("utf-8"), re.IGNORECASE)


def test_the_role_of_aws_is_taken_only_where_one_is_named() -> None:
    (aws,) = [step for step in load(ACTIONS[0])["runs"]["steps"] if "aws-actions" in step.get("uses", "")]
    assert aws["if"] == "inputs.aws-role != ''"
    using = [(flow, name) for flow, name, job in JOBS if "aws-role" in str(job)]
    assert all("id-token" in WRITES[job] for job in using) and len(using) == 3
    up = load(GITHUB / "workflows/up.yml")["jobs"]["up"]
    seconds = next(int(step["with"]["aws-seconds"]) for step in up["steps"] if "aws-seconds" in str(step))
    assert seconds >= up["timeout-minutes"] * 60, "the state is written until the end"


def test_production_is_changed_from_main_alone_and_one_at_a_time() -> None:
    for flow in ("up", "clean"):
        assert "github.ref == 'refs/heads/main'" in load(GITHUB / f"workflows/{flow}.yml")["jobs"][flow]["if"]
    up = load(GITHUB / "workflows/up.yml")
    assert up["on"]["push"] == {"branches": ["main"]}
    assert up["jobs"]["up"]["concurrency"] == {"group": "up-${{ vars.PULUMI_STACK }}", "cancel-in-progress": False}
    assert load(GITHUB / "workflows/rebuild.yml")["jobs"]["up"]["uses"] == "./.github/workflows/up.yml"


def test_what_must_be_set_up_is_told() -> None:
    said = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    text = "".join(path.read_text(encoding="utf-8") for path in FLOWS)
    named = {*_SECRET.findall(text), *_VARIABLE.findall(text)}
    assert set(re.findall(r"^ *\| `([A-Z_]+)` \|", said, re.MULTILINE)) == named
    for environment in {job["environment"] for _, _, job in JOBS if "environment" in job}:
        assert f"`{environment}`" in said


def test_the_tools_are_those_that_the_project_pins(tmp_path: Path) -> None:
    (pinned,) = [step for step in load(ACTIONS[0])["runs"]["steps"] if step.get("id") == "pinned"]
    assert run(pinned["run"], tmp_path, CWD=str(ROOT)).returncode == 0
    plugins = (ROOT / "packer/packer.pkr.hcl").read_text(encoding="utf-8")
    packer = re.search(r'required_version = "= ([\d.]+)"', plugins)
    assert packer is not None
    pulumi = re.search(r"^pulumi==([\d.]+) ", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert pulumi is not None
    wanted = f"packer={packer[1]}\npulumi={pulumi[1]}\n"
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == wanted


def test_the_key_for_machines_becomes_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    text = script("up", "up", "Write the key that asks machines whether they are ready")
    assert run(text, tmp_path, SSH_PRIVATE_KEY="").returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert run(text, tmp_path, SSH_PRIVATE_KEY="line 1\nline 2").returncode == 0
    key = tmp_path / "ssh-key"
    assert key.read_text() == "line 1\nline 2\n" and stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (tmp_path / "GITHUB_ENV").read_text() == f"BAKEWELL_SSH_KEY={key}\n"


@pytest.mark.parametrize("status", [0, 255])
def test_a_preview_that_fails_is_told_too_and_fails_the_job(tmp_path: Path, status: int) -> None:
    document = '{"diagnostics": [{"severity": "error", "message": "no such image"}]}' if status else '{"steps": []}'
    fake(tmp_path, "pulumi", f"echo '{document}'; exit {status}\n")
    text = script("preview", "preview", "Preview")
    done = run(text, tmp_path, CWD=str(ROOT), PULUMI_STACK="prod", COMMIT="abc")
    assert done.returncode == status, done.stderr
    output = (tmp_path / "GITHUB_OUTPUT").read_text()
    found = re.fullmatch(r"comment<<(?P<end>[0-9a-f]{32})\n(?P<text>.*)\n(?P=end)\n", output, re.DOTALL)
    assert found is not None and found["text"].startswith("<!-- bakewell preview of prod -->\n")
    assert ("no such image" if status else "Nothing would change.") in found["text"]
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == found["text"] + "\n"


@pytest.mark.parametrize(("there", "wanted"), [("", "POST issues/7/comments"), ("12\n34", "PATCH issues/comments/12")])
def test_there_is_one_comment_which_later_runs_bring_up_to_date(tmp_path: Path, there: str, wanted: str) -> None:
    # What gh is asked for, and what it is given; its --jq is GitHub's to run.
    fake(
        tmp_path,
        "gh",
        f"""case "$*" in
*--paginate*) echo "$MARK|$*" >>asked; printf '%s' '{there}';;
*) echo "$4 $5 $6 $7" >>done; cat comment.md >>done;;
esac
""",
    )
    comment = "<!-- bakewell preview of prod -->\n### `x` $(false) *\n"
    text = script("preview", "comment", "Comment, or bring the earlier comment up to date")
    done = run(text, tmp_path, COMMENT=comment, ISSUES="issues", NUMBER="7", GH_TOKEN="t")
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text()
    assert asked.startswith("<!-- bakewell preview of prod -->|api --paginate issues/7/comments --jq ")
    assert "startswith(env.MARK)" in asked
    assert (tmp_path / "done").read_text() == f"{wanted} -F body=@comment.md\n{comment}\n"
