"""Refusals as DigitalOcean words them: a status, an `id`, a `message`; `request_id` is added by the app."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal that the client sees.

    Args:
        status: the HTTP status.
        id: DigitalOcean's short word for it, such as "not_found".
        message: for people.
    """

    def __init__(self, status: int, id: str, message: str) -> None:
        self.status = status
        self.id = id
        self.message = message
        super().__init__(f"{status} {id}: {message}")


def not_found(message: str = "The resource you were accessing could not be found.") -> ApiError:
    """404."""
    return ApiError(404, "not_found", message)


def unprocessable(message: str) -> ApiError:
    """422: understood, and refused."""
    return ApiError(422, "unprocessable_entity", message)


def forbidden(message: str = "You do not have access for the attempted action.") -> ApiError:
    """403."""
    return ApiError(403, "forbidden", message)


def unauthorized() -> ApiError:
    """401: no token, or another one."""
    return ApiError(401, "Unauthorized", "Unable to authenticate you")


def pending_event() -> ApiError:
    """422: an action holds the droplet."""
    return unprocessable("Droplet already has a pending event.")
