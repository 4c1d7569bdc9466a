"""What a machine says of itself: /etc/bakewell/image.json, {"role": …, "image": …, "parent": {…} or null}.

`parent` is what the file said in the image this one was built on. No secret and nothing about the build host.
"""

from __future__ import annotations

import json
from io import StringIO

from pyinfra import host
from pyinfra.api import DeployError, deploy
from pyinfra.facts.files import FileContents
from pyinfra.operations import files

PATH = "/etc/bakewell/image.json"


@deploy("Identity")
def record(role: str, image: str, parent: str) -> None:
    """Write down which image this is.

    Args:
        parent: the role it must be built on; "" for a stock base.

    Raises:
        DeployError: the machine was made from something else.
    """
    said = host.get_fact(FileContents, path=PATH)
    before = json.loads("\n".join(said)) if said else None
    if before is not None and before["role"] == role:  # a second run on the same machine
        before = before["parent"]
    if (before["role"] if before else "") != parent:
        found = f"an image of {before['role']}" if before else "a stock image"
        raise DeployError(f"{role} is built on {parent or 'a stock image'}, but this machine was made from {found}")
    text = json.dumps({"role": role, "image": image, "parent": before}, indent=2)
    files.put(name=f"Write {PATH}", src=StringIO(text + "\n"), dest=PATH, mode="644")
