"""A builder: its own user_data has run before deploy.py does, and nothing of this host gets into its image."""

from __future__ import annotations

import os
import re
import shutil

import psutil

from tests.e2e.cloud import CloudView
from tests.e2e.workspace import Workspace

BASE = "packer/images/base"
BOOTSTRAP = """#cloud-config
bootcmd:
  - [sh, -c, "echo before SSH > /etc/bootstrapped"]
"""
CHECK = """

def test_the_builder_was_bootstrapped(host: Host) -> None:
    assert host.file("/etc/bootstrapped").content_string == "before SSH\\n"
"""
DEPLOY = """
import os
print("deploy.py sees:", *(f"{name}={os.environ[name]}" for name in sorted(os.environ)))
"""
LEFT = """

def test_it_leaves_a_process_that_has_the_output_open() -> None:
    import subprocess
    subprocess.Popen(["sleep", "SECONDS"], start_new_session=True)
"""


def leave_roles_alone(workspace: Workspace) -> None:
    """Leave the clone no shared file but a step of its own: the rest has to come from the installed package."""
    packer = workspace.root / "packer"
    for path in (*packer.iterdir(), *(packer / "steps").iterdir()):
        if path.name not in ("images", "bases.lock", "steps", "stamp.py"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_builder_runs_its_bootstrap(workspace: Workspace, cloud: CloudView, project: str) -> None:
    leave_roles_alone(workspace)
    workspace.write(f"{BASE}/bootstrap.yaml", BOOTSTRAP)
    checks = workspace.root / BASE / "checks.py"
    left = f"86400.{os.getpid()}"
    checks.write_text(checks.read_text() + CHECK + LEFT.replace("SECONDS", left))
    for file, more in (("deploy.py", DEPLOY), ("image.toml", "[build]\ntimeout_minutes = 7\n")):
        path = workspace.root / BASE / file
        path.write_text(path.read_text() + more)
    done = workspace.bakewell("build", "base", "--json", env={"APP_ENV": "blue"})
    assert '"action":"built"' in done.stdout
    assert len(cloud.ready(project)) == 1 and cloud.builders_left(project) == []

    said = re.findall(r"deploy\.py sees: (.*)", done.stderr)
    assert said, done.stderr
    assert "BUILD_SECONDS=420 " in said[0] and "APP_ENV" not in said[0] and "TOKEN" not in said[0]
    assert not [p for p in psutil.process_iter(["cmdline"]) if left in (p.info["cmdline"] or ())]

    (workspace.root / BASE / "bootstrap.yaml").unlink()
    failed = workspace.bakewell("build", "base", check=False)
    assert failed.returncode == 4, "without it, its check fails"
    assert "test_the_builder_was_bootstrapped" in failed.stderr
    assert len(cloud.snapshots(project)) == len(cloud.ready(project)) == 1
    assert cloud.builders_left(project) == [] and cloud.build_keys() == []
