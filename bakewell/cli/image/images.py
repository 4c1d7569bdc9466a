"""`bakewell list`: the project's images and who needs them."""

from __future__ import annotations

from bakewell.cli.common import CloudName, Debug, Json, Project, age, note, print_json, table


def command(cloud: CloudName = None, as_json: Json = False, debug: Debug = False) -> None:
    """List the project's images: cloud, role, name, ID, age, size, in use by, fingerprint."""
    del debug
    from bakewell.build import orphans
    from bakewell.image import Image, newest_first

    project = Project.here()
    environment, owner = project.environment, project.settings.project
    images: list[Image] = []
    users: dict[str, list[str]] = {}
    for name in project.clouds(cloud):
        there = project.connect(name)
        images += sorted(newest_first(there.images.of(owner)), key=lambda image: image.role)
        if orphans.waiting(environment.where(name), owner, environment.state_dir):
            note(f"{name}: a build that ended on this host may have left something; to remove it: bakewell clean")
        for reference in there.references.all():
            users.setdefault(reference.image_id, []).append(f"{reference.kind} {reference.name}")

    def used_by(image: Image) -> list[str]:
        return [user for id in sorted(image.ids) for user in users.get(id, [])]

    def state(image: Image) -> str:
        if image.imported and image.ready and not image.revoked:
            return "imported, managed" if image.managed else "imported"
        return "revoked" if image.revoked else "ready" if image.ready else "unfinished"

    if as_json:
        rows = [
            {
                "role": image.role,
                "name": image.name,
                "id": image.id,
                "cloud": image.cloud,
                "state": state(image),
                "created_at": image.created_at.isoformat(),
                "size_gb": image.size_gb,
                "regions": image.regions,
                "in_use_by": used_by(image),
                "fingerprint": image.fingerprint,
                "run": image.run,
                "parent": image.identity.parent,
            }
            for image in images
        ]
        return print_json(rows)
    columns = ("cloud", "role", "name", "ID", "state", "age", "GB", "regions", "in use by", "fingerprint")
    return table(
        columns,
        [
            (
                image.cloud,
                image.role,
                image.name,
                image.id,
                state(image),
                age(image.created_at),
                f"{image.size_gb:.2f}",
                " ".join(image.regions),
                ", ".join(used_by(image)) or "-",
                image.fingerprint[:12] or "-",
            )
            for image in images
        ],
    )
