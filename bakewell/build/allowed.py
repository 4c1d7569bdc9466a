"""The environment of Packer, and so of PyInfra and the checks: a list of allowed variables.

Any other variable that a template or deploy.py reads could change an image without changing its fingerprint. The list
therefore has only variables that programs need to run and to reach the cloud. Locale and time zone, which change the
output of programs, are fixed. packer/provision.py narrows the list for deploy.py and the checks, without credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from bakewell.clouds.facts import CLOUDS

FIXED = {
    # Messages, sorting and the encoding of files follow the locale; times that are written down follow the zone.
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    # Packer asks nobody for news and writes no colours.
    "CHECKPOINT_DISABLE": "1",
    "PACKER_NO_COLOR": "1",
}

ALLOWED = (
    # Programs are found, know whose they are, and have a place for temporary files.
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR"),
    # The cloud is reached: through a proxy, trusting the authorities of this network.
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
    # Packer finds its settings and plugins, and tells more. Not PACKER_LOG_PATH: nobody would mask secrets there.
    *("PACKER_PLUGIN_PATH", "PACKER_CONFIG_DIR", "PACKER_CONFIG", "PACKER_CACHE_DIR", "PACKER_LOG"),
    *("XDG_CONFIG_HOME", "XDG_CACHE_HOME"),
)
"""Not SSH_AUTH_SOCK: a build has a key of its own, and an agent would offer it everybody's."""


def allowed(environ: Mapping[str, str], cloud: str | None = None) -> dict[str, str]:
    """What is let through of `environ`: ALLOWED, with a cloud also what its own programs need; and what is FIXED."""
    patterns = (*ALLOWED, *(CLOUDS[cloud].variables if cloud is not None else ()))
    kept = {name: value for name, value in environ.items() if any(fnmatchcase(name, one) for one in patterns)}
    return kept | FIXED
