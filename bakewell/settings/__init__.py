"""The settings of a stack (its config) and of a process (its environment): two models."""

from bakewell.settings.clouds import (
    AwsSettings,
    CloudName,
    ContainerSettings,
    DigitalOceanSettings,
    DockerSettings,
    DropletSettings,
    Ec2Settings,
    FleetSettings,
    InstanceSettings,
)
from bakewell.settings.environment import AWS, DIGITALOCEAN, DOCKER, Environment
from bakewell.settings.files import check_agreement, load_settings, stack_file
from bakewell.settings.stack import NAMESPACE, Settings

__all__ = [
    "AWS",
    "DIGITALOCEAN",
    "DOCKER",
    "NAMESPACE",
    "AwsSettings",
    "CloudName",
    "ContainerSettings",
    "DigitalOceanSettings",
    "DockerSettings",
    "DropletSettings",
    "Ec2Settings",
    "Environment",
    "FleetSettings",
    "InstanceSettings",
    "Settings",
    "check_agreement",
    "load_settings",
    "stack_file",
]
