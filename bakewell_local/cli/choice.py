"""Which of this repository's own stacks `make up ROLES=… CLOUDS=…` means."""

from __future__ import annotations

from bakewell.errors import BakewellError

BOTH = "aws,digitalocean"
STACKS = {("", "digitalocean"): "dev", ("all", "digitalocean"): "fleet", ("", "aws"): "aws", ("", BOTH): "both"}
"""By what ROLES and CLOUDS say."""


def choose(roles: str, clouds: str) -> str:
    """The stack that ROLES and CLOUDS choose. Raises BakewellError where there is none."""
    wanted = ",".join(sorted({name.strip() for name in (clouds or "digitalocean").split(",")}))
    if (roles, wanted) in STACKS:
        return STACKS[roles, wanted]
    if roles and (roles, "digitalocean") not in STACKS:
        raise BakewellError(
            f"ROLES={roles}: there is no stack of these roles",
            remedy="say ROLES=all for the stack fleet, which has every role, or nothing for the stack dev; "
            "bakewell:roles and bakewell:digitalocean in Pulumi.dev.yaml say what that one has",
        )
    raise BakewellError(
        f"CLOUDS={clouds}{f' ROLES={roles}' if roles else ''}: there is no stack of these clouds",
        remedy="say CLOUDS=aws or CLOUDS=digitalocean,aws without ROLES, or leave CLOUDS out; Pulumi.aws.yaml and "
        "Pulumi.both.yaml say what those stacks have",
    )
