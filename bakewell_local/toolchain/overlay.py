"""A tool's Go module with files of ours in the place of its modules' own.

`toolchain/instead/<module>@<version>/<file>` stands in the place of that file, and one called `package.go` in that of
every file of its package. Go overlays nothing in its module cache. So a module that has such files is reached by a
link, from a folder of the build's own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from bakewell_local.toolchain.tools import INSTEAD, MODULES, Tool

FILE = "overlay.json"
"""In the folder: what `go build -overlay` is to be given."""
WHOLE = "package.go"


def lay(tool: Tool, folder: Path, folder_of: Callable[[str], Path]) -> None:
    """Make `folder` the tool's Go module with the overlay; go is to be run in it.

    Args:
        tool: the tool.
        folder: is made here.
        folder_of: tells where a module that go.mod requires is, after its checksum was compared.
    """
    folder.mkdir(parents=True)
    shutil.copy(MODULES / tool.name / "go.sum", folder)
    requirements = (MODULES / tool.name / "go.mod").read_text()
    replaced: dict[str, str] = {}
    for versioned in tool.instead:
        module = versioned.partition("@")[0]
        link = folder.resolve() / module.replace("/", "_")
        link.symlink_to(folder_of(module))
        requirements += f"\nreplace {module} => ./{link.name}\n"
        for ours in sorted((INSTEAD / versioned).rglob("*.go")):
            theirs = link / ours.relative_to(INSTEAD / versioned)
            if ours.name == WHOLE:
                replaced |= {str(file): "" for file in theirs.parent.glob("*.go")}
            replaced[str(theirs)] = str(ours)
    (folder / "go.mod").write_text(requirements)
    (folder / FILE).write_text(json.dumps({"Replace": replaced}))
