"""The checks of a preview, which every command that acts on a cloud shares.

`look` checks the stack's desired state against its files and the cloud. `validate_unbuilt` checks the templates of
images that are not built yet; commands leave this out, because a build runs Packer anyway.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bakewell import desired, sizes
from bakewell.build.secrets import unset
from bakewell.catalog import Catalog
from bakewell.clouds.protocols import Source
from bakewell.clouds.survey import Survey
from bakewell.desired import Desired
from bakewell.errors import file_error
from bakewell.image import Image
from bakewell.reading import open_regular
from bakewell.settings import Environment, Settings
from bakewell.user_data import schema

AT_ONCE = 4  # Packer processes; each starts its plugin and takes about a second of one core


@dataclass(frozen=True, slots=True)
class Looked:
    """A stack on one cloud that passed all checks.

    Attributes:
        ssh_keys: role -> keys in the account, in the form that the cloud's API needs.
        pins: role -> the image that its machines must use.
        remarks: warnings about settings that are allowed but probably not intended, a sentence each.
    """

    desired: Desired
    survey: Survey
    ssh_keys: Mapping[str, list[str]]
    pins: Mapping[str, Image]
    remarks: tuple[str, ...]


def look(source: Source, cloud: str, settings: Settings, environment: Environment, root: Path, *, file: str) -> Looked:
    """Read the stack's desired state on a cloud, and check it against its files and the account. Changes nothing.

    Args:
        source: the cloud.
        root: the project's folder.
        file: the settings' file, for messages.

    Raises:
        BakewellError: an error in the files, a resource that the account lacks (a pinned image, a key, a network),
            invalid user_data, or an error of the cloud.
    """
    return looked(Survey(source, settings.project, settings.home(cloud)), cloud, settings, environment, root, file=file)


def looked(
    survey: Survey, cloud: str, settings: Settings, environment: Environment, root: Path, *, file: str
) -> Looked:
    """As `look`, with an existing survey, for example for other machines on the same cloud."""
    catalog = Catalog.load(root / "packer", max_context_mb=settings.max_context_mb)
    account = survey.check_stack(settings, {spec.role: spec.arch for spec in catalog})
    wanted = desired.read(settings, root, cloud, file=file, mirror=environment.downloads, catalog=catalog)
    account.result()
    validate_machines(wanted, environment)
    droplets = settings.digitalocean.droplets if cloud == "digitalocean" else {}
    ssh_keys = {
        role: survey.ssh_keys(machine.ssh_keys, f"bakewell:digitalocean.droplets.{role}.ssh_keys")
        for role, machine in droplets.items()
    }
    pins = {
        role: survey.pinned(role, image, settings.pin_key(cloud, role))
        for role, image in settings.pins_on(cloud).items()
    }
    return Looked(wanted, survey, ssh_keys, pins, tuple(sizes.check(wanted, survey, pins)))


def validate_unbuilt(desired: Desired, survey: Survey, environment: Environment) -> None:
    """Run `packer validate` for every image that must be built, once per fingerprint on this host.

    Raises:
        ConfigError: Packer refuses the templates of an image; the first such image, parents first.
    """
    prints = {role: found.value for role, found in desired.fingerprints.items()}
    unbuilt = [role for role, fingerprint in prints.items() if survey.adoptable(role, fingerprint) is None]
    if not unbuilt:
        return
    specs = (desired.catalog[role] for role in unbuilt)
    for base, arch in sorted({(spec.base, spec.arch) for spec in specs if spec.base is not None}):
        survey.check_build(_start(desired, environment, base), arch)
    from bakewell.build import packer  # Here, because a preview does not need it if all images are built.

    def check(role: str) -> None:
        packer.validate(
            desired.catalog, role, desired.cloud, desired.bases, prints[role], environment, desired.settings
        )

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(check, unbuilt):
            pass


def unset_secrets(desired: Desired, survey: Survey, environ: Mapping[str, str]) -> list[str]:
    """The secrets that a build would need and the environment has not, a sentence for each image."""
    return [
        f"image {role}: {', '.join(names)} ([secrets] in image.toml) not set in the environment, which its build needs"
        for role, fingerprint in desired.fingerprints.items()
        if (names := unset(desired.catalog[role], environ)) and survey.adoptable(role, fingerprint.value) is None
    ]


def _start(desired: Desired, environment: Environment, base: str) -> str:
    """The image that a build on `base` starts from: the locked image; on the local cloud, its image of that name."""
    if environment.local(desired.cloud):
        return desired.bases.entry(base, desired.cloud).image
    return desired.bases.resolve(base, desired.cloud, desired.home)


def validate_machines(desired: Desired, environment: Environment) -> None:
    """Render and check the user_data of every machine, before the cluster's addresses are known. Check that the SSH key
    can be read; whether machines accept the key is not known yet.

    Raises:
        ConfigError: the cloud or cloud-init would refuse the user_data, or BAKEWELL_SSH_KEY is unreadable.
    """
    there = Counter(one.role for one in desired.numbered)
    texts = {
        machine.role: machine.user_data.largest(
            desired.home, len(desired.servers), desired.cloud, {role: there[role] for role in machine.user_data.peers}
        )
        for machine in (*desired.numbered, *desired.fleets)
    }
    for role, text in texts.items():
        schema.check(role, text, environment.state_dir)
    opened = [bool(one.ssh_keys) for one in desired.machines] + [bool(one.settings.key) for one in desired.instances]
    if environment.ssh_key is not None and any(opened):
        _check_readable(environment.ssh_key)


def _check_readable(key: Path) -> None:
    try:
        os.close(open_regular(key))
    except OSError as error:
        remedy = "set BAKEWELL_SSH_KEY to a private key's file that you can read, or unset it"
        raise file_error(error, "the SSH key cannot be read", file=key, remedy=remedy) from error
