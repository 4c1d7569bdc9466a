"""Where tests order faults and read the journal: /sandbox/faults and /sandbox/calls, the same beside every API."""

from __future__ import annotations

import asyncio
import dataclasses

from fastapi import APIRouter, HTTPException, Response

from sandbox.serving.faults import Faults, Journal, Outcome, Rule, S

_LONGEST_WAIT = 120.0


def routes(faults: Faults[S], spec_type: type[S], journal: Journal) -> APIRouter:
    """The endpoints of `sandbox.serving.faults`' docstring; `spec_type` is the body of a new rule."""
    router = APIRouter(prefix="/sandbox")

    def known(rule_id: int) -> Rule[S]:
        if (rule := faults.get(rule_id)) is None:
            raise HTTPException(404, "no such rule")
        return rule

    @router.get("/faults")
    async def rules() -> dict[str, object]:
        return {"faults": [rule.view() for rule in faults.all()]}

    async def add_rule(spec: S) -> dict[str, object]:
        return {"fault": faults.add(spec).view()}

    add_rule.__annotations__["spec"] = spec_type  # FastAPI reads the body's type there
    router.post("/faults", status_code=201)(add_rule)

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
            raise HTTPException(408, f"no call was held within {timeout:g} s") from None
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
