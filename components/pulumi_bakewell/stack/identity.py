"""What a stack is called by what outlives a rename of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import pulumi

from pulumi_bakewell.stack.outputs import IdentityOutput, StackOutputs


@dataclass(frozen=True, slots=True)
class Identity:
    """A stack's identity, the same after a rename.

    Attributes:
        name: what the stack was called at its first `up`.
        key: tells it from another stack that is given the name later; empty for a stack of before there were keys.
    """

    name: str
    key: str

    @property
    def unique(self) -> str:
        """The name with the key: no other stack has it."""
        return f"{self.name}-{self.key}" if self.key else self.name

    def published(self) -> dict[str, object]:
        """The stack output: see `pulumi_bakewell.stack.outputs.IdentityOutput`."""
        return IdentityOutput(name=self.name, key=self.key).model_dump()


def identified(last: pulumi.Output[StackOutputs]) -> pulumi.Output[Identity]:
    """The identity that the stack exported last; the one that it is given now where it has none yet."""
    fresh = secrets.token_hex(3)

    def read(outputs: StackOutputs) -> Identity:
        if outputs.identity is not None:
            return Identity(outputs.identity.name, outputs.identity.key)
        return Identity(pulumi.get_stack(), "" if outputs.images else fresh)

    return last.apply(read)
