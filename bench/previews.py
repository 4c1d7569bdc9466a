"""`pulumi preview` with nothing changed, against a program that declares as many resources and knows nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bench.clone import Clone
from bench.measure import Comparison, pairs

BY_HAND = """
import pulumi
import pulumi_command as command
import pulumi_digitalocean as digitalocean

for role, image in {images!r}.items():
    built = command.local.Command(role, create="true", triggers=["constant"])
    digitalocean.Droplet(role, image=image, region="nyc3", size="s-1vcpu-1gb")
    pulumi.export(role, built.stdout)
"""
IN_YAML = """
name: {name}
runtime: yaml
resources:
  images: {{type: "bakewell:Images"}}
  machines: {{type: "bakewell:Machines", properties: {{images: "${{images.boot}}"}}}}
  retention:
    type: bakewell:ImageRetention
    properties: {{record: "${{images.record}}"}}
    options: {{dependsOn: ["${{images}}", "${{machines}}"]}}
outputs: {{bakewell: "${{retention.record}}"}}
"""
PREVIEW = ("pulumi", "preview", "--non-interactive", "--color=never", "--stack", "dev")
UP = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color=never", "--stack", "dev")


def unchanged(
    folder: Path, environment: dict[str, str], images: int, count: int = 7, *, in_yaml: bool = False
) -> Comparison:
    """The price of the truth: fingerprints, the cloud's list of images, the stack's own outputs.

    Args:
        in_yaml: our program is in YAML and uses the plugin; the one by hand stays in Python.
    """
    name = f"preview-{'yaml-' if in_yaml else ''}{images}"
    clone = Clone(folder / name, environment, f"bench-{name}")
    if in_yaml:
        (clone.root / "Pulumi.yaml").write_text(IN_YAML.format(name=f"bench-{name}"))
    roles = [f"role-{number}" for number in range(1, images + 1)]
    for number, role in enumerate(roles):
        clone.image(role, parent=roles[0] if number else None)
    clone.configure(digitalocean={"droplets": {role: {"count": 1} for role in roles}}, parallel=8)
    clone.run("pulumi", "stack", "init", "dev", "--non-interactive")
    clone.run("bakewell", "build", "all")
    clone.run(*UP)
    record = json.loads(clone.run("pulumi", "stack", "output", "--json"))["bakewell"]
    by_hand = folder / f"by-hand-{name}"
    by_hand.mkdir()
    (by_hand / "Pulumi.yaml").write_text(f"name: by-hand-{name}\nruntime: python\n")
    shutil.copy(clone.root / "Pulumi.dev.yaml", by_hand / "Pulumi.dev.yaml")
    ids = {role: record["digitalocean"]["images"][role]["ids"]["nyc3"] for role in roles}
    (by_hand / "__main__.py").write_text(BY_HAND.format(images=ids))
    clone.run("pulumi", "stack", "init", "dev", "--non-interactive", cwd=by_hand)
    clone.run(*UP, cwd=by_hand)
    ours, theirs = pairs(lambda: clone.run(*PREVIEW), lambda: clone.run(*PREVIEW, cwd=by_hand), count)
    what = f"{images} images and droplets{' from YAML' if in_yaml else ''}"
    return Comparison(
        f"`pulumi preview`, nothing changed, {what} / the same by hand",
        None if in_yaml else 1.25,
        ours,
        theirs,
        f"make bench ARGS={name}",
    )
