"""Waiting for a fleet, with a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bakewell.clouds.aws.groups import ACTIVE, FAILED, Group, Member
from bakewell.errors import BakewellError
from bakewell.machine.fleet import settled
from tests.unit.core.machine.test_readiness import Time

OLD, NEW = Member("i-0", "1", serves=True), Member("i-1", "2", serves=True)
STARTING = replace(NEW, serves=False)
GROUP = Group("aws-web-12", "web", "2", 1, (OLD,), "InProgress", "")


def states(*groups: Group) -> Iterator[Group]:
    """Each once, the last one for ever."""
    yield from groups
    while True:
        yield groups[-1]


def wait(time: Time, *groups: Group, trouble: str = "", limit: float = 60.0) -> Group:
    one = states(*groups)
    return settled(lambda: next(one), lambda: trouble, time.waiting(limit))


def test_it_waits_until_every_machine_is_of_the_new_version() -> None:
    done = replace(GROUP, members=(NEW,), refresh="Successful")
    assert wait(Time(), GROUP, replace(GROUP, members=(OLD, STARTING)), replace(GROUP, members=(NEW,)), done) == done


@pytest.mark.parametrize(
    "left",
    [
        replace(GROUP, members=(NEW, OLD), refresh="Successful"),
        replace(GROUP, members=(STARTING,), refresh="Successful"),
        replace(GROUP, members=(), refresh="Successful"),
        replace(GROUP, members=(NEW, NEW), refresh="Successful"),
        *(replace(GROUP, members=(NEW,), refresh=state) for state in ACTIVE),
    ],
)
def test_what_is_not_done_is_waited_for_as_long_as_anything_changes(left: Group) -> None:
    time = Time()
    with pytest.raises(BakewellError, match="fleet web-1: it gets nowhere, for 60 s now") as caught:
        wait(time, left, trouble="no such image")
    assert "last of all: no such image" in caught.value.what and "aws-web-12" in caught.value.remedy
    assert time.now >= 60


def test_it_is_patient_with_a_fleet_that_gets_on() -> None:
    time = Time()
    members = tuple(replace(OLD, id=f"i-{number}") for number in range(300))
    going = [replace(GROUP, wanted=300, members=(NEW,) * done + members[done:]) for done in range(300) for _ in "aaaaa"]
    done = replace(GROUP, wanted=300, members=(NEW,) * 300, refresh="Successful")
    assert wait(time, *going, done, limit=2.0) == done
    assert time.now > 60


def test_machines_that_come_and_go_are_no_progress() -> None:
    time = Time()
    coming = [replace(GROUP, members=(OLD, replace(STARTING, id=f"i-{number}"))) for number in range(1000)]
    flapping = [one for pair in zip(coming, [GROUP] * 1000, strict=True) for one in pair]
    with pytest.raises(BakewellError, match="it gets nowhere, for 20 s now"):
        wait(time, *flapping, limit=20.0)


@pytest.mark.parametrize("state", FAILED)
def test_a_refresh_that_failed_is_not_waited_for(state: str) -> None:
    time = Time()
    with pytest.raises(BakewellError, match=f"the instance refresh of aws-web-12 is {state}: no such image") as caught:
        wait(time, GROUP, replace(GROUP, refresh=state, reason="no such image"))
    assert time.now < 1
    assert "aws autoscaling start-instance-refresh --auto-scaling-group-name aws-web-12" in caught.value.remedy
    assert "0 of 1 machines in service with version 2" in caught.value.what


def test_where_aws_gives_no_reason_the_last_thing_that_failed_is_told() -> None:
    with pytest.raises(BakewellError, match="is Failed: it could not launch"):
        wait(Time(), replace(GROUP, refresh="Failed"), trouble="it could not launch")


def test_a_group_that_somebody_put_right_after_its_refresh_failed_is_settled() -> None:
    right = replace(GROUP, members=(NEW,), refresh="Failed")
    assert wait(Time(), right) == right
