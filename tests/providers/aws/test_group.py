"""What the aws plugin does with auto scaling groups."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.providers.values import UNKNOWN
from tests.providers.aws.cloud import REGION, LocalAws
from tests.providers.aws.plugin import Made, Plugin, Refused
from tests.waiting import until

GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
REFRESH = {"strategy": "Rolling", "preferences": {"minHealthyPercentage": 50, "instanceWarmup": "0"}}


@pytest.fixture
def template(aws: LocalAws, plugin: Plugin) -> Made:
    return plugin.make(TEMPLATE, "web", imageId=aws.image, instanceType="t3.micro")


def given(template: Made, version: Any = "1", **other: Any) -> dict[str, Any]:
    spec = {"id": template.id, "version": version}
    return {"minSize": 1, "maxSize": 3, "availabilityZones": [f"{REGION}a"], "launchTemplate": spec, **other}


def machines(aws: LocalAws, group: Made) -> list[Any]:
    found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group.id])
    return list(found["AutoScalingGroups"][0]["Instances"])


def test_it_is_made_once_it_has_its_machines(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    tags = [{"key": "Role", "value": "web", "propagateAtLaunch": True}]
    group = plugin.make(GROUP, "web", **given(template, desiredCapacity=2, tags=tags))
    assert len(machines(aws, group)) == 2
    assert group.state["launchTemplate"] == {"id": template.id, "name": template.state["name"], "version": "1"}
    assert (group.state["desiredCapacity"], group.state["tags"]) == (2, tags)
    assert {"Key": "Role", "Value": "web"} in aws.instance(machines(aws, group)[0]["InstanceId"])["Tags"]


def test_machines_that_never_get_well_are_told(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template))
    (machine,) = machines(aws, group)
    aws.client("autoscaling").set_instance_health(InstanceId=machine["InstanceId"], HealthStatus="Unhealthy")
    with pytest.raises(Refused, match=r"want exactly 2 healthy instance\(s\) in Auto Scaling Group, have 1"):
        group.update(**given(template, desiredCapacity=2, waitForCapacityTimeout="1s"))


def test_no_change_is_no_change_also_after_a_refresh(plugin: Plugin, template: Made) -> None:
    wanted = given(template, instanceRefresh=REFRESH, tags=[{"key": "a", "value": "1", "propagateAtLaunch": False}])
    group = plugin.make(GROUP, "web", **wanted)
    assert group.changes(**wanted) == {}
    assert group.refresh()
    assert group.changes(**wanted) == {}


def test_a_version_that_is_not_known_yet_is_a_change(plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template))
    assert group.changes(**given(template, UNKNOWN)) == {"launchTemplate.version": "UPDATE"}
    assert group.preview(**given(template, UNKNOWN))["launchTemplate"]["version"] is UNKNOWN


def test_a_new_version_starts_a_refresh_and_does_not_wait_for_it(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template, instanceRefresh=REFRESH))
    template.update(imageId=aws.register("two"), instanceType="t3.micro")
    with aws.held():
        group.update(**given(template, "2", instanceRefresh=REFRESH))
    (call,) = aws.calls("StartInstanceRefresh")
    assert (call["AutoScalingGroupName"], call["Strategy"]) == (group.id, "Rolling")
    assert (call["Preferences.MinHealthyPercentage"], call["Preferences.InstanceWarmup"]) == ("50", "0")
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


def test_other_changes_start_one_only_as_triggers(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    def tagged(value: str, **refresh: Any) -> dict[str, Any]:
        tags = [{"key": "a", "value": value, "propagateAtLaunch": True}]
        return given(template, tags=tags, instanceRefresh={**REFRESH, **refresh})

    group = plugin.make(GROUP, "web", **tagged("1"))
    group.update(**tagged("2"))
    assert aws.refreshes() == []
    group.update(**tagged("3", triggers=["tag"]))
    assert aws.refreshes() == ["Successful"]
    assert group.state["tags"] == [{"key": "a", "value": "3", "propagateAtLaunch": True}]


def test_without_instance_refresh_machines_stay(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template))
    template.update(imageId=aws.register("two"), instanceType="t3.micro")
    group.update(**given(template, "2"))
    assert aws.refreshes() == []


def test_sizes_change_in_place_and_are_waited_for(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template))
    assert set(group.changes(**given(template, maxSize=4, desiredCapacity=3))) == {"maxSize", "desiredCapacity"}
    group.update(**given(template, maxSize=4, desiredCapacity=3))
    assert len(machines(aws, group)) == 3


def test_a_new_name_replaces_and_an_explicit_one_deletes_first(plugin: Plugin, template: Made) -> None:
    named = plugin.make(GROUP, "web", **given(template, name="one"))
    found = named.diff(**given(template, name="two"))
    assert list(found.replaces) == ["name"]
    assert found.deleteBeforeReplace
    assert named.id == named.state["name"] == "one"


def test_it_is_deleted_with_its_machines(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template))
    (machine,) = machines(aws, group)
    group.delete()
    assert aws.instance(machine["InstanceId"])["State"]["Name"] in ("shutting-down", "terminated")
    assert not group.refresh()
    group.delete()


def test_a_launch_template_and_sizes_are_wanted(plugin: Plugin) -> None:
    _, failures = plugin.check(GROUP, "web", {}, instanceRefresh={"strategy": "Sudden"})
    assert set(failures) == {"launchTemplate", "maxSize", "minSize", "instanceRefresh.strategy"}
    assert 'The argument "maxSize" is required' in failures["maxSize"]


def test_it_is_imported_by_its_name(plugin: Plugin, template: Made) -> None:
    group = plugin.make(GROUP, "web", **given(template))
    found = plugin.imported(GROUP, "web", group.id)
    assert found is not None
    assert found[1]["launchTemplate"]["id"] == template.id


def test_another_template_may_be_named(aws: LocalAws, plugin: Plugin, template: Made) -> None:
    other = plugin.make(TEMPLATE, "other", imageId=aws.image, instanceType="t3.small")
    wanted = given(template)
    group = plugin.make(GROUP, "web", **{**wanted, "launchTemplate": {"name": template.state["name"]}})
    assert group.state["launchTemplate"]["id"] == template.id
    group.update(**{**wanted, "launchTemplate": {"name": other.state["name"]}})
    assert group.state["launchTemplate"]["id"] == other.id
