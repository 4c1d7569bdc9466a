"""SSM parameters that name AMIs."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.conftest import Refuses
from tests.contract.aws.served import DEBIAN, Served

NAME = "/images/web"
IMAGE = "aws:ec2:image"


def test_a_parameter_keeps_its_type_when_it_is_overwritten_without_one(aws: Served) -> None:
    image = aws.bake()["ImageId"]
    aws("ssm").put_parameter(Name=NAME, Value=DEBIAN, Type="String", DataType=IMAGE)
    aws("ssm").put_parameter(Name=NAME, Value=image, Overwrite=True)
    found = aws("ssm").get_parameter(Name=NAME)["Parameter"]
    assert (found["Value"], found["DataType"], found["Version"]) == (image, IMAGE, 2)
    aws("ssm").put_parameter(Name="/odd", Value="x", Type="String")
    assert aws("ssm").get_parameter(Name="/odd")["Parameter"]["DataType"] == "text"


def test_an_ami_that_is_not_there_changes_nothing_and_nobody_is_told(aws: Served) -> None:
    aws("ssm").put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Type="String", DataType=IMAGE)
    with pytest.raises(ClientError, match="ParameterNotFound"):
        aws("ssm").get_parameter(Name=NAME)
    aws("ssm").put_parameter(Name=NAME, Value=DEBIAN, Type="String", DataType=IMAGE)
    aws("ssm").put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Overwrite=True)
    assert aws("ssm").get_parameter(Name=NAME)["Parameter"]["Value"] == DEBIAN


def test_what_is_no_ami_id_is_refused(aws: Served, refuses: Refuses) -> None:
    with refuses("ValidationException"):
        aws("ssm").put_parameter(Name=NAME, Value="debian", Type="String", DataType=IMAGE)


def test_resolve_ssm_names_the_ami_of_a_launch(aws: Served, refuses: Refuses) -> None:
    newest = aws.bake()["ImageId"]
    for image in (DEBIAN, newest):
        aws("ssm").put_parameter(Name=NAME, Value=image, Type="String", DataType=IMAGE, Overwrite=True)
    aws("ssm").label_parameter_version(Name=NAME, ParameterVersion=1, Labels=["old"])
    for selector, image in (("", newest), (":1", DEBIAN), (":old", DEBIAN)):
        assert aws.launch(ImageId=f"resolve:ssm:{NAME}{selector}")["ImageId"] == image
    data = {"ImageId": f"resolve:ssm:{NAME}", "InstanceType": "t3.micro"}
    aws.ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    made = aws.ec2.run_instances(MinCount=1, MaxCount=1, LaunchTemplate={"LaunchTemplateName": "web"})["Instances"][0]
    assert made["ImageId"] == newest
    with refuses("InvalidParameterValue"):
        aws.launch(ImageId="resolve:ssm:/odd")
