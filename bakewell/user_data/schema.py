"""cloud-init's own judgement of user_data, where cloud-init is installed.

A preview asks it once for each text. A host without cloud-init leaves that to CI, or to the machine: the text is made
from checked values, so this is a second opinion.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from bakewell.errors import ConfigError, file_error

_LONGEST = 60.0  # seconds
_REPAIR = "repair cloud-init on this machine, or remove it: the check is left out without it"


def check(role: str, text: str, state_dir: Path) -> None:
    """Have `cloud-init schema` check the user_data of `role`.

    Args:
        role: whose it is, for messages.
        text: as `UserData.render` gives it.
        state_dir: where it is noted that a text passed.

    Raises:
        ConfigError: cloud-init refuses it, with its own words.
    """
    program = shutil.which("cloud-init")
    if program is None:
        return
    from bakewell.build.runs import make_private, there, unwritable  # what builds bring along; few hosts get here

    seen = state_dir / "validated" / f"user_data-{hashlib.sha256(text.encode()).hexdigest()}"
    if there(seen):
        return
    with tempfile.NamedTemporaryFile("w", prefix="bakewell-user-data-", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        try:
            said = subprocess.run(
                [program, "schema", "--config-file", file.name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=_LONGEST,
                check=False,
            )
        except OSError as error:
            raise file_error(error, f"user_data of {role} cannot be checked", file=program, remedy=_REPAIR) from error
        except subprocess.TimeoutExpired as error:
            raise ConfigError(
                f"user_data of {role} cannot be checked: {error}", file=program, remedy=_REPAIR
            ) from error
    if said.returncode != 0:
        words = said.stdout.replace(file.name, f"user_data of {role}").strip()
        raise ConfigError(
            f"cloud-init refuses the user_data of {role}:\n{words}",
            remedy=f"correct [boot], [consul] and [compose] in packer/images/{role}/image.toml",
        )
    try:
        make_private(seen.parent)
        seen.touch(mode=0o600)
    except OSError as error:
        raise unwritable(seen.parent, error) from error
