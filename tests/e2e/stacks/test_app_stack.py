"""An app stack of its own reads the platform's outputs, boots its droplet from them, and sees a rebuild coming."""

from __future__ import annotations

import yaml

from tests.e2e.cloud import CloudView
from tests.e2e.workspace import Workspace


def test_an_app_stack_follows_the_web_image(workspace: Workspace, cloud: CloudView) -> None:
    workspace.configure(roles=["base", "web"], machines={})
    workspace.up()
    app = workspace.root / "examples" / "app-stack"
    workspace.init("dev", cwd=app)
    argv = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color=never")
    workspace.run(*argv, cwd=app)

    first = workspace.image("web")["ids"]["nyc3"]
    assert [d for d in cloud.get("/v2/droplets", "droplets") if str(d["image"]["id"]) == first]
    assert workspace.preview(cwd=app).quiet

    workspace.write("packer/images/web/files/stamp.txt", "web 2\n")
    workspace.up()
    preview = workspace.preview(cwd=app)
    assert list(preview.ops.values()) == ["replace"], preview.ops
    assert [path for paths in preview.paths.values() for path in paths] == ["image"]

    workspace.run(*argv, cwd=app)
    second = workspace.image("web")["ids"]["nyc3"]
    assert second != first
    assert [d for d in cloud.get("/v2/droplets", "droplets") if str(d["image"]["id"]) == second]
    assert yaml.safe_load((app / "Pulumi.yaml").read_text())["name"] != "bakewell"
