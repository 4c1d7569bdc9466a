"""The reaper: removes what builds that died have left in the cloud, and nothing else.

A build is dead when this host knows its run and nobody holds the run's lock, or when its lease ran out and this host
does not know it. A colleague's build whose lease still runs, and one that a process here holds, are left alone, however
they look. What goes: builder machines (once their pending snapshots are done, with the unfinished snapshots), images
without the ready tag, keys, and tags that nothing carries any more. Finished images are retention's alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from bakewell.build import runs
from bakewell.build.log import Say
from bakewell.clouds import LEASE_SECONDS, Cloud
from bakewell.image import Image, tag

Dead = Callable[[str, int], bool]  # (run, lease) -> whether its build is dead


def reap(cloud: Cloud, endpoint: str, project: str, state_dir: Path, say: Say, *, now: float | None = None) -> int:
    """Remove what dead builds of `project` left; how many things went.

    `endpoint` is the API that `cloud` speaks to: runs recorded for others are not judged by it. `now` is Unix time, the
    present by default.

    Raises:
        CloudError: something could not be read or deleted. The records stay, and the next command tries again.
    """
    moment = time.time() if now is None else now
    with ExitStack() as held:
        claimed: dict[str, runs.Run] = {}
        for record in runs.known(state_dir):
            if (record.endpoint, record.project) == (endpoint, project):
                run = runs.claim(state_dir, record.run)
                if run is not None:
                    held.callback(run.release)
                    claimed[record.run] = run

        def dead(run: str, lease: int) -> bool:
            return run in claimed or (not runs.is_known(state_dir, run) and lease < moment)

        count = _sweep(cloud, project, dead, [run.record for run in claimed.values()], say)
        # Those of live builds too are carried from the moment that their machine is created.
        cloud.delete_unused_tags()
        if count == 0:
            # A request of a killed build may have been under way: a run is forgotten once nothing of it was found.
            for run in claimed.values():
                run.finish()
    return count


def waiting(endpoint: str, project: str, state_dir: Path) -> bool:
    """True when a build of `project` died on this host and was not cleaned up after yet. Asks no cloud."""
    for record in runs.known(state_dir):
        if (record.endpoint, record.project) == (endpoint, project):
            run = runs.claim(state_dir, record.run)
            if run is not None:
                run.release()
                return True
    return False


def remove_run(cloud: Cloud, record: runs.Record, say: Say) -> int:
    """Remove what one build left, which the caller knows to be over; how many things went."""
    count = _sweep(cloud, record.project, lambda run, _: run == record.run, [record], say)
    names = [tag("run", record.run), tag("lease", str(record.lease)), tag("fingerprint", record.fingerprint)]
    cloud.delete_unused_tags(names)
    return count


def _sweep(cloud: Cloud, project: str, dead: Dead, records: Iterable[runs.Record], say: Say) -> int:
    count = 0
    names = {record.name for record in records}
    for builder in cloud.builders(project):
        if not dead(builder.identity.run, builder.lease):
            continue
        for snapshot in cloud.settle(builder.id):
            image = cloud.image(snapshot)
            if image is None or (not image.ready and image.run == builder.identity.run):
                say(f"removing unfinished snapshot {snapshot} of builder {builder.name}")
                cloud.delete_image(snapshot)
                count += 1
        say(f"removing builder {builder.name} ({builder.id})")
        cloud.delete_builder(builder.id)
        count += 1
    for image in cloud.images(project):
        if not image.ready and dead(image.run, _lease(image)):
            say(f"removing unfinished image {image.name} ({image.id})")
            cloud.delete_image(image.id)
            count += 1
    for leftover in cloud.leftovers(names):
        say(f"removing unfinished snapshot {leftover.name} ({leftover.id}), which was never tagged")
        cloud.delete_image(leftover.id)
        count += 1
    for key in cloud.build_keys():
        if dead(key.run, key.lease):
            say(f"removing key {key.name}")
            cloud.delete_key(key.id)
            count += 1
    return count


def _lease(image: Image) -> int:
    return image.lease or int(image.created_at.timestamp()) + LEASE_SECONDS
