"""What a stack is told (its config) and what a process is told (its environment): two models, read in one place."""

from bakewell.settings.clouds import (
    AwsSettings,
    CloudName,
    ContainerSettings,
    DockerSettings,
    Ec2Settings,
    FleetSettings,
    InstanceSettings,
    MachineSettings,
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
    "DockerSettings",
    "Ec2Settings",
    "Environment",
    "FleetSettings",
    "InstanceSettings",
    "MachineSettings",
    "Settings",
    "check_agreement",
    "load_settings",
    "stack_file",
]
