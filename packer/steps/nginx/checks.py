"""Is nginx configured, running and modest?"""

from __future__ import annotations

from testinfra.host import Host


def test_the_configuration_is_valid(host: Host) -> None:
    # `nginx -t` makes the log files, which a sealed image lacks; here they go to a folder that only this command sees.
    said = host.run("unshare --mount sh -c 'mount -t tmpfs none /var/log/nginx && nginx -t'")
    assert said.rc == 0, said.stderr


def test_nginx_starts_at_boot_and_waits_for_no_network(host: Host) -> None:
    assert host.service("nginx").is_enabled
    waits_for = host.check_output("systemctl show -p After --value nginx").split()
    assert {"network-online.target", "sysinit.target", "cloud-init.service"} & set(waits_for) == set()


def test_nginx_is_restarted_when_it_dies(host: Host) -> None:
    assert host.check_output("systemctl show -p Restart --value nginx") == "on-failure"


def test_nginx_runs_and_its_workers_are_not_root(host: Host) -> None:
    assert host.service("nginx").is_running
    workers = host.process.filter(comm="nginx", ppid=host.process.get(comm="nginx", user="root").pid)
    assert workers
    assert {worker.user for worker in workers} == {"www-data"}


def test_the_version_is_kept_from_strangers(host: Host) -> None:
    headers = host.check_output("curl -sS -I http://127.0.0.1/").splitlines()
    assert [line.strip() for line in headers if line.startswith("Server:")] == ["Server: nginx"]
