"""What time a cloud says it is, and what is no evidence of it."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from bakewell.clouds.aws import Aws
from bakewell.clouds.clock import complaint, sent
from bakewell.clouds.digitalocean import DigitalOcean
from bakewell.errors import CloudError
from tests.contract.aws.served import REGION
from tests.contract.aws.served import Served as ServedAws
from tests.contract.served import Served
from tests.unit.clouds.conftest import Script

GOOD = "Sun, 06 Nov 1994 08:49:37 GMT"
SKEW = 125 * 60
IMAGES = {"images": [], "meta": {"total": 0}}


def test_a_date_is_read_to_the_second() -> None:
    assert sent({"date": GOOD}) == sent({"date": GOOD, "age": "0"}) == 784111777.0


@pytest.mark.parametrize(
    "date",
    ["", "now", "784111777", f"{GOOD}, {GOOD}", GOOD[:-4], GOOD.replace("GMT", "-0500"), GOOD.replace("06", "36")],
)
def test_what_is_no_date_is_not_taken_for_one(date: str) -> None:
    assert sent({"date": date}) is None
    assert sent({}) is None


@pytest.mark.parametrize("age", ["1", "7500", "-1", "", "soon"])
def test_the_date_of_an_answer_from_a_cache_is_not_taken(age: str) -> None:
    assert sent({"date": GOOD, "age": age}) is None


@pytest.mark.parametrize("ahead", [SKEW, -SKEW])
def test_the_time_is_digitaloceans_and_a_host_that_differs_is_told(
    served: Served, cloud: DigitalOcean, ahead: int
) -> None:
    assert complaint(cloud) is None
    served.clock.ahead = ahead
    cloud.images.of("shop")
    assert abs(cloud.now() - time.time() - ahead) < 60
    said = complaint(cloud)
    assert said is not None and f"125 minutes {'behind' if ahead > 0 else 'ahead of'} digitalocean's" in said


def test_the_time_is_awss(aws: ServedAws) -> None:
    aws.clock.ahead = SKEW
    cloud = Aws(REGION)
    assert abs(cloud.now() - time.time() - SKEW) < 60
    assert complaint(cloud) is not None


def test_two_minutes_are_not_spoken_of(served: Served, cloud: DigitalOcean) -> None:
    for ahead in (60, -60):
        served.clock.ahead = ahead
        cloud.images.of("shop")
        assert complaint(cloud) is None


def test_the_time_goes_on_between_answers(script: Script) -> None:
    cloud = script.answer(200, IMAGES, Date=GOOD).cloud()
    first = cloud.now()
    time.sleep(0.02)
    assert 784111777 <= first < cloud.now() < first + 60
    assert len(script.asked) == 1, "one answer will do"


@pytest.mark.parametrize("headers", [{"Date": "nonsense"}, {"Date": GOOD, "Age": "30"}])
def test_a_cloud_that_does_not_say_what_time_it_is_is_an_error(script: Script, headers: dict[str, str]) -> None:
    with pytest.raises(CloudError, match="no usable Date header") as caught:
        script.answer(200, IMAGES, **headers).cloud().now()
    assert "proxy" in caught.value.remedy


def test_an_aws_that_does_not_say_what_time_it_is_is_an_error(aws: ServedAws) -> None:
    aws.clock.sends = False
    with pytest.raises(CloudError, match="no usable Date header"):
        Aws(REGION).now()


def test_the_date_of_an_error_page_may_be_a_proxys_and_is_not_taken(script: Script) -> None:
    cloud = script.answer(502, "<html>", Date=GOOD).answer(200, IMAGES, Date=formatdate(usegmt=True)).cloud()
    assert abs(cloud.now() - time.time()) < 60


def test_429_waits_until_ratelimit_reset_by_the_clouds_clock(script: Script) -> None:
    busy = {"id": "too_many_requests", "message": "API Rate limit exceeded."}
    script.answer(429, busy, ratelimit_reset="784111807", Date=GOOD).answer(200, IMAGES, Date=GOOD)
    script.cloud().images.of("shop")
    assert script.slept == [30.0]
