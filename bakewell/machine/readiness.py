"""Whether a machine is ready, asked from outside, as on any cloud: over SSH, or by HTTP where nobody may log in.

Its image has a unit, bakewell-ready.service, that writes the seconds since boot to /run/bakewell/ready once the role
does its work, and until then to /run/bakewell/waiting what it waits for. This module reads them. It also has a machine
leave its Consul cluster before it is deleted. It decides nothing about a role: the image does.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import urllib3

from bakewell.errors import BakewellError, ConfigError
from bakewell.machine.ssh import VARIABLE, Done, KeyRefused, Ssh, Unreachable

UNIT = "bakewell-ready.service"
JOURNAL_LINES = 50
INTERVAL = 0.15  # seconds between two questions
_BOOTING = 20.0  # seconds for which a machine that answers may not know our key yet
_TELL_EVERY = 5.0  # seconds
_LEAVING = 15.0  # seconds for a machine to leave its cluster
_PROBE = f"""
if [ -s /run/bakewell/ready ]; then echo "ready=$(cat /run/bakewell/ready)"; exit; fi
systemctl show --property=LoadState --property=ActiveState {UNIT}
[ ! -e /run/bakewell/waiting ] || echo "waiting=$(head -n 1 /run/bakewell/waiting)"
"""
_UNIT_NAME = re.compile(r"^[A-Za-z0-9@._-]+\.(service|socket|timer|target|path)$")

Say = Callable[[str], None]


@dataclass
class Waiting:
    """How one wait is going.

    Args:
        machine: its name, for messages.
        limit: seconds after which it is given up.
        say: takes a line of progress for people.
        mask: takes the secrets out of text from the machine.
        clock, sleep: time; tests pass their own.
        interval: seconds between two questions.
    """

    machine: str
    limit: float
    say: Say
    mask: Callable[[str], str]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    interval: float = INTERVAL
    reason: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._began = self._told = self.clock()

    def restart(self) -> None:
        """Begin to count anew: something got on."""
        self._began = self.clock()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self.clock() - self._began

    @property
    def over(self) -> bool:
        return self.seconds >= self.limit

    def on(self, reason: str) -> None:
        """Note what is waited for, tell people now and then, and pause."""
        self.reason = self.mask(reason)
        if self.clock() - self._told >= _TELL_EVERY:
            self._told = self.clock()
            self.say(f"waiting for {self.reason} ({self.seconds:.0f} s)")
        self.sleep(self.interval)


def over_ssh(ssh: Ssh, wait: Waiting) -> float | None:
    """Wait until the machine says that it is ready.

    Returns:
        Seconds from its boot until it was; None where its image has no unit that would tell (one of an older make).

    Raises:
        BakewellError: it is not ready in time, its unit gave up, or nothing answers; with the last lines of the journal
            of the unit that it waits for, where they can be had.
        ConfigError: no key of ours opens it.
    """
    answered = None
    while True:
        try:
            said = ssh.run(_PROBE)
        except KeyRefused as refused:
            answered = answered if answered is not None else wait.seconds
            if wait.seconds - answered >= _BOOTING or wait.over:
                raise ConfigError(
                    f"machine {wait.machine}: {refused}",
                    remedy=f"set {VARIABLE} to the private half of a key that the stack config gives the role: "
                    "`ssh_keys` in bakewell:digitalocean.droplets, `key` in bakewell:aws.instances "
                    "(with many keys in ssh-agent, the machine stops listening before the right one)",
                ) from refused
            wait.on(f"{ssh.address} to know the SSH key")
        except Unreachable as missing:
            if wait.over:
                raise _silent(ssh, wait, str(missing)) from missing
            wait.on(f"SSH at {ssh.address}: {missing}")
        else:
            answered = None
            told = dict(line.partition("=")[::2] for line in said.text.splitlines())
            if "ready" in told:
                return _seconds(told["ready"], wait)
            if told.get("LoadState") == "not-found":
                wait.say(f"its image has no {UNIT}: taken as ready, without knowing since when")
                return None
            reason = told.get("waiting") or f"{UNIT}: {told.get('ActiveState') or 'the machine is booting'}"
            if wait.over or told.get("ActiveState") == "failed":
                raise _unready(ssh, wait, reason)
            wait.on(reason)


def over_http(url: str, wait: Waiting, http: urllib3.PoolManager | None = None) -> None:
    """Wait until `url` answers 200.

    Raises:
        BakewellError: it does not, in time.
    """
    pool = http or urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=3, read=5))
    while True:
        try:
            with pool.request("GET", url, redirect=False, preload_content=False) as got:  # the body may have no end
                status = got.status
            answer = f"it answers {status}"
        except urllib3.exceptions.HTTPError as error:
            status, answer = 0, f"no answer ({type(error).__name__})"
        if status == 200:
            return
        if wait.over:
            raise BakewellError(
                f"machine {wait.machine} is not ready after {wait.limit:.0f} s: {url}: {answer}",
                remedy="check that a firewall lets this host reach it; give the role a key in the stack config "
                "(`ssh_keys` in bakewell:digitalocean.droplets, `key` and `ssh_from` in bakewell:aws.instances), "
                f"and the next `pulumi up` says which unit it waits for\n{_again()}",
            )
        wait.on(f"{url}: {answer}")


def retire(ssh: Ssh, say: Say) -> None:
    """Have the machine leave its Consul cluster, so that it is no dead member there once it is deleted.

    Never fails, because its machine has to go in any case: what goes wrong is said.
    """
    try:
        done = ssh.run("systemctl stop consul.service", timeout=_LEAVING)
    except (Unreachable, BakewellError) as error:
        what = error.what if isinstance(error, BakewellError) else str(error)
        say(
            f"did not leave the Consul cluster: {what}\n"
            "Consul drops it by itself in 72 hours; at once: consul force-leave -prune NAME"
        )
        return
    say("left the Consul cluster" if done.status == 0 else f"did not leave the Consul cluster: {done.text.strip()}")


def _seconds(text: str, wait: Waiting) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BakewellError(
            f"machine {wait.machine}: /run/bakewell/ready holds no number of seconds: {wait.mask(text[:100])!r}",
            remedy=f"look at what {UNIT} of its image writes there",
        )
    return round(value, 2)


def _silent(ssh: Ssh, wait: Waiting, last: str) -> BakewellError:
    return BakewellError(
        f"machine {wait.machine}: SSH at {ssh.address} did not answer in {wait.limit:.0f} s (last: {last})",
        remedy="check in the cloud's console that the machine runs and has booted, and that a firewall lets this host "
        f"reach its port 22\n{_again()}",
    )


def _unready(ssh: Ssh, wait: Waiting, reason: str) -> BakewellError:
    named = reason.partition(":")[0]
    unit = named if _UNIT_NAME.match(named) else UNIT
    try:
        journal = ssh.run(f"journalctl --no-pager --output=short-iso --lines={JOURNAL_LINES} --unit={unit}")
    except (Unreachable, ConfigError) as error:
        journal = Done(1, f"it cannot be read: {error}")
    lines = "\n".join(f"    {line}" for line in wait.mask(journal.text).splitlines()[-JOURNAL_LINES:])
    return BakewellError(
        f"machine {wait.machine} ({ssh.address}) is not ready after {wait.seconds:.0f} s: {wait.mask(reason)}\n"
        f"  journal of {unit}:\n{lines or '    it is empty'}",
        remedy=f"correct what it says and run `pulumi up` again, or look at the machine, which runs on: "
        f"ssh root@{ssh.address} journalctl -u {unit}\n{_again()}",
    )


def _again() -> str:
    return "  (a machine that it was to replace runs on; `bakewell:ready_timeout` says how long to wait)"
