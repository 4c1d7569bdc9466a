"""user_data with which a stock machine makes itself what a baked one is, at its first boot: by the same deploy.py.

The contexts of the role and of all that its image is built on come along, packed; PyInfra is installed from PyPI and
runs each deploy on the machine itself, parents first. Two things differ from a build. Sealing is left out: it is
for images. And what an image starts at its first boot is started at the end.
"""

from __future__ import annotations

import base64
import importlib.metadata
import io
import json
import lzma
import shlex
import tarfile
from collections.abc import Sequence
from pathlib import Path

from bakewell.user_data import LIMITS

OF_HOST = Path("/usr/local/share/ca-certificates")
FOLDER = "/root/install"
TIMES = "/run/bakewell-bench"
"""On the machine: when PyInfra's own installation began and ended, in seconds since 1970."""

LEFT_OUT = {"provision.py", "host_process.py", "last_output.py", "checks.py", "downloads.toml", "bootstrap.yaml"}
LEFT_OUT |= {"README.md", "requirements.txt"}
"""Files of a context that no deploy reads."""

SEAL = "seal.seal()\n"

SCRIPT = """\
#!/bin/sh
set -eu
export DEBIAN_FRONTEND=noninteractive HOME=/root
cd {folder}
began=$(date +%s.%N)
apt-get -qq update
apt-get -qq install --no-install-recommends python3-venv > /dev/null
python3 -m venv pyinfra
cat /etc/ssl/certs/ca-certificates.crt authority.pem > authorities.pem
PIP_CERT={folder}/authorities.pem pyinfra/bin/pip install --quiet pyinfra=={version}
echo "$began $(date +%s.%N)" > {times}
python3 -c 'import tarfile; tarfile.open("contexts.tar.xz").extractall("contexts")'
for role in {roles}; do
    cd {folder}/contexts/$role
    BUILD_HOST=@local BUILD_KEY_FILE=/dev/null BUILD_ROLE=$role BUILD_IMAGE=stock \\
        {folder}/pyinfra/bin/pyinfra -y inventory.py before.py deploy.py after.py
done
systemctl start --no-block {units}
"""


def user_data(baked: str, contexts: Sequence[Path], units: Sequence[str], authority: str) -> str:
    """The stock machine's user_data.

    Args:
        baked: the user_data of the baked machine: the files it writes are written here too.
        contexts: staged contexts of the role and its parents, parents first, each in a folder of its role's name.
        units: what the baked machine starts by itself or by user_data, the unit that waits for readiness among them.
        authority: certificates in PEM that the machine needs to believe the package index, besides its own; may be "".

    Raises:
        ValueError: it is larger than the cloud takes, or an after.py does not end by sealing.
    """
    document = json.loads(baked.removeprefix("#cloud-config\n"))
    script = SCRIPT.format(
        folder=FOLDER,
        version=importlib.metadata.version("pyinfra"),
        times=TIMES,
        roles=" ".join(context.name for context in contexts),
        units=" ".join(map(shlex.quote, units)),
    )
    files = [
        *document["write_files"],
        {"path": f"{FOLDER}/authority.pem", "content": authority},
        {"path": f"{FOLDER}/contexts.tar.xz", "encoding": "b64", "content": base64.b64encode(pack(contexts)).decode()},
        {"path": f"{FOLDER}/install.sh", "permissions": "0755", "content": script},
    ]
    text = "#cloud-config\n" + json.dumps({"write_files": files, "runcmd": [[f"{FOLDER}/install.sh"]]}) + "\n"
    if len(text) > (limit := LIMITS["digitalocean"]):
        raise ValueError(f"user_data that installs {contexts[-1].name} is {len(text)} bytes, and a cloud takes {limit}")
    return text


def pack(contexts: Sequence[Path]) -> bytes:
    """The contexts as a tar archive, compressed, as far as a deploy reads them, each unsealed."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for context in contexts:
            for path in sorted(context.rglob("*")):
                if path.is_file() and path.suffix != ".hcl" and path.name not in LEFT_OUT:
                    content = path.read_bytes()
                    if path == context / "after.py":
                        content = unsealed(content.decode()).encode()
                    entry = tarfile.TarInfo(f"{context.name}/{path.relative_to(context)}")
                    entry.size, entry.mode = len(content), path.stat().st_mode & 0o777
                    tar.addfile(entry, io.BytesIO(content))
    return lzma.compress(archive.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def unsealed(after: str) -> str:
    """An after.py without its last line, which seals the image. Raises ValueError where that is another."""
    if not after.endswith(f"\n{SEAL}"):
        raise ValueError("an after.py does not end by sealing")
    return after.removesuffix(SEAL)


def authorities_of_host() -> str:
    """Certificates (PEM) that this host's administrators trust besides Debian's own; "" where there are none.

    A machine behind the same gateway needs them to install from the package index.
    """
    return "".join(path.read_text() for path in sorted(OF_HOST.glob("*.crt")))
