"""The comment on a pull request, made from what the real engine prints, as the workflow makes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.e2e.workspace import PROJECT, Workspace

SCRIPT = PROJECT / ".github" / "preview_comment.py"


def comment(workspace: Workspace) -> list[str]:
    """The lines of the comment on a preview of what the clone holds now."""
    done = workspace.run("pulumi", "preview", "--json", "--non-interactive", check=False)
    file = Path(workspace.root.parent / "preview.json")
    file.write_text(done.stdout)
    return workspace.run(sys.executable, str(SCRIPT), str(file), "dev", "0123456789abcdef").stdout.splitlines()


def test_the_comment_says_what_would_be_built_replaced_and_deleted(workspace: Workspace) -> None:
    workspace.configure(keep=1, machines={"web": {"count": 1}})
    new = comment(workspace)
    assert "**Images to build: 3**" in new and "| `web` | new |" in new and "| `web-1` | new |  |" in new
    workspace.up()
    assert comment(workspace)[-1] == "Nothing would change."

    workspace.write("packer/images/web/files/stamp.txt", "web 2\n")
    changed = comment(workspace)
    assert "**Images to build: 1**" in changed and "| `web` | `files/stamp.txt` |" in changed
    assert "**Machines: 1**" in changed and "| `web-1` | replaced | `image` |" in changed
    assert not any(line.startswith("**Images to delete") for line in changed), "a machine uses it"

    (built,) = json.loads(workspace.bakewell("build", "web", "--json").stdout)[1:]
    workspace.write("packer/images/web/files/stamp.txt", "web 3\n")
    deleting = comment(workspace)
    assert "**Images to delete: 1**" in deleting
    assert any(line.startswith(f"| `{built['name']}` | `{built['id']}` | ") for line in deleting)

    workspace.write("packer/images/web/image.toml", "nonsense = 1\n")
    failed = comment(workspace)
    assert "**The preview failed**, so nothing is known of what would change." in failed
    assert any("unknown key `nonsense`" in line for line in failed)
