"""Would sshd and the kernel take the settings?"""

from __future__ import annotations

import pytest
from testinfra.host import Host

SYSCTL = "/etc/sysctl.d/90-hardening.conf"


@pytest.fixture(scope="module")
def sshd(host: Host) -> list[str]:
    """The settings that sshd would start with, one a line."""
    # A key of this check's own, in memory: the image's are gone by now.
    said = host.run(
        "d=$(mktemp -d /run/check.XXXXXX) && ssh-keygen -q -t ed25519 -N '' -f $d/key && sshd -T -h $d/key; "
        "code=$?; rm -rf $d; exit $code"
    )
    assert said.rc == 0, said.stderr
    return [str(line) for line in said.stdout.splitlines()]


@pytest.mark.parametrize(
    "setting",
    [
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitrootlogin without-password",
        "permitemptypasswords no",
        "x11forwarding no",
    ],
)
def test_sshd_would_start_with_the_setting(sshd: list[str], setting: str) -> None:
    assert setting in sshd


def test_the_kernel_knows_each_setting(host: Host) -> None:
    lines = host.file(SYSCTL).content_string.splitlines()
    keys = [line.split("=")[0].strip() for line in lines if "=" in line and not line.startswith("#")]
    assert len(keys) == 10
    assert host.run(f"sysctl -n {' '.join(keys)}").stderr == ""
