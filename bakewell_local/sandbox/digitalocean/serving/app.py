"""The web application: the endpoints of the API under /v2, what tests order under /sandbox, errors as bodies."""

from __future__ import annotations

import secrets

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from bakewell_local.sandbox.digitalocean.api import (
    account,
    actions,
    autoscale,
    droplet_actions,
    droplets,
    images,
    reserved_ips,
    tags,
    vpcs,
)
from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.errors import ApiError, not_found, unprocessable
from bakewell_local.sandbox.digitalocean.serving.gate import ApiGate, error_response
from bakewell_local.sandbox.serving import control
from bakewell_local.sandbox.serving.faults import journal


def create_app(cloud: Cloud, token: str) -> ASGIApp:
    """The ASGI app of one cloud; its shutdown closes the cloud. Every call but the health check needs the token."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    # autoscale and droplet_actions first: "/v2/droplets/autoscale" is no droplet's ID
    for module in (autoscale, droplet_actions, droplets, images, actions, account, tags, vpcs, reserved_ips):
        app.include_router(module.routes(cloud))
    _handle_errors(app)
    calls, tokens = journal(), {token}
    beside = control.create_app(cloud.cloud_id, cloud.faults, calls, cloud.close)

    @beside.post("/sandbox/tokens", status_code=201)
    async def add_token() -> dict[str, object]:
        """One more token for the account, until the server ends: what rotating a token gives."""
        tokens.add(more := f"local-{secrets.token_hex(24)}")
        return {"token": more}

    return ApiGate(app, beside, tokens, cloud.faults, calls)


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def refused(request: Request, error: ApiError) -> JSONResponse:
        return error_response(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["loc"][0] == "path":
            return error_response(request.scope, not_found())
        if first["type"] == "json_invalid":
            return error_response(request.scope, ApiError(400))
        where = ".".join(str(part) for part in first["loc"][1:]) or "the request body"
        return error_response(request.scope, unprocessable(f"{where}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> JSONResponse:
        status = 404 if error.status_code == 405 else error.status_code
        return error_response(request.scope, ApiError(status))
