"""Beside every API: its health, and where tests order faults and read the journal of calls."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Response
from starlette.concurrency import run_in_threadpool

from bakewell_local.sandbox.serving.faults import Call, Faults, Outcome, Rule, Spec

_LONGEST_WAIT = 120.0


def create_app(cloud_id: str, faults: Faults, journal: deque[Call], close: Callable[[], None]) -> FastAPI:
    """The endpoints of `faults`' docstring, and /sandbox/health; its shutdown calls `close`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        faults.clear()
        await run_in_threadpool(close)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)

    def known(rule_id: int) -> Rule:
        if (rule := faults.get(rule_id)) is None:
            raise HTTPException(404, "no such rule")
        return rule

    @app.get("/sandbox/health")
    async def health() -> dict[str, object]:
        return {"cloud_id": cloud_id, "status": "ok"}

    @app.get("/sandbox/faults")
    async def rules() -> dict[str, object]:
        return {"faults": [rule.view() for rule in faults.all()]}

    @app.post("/sandbox/faults", status_code=201)
    async def add_rule(spec: Spec) -> dict[str, object]:
        return {"fault": faults.add(spec).view()}

    @app.delete("/sandbox/faults", status_code=204)
    async def clear_rules() -> Response:
        faults.clear()
        return Response(status_code=204)

    @app.get("/sandbox/faults/{rule_id}")
    async def one_rule(rule_id: int) -> dict[str, object]:
        return {"fault": known(rule_id).view()}

    @app.delete("/sandbox/faults/{rule_id}", status_code=204)
    async def remove_rule(rule_id: int) -> Response:
        faults.remove(known(rule_id))
        return Response(status_code=204)

    @app.get("/sandbox/faults/{rule_id}/held")
    async def wait_held(rule_id: int, timeout: float = 30.0) -> dict[str, object]:
        """Answers as soon as the rule holds a call; 408 when it holds none within `timeout` seconds."""
        rule = known(rule_id)
        try:
            await asyncio.wait_for(rule.arrived.wait(), min(timeout, _LONGEST_WAIT))
        except TimeoutError:
            raise HTTPException(408, f"no call was held within {timeout:g} s") from None
        return {"fault": rule.view()}

    @app.post("/sandbox/faults/{rule_id}/release")
    async def release(rule_id: int, outcome: Outcome = "proceed") -> dict[str, object]:
        """Lets go of the held calls: they proceed, or their connections are dropped (`?outcome=drop`)."""
        rule = known(rule_id)
        rule.release(outcome)
        return {"fault": rule.view()}

    @app.get("/sandbox/calls")
    async def calls() -> dict[str, object]:
        return {"calls": [dataclasses.asdict(call) for call in journal]}

    @app.delete("/sandbox/calls", status_code=204)
    async def clear_calls() -> Response:
        journal.clear()
        return Response(status_code=204)

    return app
