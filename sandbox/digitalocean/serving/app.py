"""The web application: the endpoints of the API under /v2, what tests order under /sandbox, errors as bodies."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, Response
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
from sandbox.digitalocean.serving.faults import Faults, Journal, Outcome, Rule, RuleSpec
from sandbox.digitalocean.serving.gate import Gate, error_response

_LONGEST_WAIT = 120.0


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
    router = APIRouter(prefix="/sandbox")
    faults: Faults = cloud.faults

    def known(rule_id: int) -> Rule:
        if (rule := faults.get(rule_id)) is None:
            raise not_found("no such rule")
        return rule

    @router.get("/health")
    async def health() -> dict[str, object]:
        return {"cloud_id": cloud.cloud_id, "status": "ok"}

    @router.post("/tokens", status_code=201)
    async def add_token() -> dict[str, object]:
        """One more token for the account, until the server ends: what rotating a token gives."""
        token = f"local-{secrets.token_hex(24)}"
        tokens.add(token)
        return {"token": token}

    @router.get("/faults")
    async def rules() -> dict[str, object]:
        return {"faults": [rule.view() for rule in faults.all()]}

    @router.post("/faults", status_code=201)
    async def add_rule(spec: RuleSpec) -> dict[str, object]:
        return {"fault": faults.add(spec).view()}

    @router.delete("/faults", status_code=204)
    async def clear_rules() -> Response:
        faults.clear()
        return Response(status_code=204)

    @router.get("/faults/{rule_id}")
    async def one_rule(rule_id: int) -> dict[str, object]:
        return {"fault": known(rule_id).view()}

    @router.delete("/faults/{rule_id}", status_code=204)
    async def remove_rule(rule_id: int) -> Response:
        faults.remove(known(rule_id))
        return Response(status_code=204)

    @router.get("/faults/{rule_id}/held")
    async def wait_held(rule_id: int, timeout: float = 30.0) -> dict[str, object]:
        """Answers as soon as the rule holds a call; 408 when it holds none within `timeout` seconds."""
        rule = known(rule_id)
        try:
            await asyncio.wait_for(rule.arrived.wait(), min(timeout, _LONGEST_WAIT))
        except TimeoutError:
            raise ApiError(408, "timeout", f"no call was held within {timeout:g} s") from None
        return {"fault": rule.view()}

    @router.post("/faults/{rule_id}/release")
    async def release(rule_id: int, outcome: Outcome = "proceed") -> dict[str, object]:
        """Lets go of the held calls: they proceed, or their connections are dropped (`?outcome=drop`)."""
        rule = known(rule_id)
        rule.release(outcome)
        return {"fault": rule.view()}

    @router.get("/calls")
    async def calls() -> dict[str, object]:
        return {"calls": [dataclasses.asdict(call) for call in journal.calls()]}

    @router.delete("/calls", status_code=204)
    async def clear_calls() -> Response:
        journal.clear()
        return Response(status_code=204)

    return router
