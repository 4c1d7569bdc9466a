"""What a preview refuses, every command refuses, before it changes anything: they run the same code."""

from __future__ import annotations

import os
import shutil

import pytest

from bakewell.errors import BakewellError
from bakewell.settings import Environment, load_settings
from bakewell.validation import look
from tests.unit.cli.conftest import Bakewell
from tests.unit.cli.test_cli_commands import finished
from tests.unit.commands import COMMANDS

CALLS: dict[str, list[str]] = {
    "build": ["build", "web"],
    "validate": ["validate"],
    "fmt": ["fmt"],
    "list": ["list"],
    "roles": ["roles"],
    "clean": ["clean", "--keep", "1"],
    "stage": ["stage", "web", "staged"],
    "copy": ["copy", "web", "sfo3"],
    "lock": ["lock"],
    "import images": ["import", "images", "--name-regex", "^old-", "--role", "web"],
    "fleet": ["fleet", "--group", "web"],
    "ready": ["ready", "--address", "127.0.0.1"],
    "new-role": ["new-role", "more"],
}
EXEMPT = {
    "doctor": "tells what is wrong, row by row",
    "eject": "copies files, whatever the stack says",
    "container": "removes a machine whatever has become of settings and catalog",
    "import templates": "reads templates of another tool, and writes roles, whatever the stack says",
    "init": "makes the files that the others read",
    "local": "becomes another process, which runs pulumi",
    "retire": "lets a machine go whatever has become of them",
}
ACTING = ["build", "clean", "copy"]
"""Those that change something in a cloud by what the settings say: they look at the account too, as a preview does."""


def test_every_command_is_told_of_here() -> None:
    assert set(COMMANDS) == {*CALLS, *EXEMPT}


def write(bakewell: Bakewell, config: str) -> None:
    (bakewell.site.root / "Pulumi.dev.yaml").write_text(f"config:\n  bakewell:local: true\n{config}")


def preview(bakewell: Bakewell) -> str:
    """What the preview says of the stack; "" where it has nothing against it."""
    root, environment = bakewell.site.root, Environment.read(os.environ)
    file = str(root / "Pulumi.dev.yaml")
    try:
        settings = load_settings("dev", root)
        look(bakewell.site.cloud, "digitalocean", settings, environment, root, file=file)
    except BakewellError as error:
        return str(error)
    return ""


FILES = {
    "a key twice": "  bakewell:keep: 3\n  bakewell:keep: 1\n",
    "pins twice": "  bakewell:pins: {web: a}\n  bakewell:pins: {base: b}\n",
    "a role twice": "  bakewell:pins: {web: a, web: b}\n",
    "twice in JSON": """  bakewell:digitalocean: '{"droplets": {"web": {}, "web": {"count": 2}}}'\n""",
    "an older form of a key besides": "  bakewell:keep: 3\n  bakewell:config:keep: 1\n",
    "another number to Pulumi": "  bakewell:keep: 010\n",
    "a pin of no role": "  bakewell:pins: {wbe: bakewell-web-1}\n",
    "machines of no role": "  bakewell:digitalocean: {droplets: {wbe: {}}}\n",
    "a role that is not baked": "  bakewell:roles: [wbe]\n",
    "a port of a role that serves nothing": "  bakewell:clouds: [digitalocean, docker]\n"
    "  bakewell:docker: {containers: {web: {port: 80}}}\n",
}


@pytest.mark.parametrize("fault", FILES)
def test_what_files_say_wrong(bakewell: Bakewell, fault: str) -> None:
    write(bakewell, FILES[fault])
    said = preview(bakewell)
    assert said
    for call in CALLS.values():
        done = bakewell(*call)
        assert (done.code, done.out, done.err) == (2, "", f"error: {said}\n"), call


def test_a_value_of_pulumi_yaml_that_only_pulumi_would_see(bakewell: Bakewell) -> None:
    (bakewell.site.root / "Pulumi.yaml").write_text("name: bakewell\nruntime: python\nconfig: {bakewell:keep: 9}\n")
    assert all(bakewell(*call).code == 2 for call in CALLS.values())


ACCOUNT = {
    "a pin that is a typo": "  bakewell:pins: {web: bakewell-web-2x}\n",
    "a pin of another role's image": "  bakewell:pins: {web: bakewell-base-1}\n",
    "a pin by another role's ID": "  bakewell:pins: {web: BASE}\n",
    "a pin of an image that is not ready": "  bakewell:pins: {web: bakewell-web-9}\n",
    "a pin without a name": "  bakewell:pins: {web: ''}\n",
    "a pin of an image that is elsewhere": (
        "  bakewell:digitalocean: {regions: [sfo3]}\n  bakewell:pins: {web: bakewell-web-2}\n"
    ),
    "a key that the account has not": "  bakewell:digitalocean: {droplets: {web: {ssh_keys: [nobodys]}}}\n",
}


@pytest.mark.parametrize("fault", ACCOUNT)
def test_what_the_account_has_not(bakewell: Bakewell, fault: str) -> None:
    bases = finished(bakewell, "base", 1)
    finished(bakewell, "web", 2, 3, 4, on=1)
    bakewell.site.served.api.snapshot("bakewell-web-9")
    images = bakewell("list", "--json").out
    write(bakewell, ACCOUNT[fault].replace("BASE", f"'{bases[0]}'"))
    said = preview(bakewell)
    assert said
    for call in (*(CALLS[command] for command in ACTING), ["clean", "--dry-run"], ["clean", "--from-pulumi"]):
        done = bakewell(*call)
        assert (done.code, done.out, done.err) == (2, "", f"error: {said}\n"), call
    write(bakewell, "")
    assert bakewell("list", "--json").out == images, "nothing is deleted or built"


def test_clean_deletes_nothing_in_one_cloud_that_is_refused_for_another(bakewell: Bakewell) -> None:
    every = finished(bakewell, "base", 1, 2)
    write(bakewell, "  bakewell:clouds: [digitalocean, docker]\n  bakewell:pins: {base: {docker: gone}}\n")
    done = bakewell("clean", "--keep", "1")
    assert done.code in (2, 3) and done.out == ""  # 3 where there is no Docker to ask
    write(bakewell, "")
    assert [row["id"] for row in bakewell("list", "--json").json] == list(reversed(every))


@pytest.mark.parametrize("command", ["copy", "build"])
def test_what_the_program_has_looked_at_is_not_looked_at_again(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """An `up` of twenty images asks no twenty times which keys there are."""
    monkeypatch.setenv("BAKEWELL_FINGERPRINT", bakewell.site.job("base").fingerprint.value)
    write(bakewell, "  bakewell:pins: {web: gone}\n")
    done = bakewell(*{"copy": ["copy", "base", "sfo3"], "build": ["build", "base"]}[command])
    assert (done.code, "bakewell:pins" in done.err) == ({"copy": 4, "build": 0}[command], False)


def test_what_machines_would_be_told_is_checked_offline_too(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEWELL_SSH_KEY", "/nowhere/key")
    assert preview(bakewell) == "", "no machine can be logged in to"
    write(bakewell, "  bakewell:digitalocean: {droplets: {web: {ssh_keys: [7]}}}\n")
    assert "the SSH key cannot be read" in preview(bakewell) and bakewell("validate").code == 2
    assert bakewell("validate", "base").code == 0, "one image is looked at by itself"


def test_fmt_without_a_catalog_formats_nothing(bakewell: Bakewell) -> None:
    shutil.rmtree(bakewell.site.root / "packer" / "images")
    done = bakewell("fmt")
    assert done.code == 2 and "no images" in done.err
