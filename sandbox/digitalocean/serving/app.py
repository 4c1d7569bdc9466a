"""The web application: the endpoints of the API under /v2, what tests order under /sandbox, errors as bodies."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from sandbox.digitalocean.api import (
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
from sandbox.digitalocean.cloud import Cloud
from sandbox.digitalocean.errors import ApiError, not_found, unprocessable
from sandbox.digitalocean.serving.gate import Gate, error_response
from sandbox.digitalocean.serving.rules import RuleSpec
from sandbox.serving import control
from sandbox.serving.faults import Journal


def create_app(cloud: Cloud, token: str) -> ASGIApp:
    """The ASGI app of one cloud; its shutdown closes the cloud. Every call but the health check needs the token."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        cloud.faults.clear()
        await run_in_threadpool(cloud.close)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    # autoscale and droplet_actions first: "/v2/droplets/autoscale" is no droplet's ID
    for module in (autoscale, droplet_actions, droplets, images, actions, account, tags, vpcs, reserved_ips):
        app.include_router(module.routes(cloud))
    journal = Journal()
    tokens = {token}
    app.include_router(_control(cloud, journal, tokens))
    _handle_errors(app)
    return Gate(app, tokens, cloud.faults, journal)


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
            return error_response(request.scope, ApiError(400, "bad_request", "unable to parse the request body"))
        where = ".".join(str(part) for part in first["loc"][1:]) or "the request body"
        return error_response(request.scope, unprocessable(f"{where}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> JSONResponse:
        known = not_found() if error.status_code in (404, 405) else ApiError(error.status_code, "error", error.detail)
        return error_response(request.scope, known)


def _control(cloud: Cloud, journal: Journal, tokens: set[str]) -> APIRouter:
    """Health, further tokens, fault rules and the journal: no part of DigitalOcean's API."""
    router = control.routes(cloud.faults, RuleSpec, journal)

    @router.get("/health")
    async def health() -> dict[str, object]:
        return {"cloud_id": cloud.cloud_id, "status": "ok"}

    @router.post("/tokens", status_code=201)
    async def add_token() -> dict[str, object]:
        """One more token for the account, until the server ends: what rotating a token gives."""
        token = f"local-{secrets.token_hex(24)}"
        tokens.add(token)
        return {"token": token}

    return router
