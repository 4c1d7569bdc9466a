"""From a role and its fingerprint to an image ID.

The order makes it safe to stop at any moment: adopt before building; record the run before creating a resource; tag
every resource with its run; verify; tag the image `ready` last. If a build is killed in between, the reaper recognises
its leftovers. A finished image is never deleted here: after `ready`, nothing is undone.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bakewell.build import log, orphans, packer, runs, slots, supervisor
from bakewell.build.job import Job
from bakewell.build.log import Say
from bakewell.build.result import Result
from bakewell.build.secrets import for_build
from bakewell.build.stop import Stop
from bakewell.catalog.packages import check_packages
from bakewell.clouds import clock, connect
from bakewell.clouds.protocols import Cloud, ImageList, Images
from bakewell.clouds.resources import BUILDER, LEASE_SECONDS, Builder
from bakewell.context import Context
from bakewell.errors import BakewellError, BuildError, CloudError, ConfigError, HostError, Interrupted, file_error
from bakewell.image import READY, Identity, Image, adoptable, image_name, new_run, tag

_MARGIN = 300.0  # seconds before its lease runs out that a build is ended: time to clean up
_PATIENCE = 5.0  # seconds that a finished build waits for the reaper, and for its machine to be gone
_SHOWN = 30  # lines of the log that a failure shows


def build(job: Job, stop: Stop, say: Say) -> Result:
    """The image of `job`: adopted where one of this content is ready, else built.

    `say` takes progress, a line or more at a time.

    Raises:
        ConfigError: no token, no Packer, or files that changed meanwhile.
        CloudError: the API refused or could not be reached.
        BuildError: the parent is not built, Packer failed, or the image is not what was asked for.
        Interrupted: told to stop; what was begun is removed.
    """
    started = time.monotonic()
    job.environment.check(job.settings)
    cloud = connect(job.cloud, job.environment, job.settings, sleep=stop.sleep)
    where, project, state = job.environment.where(job.cloud), job.settings.project, job.environment.state_dir
    with slots.once(state, f"{project}-{job.role}-{job.fingerprint.value[:16]}", stop, say):
        found, parent = _look(job, cloud.images)
        if found is None:
            with slots.slot(state, job.slots, stop, say) as waited:
                if waited:  # meanwhile another host may have built it, or an operator revoked its parent
                    found, parent = _look(job, cloud.images)
                if found is None:
                    image = _Baking(job, cloud, parent, stop, say).bake()
                    say(f"image {image.name} ({image.id}) is ready after {time.monotonic() - started:.0f} s")
                    return Result.of(image, "built", time.monotonic() - started, time.time())
        say(f"image {found.name} ({found.id}) has this content already: adopted")
        if found.lost is not None:
            found = _bring_home(found, cloud.images, say)
        orphans.reap_own(cloud, where, project, state, say)
    return Result.of(found, "adopted", time.monotonic() - started, time.time())


def _look(job: Job, images: ImageList) -> tuple[Image | None, Image | None]:
    """The image to adopt, or else the one to build on (None for a stock base)."""
    present, region = images.of(job.settings.project), job.home
    found = None if job.force else adoptable(present, job.role, job.fingerprint.value, region)
    role, fingerprint = job.spec.parent, job.fingerprint.parent
    if found is not None or role is None or fingerprint is None:
        return found, None
    parent = adoptable(present, role, fingerprint, region)
    if parent is None:
        raise BuildError(
            f"image {job.role}: its parent {role} ({fingerprint[:12]}) is not built",
            remedy=f"build it first: bakewell build {role} (or `pulumi up`, which orders builds)",
        )
    return None, parent


def _bring_home(image: Image, images: Images, say: Say) -> Image:
    """An image that is only elsewhere any more, copied back to where it was built."""
    say(f"image {image.name} is {image.lost}: copying it back from {', '.join(image.regions)}")
    found = images.get(images.copy(image.id, image.identity.home))
    if found is None or found.lost is not None:
        raise BuildError(f"image {image.name} was copied back, and is not there", remedy="run the command again")
    return found


@dataclass
class _Baking:
    """One run: everything between deciding to build and an image that is ready."""

    job: Job
    cloud: Cloud
    parent: Image | None
    stop: Stop
    say: Say

    def bake(self) -> Image:
        job = self.job
        self.base = self._base()  # first: a transfer may take most of an hour, and the lease counts from then
        started = self.cloud.now()
        if differs := clock.complaint(self.cloud):
            self.say(differs)
        run_id = new_run()
        self.lease = int(started) + LEASE_SECONDS
        self.identity = Identity(
            project=job.settings.project,
            role=job.role,
            fingerprint=job.fingerprint.value,
            run=run_id,
            parent=self.parent.run if self.parent else None,
            home=job.home,
        )
        self.name = image_name(job.settings.prefix, job.role, run_id, datetime.fromtimestamp(started, UTC))
        record = runs.Record(
            run=run_id,
            project=job.settings.project,
            role=job.role,
            cloud=job.cloud,
            endpoint=job.environment.where(job.cloud),
            name=self.name,
            fingerprint=job.fingerprint.value,
            lease=self.lease,
        )
        run = runs.begin(job.environment.state_dir, record)
        reaper = threading.Thread(target=self._reap_others, name="reaper", daemon=True)
        reaper.start()
        try:
            image, key = self._make(run)
            self._declare(image)
            self._finish(run, image, key)
        finally:
            run.release()  # does nothing after `finish`, and leaves a crash to the reaper
        reaper.join(timeout=_PATIENCE)
        return image

    def _make(self, run: runs.Run) -> tuple[Image, str]:
        """The image, whole and verified, and the key's ID. Where that fails, what was made of it is removed."""
        try:
            return self._run(run)
        except (HostError, OSError) as error:
            self._undo(run, final=True)
            raise self._local(error) from error
        except BakewellError as error:
            self._undo(run, final=not isinstance(error, _Killed))
            raise

    def _run(self, run: runs.Run) -> tuple[Image, str]:
        secrets = for_build(self.job.catalog[self.job.role], os.environ)
        self.log = log.create(self.job.environment.state_dir, self.name)
        context = Context.collect(self.job.catalog, self.job.role, self.job.cloud, self.job.bases)
        if not context.digests.items() <= self.job.fingerprint.digests.items():
            raise ConfigError(f"image {self.job.role}: its files changed meanwhile", remedy="run the command again")
        check_packages(context)
        program = packer.find()
        self.stop.check()
        public = run.make_key()
        key = self.cloud.keys.create(f"bakewell-{self.identity.run}-{self.lease}", public)
        folder = run.folder / "context"
        context.stage(folder)
        packer.write_variables(run.folder / "variables.json", self._variables(run, key))
        self.stop.check()
        command = [str(program), "build", "-color=false", f"-var-file={run.folder / 'variables.json'}", "."]
        environ = packer.environment_for(os.environ, self.job.environment, self.job.cloud) | secrets
        self.say(f"building {self.name} on {self.base}, log: {self.log}")
        with log.Follower(self.log, self.say):
            left = self.lease - _MARGIN - self.cloud.now()
            process = packer.Supervised(command, folder, environ, self.log, run, seconds=left)
            status = process.wait(self.stop)
        if fetched := log.keep_fetched(folder, self.log):
            self.say(f"files that the build brought back: {fetched}")
        self._judge(status)
        return self._verify(run.folder / "manifest.json"), key

    def _variables(self, run: runs.Run, key: str) -> dict[str, object]:
        settings = self.job.settings
        return packer.chosen(self.job.cloud, settings, self.job.environment) | {
            "role": self.job.role,
            "prefix": settings.prefix,
            "base_image": self.base,
            "region": self.job.home,
            "image_name": self.name,
            "builder_name": self.identity.builder_name,
            "tags": [*self.identity.tags(), tag("lease", str(self.lease)), BUILDER],
            "ssh_key": key,
            "ssh_private_key_file": str(run.folder / "key"),
            "timeout_minutes": self.job.spec.build.timeout_minutes,
            "manifest_path": str(run.folder / "manifest.json"),
            **self._disk(),
        }

    def _disk(self) -> dict[str, object]:
        """Where the base has the root disk that image.toml asks for."""
        disks = self.cloud.disks
        if disks is None or self.job.spec.disk_gb is None:
            return {}
        return {"root_device": disks.root_device(self.base)}

    def _base(self) -> str:
        """What the cloud calls the image to start from; a parent that is elsewhere is brought to the region."""
        spec, region = self.job.spec, self.job.home
        if self.parent is None:
            bases, name = self.job.bases, spec.base or ""
            if self.job.environment.local(self.job.cloud):  # the locked IDs are those of the real cloud
                return self.cloud.bases.start(bases.entry(name, self.job.cloud).image)
            return bases.resolve(name, self.job.cloud, region)
        if region not in self.parent.regions:
            self.say(f"copying parent {self.parent.name} to {region}")
            return self.cloud.images.copy(self.parent.id, region)
        return self.parent.id_in(region)

    def _judge(self, status: int) -> None:
        """Raise unless Packer ended well."""
        if status == supervisor.OUT_OF_TIME:
            raise self._failed(f"it took longer than {(LEASE_SECONDS - _MARGIN) / 60:.0f} minutes and was ended")
        if status == supervisor.LOG_FAILED:
            raise self._failed("its log could not be written", remedy="free disk space, then run it again")
        if status < 0:
            raise _Killed(f"image {self.job.role}: its build was killed", file=self.log, remedy="run it again")
        self.stop.check()
        if status == supervisor.INTERRUPTED:
            raise Interrupted(f"image {self.job.role}: its build was interrupted", file=self.log, remedy="run it again")
        if status != 0:
            what, remedies = log.cause(self.log)
            then = f"then run: bakewell build {self.job.role}"
            raise self._failed(
                what or f"Packer ended with status {status}", "; ".join([*remedies, then]) if remedies else ""
            )

    def _failed(self, why: str, remedy: str = "") -> BuildError:
        end = "\n".join(f"    {line}" for line in log.tail(self.log, _SHOWN).split("\n"))
        return BuildError(
            f"image {self.job.role} was not built: {why}; nothing of it is kept. The log ends with:\n{end}",
            file=self.log,
            remedy=remedy or f"read the log, correct the image, then run: bakewell build {self.job.role}",
        )

    def _verify(self, manifest: Path) -> Image:
        """The image that Packer says it made, as the cloud shows it, with all its tags."""
        image_id = packer.artifact(manifest, self.job.role)
        wanted = {*self.identity.tags(), tag("lease", str(self.lease))}
        image = self.cloud.images.get(image_id)
        missing = sorted(wanted - set(image.tags if image else ()))
        if missing:
            self.say(f"adding {len(missing)} tags that Packer's plugin left out")
            self.cloud.images.tag(image_id, missing)
            image = self.cloud.images.get(image_id)
        faults = _faults(image, self.identity, self.name)
        if image is None or faults:
            raise BuildError(
                f"image {self.job.role}: what Packer made ({image_id}) is not what was asked for: {'; '.join(faults)}",
                file=self.log,
                remedy="compare packer/*.pkr.hcl with the variables it is given",
            )
        self.stop.check()
        return image

    def _declare(self, image: Image) -> None:
        """Tag it as ready. A request that failed may have done so all the same, so nothing is undone from here on."""
        try:
            self.cloud.images.tag(image.id, [READY])
        except BakewellError:
            self.say(f"{image.name} is whole, but may lack its ready tag: the next command adopts it or removes it")
            raise

    def _finish(self, run: runs.Run, image: Image, key: str) -> None:
        """Tidy up behind a finished image, and forget the run once the cloud shows that nothing is left of it.

        What fails here is left to the next command: the image stands.
        """
        lease = tag("lease", str(self.lease))
        try:
            with ThreadPoolExecutor(2) as pool:
                tasks = [pool.submit(self.cloud.keys.delete, key), pool.submit(self._await_builder)]
                self.cloud.images.untag(image.id, [lease, BUILDER])
                for task in tasks:
                    task.result()
        except Exception as error:  # whatever it is: the image stands, and whoever asked for it must hear of it
            why = error if isinstance(error, BakewellError) else f"unexpected {type(error).__name__}: {error}"
            self.say(f"tidying up is left to the next command: {why}")
        else:
            run.finish()

    def _await_builder(self) -> None:
        """Wait until the machine is gone. Packer removes it, and succeeds also where it could not.

        Raises:
            CloudError: it is still there. By then it was deleted a second time, or that was refused too.
        """
        waited, pause = 0.0, 0.2
        while (builder := self._builder()) is not None and waited < _PATIENCE:
            self.stop.sleep(pause)
            waited, pause = waited + pause, pause * 1.5
        if builder is not None:
            self.say(f"builder {builder.name} ({builder.id}) is still there: deleting it")
            self.cloud.builders.delete(builder.id)
            raise CloudError(f"builder {builder.name} ({builder.id}) was still there after Packer ended")

    def _builder(self) -> Builder | None:
        builders = self.cloud.builders.of(self.identity.project)
        return next((builder for builder in builders if builder.identity.run == self.identity.run), None)

    def _undo(self, run: runs.Run, *, final: bool) -> None:
        """Remove what the run made. `final`: Packer ended by itself, so nothing of it can still appear."""
        cloud = connect(
            self.job.cloud, self.job.environment, self.job.settings
        )  # one whose waits are not cut short by the stop
        try:
            orphans.remove_run(cloud, run.record, self.say)
        except BakewellError as error:
            self.say(f"cleaning up failed and is left to the next command: {error}")
            return
        if final:
            run.finish()

    def _reap_others(self) -> None:
        environment = self.job.environment
        try:
            cloud = connect(self.job.cloud, environment, self.job.settings)
            where, project = environment.where(self.job.cloud), self.job.settings.project
            orphans.reap(cloud, where, project, environment.state_dir, self.say)
        except BakewellError as error:
            self.say(f"removing what dead builds left is put off: {error}")
        except Exception as error:  # nobody waits for this thread, and its traceback would land among other lines
            self.say(f"removing what dead builds left failed: unexpected {type(error).__name__}: {error}")

    def _local(self, error: HostError | OSError) -> BuildError:
        """A failure of this host's files or processes."""
        found: BakewellError
        if isinstance(error, OSError):
            file, remedy = error.filename or self.job.environment.state_dir, "correct it, then run it again"
            found = file_error(error, "a file or program of this host failed", file=file, remedy=remedy)
        else:
            found = error
        return BuildError(f"image {self.job.role} was not built: {found.what}", file=found.file, remedy=found.remedy)


class _Killed(BuildError):
    """Packer had no chance to clean up: a request of its may still be under way."""


def _faults(image: Image | None, identity: Identity, name: str) -> list[str]:
    """How the image differs from what was asked for."""
    if image is None:
        return ["it does not exist, or carries no tags"]
    faults = []
    if image.identity != identity:
        faults.append(f"it carries another identity: {image.identity}")
    if image.name != name:
        faults.append(f"it is called {image.name}, not {name}")
    if identity.home not in image.regions:
        faults.append(f"it is not in {identity.home}")
    return faults
