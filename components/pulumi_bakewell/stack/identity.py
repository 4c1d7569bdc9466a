"""What a stack is called by what outlives a rename of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pulumi

from pulumi_bakewell.stack.outputs import IdentityOutput, StackOutputs


@dataclass(frozen=True, slots=True)
class Identity:
    """A stack's identity, the same after a rename.

    Attributes:
        name: what the stack was called at its first `up`.
        key: tells it from another stack that is given the name later; empty where the program exports no record.
    """

    name: str
    key: str

    @property
    def unique(self) -> str:
        """The name with the key: no other stack has it."""
        return f"{self.name}-{self.key}" if self.key else self.name

    def published(self) -> dict[str, object]:
        """Its part of the record: see `pulumi_bakewell.stack.outputs.IdentityOutput`."""
        return IdentityOutput(name=self.name, key=self.key).model_dump()


def identified(values: pulumi.Output[dict[str, Any]], last: pulumi.Output[StackOutputs]) -> pulumi.Output[Identity]:
    """The identity that the stack exported last; the one that it is given now where it has none yet.

    Args:
        values: all that it exported.
        last: its record, as that is understood.
    """
    fresh = secrets.token_hex(3)

    def read(known: tuple[dict[str, Any], StackOutputs]) -> Identity:
        exported, record = known
        if record.identity is not None:
            return Identity(record.identity.name, record.identity.key)
        # A key that is not exported would be another one in each run.
        return Identity(pulumi.get_stack(), "" if exported else fresh)

    return pulumi.Output.all(values, last).apply(lambda known: read((known[0], known[1])))
