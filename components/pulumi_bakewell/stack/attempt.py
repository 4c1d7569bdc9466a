"""Whether an image that was already made must be made again: decision 6 of the design, without any Pulumi."""

from __future__ import annotations

from dataclasses import dataclass

from bakewell.clouds.survey import Survey
from pulumi_bakewell.stack.outputs import ImageOutput


@dataclass(frozen=True, slots=True)
class Attempt:
    """The number that goes into the build's triggers.

    Attributes:
        number: 0 for new content; one more than last time when the same content has to be made again.
        because: what happened to the image in the stack's outputs; None when nothing did.
    """

    number: int
    because: str | None = None


def next_attempt(role: str, fingerprint: str, recorded: ImageOutput | None, survey: Survey) -> Attempt:
    """Compares what the stack recorded at its last `up` with what is there now."""
    if recorded is None or recorded.fingerprint != fingerprint:
        return Attempt(0)
    reason = survey.lost(recorded.run, recorded.ids.values())
    if reason is None:
        return Attempt(recorded.attempt)
    instead = survey.adoptable(role, fingerprint)
    then = "will be rebuilt"
    if instead is not None:
        again = instead.run == recorded.run
        then = "will be copied again" if again else f"{instead.name} ({instead.id}) will take its place"
    snapshot = f"snapshot {role} {recorded.name} ({', '.join(sorted(set(recorded.ids.values())))})"
    return Attempt(recorded.attempt + 1, f"{snapshot} in the outputs is {reason}: {then}")
