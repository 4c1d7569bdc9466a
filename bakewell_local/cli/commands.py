"""The commands of `bakewell local`. Set-up talk goes to stderr, results to stdout."""

from __future__ import annotations

import os
import shlex
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import click
import typer

from bakewell.cleanup import followed_by
from bakewell.errors import BakewellError
from bakewell_local.cli import choice, setup, status
from bakewell_local.cli.starting import start, take_down_containers
from bakewell_local.project import stacks
from bakewell_local.project.layout import Project, stack_of
from bakewell_local.sandbox.local_cloud import LocalCloud, search_path
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.folders import ROOT
from bakewell_local.toolchain.progress import say
from bakewell_local.toolchain.tools import HOSTS, PLUGINS, needed

HTTP_SECONDS = 60
# Fast ones first: a broken function is told in seconds, not after the slow ones.
SUITES = ("unit", "components", "providers", "contract", "sandbox", "e2e")

# Most of the time is spent waiting for machines, so workers outnumber cores. Each has a local cloud of its own; the
# tests of a file stay together, in order; tests/conftest.py says which files do, too, and in which order they begin.
WORKERS = ("-n", "4", "--dist", "loadgroup", "--no-loadscope-reorder")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The local cloud of the project in this folder: its state is in .bakewell there.",
)
Stack = Annotated[
    str, typer.Option(help="The stack; by default the one that BAKEWELL_STACK or PULUMI_STACK names, else dev.")
]
# Of the Makefile.
Roles = Annotated[str, typer.Option(hidden=True)]
Clouds = Annotated[str, typer.Option(hidden=True)]
State = Annotated[Path | None, typer.Option(hidden=True, help="the folder of the cloud's state")]


@app.command()
def up(state: State = None, stack: Stack = "", roles: Roles = "", clouds: Clouds = "") -> None:
    """Bake a stack's images and boot its machines; ends with where each is, what it answers and when it was ready."""
    project, environment = _started(state, stack, roles, clouds, tell=True)
    _pulumi(project, environment, "up", "--yes")
    begin = time.monotonic()
    answers = [
        (name, machine, stacks.http_status(machine.url, begin + HTTP_SECONDS) if machine.url else "")
        for name, machine in stacks.machines(project, environment)
    ]
    print()
    for name, machine, code in answers:
        print(stacks.row(name, machine, code), flush=True)
    if any(machine.url and code != "200" for _, machine, code in answers):
        raise BakewellError(
            f"not every machine answers with 200 within {HTTP_SECONDS} s", remedy="see `docker logs`, or ssh to it"
        )


@app.command()
def preview(state: State = None, stack: Stack = "", roles: Roles = "", clouds: Clouds = "") -> None:
    """Show what `up` would do, and why."""
    project, environment = _started(state, stack, roles, clouds)
    _pulumi(project, environment, "preview", "--diff")


@app.command()
def env(state: State = None, stack: Stack = "", roles: Roles = "", clouds: Clouds = "") -> None:
    """Print the exports with which pulumi, packer, doctl and bakewell work on this cloud: eval "$(bakewell local env)".

    They name the stack in PULUMI_STACK; BAKEWELL_STACK, where it is set, goes before it for bakewell.
    """
    _, environment = _started(state, stack, roles, clouds, every_variable=False)
    for name, value in environment.items():
        print(f"export {name}={shlex.quote(value)}")


@app.command("status")
def show_status(
    state: State = None, as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False
) -> None:
    """Say what runs: the Docker Engine, the cloud's servers and mirror, stacks, and machines with what they answer."""
    found = status.look(Project.here(state))
    print(found.model_dump_json() if as_json else status.text(found), flush=True)


@app.command()
def reset(state: State = None, stack: Stack = "") -> None:
    """Remove all machines, images and stacks of this cloud, and start it empty. Shells need its exports again."""
    project, chosen = Project.here(state), stack or stack_of(os.environ)
    project.settings(chosen)  # a stack that cannot be started again is refused before anything is removed
    project.check_removable()
    if project.state.exists():
        take_down_containers(project)
        say("cloud", f"removing {project.state} and what it made")
        setup.wake(project.state)
        LocalCloud(project.state).destroy()
    start(project, chosen)
    say("cloud", 'empty; shells need its new exports: eval "$(bakewell local env)"')


@app.command()
def down(state: State = None) -> None:
    """Remove all that `up` made: machines, images, networks, stacks, processes. Caches stay."""
    project = Project.here(state)
    project.check_removable()
    take_down_containers(project)
    setup.tear_down(project.state)


@app.command(hidden=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run every test of Bakewell's own repository, the fast ones first; what follows goes to pytest."""
    # Whatever the tests need is built before them: besides a build, what takes seconds runs out of time.
    begun_engine = setup.install(clouds=PLUGINS, runtimes=HOSTS, with_mirror=True)
    suites = [str(folder) for name in SUITES if any((folder := ROOT / "tests" / name).glob("**/test_*.py"))]
    command = [sys.executable, "-m", "pytest", *WORKERS, "--durations=15", *(context.args or suites)]
    with followed_by(setup.end_engine if begun_engine else lambda: None), followed_by(setup.remove_leftovers):
        tools = Builder().ensure(needed(PLUGINS, HOSTS))
        code = stacks.run(command, stacks.full({"PATH": search_path(tools)}), ROOT)
    raise typer.Exit(code)


def _started(
    state: Path | None, stack: str, roles: str, clouds: str, *, tell: bool = False, every_variable: bool = True
) -> tuple[Project, dict[str, str]]:
    """The project here, its cloud started for the stack; the exports for it, or the whole environment with them."""
    chosen = stack or (choice.choose(roles, clouds) if roles or clouds else stack_of(os.environ))
    project = Project.here(state)
    exports = start(project, chosen.rpartition("/")[2], tell=tell)
    return project, stacks.full(exports) if every_variable else exports


def _pulumi(project: Project, environment: dict[str, str], *arguments: str) -> None:
    """Run pulumi, its output passing through line by line; a failure ends this program with its status."""
    code = stacks.run(
        ["pulumi", *arguments, "--non-interactive", "--suppress-progress", f"--color={stacks.colour()}"],
        environment,
        project.root,
    )
    if code == stacks.INTERRUPTED:
        say("pulumi", "interrupted; the same command goes on from here")
    if code != 0:
        raise typer.Exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; `--debug` before it shows tracebacks.

    Exit status: 0, the failing command's own, an error's (bakewell/errors.py), or 130 after Ctrl-C (typer's doing).
    """
    debug = list(arguments[:1]) == ["--debug"]
    try:
        code = app(list(arguments[debug:]), prog_name="bakewell local", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BakewellError as error:
        if debug:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return code or 0
