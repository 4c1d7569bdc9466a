"""Would the machine that is tested here call itself ready?"""

from __future__ import annotations

import json

from testinfra.host import Host


def test_it_looks_at_every_boot(host: Host) -> None:
    assert host.service("bakewell-ready.service").is_enabled


def test_it_waits_for_units_that_exist(host: Host) -> None:
    wanted = json.loads(host.file("/etc/bakewell/ready.json").content_string)
    missing = [unit for unit in wanted["units"] if host.run("systemctl cat %s", unit).rc != 0]
    assert missing == []


def test_it_waits_for_nothing_but_what_user_data_starts(host: Host) -> None:
    """A look at the machine as the deploy left it. What it writes is written aside, and removed."""
    wanted = json.loads(host.file("/etc/bakewell/ready.json").content_string)
    started_later = [unit for unit in wanted["units"] if not host.service(unit).is_running]
    said = host.run(
        "d=$(mktemp -d /run/check.XXXXXX) && cp -r --parents /etc/bakewell $d && "
        "python3 -ISB -c 'import sys; from pathlib import Path; from runpy import run_path; "
        'main = run_path("/usr/local/lib/bakewell/ready.py")["main"]; '
        "sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))' $d %s > /dev/null; "
        "cat $d/run/bakewell/*; rm -rf $d",
        "0" if started_later else "30",
    )
    if started_later:
        assert said.stdout.split(":")[0] in started_later
    else:
        assert float(said.stdout) > 0, said.stdout + said.stderr
