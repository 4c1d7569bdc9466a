"""Parameters of type aws:ec2:image: the type stays, the AMI is looked up, `resolve:ssm:` reads them."""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ssm.exceptions import ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend, ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from bakewell_local.sandbox.aws.ec2.devices import find
from bakewell_local.sandbox.aws.hooks import AwsError, around, instead

IMAGE = "aws:ec2:image"
_PREFIX = "resolve:ssm:"


def resolve(account: str, region: str, image: str) -> str:
    """An AMI's ID for `resolve:ssm:NAME`, `…:VERSION` or `…:LABEL`; anything else as it is.

    Raises:
        AwsError: there is no such parameter.
    """
    if not image.startswith(_PREFIX):
        return image
    name, _, selector = image.removeprefix(_PREFIX).partition(":")
    versions = ssm_backends[account][region]._parameters.get(name) or []
    chosen = [one for one in versions if not selector or selector in (str(one.version), *one.labels)]
    if not chosen:
        raise AwsError("InvalidParameterValue", f"The SSM parameter '{image.removeprefix(_PREFIX)}' does not exist.")
    return str(chosen[-1].value)


def image_parameter(account: str, name: str, value: str, version: int) -> Any:
    """A parameter of type aws:ec2:image, that is in no account yet."""
    make: Any = Parameter  # moto leaves two abstract methods of it out
    return make(account, name, value, "String", None, None, None, utcnow(), version, IMAGE, tier="Standard")


def install() -> None:
    """Puts this module's hooks in place."""

    @instead(SimpleSystemManagerResponse, "put_parameter")
    def put(self: Any) -> ActionResult:
        """As moto's, but a parameter that is overwritten without a type keeps the one it has."""
        name = self._get_param("Name")
        known = self.ssm_backend._parameters.get(name)
        parameter = self.ssm_backend.put_parameter(
            name,
            self._get_param("Description"),
            self._get_param("Value"),
            self._get_param("Type"),
            self._get_param("AllowedPattern"),
            self._get_param("KeyId"),
            self._get_param("Overwrite", False),
            self._get_param("Tags"),
            self._get_param("DataType", known[-1].data_type if known else "text"),
            tier=self._get_param("Tier"),
            policies=self._get_param("Policies"),
        )
        return ActionResult({"Version": parameter.version, "Tier": parameter.tier})

    @around(SimpleSystemManagerBackend, "put_parameter")
    def check(original: Any, self: Any, name: str, description: Any, value: str, *rest: Any, **named: Any) -> Any:
        """As AWS: a malformed ID is refused; an AMI that is not there is told to nobody, and nothing changes."""
        if value and rest[5] == IMAGE:
            if not re.fullmatch(r"ami-[0-9a-f]{8,17}", value):
                raise ValidationException(f"Parameter value '{value}' is not a valid {IMAGE} value: not an AMI ID")
            if not _available(self, value):
                versions = self._parameters.get(name) or []
                version = versions[-1].version + 1 if versions else 1
                return image_parameter(self.account_id, name, value, version)
        return original(self, name, description, value, *rest, **named)


def _available(backend: Any, image_id: str) -> bool:
    found = find(ec2_backends[backend.account_id][backend.region_name], image_id)
    return found is not None and found.state == "available"
