"""`bakewell roles`: the roles of the catalog. `--markdown` prints docs/roles.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakewell.cli.common import Debug, Json, Project, print_json, print_text, table

if TYPE_CHECKING:
    from bakewell.catalog import Catalog, ImageSpec

SERVERS, DATACENTER = 3, "nyc3"
_COLUMNS = ("role", "built on", "versions", "answers on", "Consul", "starts", "user_data")
_HEAD = f"""\
# Roles

<!-- Made by `bakewell roles --markdown > docs/roles.md` from packer/images; a test says when it is stale. -->

The roles of `packer/images/`. The versions are those in the role's own image.toml; its parent has its own versions.
The last column is the size of the role's user_data in bytes, in a stack with {SERVERS} Consul servers whose addresses
have the maximum length.

"""


def command(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/roles.md instead of a table.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the roles: what each is built on, its versions, ports, part in Consul, units and size of user_data."""
    del debug
    catalog = Project.here().catalog
    if as_json:
        print_json([described(spec) for spec in catalog])
    elif markdown:
        print_text(as_markdown(catalog))
    else:
        table(_COLUMNS, [_row(spec) for spec in catalog])


def described(spec: ImageSpec) -> dict[str, Any]:
    """One role, ready for JSON."""
    from bakewell.user_data import UserData

    role = spec.own_role
    health, consul = role.boot.health, role.consul
    told = UserData.of_role(role, clustered=True).largest(DATACENTER, SERVERS)
    return {
        "role": spec.role,
        "description": spec.description,
        "parent": spec.parent,
        "base": spec.base,
        "versions": spec.every_version,
        "health": None if health is None else health.model_dump(),
        "consul": None if consul is None else {"mode": consul.mode, "service": consul.service or spec.role},
        "services": role.units,
        "user_data_bytes": len(told.encode()),
    }


def as_markdown(catalog: Catalog) -> str:
    """The document about all roles."""
    lines = [_line(_COLUMNS), "|" + "---|" * len(_COLUMNS)]
    lines += [_line(_row(spec, code="`")) for spec in catalog]
    described_roles = [f"- `{spec.role}`: {spec.description}." for spec in catalog]
    return _HEAD + "\n".join([*lines, "", *described_roles]) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _row(spec: ImageSpec, *, code: str = "") -> tuple[str, ...]:
    """The cells; `code` goes around what is no prose."""
    one = described(spec)
    health, consul = one["health"], one["consul"]
    return (
        f"{code}{spec.role}{code}",
        f"{code}{spec.parent}{code}" if spec.parent else f"stock {code}{spec.base}{code}",
        ", ".join(f"{name} {code}{version}{code}" for name, version in spec.every_version.items()) or "-",
        f"{health['port']}, {code}{health['path']}{code}" if health else "-",
        "server"
        if consul and consul["mode"] == "server"
        else f"client, {code}{consul['service']}{code}"
        if consul
        else "-",
        ", ".join(f"{code}{unit}{code}" for unit in spec.own_role.units) or "-",
        str(one["user_data_bytes"]),
    )
