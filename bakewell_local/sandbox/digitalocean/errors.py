"""Refusals as DigitalOcean words them: a status, an `id`, a `message`; `request_id` is added by the app."""

from __future__ import annotations

_WORDS = {
    400: ("bad_request", "unable to parse the request body"),
    401: ("Unauthorized", "Unable to authenticate you"),
    403: ("forbidden", "You do not have access for the attempted action."),
    404: ("not_found", "The resource you were accessing could not be found."),
    422: ("unprocessable_entity", "The request could not be processed."),
    429: ("too_many_requests", "API Rate limit exceeded."),
    503: ("service_unavailable", "Service unavailable"),
}
_OTHER = ("server_error", "Unexpected server-side error")


class ApiError(Exception):
    """A refusal that the client sees.

    Args:
        status: the HTTP status; it has an `id`, DigitalOcean's short word for it, such as "not_found".
        message: for people; by default the usual one of the status.
    """

    def __init__(self, status: int, message: str | None = None) -> None:
        self.status = status
        self.id, usual = _WORDS.get(status, _OTHER)
        self.message = message or usual
        super().__init__(f"{status} {self.id}: {self.message}")


def not_found(message: str | None = None) -> ApiError:
    """404."""
    return ApiError(404, message)


def unprocessable(message: str) -> ApiError:
    """422: understood, and refused."""
    return ApiError(422, message)


def forbidden(message: str | None = None) -> ApiError:
    """403."""
    return ApiError(403, message)


def pending_event() -> ApiError:
    """422: an action holds the droplet."""
    return unprocessable("Droplet already has a pending event.")
