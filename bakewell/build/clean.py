"""Executes the retention plan: deletes images one at a time, each after another check.

`bakewell.retention` makes the plan. This module reads the cloud, and reads it again before every deletion: an image
that came into use a second ago stays. If anything cannot be read completely, it ends and deletes nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bakewell.build import orphans, slots
from bakewell.build.log import Say
from bakewell.clouds import clock
from bakewell.clouds.protocols import Inventory, Upkeep
from bakewell.image import Image
from bakewell.retention import Plan, Policy, plan


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What `clean` did, or with `dry_run` would do.

    Attributes:
        plan: the decisions that it started from, with every reason.
        deleted: what went, children before parents.
        spared: planned to go, but in use, needed or gone when its turn came.
        reaped: how many leftovers of dead builds went.
    """

    plan: Plan
    deleted: tuple[Image, ...]
    spared: tuple[Image, ...]
    reaped: int


def survey(cloud: Inventory, policy: Policy, current: Mapping[str, str]) -> Plan:
    """The plan for what the cloud holds right now. Raises CloudError where it cannot be read whole."""
    # References last: an image that gets into use between the two reads is then seen to be.
    images = cloud.images.of(policy.project)
    references = cloud.references.all()
    return plan(images, references, policy, current=current, now=datetime.fromtimestamp(cloud.now(), UTC))


def clean(
    cloud: Upkeep,
    endpoint: str,
    state_dir: Path,
    policy: Policy,
    current: Mapping[str, str],
    say: Say,
    *,
    dry_run: bool,
) -> Cleaned:
    """Remove what dead builds left, then every image that the policy lets go.

    `current` maps role to the fingerprint that the stack's files have now; `endpoint` is the API that `cloud` speaks
    to.

    Raises:
        CloudError: something could not be read or deleted; what was deleted until then has been said.
    """
    reaped = 0
    if dry_run and orphans.waiting(endpoint, policy.project, state_dir):
        say("a build that ended on this host may have left something: without --dry-run it is removed")
    if not dry_run:
        reaped = orphans.reap(cloud, endpoint, policy.project, state_dir, say)
        slots.prune(state_dir, time.time())
    first = survey(cloud, policy, current)
    if differs := clock.complaint(cloud):
        say(differs)
    if dry_run:
        return Cleaned(first, tuple(d.image for d in first.delete), (), reaped)
    deleted: list[Image] = []
    spared: list[Image] = []
    for decision in first.delete:
        image = decision.image
        if image.id not in {d.image.id for d in survey(cloud, policy, current).delete}:
            say(f"{image.name} ({image.id}) stays: something needs it now, or it is gone already")
            spared.append(image)
            continue
        say(f"deleting {image.name} ({image.id})")
        cloud.images.delete(image.id)
        deleted.append(image)
    if cloud.remains is not None:
        for what in cloud.remains.sweep(policy.project):
            say(what)
    return Cleaned(first, tuple(deleted), tuple(spared), reaped)
