"""Bad input is refused in preview with one message that names file, key and remedy; nothing is built or lost."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.e2e.cloud import CloudView
from tests.e2e.conftest import MakeWorkspace
from tests.e2e.workspace import Workspace

WEB = "packer/images/web"
TOML = f"{WEB}/image.toml"


def append(path: str, text: str) -> Callable[[Workspace], None]:
    """A mistake at the end of a file."""
    return lambda w: w.write(path, (w.root / path).read_text() + text)


def config(**settings: object) -> Callable[[Workspace], None]:
    """A mistake in the stack's config."""
    return lambda w: w.configure(**settings)


def remove(path: str) -> Callable[[Workspace], None]:
    return lambda w: (w.root / path).unlink()


def link_out(w: Workspace) -> None:
    """A symlink that leaves the context."""
    (w.root / WEB / "files" / "out").symlink_to("/etc/hostname")


def huge(w: Workspace) -> None:
    """A file of 1 GB by accident; sparse, so that the test's disk does not notice."""
    with (w.root / WEB / "files" / "dump.bin").open("wb") as file:
        os.truncate(file.fileno(), 10**9)


def pipe(w: Workspace) -> None:
    """Something that is no file: reading it would wait for ever."""
    os.mkfifo(w.root / WEB / "files" / "pipe")


def unreadable(w: Workspace) -> None:
    """A file that its owner has locked away."""
    (w.root / WEB / "files" / "stamp.txt").chmod(0)


def illegal_role(w: Workspace) -> None:
    (w.root / WEB).rename(w.root / "packer/images/Web_1")


def cycle(w: Workspace) -> None:
    path = "packer/images/base/image.toml"
    w.write(path, (w.root / path).read_text().replace('base = "debian-12"', 'parent = "web"'))


def unlocked(w: Workspace) -> None:
    """A program whose checksum nobody has looked up: neither the lock nor the local mirror has it."""
    url = "https://releases.example/tool/{version}"
    w.write("packer/steps/tool/__init__.py", "")
    w.write("packer/steps/tool/downloads.toml", f'[tool]\nurl = "{url}/{{arch}}"\nchecksums = "{url}/SHA256SUMS"\n')
    text = (w.root / TOML).read_text().replace('"stamp"', '"stamp", "tool"')
    w.write(TOML, text + '[versions]\ntool = "9.9.9"\n')


CASES: dict[str, tuple[Callable[[Workspace], None], tuple[str, ...]]] = {
    "unknown key": (append(TOML, "\n[boot]\nservces = []\n"), (TOML, "servces", "services", "remedy")),
    "wrong type": (append(TOML, '\n[boot]\nservices = "web.service"\n'), (TOML, "boot.services", "remedy")),
    "unknown parent": (
        lambda w: w.write(TOML, 'description = "x"\nparent = "bass"\nsteps = ["stamp"]\n'),
        (TOML, "bass", "base", "remedy"),
    ),
    "cycle": (cycle, ("image.toml", "base", "web", "remedy")),
    "illegal role": (illegal_role, ("Web_1", "remedy")),
    "no deploy.py": (remove(f"{WEB}/deploy.py"), (f"{WEB}/deploy.py", "remedy")),
    "unknown config key": (config(kep=3), ("Pulumi.dev.yaml", "kep", "keep", "remedy")),
    "keep below 1": (config(keep=0), ("Pulumi.dev.yaml", "keep", "remedy")),
    "machines of no role": (config(machines={"wbe": {"count": 1}}), ("Pulumi.dev.yaml", "wbe", "web", "remedy")),
    "symlink out": (link_out, (f"{WEB}/files/out", "remedy")),
    "secret": (
        lambda w: w.write(f"{WEB}/files/.env", "DATABASE_PASSWORD=hunter2hunter2\n"),
        (f"{WEB}/files/.env", "remedy"),
    ),
    "1 GB": (huge, (f"{WEB}/files/dump.bin", "max_context_mb", "remedy")),
    "no regular file": (pipe, (f"{WEB}/files/pipe", "remedy")),
    "unreadable": (unreadable, (f"{WEB}/files/stamp.txt", "remedy")),
    "template": (append("packer/build.pkr.hcl", "\nnonsense {}\n"), ("build.pkr.hcl", "nonsense", "remedy")),
    "user_data": (
        append(TOML, "\n[boot]\nservices = [" + ", ".join(f'"{n:0240d}.service"' for n in range(300)) + "]\n"),
        ("user_data of web", "bytes", "65536", "remedy"),
    ),
    "user_data of a builder": (
        lambda w: w.write(f"{WEB}/bootstrap.yaml", "#!/bin/sh\n" + "#" * 65_527),
        (f"{WEB}/bootstrap.yaml", "65537 bytes", "65536", "remedy"),
    ),
    "checksum not locked": (unlocked, ("image web: step tool needs tool 9.9.9", "remedy")),
}


@pytest.mark.parametrize("case", CASES)
def test_preview_refuses(case: str, clone: MakeWorkspace, cloud: CloudView, project: str) -> None:
    spoil, fragments = CASES[case]
    workspace = clone()
    workspace.init()
    spoil(workspace)
    # root may read everything, unless it gives that up.
    plain = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    done = workspace.run(*plain, "pulumi", "preview", "--non-interactive", "--color=never", check=False)
    shown = done.stdout + done.stderr
    assert done.returncode != 0, shown
    for fragment in fragments:
        assert fragment in shown, shown
    assert "Traceback" not in shown, shown
    assert "hunter2" not in shown
    assert shown.count("remedy") == 1, shown
    assert cloud.snapshots(project) == [] and cloud.droplets(project) == []


def test_the_local_stack_runs_nowhere_else(workspace: Workspace) -> None:
    real = {"DIGITALOCEAN_API_URL": "", "DIGITALOCEAN_TOKEN": "dop_v1_not_a_token"}
    done = workspace.run("pulumi", "preview", "--non-interactive", check=False, env=real)
    assert done.returncode != 0
    assert "local" in done.stdout + done.stderr and "make -s env" in done.stdout + done.stderr
