"""Building several images in one process: parents first, the rest at once, as far as slots allow."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from bakewell import names
from bakewell.build.build import build
from bakewell.build.job import Job
from bakewell.build.progress import Outcome, Progress, progress, word
from bakewell.build.result import Result
from bakewell.build.stop import Stop
from bakewell.cli.common import Project, note, print_json, table
from bakewell.errors import BakewellError, BuildError, Interrupted


def build_many(
    project: Project,
    named: Sequence[str],
    cloud: str | None,
    *,
    force: bool,
    parallel: int | None,
    as_json: bool,
    debug: bool,
) -> int:
    """Build `named` (none: the stack's; `all`: every one) and what they are built on, on `cloud` or all of the stack's.

    Gives 0, or the first failure's exit code.
    """
    chosen = project.roles(named)
    roles = project.catalog.select(chosen)
    clouds = project.clouds(cloud)
    jobs: dict[str, Job] = {}
    for name in clouds:
        project.look(name)
    for name in clouds:
        found = project.fingerprints(name, roles)
        for role in roles:
            job = project.job(name, role, found[role], force=force and role in chosen, parallel=parallel)
            jobs[_label(name, role, clouds)] = job
    with Stop().on_signals() as stop, progress(tuple(jobs)) as shown:
        outcomes = _run(jobs, clouds, stop, shown)
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome, BakewellError)]
    for failure in failures:
        if debug:
            print(shown.printer.mask("".join(traceback.format_exception(failure))), file=sys.stderr)
        print(shown.printer.mask(f"error: {failure}"), file=sys.stderr)
    if as_json:
        print_json([_mapping(jobs[label], outcome) for label, outcome in outcomes.items()])
    else:
        table(("image", "result", "seconds", "ID"), [_row(role, outcome) for role, outcome in outcomes.items()])
    if force:
        made = [jobs[label] for label, outcome in outcomes.items() if not isinstance(outcome, BakewellError)]
        _say_how_stacks_take_it_up([job for job in made if job.force])
    return failures[0].exit_code if failures else 0


def _say_how_stacks_take_it_up(forced: Sequence[Job]) -> None:
    """A stack looks for an image when its content changes, and that of a forced one is what it was."""
    if not forced:
        return
    commands = " ".join(f"--replace '**:local:Command::{names.of(job.cloud, job.role)}'" for job in forced)
    note(f"stacks keep the images that they have; to have one take up the new ones: pulumi up {commands}")
    if children := sorted({spec.role for job in forced for spec in job.catalog if spec.parent == job.role}):
        note(f"images built on them stay as they are; to build them again: bakewell build {' '.join(children)} --force")


def _label(cloud: str, role: str, clouds: Sequence[str]) -> str:
    """What people call an image: its role, and where there are several clouds, which one's."""
    return role if len(clouds) == 1 else f"{cloud}/{role}"


def _run(jobs: dict[str, Job], clouds: Sequence[str], stop: Stop, shown: Progress) -> dict[str, Outcome]:
    """Every job's outcome, in the order of `jobs` (parents first)."""

    def parent_of(label: str) -> str | None:
        job = jobs[label]
        return _label(job.cloud, job.spec.parent, clouds) if job.spec.parent else None

    outcomes: dict[str, Outcome] = {}
    waiting = list(jobs)
    for role in waiting:
        if (parent := parent_of(role)) is not None:
            shown.waits(role, parent)
    running: dict[Future[Result], str] = {}
    with ThreadPoolExecutor(max(1, len(jobs))) as pool:
        while waiting or running:
            for role in list(waiting):
                parent = parent_of(role)
                before = outcomes.get(parent) if parent else None
                if isinstance(before, BakewellError):
                    outcomes[role] = BuildError(f"image {role} was not built: its parent {parent} {word(before)}")
                    shown.ends(role, outcomes[role])
                elif parent is None or before is not None:
                    running[pool.submit(build, jobs[role], stop, shown.begins(role))] = role
                else:
                    continue
                waiting.remove(role)
            try:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                # Asked twice: do not wait for the threads. Supervisors end Packer, the next command removes the rest.
                shown.printer.line("error: interrupted again, leaving at once; the next command cleans up")
                shown.close()
                os._exit(Interrupted.exit_code)
            for future in done:
                role = running.pop(future)
                try:
                    outcomes[role] = future.result()
                except BakewellError as error:
                    outcomes[role] = error
                shown.ends(role, outcomes[role])
    return {role: outcomes[role] for role in jobs}


def _row(role: str, outcome: Outcome) -> tuple[str, str, str, str]:
    if isinstance(outcome, BakewellError):
        return role, word(outcome), "", ""
    return role, outcome.action, f"{outcome.seconds:.1f}", outcome.id


def _mapping(job: Job, outcome: Outcome) -> dict[str, object]:
    if isinstance(outcome, BakewellError):
        return {"role": job.role, "cloud": job.cloud, "action": word(outcome), "error": str(outcome)}
    return outcome.mapping()
