"""The reaper: removes what builds that died have left in the cloud, and nothing else.

A build is dead when this host knows its run and nobody holds the run's lock, or when its lease ran out, by the cloud's
time, and this host does not know it. A colleague's build whose lease still runs, and one that a process here holds, are
left alone, however they look. What goes: builder machines (once their pending snapshots are done, with the unfinished
snapshots), images that were never finished, keys, and tags that nothing carries any more.

A finished image whose build died before it took the lease off loses the lease here. Otherwise finished images are
retention's alone. So an image that carries the ready tag stays whatever else is wrong with it, and
one that lost that tag stays too: a finished image has no lease, and without one only a run that died here dooms it. Nor
does any image go that something in the account boots from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from bakewell.build import runs
from bakewell.build.log import Say
from bakewell.clouds.protocols import Upkeep
from bakewell.clouds.resources import BUILDER, LEASE_SECONDS, Builder
from bakewell.errors import BakewellError
from bakewell.image import READY, Identity, Image, lease_of, tag

Dead = Callable[[str, int | None], bool]  # (run, its lease where one is known) -> whether its build is dead


def reap(cloud: Upkeep, endpoint: str, project: str, state_dir: Path, say: Say) -> int:
    """Remove what dead builds of `project` left; how many things went.

    `endpoint` is the API that `cloud` speaks to: runs recorded for others are not judged by it.

    Raises:
        CloudError: something could not be read or deleted, or a lease cannot be judged because the cloud does not say
            what time it is. The records stay, and the next command tries again.
        BakewellError: the state directory cannot be read.
    """
    with ExitStack() as held:
        claimed: dict[str, runs.Run] = {}
        for record in runs.known(state_dir):
            if (record.endpoint, record.project) == (endpoint, project):
                run = runs.claim(state_dir, record.run)
                if run is not None:
                    held.callback(run.release)
                    claimed[record.run] = run

        def dead(run: str, lease: int | None) -> bool:
            return run in claimed or (lease is not None and not runs.is_known(state_dir, run) and lease < cloud.now())

        sweep = _Sweep(cloud, project, dead, say)
        sweep.run([run.record for run in claimed.values()])
        # A young one may be about to get its tags, on another host.
        doubtful = [
            f"{image.name} ({image.id})"
            for image in sweep.doubtful
            if not runs.is_known(state_dir, image.run) and image.created_at.timestamp() + LEASE_SECONDS < cloud.now()
        ]
        if doubtful:
            say(
                f"left alone, having neither the ready tag nor a lease: {', '.join(doubtful)};"
                f" tag them {READY} or delete them yourself"
            )
        # Those of live builds too are carried from the moment that their machine is created.
        if cloud.remains is not None:
            for what in cloud.remains.sweep(project):
                say(what)
        if sweep.count == 0:
            # A request of a killed build may have been under way: a run is forgotten once nothing of it was found.
            for run in claimed.values():
                run.finish()
    return sweep.count


def waiting(endpoint: str, project: str, state_dir: Path) -> bool:
    """True when a build of `project` died on this host and was not cleaned up after yet. Asks no cloud."""
    for record in runs.known(state_dir):
        if (record.endpoint, record.project) == (endpoint, project):
            run = runs.claim(state_dir, record.run)
            if run is not None:
                run.release()
                return True
    return False


def reap_own(cloud: Upkeep, endpoint: str, project: str, state_dir: Path, say: Say) -> None:
    """Reap where a build of this host left something. Where that fails, it is said, and the next command tries again.

    For commands that are about something else.
    """
    try:
        if waiting(endpoint, project, state_dir):
            reap(cloud, endpoint, project, state_dir, say)
    except BakewellError as error:
        say(f"removing what dead builds left is put off: {error}")


def remove_run(cloud: Upkeep, record: runs.Record, say: Say) -> int:
    """Remove what one build left, which the caller knows to be over; how many things went."""
    sweep = _Sweep(cloud, record.project, lambda run, _: run == record.run, say)
    sweep.run([record])
    if cloud.tag_objects is not None:
        names = [tag("run", record.run), tag("lease", str(record.lease)), tag("fingerprint", record.fingerprint)]
        cloud.tag_objects.delete_unused(names)
    return sweep.count


class _Sweep:
    """One pass over what a project has in the cloud.

    Attributes:
        count: how many things went.
        doubtful: images that may be finished or not: nothing says.
    """

    def __init__(self, cloud: Upkeep, project: str, dead: Dead, say: Say) -> None:
        self._cloud, self._project, self._dead, self._say = cloud, project, dead, say
        self._judged: set[str] = set()
        self.count = 0
        self.doubtful: list[Image] = []

    def run(self, records: Iterable[runs.Record]) -> None:
        """Remove what is dead. `records`: runs that are known to be, whose images may have no tags yet."""
        for builder in self._cloud.builders.of(self._project):
            if self._dead(builder.identity.run, builder.lease):
                self._remove_builder(builder)
        for image in self._cloud.images.of(self._project):
            if READY in image.tags:
                self._take_lease_off(image)
                continue
            if self._dead(image.run, image.lease):
                self._remove_image(image.id, f"image {image.name} ({image.id})")
            elif image.lease is None:
                self.doubtful.append(image)
        if (remains := self._cloud.remains) is not None:
            for leftover in remains.untagged({record.name for record in records}):
                self._remove_image(leftover.id, f"snapshot {leftover.name} ({leftover.id}), which was never tagged")
        for key in self._cloud.keys.all():
            if self._dead(key.run, key.lease):
                self._say(f"removing key {key.name}")
                self._cloud.keys.delete(key.id)
                self.count += 1

    def _take_lease_off(self, image: Image) -> None:
        """A finished image has no lease, so that it is not taken for a dead build's should it lose its ready tag."""
        lease = [text for text in image.tags if lease_of([text]) is not None]
        if lease and self._dead(image.run, lease_of(lease)):
            self._say(f"taking the lease off finished image {image.name} ({image.id})")
            self._cloud.images.untag(image.id, [*lease, BUILDER])

    def _remove_builder(self, builder: Builder) -> None:
        # Its snapshots first: without it, one that has no tags yet could not be told from anybody's.
        for snapshot in self._cloud.builders.settle(builder.id):
            self._remove_image(snapshot, f"snapshot {snapshot} of builder {builder.name}")
        self._say(f"removing builder {builder.name} ({builder.id})")
        self._cloud.builders.delete(builder.id)
        self.count += 1

    def _remove_image(self, image_id: str, what: str) -> None:
        """Delete an image that a dead build made, unless a fresh look shows that it is finished or needed."""
        if image_id in self._judged:
            return
        self._judged.add(image_id)
        tags = self._cloud.images.tags(image_id)
        if tags is None or not self._unfinished(tags):
            return
        found = self._cloud.images.get(image_id)
        ids = found.ids if found else {image_id}
        users = [reference for reference in self._cloud.references.all() if reference.image_id in ids]
        if users:
            self._say(f"unfinished {what} stays: in use by {users[0]}")
            return
        self._say(f"removing unfinished {what}")
        self._cloud.images.delete(image_id)
        self.count += 1

    def _unfinished(self, tags: tuple[str, ...]) -> bool:
        """Whether the tags of what a dead build made allow to delete it; those of another build are judged as its."""
        if READY in tags:
            return False
        identity = Identity.from_tags(tags)
        if identity is None:
            return True
        return identity.project == self._project and self._dead(identity.run, lease_of(tags))
