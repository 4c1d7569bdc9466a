"""Each step on each base: the commands that it gives, or its refusal. docs/bases.md shows the same as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import DeployError
from pyinfra.facts.deb import DebPackages
from pyinfra.facts.files import FindInFile
from pyinfra.facts.rpm import RpmPackages
from steps import cloud_init, core, docker, hardening, monitoring, nginx, packages, ready, seal, updates

from tests.unit.steps.harness import Facts, given, shell, texts

DOC = Path(__file__).resolve().parents[3] / "docs" / "bases.md"
BASES = {
    "Debian 12": ("debian", False),
    "Debian 13": ("debian", True),
    "Ubuntu 22.04": ("ubuntu", True),
    "Ubuntu 24.04": ("ubuntu", True),
    "Amazon Linux 2023": ("amzn", False),
    "Rocky Linux 9": ("rocky", False),
}
"""Name -> ID in /etc/os-release, and whether its cloud-init is one process by itself (from 24.3 on)."""

STEPS: dict[str, Callable[[], Any]] = {
    "cloud_init": cloud_init.tune,
    "core": core.tools,
    "docker": lambda: docker.engine(version="1.0-*"),
    "hardening": hardening.harden,
    "monitoring": lambda: monitoring.node_exporter(version="1.0-*"),
    "nginx": lambda: nginx.serve(version="1.0-*"),
    "ready": lambda: ready.when(boot={}, consul={}),
    "seal": seal.seal,
    "updates": updates.daily,
}
RUN = {"Debian 12": set(STEPS), "Debian 13": set(STEPS) - {"docker"}}
"""The bases that tests bake and boot, and the steps that they run there (tests/e2e/docker/test_debian_13.py)."""
DNF = ("Amazon Linux 2023", "Rocky Linux 9")


def facts(base: str) -> Facts:
    """A machine of the base, as its vendor makes it."""
    name, once = BASES[base]
    lists = ("datasource_list", "cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
    return {
        packages.Base: name,
        DebPackages: {},
        RpmPackages: {},
        cloud_init.Found: {"config": {key: [] for key in lists}, "source": "", "grub": True, "apart": not once},
        seal.Leftovers: ["/etc/ssh/ssh_host_rsa_key"],
    }


def commands(step: str, base: str) -> str:
    return "\n".join(shell(given(STEPS[step], facts(base))))


def known(step: str, base: str) -> bool:
    """Whether the step knows the base: it gives commands, or refuses with a remedy."""
    try:
        assert commands(step, base)
    except DeployError as refusal:
        assert "remedy: " in str(refusal)
        return False
    return True


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("base", BASES)
def test_a_step_uses_the_package_manager_of_the_base(step: str, base: str) -> None:
    if not known(step, base):
        assert (base in DNF and step in ("nginx", "monitoring")) or (base == "Rocky Linux 9" and step == "docker")
        return
    said = commands(step, base)
    assert ("dnf -q -y" in said) == (base in DNF and step in ("core", "docker", "updates"))
    assert "apt-get" not in said or base not in DNF


def test_curl_is_taken_from_whatever_package_has_it() -> None:
    said = commands("core", "Rocky Linux 9")
    assert " install ca-certificates /usr/bin/curl iproute " in said


def test_an_exact_version_of_a_package_is_asked_for_as_dnf_writes_it() -> None:
    assert "install 'docker-1.0-*'" in commands("docker", "Amazon Linux 2023")


def test_installed_packages_are_left_alone_where_the_version_fits() -> None:
    there = {**facts("Amazon Linux 2023"), RpmPackages: {"docker": ["1.0-3.amzn2023"]}}
    said = "\n".join(shell(given(STEPS["docker"], there)))
    assert "dnf" not in said
    there = {**facts("Amazon Linux 2023"), RpmPackages: {"docker": ["0.9-1.amzn2023"]}}
    assert "install 'docker-1.0-*'" in "\n".join(shell(given(STEPS["docker"], there)))


@pytest.mark.parametrize(
    ("said", "sets", "puts"),
    [([], False, True), (["\tserver_tokens build; # why"], True, False), (["\tserver_tokens off;"], False, False)],
    ids=["Debian 12", "Debian 13", "set"],
)
def test_nginx_keeps_its_version_to_itself_in_one_place(said: list[str], sets: bool, puts: bool) -> None:
    done = given(STEPS["nginx"], {**facts("Debian 13"), FindInFile: said})
    assert any(command.startswith("sed -i -E 's/^(\\s*server_tokens) .*/") for command in shell(done)) == sets
    assert (nginx.MODEST in texts(done)) == puts


@pytest.mark.parametrize("base", DNF)
def test_security_updates_alone_are_installed_daily(base: str) -> None:
    done = given(STEPS["updates"], facts(base))
    assert texts(done)["/etc/dnf/automatic.conf"] == "[commands]\nupgrade_type = security\n"
    assert any("systemctl enable dnf-automatic-install.timer" in command for command in shell(done))
    assert ("/etc/dnf/vars/releasever" in texts(done)) == (base == "Amazon Linux 2023")


@pytest.mark.parametrize("base", BASES)
def test_sealing_removes_the_caches_of_either_package_manager(base: str) -> None:
    said = commands("seal", base)
    assert "dnf-makecache.timer" in said and "apt-daily.timer" in said
    assert "for cache in /var/cache/apt /var/cache/dnf; do [ ! -d $cache ] ||" in said
    unit = texts(given(STEPS["seal"], facts(base)))["/etc/systemd/system/ssh-host-keys.service"]
    assert "WantedBy=ssh.service sshd.service" in unit
    assert "After=cloud-init.service cloud-init-network.service" in unit


@pytest.mark.parametrize(("base", "once"), [(base, once) for base, (_, once) in BASES.items()])
def test_a_cloud_init_that_is_one_process_keeps_its_own_units(base: str, once: bool) -> None:
    put = texts(given(STEPS["cloud_init"], facts(base)))
    assert "/etc/cloud/cloud.cfg.d/zz_bakewell.cfg" in put
    assert any(path.endswith("bakewell.conf") for path in put) == (not once)


def test_an_unknown_base_is_refused_with_a_remedy() -> None:
    with pytest.raises(DeployError, match="the steps know no base `alpine`\nremedy: "):
        given(STEPS["core"], {packages.Base: "alpine"})


def test_the_document_has_the_table() -> None:
    rows = []
    for step in STEPS:
        said = [
            ("run" if step in RUN.get(base, ()) else "derived") if known(step, base) else "refused" for base in BASES
        ]
        rows.append(f"| {step} | {' | '.join(said)} |")
    found = [line for line in DOC.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert found[1:] == rows, "docs/bases.md should have:\n" + "\n".join(rows)
