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
umask 077
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
    # Into a file in memory: of a pipe, the shell tells only how its last command ended. 1: nothing found; 2: a file of
    # the running system was gone, or is none to be read.
    printf '%s\n' "$patterns" | grep -rsaoFZ -D skip -f - "$place" > "$place.found" || [ $? -le 2 ]
    sed "s|^$place|${target%/}|" "$place.found"
    umount "$place"
done
rm -f "$place.found"
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
    # A path, a NUL, what was found there: by then the file may be hidden again, and could not be asked for more.
    lines = [line.partition("\0") for line in output.split("\n") if line]
    found = [(name, path) for path, _, text in lines for name, texts in secrets.items() if text in texts]
    return list(dict.fromkeys(found))


def _run(client: paramiko.SSHClient, command: str, lines: Sequence[str]) -> tuple[int, str, str]:
    stdin, stdout, stderr = client.exec_command(command)
    stdin.write("".join(f"{line}\n" for line in lines).encode())
    stdin.channel.shutdown_write()
    output, errors = stdout.read().decode("utf-8", "replace"), stderr.read().decode("utf-8", "replace")
    return stdout.channel.recv_exit_status(), output, errors
