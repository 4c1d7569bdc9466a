"""What a project of one's own consists of, as texts by path."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from bakewell.scaffold import sources

HELLO = "hello"
SALT = "v1:KuuIbnlu7Kk=:v1:/TKloQHk6WxPMjlA:7U/AKpKE5f6npXKoWHFnlmplfUbI9Q=="
"""Of the local cloud's passphrase, which is no secret. With it in the stack's file, Pulumi has nothing to add there."""
_MACHINES: Mapping[str, str] = {
    "digitalocean": """\
  bakewell:digitalocean:
    droplets:
      hello:
        count: 1
        ssh_keys: [local-cloud]
""",
    "aws": """\
  bakewell:aws:
    instances:
      hello:
        count: 1
        key: local-cloud
        ssh_from: [10.0.0.0/8]
""",
    "docker": """\
  bakewell:docker:
    containers:
      hello:
        count: 1
""",
}
"""One machine of the role hello, by cloud."""
CLOUDS = tuple(_MACHINES)


@dataclass(frozen=True)
class Plan:
    """What is wanted.

    Attributes:
        name: of the project, for Pulumi; and whose images they are.
        clouds: those that images are baked for.
        program: the Pulumi program in Python, by its path below the folder; None where none is written.
        project_file: whether a Pulumi.yaml is.
        role: whether a first role is.
        github: whether GitHub's workflows are.
    """

    name: str
    clouds: Sequence[str]
    program: str | None = "__main__.py"
    project_file: bool = True
    role: bool = True
    github: bool = False


def files(plan: Plan) -> dict[str, str]:
    """The project's files: path → text."""
    found = {}
    if plan.project_file:
        found["Pulumi.yaml"] = _PROJECT.format(name=plan.name)
    if plan.program is not None:
        found[plan.program] = sources.repository("__main__.py")
    found["Pulumi.dev.yaml"] = _stack(plan)
    for name in ("image.toml", "deploy.py", "checks.py", "files/index.html") if plan.role else ():
        found[f"packer/images/{HELLO}/{name}"] = sources.own(f"hello/{name}")
    found["packer/bases.lock"] = _bases(plan.clouds)
    found["pyproject.toml"] = _PACKAGES.format(name=plan.name, clouds=",".join(plan.clouds), version=_version())
    found[".gitignore"] = ".bakewell/\n.venv/\n__pycache__/\nbuild/\n*.egg-info/\n"
    found[".gitattributes"] = "packer/** -text\n"  # CR LF in a program or template of packer/ is refused
    return found | (_github(plan.clouds) if plan.github else {})


def role(name: str, *, parent: str | None, base: str) -> dict[str, str]:
    """The files of a role that is built on `parent`, or on a stock image where that is None: path → text."""
    below = f"`{parent}`" if parent else f"the stock image {base}"
    words = {"ROLE": name, "BELOW": below, "BUILT_ON": f'parent = "{parent}"' if parent else f'base = "{base}"'}

    def fill(word: re.Match[str]) -> str:
        return words[word[0]]

    return {
        f"packer/images/{name}/{file}": re.sub("|".join(words), fill, sources.own(f"role/{file}"))
        for file in ("image.toml", "deploy.py", "checks.py")
    }


def valid_name(text: str) -> str:
    """`text` as a name that Pulumi, tags and names of images can hold; empty where nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return re.sub(r"^[0-9-]+", "", name)[:40].rstrip("-")


_PROJECT = """\
name: {name}
description: Machine images, and the machines that boot from them
runtime: python
"""
_PACKAGES = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}-project"  # unlike any package that this needs
version = "0"
description = "Machine images, and the machines that boot from them"
requires-python = ">=3.11"
# Another version may have other shared files, and then it rebuilds images: change it on purpose.
dependencies = ["bakewell[{clouds}]=={version}"]

[project.optional-dependencies]
local = ["bakewell[local]=={version}"]

[tool.setuptools]
py-modules = []  # nothing here is a package: `pip install .` installs what is named above
"""


def _stack(plan: Plan) -> str:
    machines = "".join(_MACHINES[cloud] for cloud in plan.clouds)
    return f"""\
# The stack dev runs on the local cloud: bakewell local up. Its passphrase, bakewell-local-cloud, is no secret.
encryptionsalt: {SALT}
config:
  bakewell:project: {plan.name}
  bakewell:prefix: {plan.name}
  bakewell:local: "true"
  bakewell:clouds: [{", ".join(plan.clouds)}]
{machines}"""


def _bases(clouds: Sequence[str]) -> str:
    """What Debian 12 means on these clouds, as this version of Bakewell was tested."""
    locked = tomllib.loads(sources.repository("packer/bases.lock"))["debian-12"]
    tables = [
        "# Which stock image each base means, per cloud. Written by bakewell lock; images follow when it changes.\n"
    ]
    for cloud in clouds:
        values = "".join(f'{key} = "{locked[cloud][key]}"\n' for key in ("image", "name", "date"))
        tables.append(f"[debian-12.{cloud}]\n{values}")
    return "\n".join(tables)


def _github(clouds: Sequence[str]) -> dict[str, str]:
    found = {path: sources.repository(path) for path in sources.REPOSITORY if path.startswith(".github/")}
    found[".github/workflows/checks.yml"] = sources.own("github/workflows/checks.yml")
    setup = sources.own("github/actions/setup/action.yml")
    found[".github/actions/setup/action.yml"] = setup.replace("CLOUDS", " ".join(clouds)).replace("FIRST", clouds[0])
    return found


def _version() -> str:
    try:
        return version("bakewell")
    except PackageNotFoundError:  # a clone on PYTHONPATH
        return "0.1.0"
