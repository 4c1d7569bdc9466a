"""How the stand-ins for plugins behind the bridge wait, without an engine or an API."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, repeat

import pytest

from bakewell_local.sandbox.providers import pace
from bakewell_local.sandbox.providers.bridge.waiting import Patience, Wait, WaitError
from bakewell_local.sandbox.providers.server import Operation

ACTIVE = Wait("active", ("new",), not_found_checks=120)


def operation(hang_up: Callable[[Callable[[], None]], bool] = lambda function: True) -> Operation:
    return Operation(urn="", name="d", on_hang_up=hang_up)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What is waited for, in the real plugin's seconds; it takes no time."""
    told: list[float] = []

    def scaled(seconds: float) -> float:
        told.append(seconds)
        return 0.0

    monkeypatch.setattr(pace, "scaled", scaled)
    return told


def test_the_pauses_are_the_real_plugins(pauses: list[float]) -> None:
    states = iter(["new", "new", None, "new", "active"])
    Patience(operation(), 60).wait_for(lambda: next(states), ACTIVE)
    assert pauses == [10, 3, 6, 10, 10]


def test_a_droplet_that_is_not_there_is_given_up_after_121_looks(pauses: list[float]) -> None:
    with pytest.raises(WaitError, match=r"^couldn't find resource \(121 retries\)$"):
        Patience(operation(), 60).wait_for(lambda: None, ACTIVE)
    assert len(pauses) == 121
    assert 19 * 60 < sum(pauses) < 21 * 60


def test_one_look_that_sees_it_starts_the_count_anew(pauses: list[float]) -> None:
    states = chain(repeat(None, 120), ["new"], repeat(None, 120), ["active"])
    Patience(operation(), 60).wait_for(lambda: next(states), ACTIVE)
    assert len(pauses) == 242


def test_a_state_that_nobody_waits_for_ends_the_wait(pauses: list[float]) -> None:
    with pytest.raises(WaitError, match=r"^unexpected state 'off', wanted target 'active'. last error: %!s\(<nil>\)$"):
        Patience(operation(), 60).wait_for(lambda: "off", ACTIVE)


@pytest.mark.parametrize(
    ("limit", "own", "told"),
    [
        (0.0, 60.0, "context deadline exceeded"),
        (60.0, 0.0, "timeout while waiting for state to become 'active' (timeout: 0s)"),
    ],
)
def test_a_limit_that_has_passed_is_told(limit: float, own: float, told: str) -> None:
    with pytest.raises(WaitError) as error:
        Patience(operation(), limit).wait_for(lambda: "new", Wait("active", ("new",), timeout=own))
    assert str(error.value) == told


def test_the_end_of_the_engine_ends_the_wait() -> None:
    def hang_up(function: Callable[[], None]) -> bool:
        function()
        return True

    for gone in (hang_up, lambda function: False):
        with pytest.raises(WaitError, match=r"^context canceled$"):
            Patience(operation(gone), 60).wait_for(lambda: "new", ACTIVE)


def test_the_clock_is_quick_by_default_and_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pace.VARIABLE, raising=False)
    assert pace.scaled(10) == pytest.approx(0.2)
    monkeypatch.setenv(pace.VARIABLE, "1")
    assert pace.scaled(10) == 10
    monkeypatch.setenv(pace.VARIABLE, "0")
    assert pace.scaled(10) > 0, "whoever waits has to look a second time"
