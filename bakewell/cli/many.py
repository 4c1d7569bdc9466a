"""Building several images in one process: parents first, the rest at once, as far as slots allow."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, cast

from bakewell.build.build import build
from bakewell.build.job import Job, Result
from bakewell.build.log import Printer
from bakewell.build.stop import Stop
from bakewell.cli.common import Project, print_json, table
from bakewell.errors import BakewellError, BuildError, Interrupted

if TYPE_CHECKING:
    from rich.progress import Progress

Outcome = Result | BakewellError


def build_many(
    project: Project, named: Sequence[str], *, force: bool, parallel: int | None, as_json: bool, debug: bool
) -> int:
    """Build `named` (none or `all`: the stack's) and what they are built on; 0, or the first failure's exit code."""
    chosen = project.roles(named)
    roles = project.catalog.select(chosen)
    found = project.fingerprints(roles)
    jobs = {role: project.job(role, found[role], force=force and role in chosen, parallel=parallel) for role in roles}
    with Stop().on_signals() as stop, _printer(roles) as printer:
        outcomes = _run(jobs, stop, printer)
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome, BakewellError)]
    for failure in failures:
        if debug:
            traceback.print_exception(failure)
        print(printer.mask(f"error: {failure}"), file=sys.stderr)
    if as_json:
        print_json([_mapping(role, outcome) for role, outcome in outcomes.items()])
    else:
        table(("image", "result", "seconds", "ID"), [_row(role, outcome) for role, outcome in outcomes.items()])
    return failures[0].exit_code if failures else 0


def _run(jobs: dict[str, Job], stop: Stop, printer: Printer) -> dict[str, Outcome]:
    """Every job's outcome, in the order of `jobs` (parents first)."""
    outcomes: dict[str, Outcome] = {}
    waiting = list(jobs)
    running: dict[Future[Result], str] = {}
    with ThreadPoolExecutor(max(1, len(jobs))) as pool:
        while waiting or running:
            for role in list(waiting):
                parent = jobs[role].spec.parent
                before = outcomes.get(parent) if parent else None
                if isinstance(before, BakewellError):
                    outcomes[role] = BuildError(f"image {role} was not built: its parent {parent} failed")
                elif parent is None or before is not None:
                    running[pool.submit(build, jobs[role], stop, printer.for_role(role))] = role
                else:
                    continue
                waiting.remove(role)
            try:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                # Asked twice: do not wait for the threads. Supervisors end Packer, the next command removes the rest.
                printer.line("error: interrupted again, leaving at once; the next command cleans up")
                os._exit(Interrupted.exit_code)
            for future in done:
                role = running.pop(future)
                try:
                    outcomes[role] = future.result()
                except BakewellError as error:
                    outcomes[role] = error
    return {role: outcomes[role] for role in jobs}


class _AboveProgress:
    """Text goes above the progress display, line by line."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def write(self, text: str) -> int:
        self._progress.console.print(text.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


@contextmanager
def _printer(roles: Sequence[str]) -> Iterator[Printer]:
    """A printer to stderr; on a terminal with a line below it that shows time passing."""
    if not sys.stderr.isatty():
        yield Printer(secrets=os.environ)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(f"baking {', '.join(roles)}", total=None)
        yield Printer(cast(TextIO, _AboveProgress(progress)), secrets=os.environ)


def _row(role: str, outcome: Outcome) -> tuple[str, str, str, str]:
    if isinstance(outcome, BakewellError):
        return role, _word(outcome), "", ""
    return role, outcome.action, f"{outcome.seconds:.1f}", outcome.id


def _word(error: BakewellError) -> str:
    return "interrupted" if isinstance(error, Interrupted) else "failed"


def _mapping(role: str, outcome: Outcome) -> dict[str, object]:
    if isinstance(outcome, BakewellError):
        return {"role": role, "action": _word(outcome), "error": str(outcome)}
    return outcome.mapping()
