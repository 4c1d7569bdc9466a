"""Bad input ends a preview with one message, before anything is registered."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from bakewell.clouds.resources import AccountKey
from bakewell.errors import CloudError, ConfigError
from bakewell.image import Image
from bakewell.settings.environment import TOKENS
from tests.components.conftest import Fleet, machines
from tests.components.engine import Run
from tests.components.fleet import IMAGES, PROJECT
from tests.waiting import LONGEST

Mistake = Callable[[Path], object]
"""Is given web's folder."""


def refused(fleet: Fleet) -> Run:
    run = fleet.run(preview=True)
    assert isinstance(run.error, SystemExit)
    assert run.error.code == 32  # the language host then adds nothing of its own
    assert {r.type for r in run.resources} <= {"pulumi:pulumi:Stack"}
    assert len(run.messages) == 1
    return run


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("keep", "0", "`keep` should be greater than or equal to 1"),
        ("digitalocean", '{"droplets": {"wbe": {}}}', "`wbe` is not an image that this stack bakes (did you mean"),
        ("pins", '{"web": "bakewell-web-gone"}', "there is no image `bakewell-web-gone` of role web"),
        ("roles", '["wbe"]', "there is no image `wbe`"),
    ],
)
def test_config(fleet: Fleet, key: str, value: str, said: str) -> None:
    fleet.config[f"bakewell:{key}"] = value
    message = refused(fleet).said("error")
    assert said in message
    assert "remedy:" in message


def test_a_key_that_the_account_does_not_have(fleet: Fleet) -> None:
    fleet.listing.keys = [AccountKey("7", "ops"), AccountKey("8", "twice"), AccountKey("9", "twice")]
    machines(fleet, web={"ssh_keys": ["osp"]})
    message = refused(fleet).said("error")
    key = "bakewell:digitalocean.droplets.web.ssh_keys"
    assert f"{key}: the account has no key called `osp` (did you mean `ops`?)" in message
    assert "remedy: name one of: ops, twice" in message
    machines(fleet, web={"ssh_keys": ["twice"]})
    assert (
        "2 keys of the account are called `twice`\n  remedy: name the one meant by its ID: 8, 9"
        in refused(fleet).said()
    )


def test_config_that_the_commands_would_not_see(fleet: Fleet) -> None:
    fleet.written = dict(fleet.config)
    fleet.config |= {"bakewell:project": "shop", "bakewell:digitalocean": '{"regions": ["sfo3"]}'}
    message = refused(fleet).said("error")
    assert message.startswith("Pulumi.dev.yaml: ")
    assert "bakewell:project, bakewell:digitalocean" in message and "bakewell:keep" not in message
    assert "remedy: set bakewell:project, bakewell:digitalocean there" in message
    assert fleet.listing.asked == []


def test_config_that_only_the_commands_would_see(fleet: Fleet) -> None:
    fleet.written = {**fleet.config, "bakewell:keep": 5}
    assert "bakewell:keep" in refused(fleet).said("error")


def test_a_value_may_be_written_in_either_form(fleet: Fleet) -> None:
    own = {"droplets": {"web": {"count": 2}, "api": {"count": 1}}}
    fleet.written = {"bakewell:digitalocean": own, "bakewell:local": True, "bakewell:keep": 3, "other:key": "x"}
    assert fleet.run(preview=True).error is None


@pytest.mark.parametrize("place", ["program", "event loop"])
def test_an_interrupted_program_ends_in_silence(place: str) -> None:
    interrupt = "os.kill(os.getpid(), signal.SIGINT)"
    lines = ["import asyncio, os, pulumi, signal", "from pulumi_bakewell.stack import refusal"]
    lines += ["refusal.in_program = lambda: True", "async def wait():", "    refusal.interrupts_in_silence()"]
    lines += ["    await asyncio.sleep(0)"] if place == "event loop" else []
    lines += [f"    {interrupt}", "    await asyncio.sleep(30)", "asyncio.run(wait())"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (32, "", "")


def test_a_machine_of_a_role_that_is_not_baked(fleet: Fleet) -> None:
    fleet.config["bakewell:roles"] = '["web"]'
    assert "bakewell:digitalocean.droplets.api" in refused(fleet).said("error")


def test_no_token(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "http://127.0.0.1:9")
    assert "DIGITALOCEAN_TOKEN is not set" in refused(fleet).said("error")


def test_a_local_stack_never_leaves_this_machine(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "https://api.digitalocean.com")
    assert "local cloud only" in refused(fleet).said("error")
    assert fleet.listing.asked == []


def test_an_api_that_refuses(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def images(project: str) -> list[Image]:
        raise CloudError("401, the token is not valid", remedy="check DIGITALOCEAN_TOKEN")

    monkeypatch.setattr(fleet.listing.images, "of", images)
    assert refused(fleet).said("error") == "401, the token is not valid\n  remedy: check DIGITALOCEAN_TOKEN"


def unlocked(web: Path) -> None:
    """A program whose checksum nobody has looked up: neither the lock nor the local mirror has it."""
    step = web.parents[1] / "steps" / "tool"
    step.mkdir()
    (step / "__init__.py").touch()
    url = "https://releases.example/tool/{version}"
    (step / "downloads.toml").write_text(f'[tool]\nurl = "{url}/{{arch}}"\nchecksums = "{url}/SHA256SUMS"\n')
    (web / "deploy.py").write_text("import steps.tool\n")
    (web / "image.toml").write_text(WEB.replace("[boot]", '[versions]\ntool = "9.9.9"\n[boot]'))


def huge(web: Path) -> None:
    """A file of 1 GB by accident; sparse, so that the test's disk does not notice."""
    with (web / "dump.bin").open("wb") as file:
        os.truncate(file.fileno(), 10**9)


def write(file: str, text: str) -> Mistake:
    """A file of web's folder, or beside it, with other contents."""

    def spoil(web: Path) -> None:
        (web / file).parent.mkdir(exist_ok=True)
        (web / file).write_text(text)

    return spoil


TOML = "packer/images/web/image.toml"
BASE = IMAGES["base"]
WEB = IMAGES["web"]
UNITS = ", ".join(f'"{n:0240d}.service"' for n in range(300))
MISTAKES: dict[str, tuple[Mistake, tuple[str, ...]]] = {
    "unknown key": (write("image.toml", WEB + "servces = []\n"), (TOML, "servces", "services")),
    "wrong type": (write("image.toml", WEB.replace('["nginx.service"]', "7")), (TOML, "boot.services")),
    "unknown parent": (write("image.toml", WEB.replace("base", "bass")), (TOML, "bass", "base")),
    "cycle": (
        write("../base/image.toml", BASE.replace("base = ", "parent = ").replace("debian-12", "web")),
        ("image.toml", "base", "web"),
    ),
    "illegal role": (lambda web: web.rename(web.with_name("Web_1")), ("Web_1",)),
    "no deploy.py": (lambda web: (web / "deploy.py").unlink(), ("packer/images/web/deploy.py",)),
    "symlink out": (lambda web: (web / "out").symlink_to("/etc/hostname"), ("packer/images/web/out",)),
    "secret": (write("files/.env", "DATABASE_PASSWORD=hunter2hunter2\n"), ("packer/images/web/files/.env",)),
    "1 GB": (huge, ("packer/images/web/dump.bin", "max_context_mb")),
    "no regular file": (lambda web: os.mkfifo(web / "pipe"), ("packer/images/web/pipe",)),
    "user_data": (
        write("image.toml", WEB.replace('"nginx.service"', UNITS)),
        ("user_data of web", "bytes", "65536"),
    ),
    "user_data of a builder": (
        write("bootstrap.yaml", "#!/bin/sh\n" + "#" * 65_527),
        ("packer/images/web/bootstrap.yaml", "65537 bytes", "65536"),
    ),
    "checksum not locked": (unlocked, ("image web: step tool needs tool 9.9.9",)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_catalog(fleet: Fleet, mistake: str) -> None:
    spoil, fragments = MISTAKES[mistake]
    spoil(fleet.root / "packer/images/web")
    message = refused(fleet).said("error")
    for fragment in fragments:
        assert fragment in message
    assert message.count("remedy: ") == 1
    assert "hunter2" not in message


def test_templates_are_validated_for_what_is_not_built_only(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def validate(catalog: object, role: str, *rest: object) -> None:
        seen.append(role)
        if role == "api":
            raise ConfigError("image api: packer validate refuses its templates")

    monkeypatch.setattr("bakewell.build.packer.validate", validate)
    baked = fleet.bake()
    assert fleet.run(preview=True).error is None
    assert seen == []
    fleet.listing.found.remove(baked["web"])
    fleet.listing.found.remove(baked["api"])
    assert "refuses its templates" in refused(fleet).said("error")
    assert "api" in seen
    assert "base" not in seen


def test_an_api_that_fails_while_retention_is_planned(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def references() -> list[object]:
        raise CloudError("500 for the third time")

    monkeypatch.setattr(fleet.listing.references, "all", references)
    fleet.bake()
    run = fleet.run(preview=True)
    assert "500 for the third time" in str(run.error)
    assert type(run.error).__name__ == "RunError"  # Pulumi prints its message and no traceback


def test_a_stack_whose_commands_would_not_find_bakewell(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    message = refused(fleet).said("error")
    assert "the command `bakewell`, which builds the images, is not on PATH" in message
    assert f"remedy: run: export PATH={Path(sys.executable).parent}:$PATH" in message


@pytest.mark.parametrize(
    ("answer", "said"),
    [("echo 0.0.9", "the command on PATH is 0.0.9"), ("exit 2", "the command on PATH is of none that can be told")],
)
def test_two_versions_of_bakewell(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, said: str
) -> None:
    other = tmp_path / "bakewell"
    other.write_text(f"#!/bin/sh\n{answer}\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    message = refused(fleet).said("error")
    assert f"{other}: two versions of bakewell: {said}" in message and "remedy: install the same version" in message
    other.write_text(f"#!/bin/sh\necho {version('bakewell')}\n")
    assert fleet.run(preview=True).error is None, "the same version elsewhere"
