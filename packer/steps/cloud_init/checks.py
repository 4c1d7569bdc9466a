"""Will cloud-init take its settings, and still do what machines need?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

READ = (
    "import json; from cloudinit import util; "
    "config = util.read_conf_with_confd('/etc/cloud/cloud.cfg'); "
    "print(json.dumps({key: value for key, value in config.items() if key != 'log_cfgs'}))"
)


@pytest.fixture(scope="module")
def config(host: Host) -> dict[str, Any]:
    """cloud-init's configuration as it will read it itself."""
    if not host.exists("cloud-init"):
        pytest.skip("this machine has no cloud-init")
    read: dict[str, Any] = json.loads(host.check_output("python3 -c %s", READ))
    return read


def test_the_machine_looks_for_its_data_where_the_builder_found_its_own(host: Host, config: dict[str, Any]) -> None:
    first, last = config["datasource_list"]
    assert last == "None"
    # What the builder's cloud-init calls itself is not quite the same: aws for Ec2.
    cloud = host.check_output("cat /run/cloud-init/cloud-id")
    assert {"aws": "ec2"}.get(cloud, cloud) == first.lower()


def test_the_script_that_runs_before_cloud_init_reads_the_same(host: Host, config: dict[str, Any]) -> None:
    """It understands a list on one line only."""
    lines = host.check_output("grep -h ^datasource_list: /etc/cloud/cloud.cfg.d/*.cfg").splitlines()
    assert lines[-1] == f"datasource_list: [ {', '.join(config['datasource_list'])} ]"


@pytest.mark.parametrize(
    ("stage", "wanted"),
    [
        ("cloud_init_modules", ["bootcmd", "write_files", "growpart", "resizefs", "mounts", "set_hostname", "ssh"]),
        ("cloud_config_modules", ["set_passwords", "runcmd"]),
        ("cloud_final_modules", ["scripts_user", "scripts_vendor", "final_message"]),
    ],
)
def test_what_machines_need_still_runs(config: dict[str, Any], stage: str, wanted: list[str]) -> None:
    there = [str(module).replace("-", "_") for module in config[stage]]
    assert [module for module in wanted if module not in there] == []
    assert "landscape" not in there


def test_host_keys_are_of_kinds_that_are_made_at_once(config: dict[str, Any]) -> None:
    assert config["ssh_genkeytypes"] == ["ed25519", "ecdsa"]


def test_whoever_may_log_in_does_so_as_root_on_every_cloud(config: dict[str, Any]) -> None:
    assert config["disable_root"] is False


def test_the_first_two_stages_are_run_by_one_program_that_python_takes(host: Host, config: dict[str, Any]) -> None:
    program = "/usr/local/lib/bakewell/cloud_init_stages.py"
    if host.file("/lib/systemd/system/cloud-init-main.service").exists:  # it does so by itself from 24.3 on
        assert not host.file(program).exists
        return
    for unit, stage in (("cloud-init-local", "local"), ("cloud-init", "network")):
        run = host.check_output("systemctl cat %s.service", unit).split("ExecStart=")[-1].splitlines()[0]
        assert run.startswith("/usr/bin/python3 ")
        assert run.endswith(f" {program} {stage}")
    compiled = (
        "import ast, pathlib; ast.parse(pathlib.Path('/usr/local/lib/bakewell/cloud_init_stages.py').read_text())"
    )
    assert host.run("python3 -c %s", compiled).rc == 0
    # What it falls back on.
    assert host.file("/usr/bin/cloud-init").is_executable
