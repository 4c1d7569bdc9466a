"""What the aws plugin does with auto scaling groups."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bakewell_local.sandbox.providers.values import UNKNOWN
from tests.providers.asking import Made
from tests.providers.aws.cloud import REGION, LocalAws
from tests.providers.aws.plugin import Plugin, Refused
from tests.waiting import until

GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
PREFERENCES = {"minHealthyPercentage": 50, "instanceWarmup": "0"}
REFRESH = {"strategy": "Rolling", "preferences": PREFERENCES}


@pytest.fixture
def template(aws: LocalAws, plugin: Plugin) -> Made:
    return plugin.make(TEMPLATE, "web", imageId=aws.image, instanceType="t3.micro")


def given(template: Made, version: Any = "1", **other: Any) -> dict[str, Any]:
    spec = {"id": template.id, "version": version}
    return {"minSize": 1, "maxSize": 3, "availabilityZones": [f"{REGION}a"], "launchTemplate": spec, **other}


def machines(aws: LocalAws, group: Made) -> list[Any]:
    found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group.id])
    return list(found["AutoScalingGroups"][0]["Instances"])


def test_a_group_from_create_to_delete(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    tags = [{"key": "Role", "value": "web", "propagateAtLaunch": True}]
    wanted = given(template, desiredCapacity=2, tags=tags, instanceRefresh=REFRESH)
    group = plugin.make(GROUP, "web", **wanted)
    assert len(machines(aws, group)) == 2, "it is made once it has its machines"
    assert group.state["launchTemplate"] == {"id": template.id, "name": template.state["name"], "version": "1"}
    assert (group.state["desiredCapacity"], group.state["tags"]) == (2, tags)
    first = machines(aws, group)[0]["InstanceId"]
    assert {"Key": "Role", "Value": "web"} in aws.instance(first)["Tags"]
    # No change is no change, also after a refresh.
    assert group.changes(**wanted) == {}
    assert group.refresh()
    assert group.changes(**wanted) == {}
    # A version that is not known yet is a change.
    later = wanted | given(template, UNKNOWN)
    assert group.changes(**later) == {"launchTemplate.version": "UPDATE"}
    assert group.preview(**later)["launchTemplate"]["version"] is UNKNOWN
    # Sizes change in place, and are waited for.
    more = wanted | {"maxSize": 4, "desiredCapacity": 3}
    assert set(group.changes(**more)) == {"maxSize", "desiredCapacity"}
    group.update(**more)
    assert len(machines(aws, group)) == 3
    # It goes with its machines.
    group.delete()
    assert aws.instance(first)["State"]["Name"] in ("shutting-down", "terminated")
    assert not group.refresh()
    group.delete()


def test_machines_that_never_get_well_are_told(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template))
    (machine,) = machines(aws, group)
    aws.client("autoscaling").set_instance_health(InstanceId=machine["InstanceId"], HealthStatus="Unhealthy")
    with pytest.raises(Refused, match=r"want exactly 2 healthy instance\(s\) in Auto Scaling Group, have 1"):
        group.update(**given(template, desiredCapacity=2, waitForCapacityTimeout="1s"))


def test_a_new_version_starts_a_refresh_and_does_not_wait_for_it(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    refresh = {**REFRESH, "preferences": {**PREFERENCES, "autoRollback": True}}
    group = plugin.make(GROUP, "web", **given(template, instanceRefresh=refresh))
    template.update(imageId=aws.register("two"), instanceType="t3.micro")
    with aws.held():
        group.update(**given(template, "2", instanceRefresh=refresh))
    (call,) = aws.calls("StartInstanceRefresh")
    assert (call["AutoScalingGroupName"], call["Strategy"]) == (group.id, "Rolling")
    assert (call["Preferences.MinHealthyPercentage"], call["Preferences.InstanceWarmup"]) == ("50", "0")
    back = call["Preferences.AutoRollback"], call["DesiredConfiguration.LaunchTemplate.Version"]
    assert back == ("true", "2"), "AWS rolls back only from a version that it is told"
    assert aws.refreshes() == ["Successful"]
    assert group.state["launchTemplate"]["version"] == "2"


def test_latest_never_starts_a_refresh(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    wanted = given(template, "$Latest", instanceRefresh=REFRESH)
    group = plugin.make(GROUP, "web", **wanted)
    template.update(imageId=aws.register("two"), instanceType="t3.micro")
    assert group.changes(**wanted) == {}
    group.update(**wanted)
    assert aws.refreshes() == []


def test_a_refresh_under_way_is_cancelled_for_the_next(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template, instanceRefresh=REFRESH))
    for image in [aws.register(name) for name in ("two", "three")]:
        template.update(imageId=image, instanceType="t3.micro")
    with ThreadPoolExecutor() as pool:
        with aws.held():
            group.update(**given(template, "2", instanceRefresh=REFRESH))
            next_one = pool.submit(group.update, **given(template, "3", instanceRefresh=REFRESH))
            until(lambda: aws.calls("CancelInstanceRefresh") or next_one.done(), bool)
        next_one.result()
    assert aws.refreshes() == ["Cancelled", "Successful"]


def test_other_changes_start_no_refresh_and_none_starts_without_instance_refresh(
    aws: LocalAws, plugin: Plugin, template: Made
) -> None:
    tags = [[{"key": "a", "value": value, "propagateAtLaunch": True}] for value in ("1", "2")]
    group = plugin.make(GROUP, "web", **given(template, tags=tags[0], instanceRefresh=REFRESH))
    group.update(**given(template, tags=tags[1], instanceRefresh=REFRESH))
    assert group.state["tags"] == tags[1]
    template.update(imageId=aws.register("two"), instanceType="t3.micro")
    group.update(**given(template, "2", tags=tags[1]))
    assert aws.refreshes() == []


def test_a_new_name_replaces_and_an_explicit_one_deletes_first(plugin: Plugin, template: Made) -> None:
    named = plugin.make(GROUP, "web", **given(template, name="one"))
    assert named.replaced(**given(template, name="two")) == (["name"], True)
    assert named.id == named.state["name"] == "one"


def test_a_launch_template_and_sizes_are_wanted(plugin: Plugin) -> None:
    _, failures = plugin.check(GROUP, "web", {}, instanceRefresh={"strategy": "Sudden"})
    assert set(failures) == {"launchTemplate", "maxSize", "minSize", "instanceRefresh.strategy"}
    assert 'The argument "max_size" is required' in failures["maxSize"]
