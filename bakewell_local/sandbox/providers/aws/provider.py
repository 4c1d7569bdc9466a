"""The plugin itself: which resources and functions it has, and how it is configured."""

from __future__ import annotations

from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from bakewell_local.sandbox.providers import values, versions
from bakewell_local.sandbox.providers.aws.functions import FUNCTIONS, NotFoundError, Question
from bakewell_local.sandbox.providers.aws.group import Group
from bakewell_local.sandbox.providers.aws.instance import Instance
from bakewell_local.sandbox.providers.aws.launch_template import LaunchTemplate
from bakewell_local.sandbox.providers.aws.resource import AwsResource
from bakewell_local.sandbox.providers.aws.resources import AmiLaunchPermission, KeyPair, Parameter
from bakewell_local.sandbox.providers.aws.security_group import SecurityGroup
from bakewell_local.sandbox.providers.aws.session import Cloud
from bakewell_local.sandbox.providers.server import Operation, Properties, Provider, ProviderError

# The bridge puts these among the provider's inputs, and so into state.
_DEFAULTS = {"skipCredentialsValidation": "false", "skipRegionValidation": "true"}


class AwsProvider(Provider):
    """Without a region, valid credentials and an account that is meant, it refuses before anything is previewed."""

    name = "aws"
    version = versions.AWS

    def __init__(self) -> None:
        own: dict[str, AwsResource] = {
            "aws:autoscaling/group:Group": Group(),
            "aws:ec2/amiLaunchPermission:AmiLaunchPermission": AmiLaunchPermission(),
            "aws:ec2/instance:Instance": Instance(),
            "aws:ec2/keyPair:KeyPair": KeyPair(),
            "aws:ec2/launchTemplate:LaunchTemplate": LaunchTemplate(),
            "aws:ec2/securityGroup:SecurityGroup": SecurityGroup(),
            "aws:ssm/parameter:Parameter": Parameter(),
        }
        self._own = own
        self.resources = own
        self.functions = {f"aws:{token}": partial(self._invoke, token) for token in FUNCTIONS}

    def check_config(self, config: Properties) -> tuple[Properties, list[str]]:
        cloud = Cloud(values.plain(config))
        inputs = {**_DEFAULTS, **({"region": cloud.given_region} if cloud.given_region else {}), **config}
        known = not any(values.is_unknown(value) for value in config.values())
        fault = cloud.fault() if known else None
        return inputs, [fault] if fault else []

    def configure(self, config: Properties) -> None:
        self._cloud = Cloud(config)
        self._cloud.identify()
        for resource in self._own.values():
            resource.cloud = self._cloud

    def _invoke(self, token: str, op: Operation, arguments: Properties) -> Properties:
        given = values.plain(arguments)
        asked = Question(self._cloud, given.get("region") or self._cloud.region, given)
        try:
            return {**given, "region": asked.region, **FUNCTIONS[token](asked)}
        except (ClientError, BotoCoreError, NotFoundError) as error:
            told = self._cloud.words(error)
            raise ProviderError(f"invoking {op.name}: 1 error occurred:\n\t* {told}\n\n") from error
