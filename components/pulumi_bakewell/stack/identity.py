"""The identity of a stack: a name and a key that do not change when the stack is renamed."""

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
        name: the stack's name at its first `up`.
        key: distinguishes the stack from a later stack of the same name; empty if the program exports no record.
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
    """The identity from the stack's last outputs; a new identity if the stack has none yet.

    Args:
        values: all last outputs.
        last: the record among them.
    """
    fresh = secrets.token_hex(3)

    def read(known: tuple[dict[str, Any], StackOutputs]) -> Identity:
        exported, record = known
        if record.identity is not None:
            return Identity(record.identity.name, record.identity.key)
        # Without an export, the key would change in each run.
        return Identity(pulumi.get_stack(), "" if exported else fresh)

    return pulumi.Output.all(values, last).apply(lambda known: read((known[0], known[1])))
