from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bakewell.errors import BakewellError, ConfigError
from bakewell.machine.readiness import INTERVAL, JOURNAL_LINES, UNIT, Waiting, over_http, over_ssh, retire
from bakewell.machine.ssh import Done, KeyRefused, Ssh, Unreachable
from tests.unit.loopback import Answer, Request, answering

Said = str | Exception
LOADED = "LoadState=loaded\nActiveState={}\n"


class Shell(Ssh):
    """A machine whose answers to the probe come in order, the last one for ever."""

    def __init__(self, *probes: Said, journal: Said = "") -> None:
        super().__init__("192.0.2.7", None)
        self.probes = list(probes)
        self.journal = journal
        self.asked: list[str] = []

    def run(self, command: str, *, timeout: float = 30.0) -> Done:
        self.asked.append(command)
        probing = "/run/bakewell/ready" in command
        said = self.journal if not probing else self.probes.pop(0) if len(self.probes) > 1 else self.probes[0]
        if isinstance(said, Exception):
            raise said
        return Done(0, said)


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 0.0
    said: list[str] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def waiting(self, limit: float = 60.0, mask: Callable[[str], str] = str) -> Waiting:
        return Waiting("web-1", limit, self.said.append, mask, lambda: self.now, self.sleep)


def test_a_machine_that_is_ready_says_since_when() -> None:
    assert over_ssh(Shell("ready=1.42\n"), Time().waiting()) == 1.42


def test_it_waits_through_a_boot() -> None:
    time = Time()
    shell = Shell(
        Unreachable("no route to host"),
        Unreachable("connection refused"),
        KeyRefused("nobody knows us yet"),
        "Failed to connect to bus: No such file or directory\n",
        LOADED.format("activating"),
        LOADED.format("activating") + "waiting=nginx.service: activating\n",
        "ready=3.1\n",
    )
    assert over_ssh(shell, time.waiting()) == 3.1
    assert 0.5 < time.now < 2


def test_people_are_told_now_and_then_what_is_waited_for() -> None:
    time = Time()
    with pytest.raises(BakewellError):
        over_ssh(Shell(LOADED.format("activating") + "waiting=nginx.service: failed\n"), time.waiting(limit=21))
    assert len(time.said) == 4
    assert time.said[0].startswith("waiting for nginx.service: failed (5 s)")


def test_an_image_without_the_unit_counts_as_ready() -> None:
    time = Time()
    assert over_ssh(Shell("LoadState=not-found\nActiveState=inactive\n"), time.waiting()) is None
    assert UNIT in time.said[0]


@pytest.mark.parametrize("state", ["activating", "failed"])
def test_one_that_does_not_get_ready_shows_the_journal_of_the_unit_at_fault(state: str) -> None:
    time = Time()
    lines = [f"line {number}: the password is hunter22" for number in range(60)]
    shell = Shell(
        LOADED.format(state) + "waiting=docker-compose@grafana.service: exits with 1: hunter22\n",
        journal="\n".join(lines),
    )
    with pytest.raises(BakewellError) as caught:
        over_ssh(shell, time.waiting(limit=30, mask=lambda text: text.replace("hunter22", "***")))
    what = caught.value.what
    assert "machine web-1 (192.0.2.7) is not ready" in what
    assert "docker-compose@grafana.service: exits with 1: ***" in what
    assert what.count("line ") == JOURNAL_LINES and "line 59: the password is ***" in what
    assert "hunter22" not in str(caught.value)
    assert "journalctl -u docker-compose@grafana.service" in caught.value.remedy
    assert shell.asked[-1].endswith("--unit=docker-compose@grafana.service")
    assert (time.now >= 30) is (state == "activating"), "a unit that gave up is not waited for"


@pytest.mark.parametrize("named", ["$(reboot): no", "no unit at all", "a.service; reboot: no"])
def test_only_a_units_name_goes_into_a_command(named: str) -> None:
    shell = Shell(LOADED.format("failed") + f"waiting={named}\n")
    with pytest.raises(BakewellError):
        over_ssh(shell, Time().waiting())
    assert shell.asked[-1].endswith(f"--unit={UNIT}")


def test_a_journal_that_cannot_be_had_hides_nothing() -> None:
    shell = Shell(LOADED.format("failed") + "waiting=nginx.service: failed\n", journal=Unreachable("gone"))
    with pytest.raises(BakewellError, match=r"nginx.service: failed[\s\S]*it cannot be read: gone"):
        over_ssh(shell, Time().waiting())


def test_silence_is_told_with_address_and_last_error() -> None:
    time = Time()
    with pytest.raises(BakewellError) as caught:
        over_ssh(Shell(Unreachable("no answer"), Unreachable("no route to host")), time.waiting(limit=30))
    assert "SSH at 192.0.2.7 did not answer in 30 s (last: no route to host)" in caught.value.what
    assert "firewall" in caught.value.remedy and "ready_timeout" in caught.value.remedy


def test_a_key_that_stays_unknown_is_no_reason_to_wait_to_the_end() -> None:
    time = Time()
    with pytest.raises(ConfigError) as caught:
        over_ssh(Shell(KeyRefused("192.0.2.7 takes none of the keys tried")), time.waiting(limit=300))
    assert time.now < 60
    assert "BAKEWELL_SSH_KEY" in caught.value.remedy and "ssh_keys" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf"])
def test_seconds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BakewellError, match="holds no number of seconds"):
        over_ssh(Shell(f"ready={text}\n"), Time().waiting())


@pytest.mark.parametrize("answer", ["", Unreachable("connection refused"), ConfigError("there is no SSH key")])
def test_retiring_never_fails_and_says_how_it_went(answer: Said) -> None:
    said: list[str] = []
    shell = Shell("", journal=answer)
    retire(shell, said.append)
    assert shell.asked == ["systemctl stop consul.service"]
    assert said[0].startswith("left the Consul cluster" if answer == "" else "did not leave the Consul cluster: ")


@dataclass
class Web:
    """A web server that answers with these states, the last one for ever."""

    states: list[int]
    url: str = ""


@pytest.fixture
def web() -> Iterator[Web]:
    told = Web([200])

    def answer(request: Request) -> Answer:
        return told.states.pop(0) if len(told.states) > 1 else told.states[0], {"Location": "/elsewhere"}, b""

    with answering(answer) as url:
        told.url = f"{url}/healthz"
        yield told


def test_over_http_200_is_waited_for(web: Web) -> None:
    web.states = [502, 404, 301, 204, 200]
    time = Time()
    over_http(web.url, time.waiting())
    assert time.now == pytest.approx(4 * INTERVAL), "each other answer is waited out, and no redirect followed"


def test_over_http_a_body_without_an_end_is_not_waited_for() -> None:
    gone = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            gone.set() if self._endless() else None

        def _endless(self) -> bool:
            for _ in range(100_000):
                try:
                    self.wfile.write(b"data: more\n\n" * 100)
                except OSError:
                    return True
            return False

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is logged."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        over_http(f"http://127.0.0.1:{server.server_port}/events", Time().waiting())
        thread.join()
    assert gone.is_set(), "the body was read to its end"


def test_over_http_the_last_answer_is_told(web: Web) -> None:
    web.states = [503]
    with pytest.raises(BakewellError, match=r"web-1 is not ready after 2 s: http://.*/healthz: it answers 503"):
        over_http(web.url, Time().waiting(limit=2))


def test_over_http_silence_is_told() -> None:
    with pytest.raises(BakewellError, match="no answer"):
        over_http("http://127.0.0.1:1/", Time().waiting(limit=1))
