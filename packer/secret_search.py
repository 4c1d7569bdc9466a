"""A search of the sealed disk for the secrets of the build: none of them may be in the image.

Searched is the content of every file of every file system on a disk, also below what is mounted over it. What is packed
(an archive, a compressed log) or was deleted is not seen.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import paramiko

# The patterns come on stdin: an argument would be for every process of the machine to see. `printf` is the shell's own.
_SEARCH = r"""
set -eu
export LC_ALL=C
patterns=$(cat)
mounts=$(cat /proc/self/mounts)
place=$(mktemp -d /run/search.XXXXXX)
echo "$mounts" | while read -r _ target kind _; do
    case $kind in
    proc | sysfs | *tmpfs | ramfs | devpts | cgroup* | mqueue | securityfs | debugfs | tracefs | bpf) continue ;;
    pstore | hugetlbfs | fusectl | configfs | autofs | binfmt_misc | nsfs | efivarfs | rpc_pipefs) continue ;;
    esac
    [ -d "$target" ] || continue
    mount --bind "$target" "$place"
    printf '%s\n' "$patterns" | { grep -rslaF -D skip -f - "$place" || [ $? -le 2 ]; } | sed "s|^$place|${target%/}|"
    umount "$place"
done
rmdir "$place"
"""


def search(client: paramiko.SSHClient, secrets: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Where secrets are on the machine's disk: (name, path).

    Args:
        secrets: name -> every form that it may have.

    Raises:
        OSError: the disk cannot be searched.
    """
    every = [text for texts in secrets.values() for text in texts]
    status, output, errors = _run(client, f"unshare --mount sh -c {shlex.quote(_SEARCH)}", every)
    if status != 0:
        raise OSError(f"the disk cannot be searched for secrets: {errors.strip() or f'status {status}'}")
    found = []
    for path in dict.fromkeys(output.splitlines()):
        command = f"LC_ALL=C grep -qaF -f - -- {shlex.quote(path)}"
        names = [name for name, texts in secrets.items() if _run(client, command, texts)[0] == 0]
        found += [(name, path) for name in names or ["one of the secrets"]]
    return found


def _run(client: paramiko.SSHClient, command: str, lines: Sequence[str]) -> tuple[int, str, str]:
    stdin, stdout, stderr = client.exec_command(command)
    stdin.write("".join(f"{line}\n" for line in lines).encode())
    stdin.channel.shutdown_write()
    output, errors = stdout.read().decode("utf-8", "replace"), stderr.read().decode("utf-8", "replace")
    return stdout.channel.recv_exit_status(), output, errors
