"""A builder's own user_data: it has run before deploy.py does, and ends with the builder."""

from __future__ import annotations

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


def test_a_builder_runs_its_bootstrap(workspace: Workspace, cloud: CloudView, project: str) -> None:
    workspace.write(f"{BASE}/bootstrap.yaml", BOOTSTRAP)
    checks = workspace.root / BASE / "checks.py"
    checks.write_text(checks.read_text() + CHECK)
    done = workspace.bakewell("build", "base", "--json")
    assert '"action":"built"' in done.stdout
    assert len(cloud.ready(project)) == 1 and cloud.builders_left(project) == []

    (workspace.root / BASE / "bootstrap.yaml").unlink()
    failed = workspace.bakewell("build", "base", check=False)
    assert failed.returncode == 4, "without it, its check fails"
    assert "test_the_builder_was_bootstrapped" in failed.stderr
    assert len(cloud.ready(project)) == 1 and cloud.builders_left(project) == []
