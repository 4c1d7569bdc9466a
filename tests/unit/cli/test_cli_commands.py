"""The other commands, their exit codes, and errors in general."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from bakewell.bases import Bases
from bakewell.image import READY, Identity
from tests.unit.cli.conftest import Bakewell
from tests.unit.commands import COMMANDS


def finished(bakewell: Bakewell, role: str, *numbers: int, on: int | None = None) -> list[str]:
    """IDs of finished images, one a number; their runs end with it. `on`: the parent's number.

    Images of one second are ordered by name, so the higher number is the newer image.
    """
    ids = []
    for number in numbers:
        name = f"bakewell-{role}-{number}"
        parent = None if on is None else f"{on:012x}"
        who = Identity("bakewell", role, f"{number:064x}", f"{number:012x}", parent, "nyc3")
        ids.append(str(bakewell.site.served.api.snapshot(name)["id"]))
        bakewell.site.cloud.images.tag(ids[-1], [*who.tags(), READY])
    return ids


def going(bakewell: Bakewell) -> list[str]:
    """IDs of what `clean --keep 1` would delete, in order."""
    return [one["id"] for one in bakewell("clean", "--keep", "1", "--dry-run", "--json").json["deleted"]]


def test_list_shows_who_uses_what(bakewell: Bakewell) -> None:
    (image,) = finished(bakewell, "base", 1)
    droplet = bakewell.site.served.api.droplet("base-1", image=int(image))
    (row,) = bakewell("list", "--json").json
    assert (row["role"], row["id"], row["state"], row["in_use_by"]) == ("base", image, "ready", ["droplet base-1"])
    shown = bakewell("list").out
    assert "fingerprint" in shown and image in shown and f"droplet {droplet['name']}" in shown


def test_clean_keeps_the_newest_and_says_why(bakewell: Bakewell) -> None:
    ids = finished(bakewell, "base", 1, 2, 3)
    planned = bakewell("clean", "--keep", "1", "--dry-run", "--json").json
    assert [one["id"] for one in planned["deleted"]] == ids[:2]
    assert [(one["id"], bool(one["reasons"])) for one in planned["kept"]] == [(ids[2], True)]
    assert len(bakewell("list", "--json").json) == 3, "a dry run deletes nothing"
    done = bakewell("clean", "--keep", "1")
    assert done.code == 0 and "2 images" in done.err and "newest 1 of 1" in done.out
    assert [row["id"] for row in bakewell("list", "--json").json] == ids[2:]
    assert bakewell("clean", "--keep", "1", "--json").json["deleted"] == []


def test_clean_looks_again_before_each_deletion(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    from bakewell.clouds.digitalocean.images import Images

    finished(bakewell, "base", 1, 2, 3)
    ids = going(bakewell)
    delete = Images.delete

    def delete_and_use(images: Images, image_id: str) -> None:
        delete(images, image_id)
        bakewell.site.served.api.droplet("late", image=int(ids[1]))

    monkeypatch.setattr(Images, "delete", delete_and_use)
    done = bakewell("clean", "--keep", "1", "--json").json
    assert [one["id"] for one in done["deleted"]] == ids[:1]
    assert [one["id"] for one in done["spared"]] == ids[1:2]


@pytest.mark.parametrize("path", ["/v2/droplets", "/v2/droplets/autoscale", "/v2/images"])
def test_clean_deletes_nothing_on_partial_evidence(bakewell: Bakewell, path: str) -> None:
    ids = finished(bakewell, "base", 1, 2)
    bakewell.site.served.api.post("/sandbox/faults", {"effect": "status", "status": 403, "method": "GET", "path": path})
    assert bakewell("clean", "--keep", "1").code == 3
    bakewell.site.served.api.delete("/sandbox/faults")
    assert {row["id"] for row in bakewell("list", "--json").json} == set(ids)


def test_clean_stops_where_evidence_becomes_partial(bakewell: Bakewell) -> None:
    every = finished(bakewell, "base", 1, 2, 3)
    first = going(bakewell)[0]
    rule = {"effect": "status", "status": 403, "method": "GET", "path": "/v2/droplets/autoscale", "nth": 3, "times": 99}
    bakewell.site.served.api.post("/sandbox/faults", rule)
    done = bakewell("clean", "--keep", "1")
    assert done.code == 3 and f"({first})" in done.err
    bakewell.site.served.api.delete("/sandbox/faults")
    assert {row["id"] for row in bakewell("list", "--json").json} == set(every) - {first}


def test_clean_for_pulumi_is_one_line_of_json(bakewell: Bakewell) -> None:
    finished(bakewell, "base", 1, 2, 3, 4)
    done = bakewell("clean", "--from-pulumi")
    assert set(done.json) == {"deleted", "kept"} and len(done.json["deleted"]) == 1 and done.json["kept"] == 3
    assert all(line.startswith("retention | ") for line in done.err.splitlines())
    assert done.err.count(" stays: ") == 3


def test_stage_lays_out_what_a_build_sees(bakewell: Bakewell, tmp_path: Path) -> None:
    done = bakewell("stage", "web", str(tmp_path / "out"), "--json")
    assert done.code == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"build.pkr.hcl", "image.toml", "deploy.py", "image.auto.pkrvars.json", "steps"} <= names
    assert bakewell("stage", "web", str(tmp_path / "out")).code == 2, "it is not empty any more"


def test_validate_needs_no_token_and_always_asks_packer(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    assert [one["role"] for one in bakewell("validate", "--json").json] == ["base", "web"]
    bakewell.site.mode("web", "invalid")
    done = bakewell("validate", "web")
    assert done.code == 2 and "Unsupported argument" in done.err


def test_validate_says_all_that_it_can_before_it_wants_packer(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    done = bakewell("validate")
    first, *_, last, _ = done.err.splitlines()
    assert done.code == 2 and last == "error: packer is not on PATH", done.err
    assert first == "digitalocean: valid before Packer is asked: base, web, and the user_data of the machines"


def test_lock_on_the_local_cloud_keeps_what_is_locked_to_the_real_one(bakewell: Bakewell) -> None:
    path = bakewell.site.root / "packer" / "bases.lock"
    path.write_text(path.read_text() + '\n[debian-12.digitalocean.ids]\nnyc3 = "1234"\n')
    before = path.read_text()
    done = bakewell("lock")
    assert done.code == 2
    assert "bases.lock" in done.err and "debian-12" in done.err and "remedy" in done.err
    assert path.read_text() == before


def test_lock_writes_down_what_bases_are_now(bakewell: Bakewell) -> None:
    first = bakewell("lock", "--json")
    assert first.code == 0 and first.json == {"debian-12 on digitalocean": True}
    assert bakewell("lock", "--json").json == {"debian-12 on digitalocean": False}
    entry = Bases.load(bakewell.site.root / "packer" / "bases.lock").entry("debian-12", "digitalocean")
    assert entry.image == "debian-12-x64" and entry.ids == {}, "IDs of the local cloud mean nothing elsewhere"
    assert bakewell("lock", "debian-99").code == 3
    assert bakewell("lock", "twelve", "--image", "debian-12-x64").code == 0


def test_doctor_names_what_is_missing_and_what_to_do(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    done = bakewell("doctor", "--json")
    states = {row["check"]: row for row in done.json}
    assert done.code == 1
    assert states["catalog"]["state"] == states["packer"]["state"] == states["state directory"]["state"] == "ok"
    assert states["packages"]["state"] == "ok" and "pyinfra 3." in states["packages"]["found"]
    account = states["digitalocean: account"]
    assert account["state"] == "fails" and "DIGITALOCEAN_TOKEN" in account["found"] and account["remedy"]


def test_outside_a_project_commands_say_so(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    done = bakewell("list")
    assert done.code == 2 and "not a Bakewell project" in done.err


def test_a_traceback_is_shown_with_debug_only(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("bakewell.clouds.digitalocean.images.Images.of", broken)
    quiet, loud = bakewell("list"), bakewell("list", "--debug")
    assert quiet.code == loud.code == 1
    assert "unexpected KeyError" in quiet.err and "--debug" in quiet.err and "Traceback" not in quiet.err
    assert "Traceback" in loud.err


def test_wrong_usage_is_bad_input(bakewell: Bakewell) -> None:
    for arguments in (("build", "--parallel", "0"), ("clean", "--keep", "0"), ("nonsense",), ("stage", "web")):
        assert bakewell(*arguments).code == 2


@pytest.mark.parametrize(
    ("packers", "options", "code", "said"),
    [
        (0, ["--check"], 0, ""),
        (3, ["--check"], 1, "remedy: run: bakewell fmt"),
        (1, ["--check"], 2, "correct the syntax"),
        (1, [], 2, "correct the syntax"),
    ],
)
def test_fmt_tells_a_syntax_error_from_another_layout(
    bakewell: Bakewell, packers: int, options: list[str], code: int, said: str
) -> None:
    bakewell.site.packer.fmt = packers
    done = bakewell("fmt", *options)
    assert done.code == code and said in done.err
    assert ("bakewell fmt" in done.err) == (code == 1)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_and_debug(bakewell: Bakewell, command: str) -> None:
    done = bakewell(*command.split(), "--help")
    assert done.code == 0 and "--debug" in done.out


def test_a_build_loads_no_pulumi_and_none_of_the_local_cloud() -> None:
    code = (
        "import sys, bakewell.cli.app, bakewell.cli.image.many, bakewell.build.build, bakewell.clouds.digitalocean\n"
        "heavy = {'pulumi', 'bakewell_local', 'pydo', 'requests', 'paramiko', 'rich.progress', 'hcl2', 'lark'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"


def test_the_version_is_told_alone(bakewell: Bakewell) -> None:
    assert bakewell("--version").out == f"{version('bakewell')}\n"
