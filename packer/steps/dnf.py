"""Packages of Amazon Linux 2023 and of Rocky Linux 9: nothing that is merely recommended, nothing asked.

dnf refreshes its lists by itself, and waits by itself while another dnf holds its lock. The timers that would start one
are stopped for as long as the builder runs; machines of the image have them.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Mapping, Sequence

from pyinfra import host
from pyinfra.api import operation
from pyinfra.facts.rpm import RpmPackages

from steps.apt import missing

DNF = "LC_ALL=C.UTF-8 dnf -q -y --setopt=install_weak_deps=False --setopt=retries=3"
_QUIET = "systemctl stop dnf-makecache.timer dnf-automatic.timer dnf-automatic-install.timer 2> /dev/null || true"


@operation()
def install(wanted: Sequence[str] | Mapping[str, str]) -> Generator[str, None, None]:
    """Packages installed, without what they merely recommend.

    Args:
        wanted: names, or paths that a package must provide ("/usr/bin/curl", which curl-minimal has, too); or name:
            version with its release, where the version may be a pattern ("1.24.0-*").
    """
    versions = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted, "*")
    packages = missing(versions, host.get_fact(RpmPackages), "-")
    if not packages:
        host.noop(f"packages {', '.join(versions)} are installed")
        return
    there = f"dnf -q list --showduplicates {' '.join(map(shlex.quote, versions))} 2> /dev/null"
    remedy = (
        "remedy: where a version was not found, state another in image.toml [versions], best as a pattern (there is "
        f"$({there} | awk 'NF == 3 {{ print $1, $2 }}' | paste -s -d ,)); else see what dnf says above"
    )
    yield f'{_QUIET}; {DNF} install {packages} || {{ echo "{remedy}" >&2; exit 1; }}'
