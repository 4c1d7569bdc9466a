"""The plugin itself: which resources and functions it has, and how it is configured."""

from __future__ import annotations

from functools import partial

from sandbox.providers import values, versions
from sandbox.providers.aws import functions
from sandbox.providers.aws.group import Group
from sandbox.providers.aws.instance import Instance
from sandbox.providers.aws.launch_template import LaunchTemplate
from sandbox.providers.aws.resource import AwsResource
from sandbox.providers.aws.resources import KeyPair, Parameter
from sandbox.providers.aws.security_group import SecurityGroup
from sandbox.providers.aws.session import Cloud, Settings
from sandbox.providers.server import Operation, Properties, Provider

# The bridge puts these among the provider's inputs, and so into state.
_DEFAULTS = {"skipCredentialsValidation": "false", "skipRegionValidation": "true"}


class AwsProvider(Provider):
    """An interrupt changes nothing for it: what it began, it finishes, so that Pulumi can record it. Without a region,
    valid credentials and an account that is meant, it refuses before anything is previewed.
    """

    name = "aws"
    version = versions.AWS
    accepts_secrets = False

    def __init__(self) -> None:
        own: dict[str, AwsResource] = {
            "aws:autoscaling/group:Group": Group(),
            "aws:ec2/instance:Instance": Instance(),
            "aws:ec2/keyPair:KeyPair": KeyPair(),
            "aws:ec2/launchTemplate:LaunchTemplate": LaunchTemplate(),
            "aws:ec2/securityGroup:SecurityGroup": SecurityGroup(),
            "aws:ssm/parameter:Parameter": Parameter(),
        }
        self._own = own
        self.resources = own
        self.functions = {f"aws:{token}": partial(self._invoke, look) for token, look in functions.FUNCTIONS.items()}

    def check_config(self, config: Properties) -> tuple[Properties, list[str]]:
        settings = Settings.read(values.plain(config))
        inputs = {**_DEFAULTS, **({"region": settings.region} if settings.region else {}), **config}
        if any(values.is_unknown(value) for value in config.values()):
            return inputs, []
        fault = Cloud(settings).fault()
        return inputs, [fault] if fault else []

    def configure(self, config: Properties) -> None:
        self._cloud = Cloud(Settings.read(config))
        self._cloud.identify()
        for resource in self._own.values():
            resource.cloud = self._cloud

    def cancel(self) -> None:
        """What was begun is finished: see the class."""

    def _invoke(self, look: functions.Function, op: Operation, arguments: Properties) -> Properties:
        return functions.invoke(look, self._cloud, op, values.plain(arguments))
