"""`bakewell build` and `bakewell copy`, as people and as Pulumi run them."""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from rich.console import Console

from bakewell.build.log import Printer
from bakewell.build.progress import Progress
from bakewell.build.result import Result
from bakewell.errors import BuildError, Interrupted
from bakewell.fingerprint import fingerprints
from tests.unit.cli.conftest import Bakewell

API = {"image.toml": 'description = "api"\nparent = "base"\n', "deploy.py": "", "checks.py": ""}
WEB = Result(
    role="web",
    cloud="digitalocean",
    id="7",
    name="b-web",
    fingerprint="f",
    run="r",
    parent=None,
    home="nyc3",
    regions=("nyc3",),
    action="built",
    seconds=12.0,
    finished=0.0,
)


def add_api(bakewell: Bakewell) -> None:
    """A second child of base."""
    for name, text in API.items():
        bakewell.site.write(f"images/api/{name}", text)


class Clock(datetime):
    """One minute past midnight on a Monday."""

    MONDAY = datetime(2026, 11, 23, 0, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Clock:
        at = cls.MONDAY
        return cls(at.year, at.month, at.day, at.hour, at.minute, tzinfo=tz)


def test_all_images_are_built_parents_first(bakewell: Bakewell) -> None:
    done = bakewell("build", "--json")
    assert done.code == 0
    base, web = done.json
    assert (base["role"], base["action"], web["role"], web["action"]) == ("base", "built", "web", "built")
    assert web["parent"] == base["run"]
    assert all(line.startswith(("base | ", "web | ")) for line in done.err.splitlines())
    again = bakewell("build", "all")
    assert again.code == 0 and again.out.count("adopted") == 2 and base["id"] in again.out


def test_named_images_are_built_with_what_they_are_built_on_and_force_means_them_alone(bakewell: Bakewell) -> None:
    add_api(bakewell)
    assert bakewell("build", "web").code == 0
    done = bakewell("build", "web", "api", "--force", "--json")
    actions = {one["role"]: one["action"] for one in done.json}
    assert done.code == 0 and actions == {"base": "adopted", "api": "built", "web": "built"}
    assert len({one.get("parent") for one in done.json if one["role"] != "base"}) == 1


def test_a_failure_takes_only_its_descendants_along(bakewell: Bakewell) -> None:
    bakewell.site.write("images/api/image.toml", 'description = "api"\nbase = "debian-12"\n')
    for name in ("deploy.py", "checks.py"):
        bakewell.site.write(f"images/api/{name}", "")
    bakewell.site.mode("base", "fail")
    done = bakewell("build", "--json")
    assert done.code == 4
    assert {one["role"]: one["action"] for one in done.json} == {"api": "built", "base": "failed", "web": "failed"}
    assert "its parent base failed" in done.err and "the check failed" in done.err
    bakewell.site.leaves()


def test_an_unknown_image_is_bad_input(bakewell: Bakewell) -> None:
    done = bakewell("build", "wbe")
    assert done.code == 2 and "did you mean" in done.err and done.out == ""


def test_no_name_means_the_stacks_images_and_all_means_every_one(bakewell: Bakewell) -> None:
    bakewell.settle("roles: [base]")
    assert [one["role"] for one in bakewell("build", "--json").json] == ["base"]
    assert [one["role"] for one in bakewell("build", "all", "--json").json] == ["base", "web"]


def test_a_wrong_name_among_good_ones_builds_nothing(bakewell: Bakewell) -> None:
    assert bakewell("build", "base", "wbe").code == 2
    assert bakewell("list", "--json").json == []


def test_without_a_terminal_waiting_and_failing_are_lines_as_they_happen(bakewell: Bakewell) -> None:
    add_api(bakewell)
    bakewell.site.mode("api", "fail")
    lines = bakewell("build", "--parallel", "1").err.splitlines()
    assert "web | waiting for its parent base" in lines and "api | waiting for its parent base" in lines
    assert any(line.split(" | ")[1].startswith("waiting for a free slot: 1 builds") for line in lines)
    failed = next(n for n, line in enumerate(lines) if line.startswith("api | failed: image api was not built"))
    assert failed < lines.index(next(line for line in lines if line.startswith("error: ")))


def test_on_a_terminal_a_line_an_image_goes_through_its_states(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    done = bakewell("build", "--json")
    assert done.code == 0 and len(done.json) == 2
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.err)
    assert re.search(r"^base +(looking|building) .*\n\r?web +waiting +for base", shown, re.MULTILINE)
    assert re.search(r"^base +ready +\d+ +bakewell-base-.*\n\r?web +(looking|building)", shown, re.MULTILINE)
    assert done.err.endswith("\x1b[?25h") or "\x1b[?25h" in done.err.rpartition("\x1b[?25l")[2], "the cursor is back"


def board(shown: Progress) -> list[str]:
    """The lines that a terminal of 60 columns shows."""
    console = Console(width=60, file=io.StringIO())
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_each_line_says_state_seconds_and_what_the_build_is_at(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("bakewell.build.progress.time.monotonic", lambda: now)
    shown = Progress(["base", "web", "api"], Printer(io.StringIO(), secrets={"A_TOKEN": "wrong-and-secret"}))
    shown.waits("web", "base")
    say = shown.begins("base")
    assert board(shown) == ["base  looking         0", "web   waiting            for base", "api   waiting"]
    say("waiting for a free slot: 4 builds at once (bakewell:parallel)")
    assert board(shown)[0].startswith("base  queued          0  waiting for a free slot: 4 builds")
    say("building b-base on debian-12-x64, log: /x")
    now = 109.6
    assert board(shown)[0] == "base  building       10"
    say("--> Starting operation: nginx | Install nginx 1.22.1-*\n    [192.0.2.1] Success\n")
    assert board(shown)[0] == "base  building       10  nginx | Install nginx 1.22.1-*"
    say("token wrong-and-secret " + "x" * 80)
    assert "token *** xxx" in board(shown)[0] and len(board(shown)[0]) == 60
    shown.ends("base", BuildError("it failed with wrong-and-secret\nand more"))
    shown.begins("web")
    shown.ends("web", WEB)
    shown.begins("api")
    shown.ends("api", Interrupted("interrupted"))
    now = 500.0
    assert [line.split()[:3] for line in board(shown)] == [
        ["base", "failed", "10"],
        ["web", "ready", "0"],
        ["api", "interrupted", "0"],
    ]
    assert board(shown)[0].endswith("it failed with ***")


def test_for_pulumi_stdout_is_one_line_of_json(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEWELL_FINGERPRINT", bakewell.site.job("base").fingerprint.value)
    done = bakewell("build", "base")
    assert done.code == 0 and done.json["action"] == "built"
    assert done.err and all(line.startswith("base | ") for line in done.err.splitlines())
    assert bakewell("build", "base").json["action"] == "adopted"


def test_for_pulumi_the_stack_is_that_of_its_run(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is from before a rename, and another stack has that name now."""
    monkeypatch.setenv("BAKEWELL_STACK", "dev")
    monkeypatch.setattr("bakewell.settings.engine.announced", lambda state_dir: "renamed")
    renamed = "config:\n  bakewell:local: true\n  bakewell:prefix: renamed\n"
    (bakewell.site.root / "Pulumi.renamed.yaml").write_text(renamed)
    fingerprint = bakewell.site.job("base").fingerprint.value
    assert not bakewell("build", "base", "--json").out.count("renamed-base"), "people mean what they say"
    with monkeypatch.context() as patch:
        patch.setenv("BAKEWELL_FINGERPRINT", fingerprint)
        assert bakewell("build", "base", "--force").json["name"].startswith("renamed-base-")
    monkeypatch.setattr("bakewell.settings.engine.announced", lambda state_dir: "gone")
    done = bakewell("clean", "--from-pulumi")
    assert done.code == 2 and "stack gone has no config" in done.err


def test_for_pulumi_other_files_than_it_read_are_refused(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEWELL_FINGERPRINT", "0" * 64)
    for command in (("build", "base"), ("copy", "base", "sfo3")):
        done = bakewell(*command)
        assert done.code == 2 and "changed since Pulumi read them" in done.err and done.out == ""


def test_for_pulumi_content_of_the_rebuild_window_before_is_still_built(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = 'description = "base"\nbase = "debian-12"\n[rebuild]\nwindow = "weekly"\n'
    bakewell.site.write("images/base/image.toml", window)
    job = bakewell.site.job("base")
    monkeypatch.setattr("bakewell.cli.common.datetime", Clock)

    def wanted(now: datetime) -> str:
        return fingerprints(job.catalog, "digitalocean", job.bases, now=now)["base"].value

    monkeypatch.setenv("BAKEWELL_FINGERPRINT", wanted(Clock.MONDAY - timedelta(minutes=1)))
    done = bakewell("build", "base")
    assert done.code == 0 and done.json["fingerprint"] == wanted(Clock.MONDAY - timedelta(minutes=1))
    assert bakewell("copy", "base", "sfo3").code == 0
    monkeypatch.setenv("BAKEWELL_FINGERPRINT", wanted(Clock.MONDAY - timedelta(days=8)))
    done = bakewell("build", "base")
    assert done.code == 2 and "rebuild window" in done.err


def test_a_copy_is_of_the_image_that_the_stack_adopts(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    built = bakewell("build", "base", "--json").json[0]
    bakewell.settle("digitalocean: {regions: [sfo3]}")
    assert bakewell("build", "base", "--force").code == 0
    bakewell.settle()
    assert bakewell("copy", "base", "fra1").json["id"] == built["id"], "not the newer one that lives in sfo3"
    assert bakewell("build", "base", "--json").json[0]["id"] == built["id"]


def test_for_pulumi_failures_are_lines_of_the_image_and_stdout_stays_empty(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch
) -> None:
    bakewell.site.mode("base", "fail")
    monkeypatch.setenv("BAKEWELL_FINGERPRINT", bakewell.site.job("base").fingerprint.value)
    done = bakewell("build", "base")
    assert done.code == 4 and done.out == ""
    assert "base | error: " in done.err and all(line.startswith("base | ") for line in done.err.splitlines())


def test_without_a_token_nothing_is_built(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    done = bakewell("build", "base")
    assert done.code == 2 and "DIGITALOCEAN_TOKEN" in done.err


def test_a_wrong_token_and_a_cloud_out_of_reach_are_failures_of_the_cloud(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "wrong-and-secret")
    done = bakewell("list")
    assert done.code == 3 and "401" in done.err and "wrong-and-secret" not in done.err
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "http://127.0.0.1:9")
    done = bakewell("build", "base")
    assert done.code == 3 and "127.0.0.1:9" in done.err and "remedy" in done.err


def test_a_copy_is_one_line_of_json_and_made_once(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bakewell("copy", "base", "sfo3").code == 4
    built = bakewell("build", "base", "--json").json[0]
    monkeypatch.setenv("BAKEWELL_FINGERPRINT", built["fingerprint"])
    for _ in range(2):
        done = bakewell("copy", "base", "sfo3")
        assert done.code == 0 and done.json == {"id": built["id"], "region": "sfo3"}
    assert bakewell.site.cloud.images.regions(built["id"]) == ("nyc3", "sfo3")
