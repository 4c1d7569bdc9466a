"""Random accounts for the retention tests: images of several roles and projects, and what refers to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from bakewell.image import IMPORTED, MANAGED, Identity, Image, Reference
from bakewell.retention import Plan, Policy, plan

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROLES = ("base", "web", "api")


def image(
    run: str,
    role: str = "web",
    *,
    day: int = 0,
    parent: str | None = None,
    fingerprint: str = "f",
    project: str = "shop",
    ready: bool = True,
    revoked: bool = False,
    lease: int | None = None,
    copied: bool = False,
    flags: tuple[str, ...] = (),
) -> Image:
    """An image called `<role>-<run>` with ID `id-<run>`, made `day` days before now (negative).

    `copied`: it has the ID `there-<run>` in another region. `flags`: further tags; IMPORTED takes its fingerprint.
    """
    identity = Identity(project, role, "" if IMPORTED in flags else fingerprint, run, parent, "nyc3")
    return Image(
        cloud="digitalocean",
        id=f"id-{run}",
        name=f"{role}-{run}",
        identity=identity,
        created_at=NOW + timedelta(days=day),
        size_gb=1.0,
        regions=("nyc3",),
        ready=ready,
        revoked=revoked,
        lease=lease,
        tags=(*identity.tags(), *flags),
        elsewhere={"sfo3": f"there-{run}"} if copied else {},
    )


def droplet(run: str, name: str = "web-1") -> Reference:
    return reference(f"id-{run}", name)


def reference(image_id: str, name: str) -> Reference:
    return Reference(image_id=image_id, kind="droplet", id=f"d-{name}-{image_id.rpartition('-')[2]}", name=name)


@dataclass(frozen=True)
class World:
    images: list[Image]
    references: list[Reference]
    policy: Policy
    unborn: frozenset[str]
    current: dict[str, str]

    def plan(self) -> Plan:
        return plan(self.images, self.references, self.policy, unborn=self.unborn, current=self.current, now=NOW)

    def after(self, deleted: Plan) -> World:
        """The account when the plan has been carried out."""
        gone = {decision.image.id for decision in deleted.delete}
        return replace(self, images=[i for i in self.images if i.id not in gone])

    def shuffled(self, random: Random) -> World:
        images, references = list(self.images), list(self.references)
        random.shuffle(images)
        random.shuffle(references)
        return replace(self, images=images, references=references)


def random_world(random: Random) -> World:
    images: list[Image] = []
    for number in range(random.randint(0, 12)):
        run, ready = f"{number:02}", random.random() < 0.8
        lease = None if ready else random.choice([None, -3600, 0, 3600])
        images.append(
            image(
                run,
                random.choice(ROLES),
                day=random.randint(-6, 0),
                parent=random.choice([i.run for i in images] + ["gone"]) if random.random() < 0.5 else None,
                fingerprint=random.choice("fg"),
                project="shop" if random.random() < 0.9 else "other",
                ready=ready,
                revoked=random.random() < 0.1,
                lease=None if lease is None else int(NOW.timestamp()) + lease,
                copied=random.random() < 0.3,
                flags=random.choice([(IMPORTED,), (IMPORTED, MANAGED)]) if ready and random.random() < 0.2 else (),
            )
        )
    ids = [id for i in images for id in sorted(i.ids)] + ["id-foreign"]
    references = [reference(random.choice(ids), f"d{n}") for n in range(random.randint(0, 2))]
    pins = frozenset(random.choice([i.name, *sorted(i.ids)]) for i in images if random.random() < 0.1)
    return World(
        images=images,
        references=references,
        policy=Policy(random.randint(1, 3), pins, "shop"),
        unborn=frozenset(role for role in ROLES if random.random() < 0.2),
        current={role: random.choice("fg") for role in ROLES if random.random() < 0.5},
    )
