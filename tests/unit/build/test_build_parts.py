"""The parts of a build one by one: locks, logs, records, the supervisor, what Packer may see."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, cast

import pytest

from bakewell.build import log, runs, slots, supervisor
from bakewell.build.stop import Stop
from bakewell.errors import BakewellError, Interrupted
from bakewell.masks import Masks
from tests.unit.build.conftest import Said
from tests.waiting import until

CONTROLS = ["\x1b[1;31m", "\x1b[?25l", "\x1b[2 q", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x1b(B", "\r", "\x08"]
CONTROLS += ["\x7f", "\x9b", "\x00"]
RECORD = runs.Record("0123456789ab", "p", "base", "digitalocean", "http://x", "p-base-1", "f" * 64, 1)


# records and locks of runs


def test_a_run_is_private_and_leaves_nothing_when_it_is_finished(tmp_path: Path) -> None:
    run = runs.begin(tmp_path, RECORD)
    assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
    assert list(runs.known(tmp_path)) == [RECORD] and runs.is_known(tmp_path, RECORD.run)
    assert runs.claim(tmp_path, RECORD.run) is None, "held"
    run.finish()
    assert list((tmp_path / "runs").iterdir()) == []
    run.finish()


def test_a_released_run_keeps_its_record_and_loses_its_secrets(tmp_path: Path) -> None:
    run = runs.begin(tmp_path, RECORD)
    (run.folder / "key").write_text("secret")
    run.release()
    assert not run.folder.exists()
    again = runs.claim(tmp_path, RECORD.run)
    assert again is not None and again.record == RECORD
    again.finish()
    assert runs.claim(tmp_path, RECORD.run) is None


def test_a_file_that_is_no_record_is_left_alone_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "x.lock").write_text("{")
    assert list(runs.known(tmp_path)) == [] and runs.claim(tmp_path, "x") is None
    assert "x.lock" in caplog.text


def test_a_state_directory_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BakewellError, match="cannot be written") as caught:
        runs.begin(tmp_path / "file", RECORD)
    assert "BAKEWELL_STATE" in caught.value.remedy


def test_a_record_that_cannot_be_written_leaves_nothing_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(BakewellError, match="No space left"):
            runs.begin(tmp_path, RECORD)
    assert list((tmp_path / "runs").iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# slots


def test_no_more_than_the_cap_at_once(tmp_path: Path, said: Said) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with slots.slot(tmp_path, 2, Stop(), said.append):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.15)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
    assert any("waiting for a free slot: 2 builds at once" in line for line in said)


def test_a_slot_of_a_process_that_died_is_free(tmp_path: Path, said: Said) -> None:
    code = (
        "import os, pathlib, sys\nfrom bakewell.build import slots\nfrom bakewell.build.stop import Stop\n"
        "with slots.slot(pathlib.Path(sys.argv[1]), 1, Stop(), print):\n    os.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert died.returncode == -9
    with slots.slot(tmp_path, 1, Stop(), said.append):
        assert said == []


def test_waiting_for_a_slot_can_be_interrupted(tmp_path: Path, said: Said) -> None:
    stop = Stop()
    with slots.slot(tmp_path, 1, Stop(), said.append):
        threading.Timer(0.2, stop.ask).start()
        with pytest.raises(Interrupted), slots.slot(tmp_path, 1, stop, said.append):
            raise AssertionError("there was no free slot")


def test_old_logs_are_pruned_and_new_ones_kept(tmp_path: Path) -> None:
    old, new = log.create(tmp_path, "old"), log.create(tmp_path, "new")
    os.utime(old, (1, 1))
    slots.prune(tmp_path, time.time())
    assert not old.exists() and new.exists()


def test_a_log_that_another_command_pruned_first_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, other = log.create(tmp_path, "old"), log.create(tmp_path, "other")
    os.utime(other, (1, 1))
    glob = Path.glob

    def both_then_one(folder: Path, pattern: str) -> list[Path]:
        found = list(glob(folder, pattern))
        old.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "glob", both_then_one)
    slots.prune(tmp_path, time.time())
    assert not other.exists()


# lines


def test_lines_have_their_role_in_front_and_no_colours_or_secrets() -> None:
    out = io.StringIO()
    printer = log.Printer(out, secrets={"X_TOKEN": "hush-hush", "EDITOR": "vi-in-here"})
    printer.for_role("web")("one\n\x1b[32mtwo\x1b[0m hush-hush vi-in-here")
    assert out.getvalue() == "web | one\nweb | two *** vi-in-here\n"


def test_a_secret_at_the_end_of_what_is_shown_of_a_line_is_not_shown_in_part() -> None:
    out = io.StringIO()
    log.Printer(out, secrets={"X_TOKEN": "hush-hush"}).line("x" * 1995 + "hush-hush")
    assert out.getvalue() == "x" * 1995 + "***\n"


def test_lines_are_bounded_and_say_so() -> None:
    out = io.StringIO()
    printer = log.Printer(out, bound=1000)
    for _ in range(500):
        printer.for_role("web")("x" * 50)
    lines = out.getvalue().splitlines()
    assert len(out.getvalue()) < 1200
    assert lines[-1] == "web | … more than is shown here: the rest is in the log file"


@pytest.mark.parametrize(
    "error",
    [BrokenPipeError(), *(OSError(number, "") for number in (errno.EIO, errno.ENOSPC, errno.EBADF)), ValueError()],
)
def test_what_cannot_be_said_does_not_end_a_build(error: Exception) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    log.Printer(Gone()).line("text")


def test_a_log_that_cannot_be_read_does_not_hide_why_a_build_failed(tmp_path: Path, said: Said) -> None:
    assert "No such file" in log.tail(tmp_path / "gone.log", 30)
    assert log.cause(tmp_path / "gone.log") == ("", [])
    with log.Follower(tmp_path / "gone.log", said.append):
        pass
    assert len(said) == 1 and "cannot be followed: No such file" in said[0]


def test_packers_lines_lose_the_sources_name() -> None:
    assert log.plain("\x1b[1;32m==> digitalocean.image: Creating droplet...\x1b[0m") == "Creating droplet..."
    assert log.plain("    digitalocean.image: hello") == "hello"
    assert log.plain("==> Wait completed after 1 second") == "==> Wait completed after 1 second"


def test_a_file_is_followed_to_its_end(tmp_path: Path, said: Said) -> None:
    path = log.create(tmp_path, "web")
    with log.Follower(path, said.append), path.open("a") as file:
        file.write("one\ntw")
        file.flush()
        until(lambda: list(said), lambda lines: lines == ["one"])
        file.write("o\nlast, without an end")
    assert said == ["one", "two", "last, without an end"]
    assert log.tail(path, 2) == "two\nlast, without an end"


# the supervisor


def supervising(path: Path, parent: int, *command: str, grace: float = 5, seconds: float = 9e9) -> list[str]:
    """A supervisor's command line. `parent`: the descriptor of the pipe whose other end the build has."""
    words = [sys.executable, "-I", "-S", supervisor.__file__, "--log", str(path), "--parent", str(parent)]
    return [*words, "--grace", str(grace), "--seconds", str(seconds), "--", *command]


def run_supervisor(
    tmp_path: Path, command: list[str], *, grace: float = 5, seconds: float = 9e9, keep: float | None = None
) -> tuple[int, str]:
    """Its exit status and its log. `keep`: seconds until the build's end of the pipe is closed; None: never."""
    path = log.create(tmp_path, "log")
    reads, writes = os.pipe()
    words = supervising(path, reads, *command, grace=grace, seconds=seconds)
    process = subprocess.Popen(words, pass_fds=(reads,), start_new_session=True, stdin=subprocess.PIPE)
    os.close(reads)
    with cast("IO[bytes]", process.stdin) as stdin:
        stdin.write(json.dumps(["open-sesame"]).encode())
    if keep is not None:
        time.sleep(keep)
        os.close(writes)
    status = process.wait(20)
    if keep is None:
        os.close(writes)
    return status, path.read_text()


def test_a_supervisor_whose_build_is_gone_before_it_begins_starts_nothing(tmp_path: Path) -> None:
    path = log.create(tmp_path, "log")
    done = subprocess.run(
        supervising(path, 0, "echo", "started"), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr, path.read_text()) == (supervisor.INTERRUPTED, b"", "")


def test_the_supervisor_hands_on_the_status_and_masks_secrets(tmp_path: Path) -> None:
    script = "echo one; echo open-sesame >&2; printf 'no end open-sesame'; exit 7"
    assert run_supervisor(tmp_path, ["sh", "-c", script]) == (7, "one\n***\nno end ***\n")


def test_a_command_that_was_killed_has_a_shells_status(tmp_path: Path) -> None:
    assert run_supervisor(tmp_path, ["sh", "-c", "kill -9 $$"])[0] == 137


def test_end_of_the_build_interrupts_the_command(tmp_path: Path) -> None:
    script = "trap 'echo tidying; exit 3' INT; echo up; while :; do sleep 0.05; done"
    assert run_supervisor(tmp_path, ["sh", "-c", script], keep=0.7) == (supervisor.INTERRUPTED, "up\ntidying\n")


# setsid starts a session and a process group of its own; its parent ends at once.
LEAVES = "setsid sh -c 'trap \"\" INT; echo $$; exec sleep 1000' & "


@pytest.mark.parametrize(
    ("script", "keep", "status"),
    [
        (LEAVES + "sleep 0.5; exit 7", None, 7),
        (LEAVES + "trap 'exit 3' INT; while :; do sleep 0.05; done", 0.7, supervisor.INTERRUPTED),
        (LEAVES + "trap '' INT; while :; do sleep 0.05; done", 0.7, -9),
    ],
    ids=["ends", "is-interrupted", "is-killed"],
)
def test_what_the_command_started_ends_with_it(tmp_path: Path, script: str, keep: float | None, status: int) -> None:
    found, written = run_supervisor(tmp_path, ["sh", "-c", script], keep=keep, grace=0.5)
    assert found == status
    left = int(written.split()[0])
    until(lambda: alive(left), lambda up: not up)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_the_deadline_ends_the_command(tmp_path: Path) -> None:
    status, _ = run_supervisor(tmp_path, ["sleep", "60"], seconds=0.5)
    assert status == supervisor.OUT_OF_TIME


def test_a_log_that_fails_at_the_very_end_is_no_failure_of_the_command(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    reads, _writes = os.pipe()
    words = supervising(full, reads, "sh", "-c")
    for script, status in (("printf last", 0), ("printf last; exit 7", supervisor.LOG_FAILED)):
        done = subprocess.run([*words, script], input=b"[]", pass_fds=(reads,), start_new_session=True, check=False)
        assert done.returncode == status


def logged(tmp_path: Path, secrets: list[bytes], *chunks: bytes) -> bytes:
    """What the log file holds when its secrets are those and its output comes in such chunks."""
    path = tmp_path / "supervised.log"
    path.unlink(missing_ok=True)
    written = supervisor.Log(str(path), secrets)
    for chunk in chunks:
        written.take(chunk)
    written.close()
    return path.read_bytes()


@pytest.mark.parametrize("at", [1, 5, 11, 14, 17, 19])
def test_a_secret_is_masked_wherever_its_output_is_divided(tmp_path: Path, at: int) -> None:
    text = b"open\x1b[31m-ses\x1b[0mame"
    assert logged(tmp_path, [b"open-sesame"], text[:at], text[at:], b"\n") == b"***\n"
    # Where a line is cut because it is too long, too.
    before = b"x" * (supervisor._LONGEST_LINE + 11 - at)
    written = logged(tmp_path, [b"open-sesame"], before + text[:at], text[at:] + b"y\n")
    assert written.replace(b"\n", b"") == before + b"***y"


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    for endless in (b"x", b"\x1b]"):
        path = tmp_path / "endless.log"
        written = supervisor.Log(str(path), [b"open-sesame"])
        for _ in range(20):
            written.take(endless * 64 * 1024)
        assert len(written._rest) < 3 * supervisor._LONGEST_LINE
        written.close()
        path.unlink()


@pytest.mark.parametrize("control", CONTROLS)
def test_the_log_and_the_terminal_lose_the_same_control_sequences(tmp_path: Path, control: str) -> None:
    text = f"a{control}b\tc"
    assert logged(tmp_path, [], text.encode()) == b"ab\tc\n"
    assert Masks().mask(text) == "ab\tc"


def test_a_log_that_cannot_be_written_ends_the_command(tmp_path: Path) -> None:
    log_file = supervisor.Log("/dev/full", [])
    log_file.take(b"text\n")
    assert log_file.failed


@pytest.mark.parametrize(
    "odd", [{"run": "../../x"}, {"run": "\0"}, {"run": "\ud800"}, {"run": "b" * 12}, {"name": []}, {"lease": "5"}]
)
def test_a_record_that_names_another_run_or_holds_odd_values_is_none(tmp_path: Path, odd: dict[str, object]) -> None:
    record = runs.Record("a" * 12, "shop", "web", "digitalocean", "http://x", "shop-web", "f" * 64, 5)
    runs.begin(tmp_path, record).release()
    path = tmp_path / "runs" / f"{record.run}.lock"
    assert [*runs.known(tmp_path)] == [record]
    path.write_text(json.dumps(asdict(record) | odd))
    assert [*runs.known(tmp_path)] == [] and runs.claim(tmp_path, record.run) is None
    assert runs.is_known(tmp_path, record.run), "its build may be alive"
