"""`bakewell doctor`: is everything here that a build needs? Changes nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from shutil import which

import typer

from bakewell.cli.common import Debug, Json, Project, print_json, table
from bakewell.errors import BakewellError, ConfigError


def command(as_json: Json = False, debug: Debug = False) -> None:
    """Check tools, files, each cloud's account and the state directory; exit with 1 if something is missing."""
    del debug
    project = Project.here()
    checks: dict[str, Callable[[Project], str]] = {
        "catalog": _catalog,
        "packer": _packer,
        "packages": _packages,
        "pulumi": _pulumi,
    }
    for cloud in project.clouds(None):
        checks[f"{cloud}: plugins"] = partial(_plugins, cloud=cloud)
        checks[f"{cloud}: account"] = partial(_account, cloud=cloud)
        checks[f"{cloud}: clock"] = partial(_clock, cloud=cloud)
    checks["state directory"] = _state
    rows = []
    for name, check in checks.items():
        try:
            rows.append((name, "ok", check(project), ""))
        except BakewellError as error:
            where = f"{error.file}: " if error.file else ""
            rows.append((name, "fails", f"{where}{error.what}", error.remedy))
    if as_json:
        print_json([dict(zip(("check", "state", "found", "remedy"), row, strict=True)) for row in rows])
    else:
        table(("check", "", "found", "remedy"), rows)
    if any(row[1] != "ok" for row in rows):
        raise typer.Exit(1)


def _catalog(project: Project) -> str:
    found = project.fingerprints(project.clouds(None)[0], project.settings.roles)
    return f"{len(found)} images: {', '.join(found)}"


def _packer(project: Project) -> str:
    from bakewell.build.packer import check_version, find
    from bakewell.context import Context

    packer = find()
    for cloud in project.clouds(None):
        for role in project.roles([]):
            check_version(packer, Context.collect(project.catalog, role, cloud, project.bases))
    return str(packer)


def _packages(project: Project) -> str:
    from bakewell.catalog.packages import check_packages
    from bakewell.context import Context

    found: dict[str, str] = {}
    for cloud in project.clouds(None):
        for role in project.roles([]):
            found |= check_packages(Context.collect(project.catalog, role, cloud, project.bases))
    return ", ".join(f"{name} {stated}" for name, stated in found.items())


def _plugins(project: Project, cloud: str) -> str:
    from bakewell.build.packer import environment_for, find
    from bakewell.catalog.templates import requirements
    from bakewell.context import Context

    role = project.roles([])[0]
    needed = requirements(Context.collect(project.catalog, role, cloud, project.bases)).plugins
    listed = subprocess.run(
        [find(), "plugins", "installed"],
        capture_output=True,
        text=True,
        env=environment_for(os.environ, project.environment, cloud),
        check=False,
    ).stdout
    for plugin in needed:
        short = plugin.source.rpartition("/")[2]
        if f"packer-plugin-{short}_v{plugin.version}_" not in listed:
            raise ConfigError(
                f"Packer has no plugin {plugin.source} {plugin.version}",
                remedy=f"run: bakewell stage {role} DIR --cloud {cloud} && packer init DIR; "
                "for the local cloud: bakewell local up",
            )
    return ", ".join(f"{plugin.name} {plugin.version}" for plugin in needed)


def _pulumi(project: Project) -> str:
    del project
    program, wanted = which("pulumi"), version("pulumi")
    if program is None:
        raise ConfigError("pulumi is not on PATH", remedy='install it, or: eval "$(bakewell local env)"')
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    found = said.stdout.strip().lstrip("v")
    if found.split(".")[0] != wanted.split(".")[0]:
        raise ConfigError(
            f"pulumi is {found}, the Python SDK {wanted}", file=program, remedy="install the same version"
        )
    return f"{program}, {found}"


def _account(project: Project, cloud: str) -> str:
    account = project.connect(cloud).account.check()
    return f"{project.environment.where(cloud)}, account {account}"


def _clock(project: Project, cloud: str) -> str:
    from bakewell.clouds import clock

    if differs := clock.complaint(project.connect(cloud)):
        raise BakewellError(differs, remedy="timedatectl set-ntp true")
    return "as the cloud's"


def _state(project: Project) -> str:
    from bakewell.build.runs import make_private, unwritable

    folder = project.environment.state_dir
    try:
        make_private(folder)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise unwritable(folder, error) from error
    return str(folder)
