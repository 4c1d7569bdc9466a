"""The web application: moto behind the gate, what tests order beside it."""

from __future__ import annotations

from a2wsgi import WSGIMiddleware
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from starlette.types import ASGIApp

from bakewell_local.sandbox.aws import all_hooks
from bakewell_local.sandbox.aws.cloud import Aws, serve
from bakewell_local.sandbox.aws.serving.gate import Access, AwsGate
from bakewell_local.sandbox.serving import control
from bakewell_local.sandbox.serving.faults import journal


def create_app(cloud: Aws, access: Access) -> ASGIApp:
    """The ASGI app of this process's one cloud; its shutdown closes the cloud."""
    all_hooks.install()
    serve(cloud)
    calls = journal()
    moto = WSGIMiddleware(DomainDispatcherApplication(create_backend_app))  # type: ignore[arg-type]
    beside = control.create_app(cloud.cloud_id, cloud.faults, calls, cloud.close)
    return AwsGate(moto, beside, access, cloud.faults, calls)  # type: ignore[arg-type]
