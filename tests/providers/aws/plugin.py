"""The aws plugin in this process, asked as the engine asks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn, Self

import grpc

from bakewell_local.sandbox.providers.aws.provider import AwsProvider
from bakewell_local.sandbox.providers.engine import Engine
from bakewell_local.sandbox.providers.server import Servicer
from tests.providers.asking import Asked, Refused
from tests.providers.aws.cloud import REGION, LocalAws

__all__ = ["Plugin", "Refused"]


class _Context:
    def __init__(self) -> None:
        self._metadata: Any = ()

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise Refused(details, self._metadata)

    def add_callback(self, function: Callable[[], None]) -> bool:
        return True

    def set_trailing_metadata(self, metadata: Any) -> None:
        self._metadata = metadata


class Plugin(Asked):
    """A plugin; `config` goes to it as the SDK sends it: text, or JSON in text."""

    def __init__(self, aws: LocalAws, **config: Any) -> None:
        servicer, context = Servicer(AwsProvider(), Engine(None)), _Context
        super().__init__(lambda what, request: getattr(servicer, what)(request, context()))
        endpoints = dict.fromkeys(("ec2", "ssm", "sts", "autoscaling"), aws.endpoint)
        given = {"region": REGION, "endpoints": [endpoints], **config}
        self._config = {key: v if isinstance(v, str) else json.dumps(v) for key, v in given.items() if v is not None}

    def check_own_config(self) -> tuple[dict[str, Any], list[str]]:
        """Its configuration as it is used; reasons for refusing it."""
        return self.check_config(**self._config)

    def reasons(self) -> list[str]:
        """Why its configuration is refused."""
        return self.check_own_config()[1]

    def configured(self) -> Self:
        self.configure(**self._config)
        return self
