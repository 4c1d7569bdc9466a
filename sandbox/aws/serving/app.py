"""The web application: moto behind the gate, what tests order beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from a2wsgi import WSGIMiddleware
from fastapi import FastAPI
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from sandbox.aws import hooks
from sandbox.aws.cloud import Aws, serve
from sandbox.aws.rules import AwsSpec
from sandbox.aws.serving.gate import Access, Gate
from sandbox.serving import control
from sandbox.serving.faults import Journal


def create_app(cloud: Aws, access: Access) -> ASGIApp:
    """The ASGI app of this process's one cloud; its shutdown closes the cloud."""
    hooks.install()
    serve(cloud)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        cloud.faults.clear()
        await run_in_threadpool(cloud.close)

    journal = Journal()
    beside = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    beside.include_router(control.routes(cloud.faults, AwsSpec, journal))

    @beside.get("/sandbox/health")
    async def health() -> dict[str, object]:
        return {"cloud_id": cloud.cloud_id, "status": "ok"}

    moto = WSGIMiddleware(DomainDispatcherApplication(create_backend_app))  # type: ignore[arg-type]
    return Gate(moto, beside, access, cloud.faults, journal)  # type: ignore[arg-type]
