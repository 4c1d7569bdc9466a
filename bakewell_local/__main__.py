"""`python -m bakewell_local COMMAND`: what the Makefile calls. Set-up talk goes to stderr, results to stdout."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import click
import typer

from bakewell.cleanup import followed_by
from bakewell.errors import BakewellError
from bakewell_local import setup, stacks
from bakewell_local.sandbox.local_cloud import LocalCloud, search_path
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.folders import ROOT
from bakewell_local.toolchain.progress import say
from bakewell_local.toolchain.tools import PLUGINS, needed

BOTH = "aws,digitalocean"
STACKS = {("", "digitalocean"): "dev", ("all", "digitalocean"): "fleet", ("", "aws"): "aws", ("", BOTH): "both"}
"""By what ROLES and CLOUDS say."""

HTTP_SECONDS = 60
# Fast ones first: a broken function is told in seconds, not after the slow ones.
SUITES = ("unit", "components", "providers", "contract", "sandbox", "e2e")

# Most of the time is spent waiting for machines, so workers outnumber cores. Each has a local cloud of its own; the
# tests of a file stay together, in order; tests/conftest.py says which files do, too, and in which order they begin.
WORKERS = ("-n", "4", "--dist", "loadgroup", "--no-loadscope-reorder")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Roles = Annotated[str, typer.Option(help="`all`: the stack fleet, every role; by default the stack dev, web and api")]
Clouds = Annotated[str, typer.Option(help="`aws`: the stack aws; `digitalocean,aws`: the stack both")]
State = Annotated[Path, typer.Option(help="the state folder of the local cloud")]
DEFAULT_STATE = ROOT / ".bakewell"


@app.command()
def up(state: State = DEFAULT_STATE, roles: Roles = "", clouds: Clouds = "") -> None:
    """Bake a stack's images and boot its machines on the local cloud; ends with where each is and when it was ready."""
    environment = _environment(state, roles, clouds, tell=True)
    _pulumi(environment, "up", "--yes")
    begin = time.monotonic()
    answers = [
        (name, machine, stacks.http_status(machine.url, begin + HTTP_SECONDS) if machine.url else "")
        for name, machine in stacks.machines(environment)
    ]
    print()
    for name, machine, status in answers:
        print(stacks.row(name, machine, status), flush=True)
    if any(machine.url and status != "200" for _, machine, status in answers):
        raise BakewellError(
            f"not every machine answers with 200 within {HTTP_SECONDS} s", remedy="see `docker logs`, or ssh to it"
        )


@app.command()
def preview(state: State = DEFAULT_STATE, roles: Roles = "", clouds: Clouds = "") -> None:
    """Show what `up` would do, and why."""
    _pulumi(_environment(state, roles, clouds), "preview", "--diff")


@app.command()
def env(state: State = DEFAULT_STATE, roles: Roles = "", clouds: Clouds = "") -> None:
    """Print the exports with which pulumi, packer, doctl and bakewell work on the local cloud.

    They name the stack in PULUMI_STACK; BAKEWELL_STACK, where it is set, goes before it for bakewell.
    """
    for name, value in _started(state, roles, clouds).items():
        print(f"export {name}={shlex.quote(value)}")


@app.command()
def down(state: State = DEFAULT_STATE) -> None:
    """Remove all that `up` and `test` made: machines, images, networks, stacks, processes. Caches stay."""
    setup.tear_down(state)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run every test, the fast ones first; what follows goes to pytest. A running stack is not touched."""
    # Whatever the tests need is built before them: besides a build, what takes seconds runs out of time.
    begun_engine = setup.install(clouds=PLUGINS, with_mirror=True)
    suites = [str(folder) for name in SUITES if any((folder := ROOT / "tests" / name).glob("**/test_*.py"))]
    command = [sys.executable, "-m", "pytest", *WORKERS, "--durations=15", *(context.args or suites)]
    with followed_by(setup.end_engine if begun_engine else lambda: None), followed_by(setup.remove_leftovers):
        status = stacks.run(command, stacks.full({"PATH": search_path(Builder().ensure(needed(PLUGINS)))}))
    raise typer.Exit(status)


def _started(state: Path, roles: str, clouds: str, *, tell: bool = False) -> dict[str, str]:
    """Have all set up, the cloud of `state` serving with its mirror, and the stack there; the exports for it."""
    halves = sorted({name.strip() for name in (clouds or "digitalocean").split(",")})
    stack = _stack(roles, clouds, ",".join(halves))
    setup.install(clouds=halves, with_mirror=True)
    cloud = LocalCloud(state)
    if not cloud.serving():
        say("cloud", f"starting the local cloud in {state}")
        cloud.start()
    owed = cloud.state / "refresh.owed"
    if "aws" in halves and not cloud.serving_aws():
        say("cloud", "starting its AWS half")
        owed.touch()  # for it begins with empty records; whatever becomes of this command, the next one knows
        cloud.start_aws()
    cloud.start_mirror()
    for name, what in cloud.install_providers().items():
        if tell and name in ("command", *halves):
            say("provider", f"{name}: {what}")
    environment = {**cloud.environment(), "PULUMI_STACK": stack}
    if "aws" in halves and owed.exists():
        for known in (name for (_, on), name in STACKS.items() if "aws" in on and stacks.exists(name, cloud.state)):
            stacks.ready(known, cloud.state, stacks.full(environment))
            stacks.refresh(known, stacks.full(environment))
        owed.unlink()
    stacks.ready(stack, cloud.state, stacks.full(environment))
    return environment


def _stack(roles: str, clouds: str, halves: str) -> str:
    """The stack that ROLES and CLOUDS choose. Raises BakewellError where there is none."""
    if (roles, halves) in STACKS:
        return STACKS[roles, halves]
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


def _environment(state: Path, roles: str, clouds: str, *, tell: bool = False) -> dict[str, str]:
    return stacks.full(_started(state, roles, clouds, tell=tell))


def _pulumi(environment: dict[str, str], *arguments: str) -> None:
    """Run pulumi, its output passing through line by line; a failure ends this program with its status."""
    status = stacks.run(
        ["pulumi", *arguments, "--non-interactive", "--suppress-progress", f"--color={stacks.colour()}"], environment
    )
    if status == stacks.INTERRUPTED:
        say("pulumi", "interrupted; the same command goes on from here")
    if status != 0:
        raise typer.Exit(status)


def main() -> int:
    """Run the command that argv names.

    Exit status: 0, the failing command's own, an error's (bakewell/errors.py), or 130 after Ctrl-C (typer's doing).
    """
    try:
        status = app(prog_name="python -m bakewell_local", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BakewellError as error:
        print(f"bakewell: {error}", file=sys.stderr)
        return error.exit_code
    return status or 0


if __name__ == "__main__":
    sys.exit(main())
