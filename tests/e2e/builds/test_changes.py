"""Preview tells the truth: what changed is what is rebuilt, and nothing else is."""

from __future__ import annotations

from tests.e2e.cloud import CloudView
from tests.e2e.workspace import Workspace

IMAGES = {"base", "web", "api"}


def images(workspace: Workspace) -> set[str]:
    """The images that a preview would make again."""
    preview = workspace.preview()
    return {name for name, op in preview.ops.items() if name in IMAGES and op == "replace"}


def test_a_change_rebuilds_what_it_touches_and_nothing_else(workspace: Workspace, cloud: CloudView) -> None:
    workspace.up()
    before = workspace.outputs()
    preview = workspace.preview()
    assert preview.quiet, preview.ops

    # What is no content: a README, the token, another cap, another Packer folder's README.
    workspace.write("README.md", "changed\n")
    workspace.write("packer/README.md", "changed\n")
    workspace.configure(parallel=2)
    assert workspace.preview().quiet
    rotated = _rotate(cloud, workspace)
    assert workspace.preview(env=rotated).quiet

    # A file of web: web and its machines, and the diff names the file.
    path = "packer/images/web/files/stamp.txt"
    original = (workspace.root / path).read_text()
    workspace.write(path, "web 2\n")
    preview = workspace.preview()
    assert {n for n in preview.ops if n in IMAGES} == {"web"}
    assert [d for d in preview.paths["web"] if "files/stamp.txt" in d], preview.paths["web"]
    assert preview.ops["web-1"] == "replace"
    assert "api-1" not in preview.ops
    assert "files/stamp.txt" in workspace.preview_text()
    workspace.write(path, original)
    assert workspace.preview().quiet

    # A new file of web is named, too; it must not look as if all that follow had changed.
    workspace.write("packer/images/web/files/aaa.txt", "new\n")
    new = [d for d in workspace.preview().paths["web"] if "files/" in d]
    assert len(set(new)) == 1 and "files/aaa.txt" in new[0]
    (workspace.root / "packer/images/web/files/aaa.txt").unlink()

    # A step that base uses: base and both children.
    step = "packer/steps/stamp.py"
    text = (workspace.root / step).read_text()
    workspace.write(step, text + "\n# another comment is another file\n")
    assert images(workspace) == IMAGES
    workspace.write(step, text)

    # The change is made: one build, and the machine of web is another one; then quiet again.
    workspace.write(path, "web 2\n")
    workspace.up()
    after = workspace.outputs()
    for role in ("base", "api"):
        assert after["images"][role] == before["images"][role]
        if f"{role}-1" in before["machines"]:
            assert after["machines"][f"{role}-1"] == before["machines"][f"{role}-1"]
    assert after["images"]["web"]["digitalocean"]["run"] != before["images"]["web"]["digitalocean"]["run"]
    assert after["machines"]["web-1"]["address"] != before["machines"]["web-1"]["address"]
    assert workspace.preview().quiet


def _rotate(cloud: CloudView, workspace: Workspace) -> dict[str, str]:
    """A second token that the cloud takes."""
    token = cloud.http.post("/sandbox/tokens").raise_for_status().json()["token"]
    assert token != workspace.env["DIGITALOCEAN_TOKEN"]
    return {"DIGITALOCEAN_TOKEN": token, "DIGITALOCEAN_ACCESS_TOKEN": token}


def test_another_region_copies_and_never_rebuilds(workspace: Workspace, cloud: CloudView, project: str) -> None:
    workspace.configure(roles=["base", "web"], machines={"web": {"count": 1}})
    workspace.up()
    built = {s["id"] for s in cloud.snapshots(project)}
    first = workspace.image("web")

    workspace.configure(regions=["sfo3", "nyc3"])
    preview = workspace.preview()
    assert not {name for name in preview.ops if name in IMAGES}, preview.ops
    workspace.up()
    assert {s["id"] for s in cloud.snapshots(project)} == built
    moved = workspace.image("web")
    assert moved["fingerprint"] == first["fingerprint"]
    assert set(moved["ids"]) == {"sfo3", "nyc3"}
    assert workspace.preview().quiet


def test_an_image_that_is_lost_is_rebuilt_once(workspace: Workspace, cloud: CloudView, project: str) -> None:
    workspace.configure(roles=["base", "web"], machines={"web": {"count": 1}})
    workspace.up()
    for how in ("deleted", "revoked"):
        image = workspace.image("web")
        image_id = image["ids"]["nyc3"]
        if how == "deleted":
            cloud.delete_image(image_id)
        else:
            cloud.tag_image(image_id, "bakewell:revoked")

        shown = workspace.preview_text()
        assert image["name"] in shown or image_id in shown
        assert ("gone" if how == "deleted" else "revoked") in shown
        preview = workspace.preview()
        assert {n for n in preview.ops if n in IMAGES} == {"web"}
        assert any("triggers[2]" in path for path in preview.paths["web"]), preview.paths["web"]

        workspace.up()
        again = workspace.image("web")
        assert again["fingerprint"] == image["fingerprint"]
        assert (again["run"], again["attempt"]) != (image["run"], image["attempt"])
        assert again["attempt"] == image["attempt"] + 1
        assert workspace.preview().quiet
        assert len([s for s in cloud.ready(project, "web") if s["id"] != image_id]) == 1
