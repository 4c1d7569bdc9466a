"""What must not be in an image, looked for without the list that the step itself works from."""

from __future__ import annotations

import pytest
from testinfra.host import Host


def files_in(host: Host, *finds: str) -> list[str]:
    """What `find` finds; each of `finds` is its arguments. A folder that is missing holds nothing."""
    return [path for args in finds for path in host.run(f"find {args} 2> /dev/null").stdout.splitlines()]


def test_no_host_keys(host: Host) -> None:
    assert files_in(host, "/etc/ssh -name 'ssh_host_*'") == []


def test_host_keys_are_made_at_boot(host: Host) -> None:
    assert host.service("ssh-host-keys.service").is_enabled
    units = ("ssh.service", "ssh.socket", "sshd.service")
    assert "enabled" in host.run(f"systemctl is-enabled {' '.join(units)}").stdout.split()


def test_no_machine_id_but_a_place_for_one(host: Host) -> None:
    file = host.file("/etc/machine-id")
    assert file.exists
    assert file.size == 0


def test_nobody_may_log_in_with_the_keys_of_the_build(host: Host) -> None:
    assert files_in(host, "/root/.ssh /home/*/.ssh -type f") == []


def test_cloud_init_starts_from_the_beginning(host: Host) -> None:
    assert files_in(host, "/var/lib/cloud -maxdepth 1 -name 'instance*'") == []


def test_no_package_lists_and_no_downloaded_packages(host: Host) -> None:
    found = files_in(
        host, "/var/lib/apt/lists -type f ! -name lock", "/var/cache/apt -type f ! -name lock", "/var/cache/dnf -type f"
    )
    assert found == []


def test_no_logs(host: Host) -> None:
    assert files_in(host, "/var/log -type f") == []


def test_the_journal_is_in_memory_till_the_next_boot(host: Host) -> None:
    assert files_in(host, "/run/log/journal -name '*.journal'") != []


def test_no_history(host: Host) -> None:
    assert files_in(host, "/root /home -name '.*_history'") == []


def test_no_random_seed_to_share(host: Host) -> None:
    assert not host.file("/var/lib/systemd/random-seed").exists


def test_no_timer_is_overdue_at_the_first_boot(host: Host) -> None:
    assert files_in(host, "/var/lib/systemd/timers -type f") == []


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp"])
def test_no_temporary_files(host: Host, folder: str) -> None:
    assert files_in(host, f"{folder} -type f ! -path '*/systemd-private-*'") == []
