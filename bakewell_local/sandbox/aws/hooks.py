"""How moto is mended: functions in the place of its methods. The methods are those of the pinned version."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException


class AwsError(ServiceException):
    """A refusal: `AwsError(code, message)`; moto writes it as the service's own error document."""


def around(owner: type, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Puts a function around a method of moto's; it is given the method it replaces, then that one's arguments."""
    original = getattr(owner, name)  # a method that moto no longer has ends the server at its start

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def method(self: Any, *given: Any, **named: Any) -> Any:
            return function(original, self, *given, **named)

        setattr(owner, name, method)
        return function

    return put


def instead(owner: type, name: str) -> Callable[[Any], Any]:
    """Puts a function (or a property, or a value) in the place of a member of moto's, or adds one that it has not."""

    def put(member: Any) -> Any:
        setattr(owner, name, member)
        return member

    return put
