"""Checking the templates of images that are not built yet, so that a preview refuses what a build could not use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bakewell.desired import Desired
from bakewell.settings import Environment
from bakewell.survey import Survey

AT_ONCE = 4  # Packer processes; each starts its plugin and takes about a second of one core


def validate_unbuilt(desired: Desired, survey: Survey, cloud: str, environment: Environment) -> None:
    """Have Packer validate every image that would have to be built: once a fingerprint on this host.

    Raises:
        ConfigError: of the first image, parents first, whose templates Packer refuses.
    """
    prints = {role: found.value for role, found in desired.fingerprints.items()}
    unbuilt = [role for role, fingerprint in prints.items() if survey.adoptable(role, fingerprint) is None]
    if not unbuilt:
        return
    from bakewell.build import packer  # Here, because a preview that finds everything built needs none of it.

    def check(role: str) -> None:
        packer.validate(desired.catalog, role, cloud, desired.bases, prints[role], environment, desired.settings)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(check, unbuilt):
            pass
