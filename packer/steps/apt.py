"""Debian packages: one refresh of the package lists a build, nothing recommended, nothing asked."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from pyinfra import host
from pyinfra.api import operation
from pyinfra.facts.deb import DebPackages

APT = (
    "DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 -o Acquire::Languages=none "
    "-o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "
    # A builder that loses power is thrown away, so dpkg need not wait for the disk after every file.
    "-o Dpkg::Options::=--force-unsafe-io"
)
_FRESH = "/run/apt-lists-fresh"
"""Exists once this build has refreshed the lists; gone with the next boot, like the lists themselves once sealed."""


@operation()
def install(wanted: Sequence[str] | Mapping[str, str]) -> Generator[str, None, None]:
    """Packages installed, without what they merely recommend.

    Args:
        wanted: names; or name: version, where the version may be a pattern ("1.22.1-9*"). Debian's archive holds one
            version of a package only, the newest, so an exact one ends every build at the next security update.
    """
    versions = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted, "*")
    installed = host.get_fact(DebPackages)
    missing = [
        name if version == "*" else f"{name}={version}"
        for name, version in versions.items()
        if not any(fnmatchcase(there, version) for there in installed.get(name, ()))
    ]
    if not missing:
        host.noop(f"packages {', '.join(versions)} are installed")
        return
    yield f"test -e {_FRESH} || {{ {APT} update && touch {_FRESH}; }}"
    yield f"{APT} install --no-install-recommends {' '.join(map(shlex.quote, missing))} || {_advice(versions)}"


def _advice(names: Iterable[str]) -> str:
    """A command that fails, and says which versions there are: only the machine knows."""
    there = f"apt-cache madison {' '.join(map(shlex.quote, names))} | awk '{{ print $1, $3 }}' | paste -s -d ,"
    remedy = (
        "remedy: where a version was not found, state another in image.toml [versions], best as a pattern (there is "
        f"$({there})); else see what apt says above"
    )
    return f'{{ echo "{remedy}" >&2; exit 1; }}'
