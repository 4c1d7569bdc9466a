"""Retention: preview lists it, up does exactly that, the next preview is quiet; nothing that is needed ever goes."""

from __future__ import annotations

import json

from tests.e2e.cloud import CloudView
from tests.e2e.workspace import Workspace


def test_up_deletes_what_preview_said_and_nothing_else(workspace: Workspace, cloud: CloudView, project: str) -> None:
    workspace.configure(roles=["base", "web"], machines={"web": {"count": 1}}, keep=1)
    ids = []
    for number in range(1, 4):
        workspace.write("packer/images/web/files/stamp.txt", f"web {number}\n")
        shown = workspace.preview_text()
        before = {s["name"] for s in cloud.ready(project)}
        workspace.up()
        gone = before - {s["name"] for s in cloud.ready(project)}
        said = {name for name in before if any("would delete" in ln and name in ln for ln in shown.splitlines())}
        assert gone == said
        kept = before - gone
        for name in kept:
            assert any("keeps" in line and name in line for line in shown.splitlines()), (name, shown)
        ids.append(workspace.image("web")["ids"]["nyc3"])
        preview = workspace.preview()
        assert preview.quiet, preview.ops
        assert "would delete" not in workspace.preview_text()

    # While up ran, the machine of the image before last was still there: its image goes in the next run.
    left = {s["id"] for s in cloud.ready(project, "web")}
    assert ids[0] not in left and ids[2] in left

    # The parent of what is kept stays, though nothing boots from it.
    assert len(cloud.ready(project, "base")) == 1

    # The command does the rest: the image that was in use until the end of the last up.
    listed = json.loads(workspace.bakewell("clean", "--dry-run", "--json").stdout)
    assert ids[1] in json.dumps(listed)
    workspace.bakewell("clean")
    assert {s["id"] for s in cloud.ready(project, "web")} == {ids[2]}
    assert workspace.preview().quiet


def test_a_pin_rolls_back_and_is_kept(workspace: Workspace, cloud: CloudView, project: str) -> None:
    workspace.configure(roles=["base", "web"], machines={"web": {"count": 1}}, keep=1)
    workspace.up()
    old = workspace.image("web")
    workspace.write("packer/images/web/files/stamp.txt", "web 2\n")
    workspace.up()

    workspace.run("pulumi", "config", "set", "--path", "bakewell:pins.web", old["name"])
    preview = workspace.preview()
    assert preview.ops.get("web-1") == "replace" and "web" not in preview.ops
    workspace.up()
    machine = next(d for d in cloud.droplets(project) if "bakewell:role:web" in d["tags"])
    assert str(machine["image"]["id"]) == old["ids"]["nyc3"]
    workspace.bakewell("clean")
    assert old["ids"]["nyc3"] in {s["id"] for s in cloud.ready(project, "web")}
    assert workspace.preview().quiet


def test_partial_evidence_deletes_nothing(workspace: Workspace, cloud: CloudView, project: str) -> None:
    workspace.configure(roles=["base"], machines={})
    for number in (1, 2):
        workspace.write("packer/images/base/files/stamp.txt", f"base {number}\n")
        workspace.bakewell("build", "base")
    before = {s["id"] for s in cloud.ready(project)}
    with cloud.fault("status", method="GET", path="/v2/droplets", status=422):
        refused = workspace.bakewell("clean", "--keep", "1", check=False)
    assert refused.returncode == 3
    assert {s["id"] for s in cloud.ready(project)} == before
    workspace.bakewell("clean", "--keep", "1")
    assert len(cloud.ready(project)) == 1
