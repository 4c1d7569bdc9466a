"""Which access keys STS gave out, by AssumeRole. Sessions without a role have none of their own in moto."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.core.utils import utcnow
from moto.sts.models import sts_backends


@dataclass(frozen=True)
class Session:
    """Credentials that AssumeRole gave."""

    token: str
    expired: bool


def session(access_key: str) -> Session | None:
    """The session of a temporary access key; None for one that STS did not give."""
    for _, _, backend in sts_backends.iter_backends():
        role: Any = backend.get_assumed_role_from_access_key(access_key)  # type: ignore[attr-defined]
        if role is not None:
            return Session(role.session_token, role.expiration <= utcnow())
    return None
