"""Bad input ends a real preview with one message that names file, key and remedy; nothing is built or lost.

Which mistakes are refused, and how: tests/components/test_refusals.py.
"""

from __future__ import annotations

import os

from tests.e2e.cloud import CloudView
from tests.e2e.workspace import Workspace

WEB = "packer/images/web"


def refused(workspace: Workspace, *fragments: str) -> None:
    """Fails unless a preview ends with one message that has these in it."""
    # root may read everything, unless it gives that up.
    plain = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    done = workspace.run(*plain, "pulumi", "preview", "--non-interactive", "--color=never", check=False)
    shown = done.stdout + done.stderr
    assert done.returncode != 0, shown
    for fragment in fragments:
        assert fragment in shown, shown
    assert "Traceback" not in shown, shown
    assert shown.count("remedy") == 1, shown


def test_a_preview_says_what_is_wrong(workspace: Workspace, cloud: CloudView, project: str) -> None:
    shared = workspace.root / "packer/build.pkr.hcl"
    template = shared.read_text()
    shared.write_text(template + "\nnonsense {}\n")
    refused(workspace, "build.pkr.hcl", "nonsense", "remedy")
    shared.write_text(template)

    stamp = workspace.root / WEB / "files" / "stamp.txt"
    stamp.chmod(0)
    refused(workspace, f"{WEB}/files/stamp.txt", "remedy")
    stamp.chmod(0o644)

    # The local stack runs nowhere else.
    real = {"DIGITALOCEAN_API_URL": "", "DIGITALOCEAN_TOKEN": "dop_v1_not_a_token"}
    done = workspace.run("pulumi", "preview", "--non-interactive", check=False, env=real)
    assert done.returncode != 0
    assert "local" in done.stdout + done.stderr and "bakewell local env" in done.stdout + done.stderr

    workspace.configure(kep=3)
    refused(workspace, "Pulumi.dev.yaml", "kep", "keep", "remedy")
    assert cloud.snapshots(project) == [] and cloud.droplets(project) == []
