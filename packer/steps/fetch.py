"""Files that a build brings back from the builder: a list of packages, a report of a scanner, a certificate request.

    fetch.file("/root/packages.txt")

`bakewell build` keeps the file beside the build's log, also where a later operation fails. It is no part of the image's
fingerprint, and whoever reads the log can read it: fetch no secret.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator
from pathlib import Path, PurePosixPath

from pydantic import validate_call
from pyinfra.api import DeployError, FileDownloadCommand, operation

FOLDER = Path("build-fetched")
"""Where this host keeps them while the build runs, by their paths on the builder: build-fetched/root/packages.txt."""


@validate_call
def file(path: str) -> None:
    """Bring back one file, as it is when the deploy comes to this line.

    Args:
        path: where it is on the builder: an absolute path.

    Raises:
        DeployError: the path is none that names one file.
    """
    parts = PurePosixPath(path).parts
    if not parts or parts[0] != "/" or len(parts) < 2 or ".." in parts:
        raise DeployError(
            f"fetch.file cannot bring back `{path}`\nremedy: name a file by its absolute path, without .."
        )
    _bring(name=f"Fetch | {path}", path=path, dest=FOLDER.joinpath(*parts[1:]).absolute())


@operation(is_idempotent=False)
def _bring(path: str, dest: Path) -> Generator[str | FileDownloadCommand, None, None]:
    quoted = shlex.quote(path)
    yield (
        f"test -f {quoted} || {{ echo {shlex.quote(f'{path} is no file on the builder')} >&2; "
        f"echo {shlex.quote(f'remedy: fetch {path} after what writes it')} >&2; exit 1; }}"
    )
    dest.parent.mkdir(parents=True, exist_ok=True)
    yield FileDownloadCommand(path, str(dest))
