"""What may stand under [versions] and [variables]."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bakewell.secret_shapes import secret_setting

Text = Annotated[str, Field(min_length=1)]
_VariableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Values = dict[_VariableName, str | int | bool]


def plain_values(variables: object) -> object:
    """`variables` as they were read. Raises ValueError for a value that is no text, whole number or boolean."""
    for key, value in variables.items() if isinstance(variables, dict) else ():
        if not isinstance(value, str | int | bool):
            raise ValueError(f"`{key}` should be text, a whole number, true or false")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:  # in hex, one may have no end
            raise ValueError(f"`{key}` should be a number of 64 bits, as TOML has them")
    return variables


def no_secrets(variables: Values) -> Values:
    """`variables`. Raises ValueError for one that looks like a secret."""
    for key, value in variables.items():
        if why := secret_setting(key, value):
            raise ValueError(f"{why}; secrets stay out of images: let the machine fetch it when it starts")
    return variables
