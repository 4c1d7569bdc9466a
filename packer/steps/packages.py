"""Packages of whatever the base is: by apt on Debian and Ubuntu, by dnf on Amazon Linux and Rocky Linux."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyinfra import host
from pyinfra.api import DeployError, FactBase
from pyinfra.api.operation import OperationMeta

from steps import apt, dnf

Wanted = Sequence[str] | Mapping[str, str]


class Base(FactBase[str]):
    """Which base the machine has: its ID in /etc/os-release ("debian", "ubuntu", "amzn", "rocky")."""

    def command(self) -> str:
        return ". /etc/os-release && echo $ID"

    def process(self, output: Iterable[str]) -> str:
        return next(iter(output), "")


def rpm() -> bool:
    """Whether the base has dnf: all that these steps know and that is neither Debian nor Ubuntu.

    Raises:
        DeployError: a base that they do not know.
    """
    base = host.get_fact(Base)
    if base not in ("debian", "ubuntu", "amzn", "rocky"):
        raise DeployError(
            f"the steps know no base `{base}`\nremedy: build on one of docs/bases.md, or use steps of your own"
        )
    return base in ("amzn", "rocky")


def install(name: str, debian: Wanted, dnf_has: Wanted | None = None) -> OperationMeta:
    """Install packages by the names that the base has for them.

    Args:
        name: of the operation.
        debian: as `apt.install` takes them.
        dnf_has: as `dnf.install` takes them; None where the step knows no such package there.

    Raises:
        DeployError: the step knows no such package of this base.
    """
    if not rpm():
        return apt.install(name=name, wanted=debian)
    if dnf_has is None:
        raise DeployError(
            f"{name}: the step knows the packages of Debian and Ubuntu alone, and this base is {host.get_fact(Base)}\n"
            "remedy: install it in deploy.py by dnf.install, and configure it there"
        )
    return dnf.install(name=name, wanted=dnf_has)
