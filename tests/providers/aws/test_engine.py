"""The aws plugin under the real engine: what only the two together can show."""

from __future__ import annotations

import json

import pytest

from tests.providers.aws.cloud import ACCOUNT, KEYS, REGION, LocalAws
from tests.providers.stack import Stack

PROGRAM = """
    import pulumi
    import pulumi_aws as aws

    vpc = aws.ec2.get_vpc(default=True)
    subnets = aws.ec2.get_subnets(filters=[{{"name": "vpc-id", "values": [vpc.id]}}])
    group = aws.ec2.SecurityGroup(
        "web",
        vpc_id=vpc.id,
        ingress=[aws.ec2.SecurityGroupIngressArgs(protocol="tcp", from_port=80, to_port=80, cidr_blocks=["0.0.0.0/0"])],
    )
    machine = aws.ec2.Instance(
        "machine",
        ami="{image}",
        instance_type="t3.micro",
        user_data="#!/bin/sh\\n",
        vpc_security_group_ids=[group.id],
        metadata_options=aws.ec2.InstanceMetadataOptionsArgs(http_tokens="required"),
        tags={{"Name": "machine"}},
    )
    template = aws.ec2.LaunchTemplate("template", image_id="{image}", instance_type="t3.micro")
    fleet = aws.autoscaling.Group(
        "fleet",
        min_size=1,
        max_size=2,
        vpc_zone_identifiers=subnets.ids,
        launch_template=aws.autoscaling.GroupLaunchTemplateArgs(
            id=template.id, version=template.latest_version.apply(str)
        ),
        instance_refresh=aws.autoscaling.GroupInstanceRefreshArgs(strategy="Rolling"),
        tags=[aws.autoscaling.GroupTagArgs(key="Role", value="web", propagate_at_launch=True)],
    )
    image = aws.ssm.Parameter("image", name="/web", type="String", data_type="aws:ec2:image", insecure_value="{image}")
    pulumi.export("address", machine.private_ip)
    pulumi.export("account", aws.get_caller_identity().account_id)
"""


@pytest.fixture
def cloud(stack: Stack, aws: LocalAws) -> Stack:
    """An empty stack on an empty cloud."""
    endpoints = json.dumps([dict.fromkeys(("ec2", "ssm", "sts", "autoscaling"), aws.endpoint)])
    stack.configure(aws_region=REGION, aws_endpoints=endpoints, aws_allowedAccountIds=f'["{ACCOUNT}"]')
    stack.environment |= KEYS
    return stack


def test_a_new_image_reaches_every_kind_of_consumer(cloud: Stack, aws: LocalAws) -> None:
    cloud.write(PROGRAM.format(image=aws.image))
    done = cloud.up()
    assert done.code == 0, done.said()
    assert cloud["rows-dev"]["outputs"] == {"address": cloud["machine"]["outputs"]["privateIp"], "account": ACCOUNT}
    first = cloud["machine"]["id"]
    # What a refresh finds is no change: the differences of the preview are those of the new image.
    assert cloud.refresh().code == 0
    other = aws.register("two")
    cloud.write(PROGRAM.format(image=other))
    before = cloud.preview()
    assert before.code == 0, before.said()
    assert before.diff("machine") == {"ami": "update-replace"}
    assert before.diff("template") == {"imageId": "update"}
    assert before.diff("fleet") == {"launchTemplate.version": "update"}
    assert before.diff("image") == {"insecureValue": "update"}
    assert before.ops("web") == ["same"]
    done = cloud.up()
    assert done.code == 0, done.said()
    assert done.ops("machine") == ["create-replacement", "replace", "delete-replaced"]
    assert done.ops("template") == done.ops("fleet") == done.ops("image") == ["update"]
    assert aws.refreshes() == ["Successful"]
    assert aws.instance(first)["State"]["Name"] == "terminated"
    # What vanished is dropped.
    aws.client("ec2").terminate_instances(InstanceIds=[cloud["machine"]["id"]])
    assert cloud.refresh().code == 0
    assert cloud.resources("machine") == []
    assert cloud.destroy().code == 0
    assert aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_preview_refuses_credentials_of_another_account_and_missing_ones(cloud: Stack, aws: LocalAws) -> None:
    settings = cloud.folder / "Pulumi.dev.yaml"
    settings.write_text(settings.read_text().replace(ACCOUNT, "111111111111"))
    cloud.write('import pulumi_aws as aws\naws.ssm.Parameter("p", type="String", value="v")')
    done = cloud.preview()
    assert done.code != 0
    assert f"AWS account ID not allowed: {ACCOUNT}" in done.said()
    aws.forget()
    for name in KEYS:
        del cloud.environment[name]
    cloud.environment |= {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    done = cloud.preview()
    assert done.code != 0
    assert "No valid credential sources found." in done.said()
    assert aws.actions() == []
