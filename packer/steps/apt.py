"""Debian packages: one refresh of the package lists a build, nothing recommended, nothing asked.

A machine that has just booted may be refreshing its lists and installing updates by itself (apt-daily.timer). apt waits
for dpkg's lock, but ends at once where the lock of the lists or of the downloads is taken. So each call is repeated
until it is free. The timers are stopped for as long as the builder runs; machines of the image have them.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from pyinfra import host
from pyinfra.api import operation
from pyinfra.facts.deb import DebPackages

LOCK_SECONDS = 600
"""How long another apt may hold a lock: about as long as a small machine needs for a month of updates."""

APT = (
    "DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -qq -y -o Acquire::Retries=3 -o Acquire::Languages=none "
    f"-o DPkg::Lock::Timeout={LOCK_SECONDS} -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "
    # A builder that loses power is thrown away, so dpkg need not wait for the disk after every file.
    "-o Dpkg::Options::=--force-unsafe-io"
)
_FRESH = "/run/apt-lists-fresh"
"""Exists once this build has refreshed the lists; gone with the next boot, like the lists themselves once sealed."""

# Not apt-daily-upgrade.service: it may be in the middle of a package.
_QUIET = "systemctl stop apt-daily.timer apt-daily-upgrade.timer apt-daily.service 2> /dev/null || true"

_PATIENT = """
until=$(($(date +%s) + $1))
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
while :; do
    code=0
    sh -c "$2" 2> "$errors" || code=$?
    grep -Eq '^E: (Could not get lock|Unable to (lock|acquire))' "$errors" || break
    [ "$(date +%s)" -lt "$until" ] || {
        echo "remedy: see what holds the lock: the builder's bootstrap.yaml, or a unit of the base image" >> "$errors"
        break
    }
    echo "waiting: $(grep -m 1 '^E: ' "$errors")"
    sleep 2
done
cat "$errors" >&2
exit "$code"
"""


@operation()
def install(wanted: Sequence[str] | Mapping[str, str]) -> Generator[str, None, None]:
    """Packages installed, without what they merely recommend.

    Args:
        wanted: names; or name: version, where the version may be a pattern ("1.22.1-9*"). Debian's archive holds one
            version of a package only, the newest, so an exact one ends every build at the next security update.
    """
    versions = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted, "*")
    packages = missing(versions, host.get_fact(DebPackages), "=")
    if not packages:
        host.noop(f"packages {', '.join(versions)} are installed")
        return
    yield f"test -e {_FRESH} || {{ {_QUIET}; {patient(f'{APT} update')} && touch {_FRESH}; }}"
    yield f"{patient(f'{APT} install --no-install-recommends {packages}')} || {_advice(versions)}"


def missing(versions: Mapping[str, str], installed: Mapping[str, Collection[str]], between: str) -> str:
    """The packages that a machine lacks, as words of a command: for dnf, too.

    Args:
        versions: name -> the version that will do, a pattern.
        installed: name -> the versions that are there.
        between: what stands between a name and its version.
    """
    return " ".join(
        shlex.quote(name if version == "*" else f"{name}{between}{version}")
        for name, version in versions.items()
        if not any(fnmatchcase(there, version) for there in installed.get(name, ()))
    )


def patient(command: str) -> str:
    """`command`, an apt-get, in a shell: repeated while it ends because another apt holds a lock.

    It ends as the command does, and after LOCK_SECONDS with the lock still taken.
    """
    return f"sh -c {shlex.quote(_PATIENT)} apt {LOCK_SECONDS} {shlex.quote(command)}"


def _advice(names: Iterable[str]) -> str:
    """A command that fails, and says which versions there are: only the machine knows."""
    there = f"apt-cache madison {' '.join(map(shlex.quote, names))} | awk '{{ print $1, $3 }}' | paste -s -d ,"
    remedy = (
        "remedy: where a version was not found, state another in image.toml [versions], best as a pattern (there is "
        f"$({there})); else see what apt says above"
    )
    return f'{{ echo "{remedy}" >&2; exit 1; }}'
