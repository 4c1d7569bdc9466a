"""The life of a stack of small images: baked, changed, rolled back, lost, moved, cleaned up. At each step the preview,
and the comment that a workflow makes of it, said what `up` then did.

The tests share one stack and run in order. What counts is what is in the account: its machines are in memory.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.cloud import CloudView
from tests.e2e.workspace import PROJECT, Workspace, in_memory

IMAGES = {f"digitalocean-{role}" for role in ("base", "web", "api")}
WEB = "digitalocean-web"
STAMP = "packer/images/web/files/stamp.txt"
NAME = "tlife"
COMMENT = PROJECT / ".github" / "preview_comment.py"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, cloud_environment: Mapping[str, str]) -> Iterator[Workspace]:
    """base, web and api, with a machine of the last two; nothing is baked yet."""
    with in_memory(tmp_path_factory.mktemp("life") / "clone", cloud_environment, NAME, "base", "web", "api") as made:
        made.configure(keep=1)
        made.init()
        yield made


@pytest.fixture(scope="module")
def cloud(stack: Workspace) -> CloudView:
    return CloudView.of(stack.env)


def rebuilt(stack: Workspace) -> set[str]:
    """The images that a preview would make again."""
    return {name for name, op in stack.preview().ops.items() if name in IMAGES and op == "replace"}


def quiet(stack: Workspace) -> None:
    preview = stack.preview()
    assert preview.quiet, preview.ops


def comment(stack: Workspace) -> list[str]:
    """The lines of the comment on a preview of what the clone holds now."""
    done = stack.run("pulumi", "preview", "--json", "--non-interactive", check=False)
    file = Path(stack.root.parent / "preview.json")
    file.write_text(done.stdout)
    return stack.run(sys.executable, str(COMMENT), str(file), "dev", "0123456789abcdef").stdout.splitlines()


def web_machine(cloud: CloudView) -> str:
    """The image that the machine of web was made of."""
    (machine,) = [one for one in cloud.droplets(NAME) if "bakewell:role:web" in one["tags"]]
    return str(machine["image"]["id"])


def test_the_first_up_makes_everything(stack: Workspace) -> None:
    new = comment(stack)
    assert "**Images to build: 3**" in new and f"| `{WEB}` | new |" in new and f"| `{WEB}-1` | new |  |" in new
    stack.up()
    assert comment(stack)[-1] == "Nothing would change."


def test_what_is_no_content_changes_nothing(stack: Workspace, cloud: CloudView) -> None:
    stack.write("README.md", "changed\n")
    stack.write("packer/README.md", "changed\n")
    stack.configure(parallel=2)
    token = cloud.http.post("/sandbox/tokens").raise_for_status().json()["token"]
    assert token != stack.env["DIGITALOCEAN_TOKEN"]
    rotated = {"DIGITALOCEAN_TOKEN": token, "DIGITALOCEAN_ACCESS_TOKEN": token}
    assert stack.preview(env=rotated).quiet


def test_a_preview_names_what_changed_and_what_follows(stack: Workspace) -> None:
    original = (stack.root / STAMP).read_text()
    stack.write(STAMP, "web 2\n")
    preview = stack.preview()
    assert {name for name in preview.ops if name in IMAGES} == {WEB}
    assert [path for path in preview.paths[WEB] if "files/stamp.txt" in path], preview.paths[WEB]
    assert preview.ops["digitalocean-web-1"] == "replace" and "digitalocean-api-1" not in preview.ops
    changed = comment(stack)
    assert "**Images to build: 1**" in changed and f"| `{WEB}` | `files/stamp.txt` |" in changed
    assert "**Machines: 1**" in changed and f"| `{WEB}-1` | replaced | `image` |" in changed
    assert not any(line.startswith("**Images to delete") for line in changed), "a machine uses it"
    stack.write(STAMP, original)

    # A new file is named, too; it must not look as if all that follow had changed.
    new = stack.root / "packer/images/web/files/aaa.txt"
    new.write_text("new\n")
    paths = {path for path in stack.preview().paths[WEB] if "files/" in path}
    assert len(paths) == 1 and "files/aaa.txt" in paths.pop()
    new.unlink()

    # A step that base uses: base and both children.
    step = stack.root / "packer/steps/stamp.py"
    text = step.read_text()
    step.write_text(text + "\n# another comment is another file\n")
    assert rebuilt(stack) == IMAGES
    step.write_text(text)


def test_up_builds_and_deletes_what_the_preview_said_and_nothing_else(stack: Workspace, cloud: CloudView) -> None:
    first, images = stack.outputs(), stack.images()
    ids = [stack.image("web")["ids"]["nyc3"]]
    for number in (2, 3):
        before, image = stack.outputs(), stack.image("web")
        stack.write(STAMP, f"web {number}\n")
        shown = stack.preview_text()
        assert "files/stamp.txt" in shown
        there = {one["name"] for one in cloud.ready(NAME)}
        stack.up()
        gone = there - {one["name"] for one in cloud.ready(NAME)}
        lines = shown.splitlines()
        assert gone == {name for name in there if any("would delete" in line and name in line for line in lines)}
        for name in there - gone:
            assert any("keeps" in line and name in line for line in lines), (name, shown)
        after = stack.outputs()
        assert stack.image("web")["run"] != image["run"]
        assert after["machines"]["digitalocean-web-1"]["address"] != before["machines"]["digitalocean-web-1"]["address"]
        ids.append(stack.image("web")["ids"]["nyc3"])
        quiet(stack)
    for role in ("base", "api"):
        assert stack.image(role) == images[role]
    assert stack.outputs()["machines"]["digitalocean-api-1"] == first["machines"]["digitalocean-api-1"]

    # While `up` ran, the machine of the image before last was still there: its image goes in the next run.
    assert {one["id"] for one in cloud.ready(NAME, "web")} == set(ids[1:])
    # The parent of what is kept stays, though nothing boots from it.
    assert len(cloud.ready(NAME, "base")) == 1


def test_a_pin_rolls_back_and_is_kept(stack: Workspace, cloud: CloudView) -> None:
    newest = stack.image("web")["ids"]["nyc3"]
    (old,) = [one for one in cloud.ready(NAME, "web") if one["id"] != newest]
    stack.run("pulumi", "config", "set", "--path", "bakewell:pins.web", old["name"])
    preview = stack.preview()
    assert preview.ops.get(f"{WEB}-1") == "replace" and WEB not in preview.ops
    stack.up()
    assert web_machine(cloud) == old["id"]
    stack.bakewell("clean")
    assert {one["id"] for one in cloud.ready(NAME, "web")} == {old["id"], newest}
    quiet(stack)

    stack.run("pulumi", "config", "rm", "--path", "bakewell:pins.web")
    stack.up()
    assert web_machine(cloud) == newest


def test_clean_deletes_what_is_superseded_and_nothing_on_partial_evidence(stack: Workspace, cloud: CloudView) -> None:
    before = {one["id"] for one in cloud.ready(NAME)}
    newest = stack.image("web")["ids"]["nyc3"]
    (old,) = [one["id"] for one in cloud.ready(NAME, "web") if one["id"] != newest]
    with cloud.fault("status", method="GET", path="/v2/droplets", status=422):
        assert stack.bakewell("clean", check=False).returncode == 3
    assert {one["id"] for one in cloud.ready(NAME)} == before
    listed = stack.bakewell("clean", "--dry-run", "--json").stdout
    assert old in json.dumps(json.loads(listed))
    stack.bakewell("clean")
    assert {one["id"] for one in cloud.ready(NAME)} == before - {old}
    quiet(stack)


@pytest.mark.parametrize("how", ["gone", "revoked"])
def test_an_image_that_is_lost_is_rebuilt_once(stack: Workspace, cloud: CloudView, how: str) -> None:
    image = stack.image("web")
    image_id = image["ids"]["nyc3"]
    if how == "gone":
        cloud.delete_image(image_id)
    else:
        cloud.tag_image(image_id, "bakewell:revoked")

    shown = stack.preview_text()
    assert (image["name"] in shown or image_id in shown) and how in shown
    preview = stack.preview()
    assert {name for name in preview.ops if name in IMAGES} == {WEB}
    assert any("triggers[2]" in path for path in preview.paths[WEB]), preview.paths[WEB]

    stack.up()
    again = stack.image("web")
    assert again["fingerprint"] == image["fingerprint"]
    assert again["run"] != image["run"] and again["attempt"] == image["attempt"] + 1
    quiet(stack)
    assert len([one for one in cloud.ready(NAME, "web") if one["id"] != image_id]) == 1


def test_a_stack_takes_a_forced_image_up_as_the_command_says(stack: Workspace, cloud: CloudView) -> None:
    before = stack.image("web")["run"]
    said = stack.bakewell("build", "web", "--force").stderr
    quiet(stack)
    (told,) = [line.partition("pulumi up ")[2] for line in said.splitlines() if "pulumi up " in line]
    stack.up(*shlex.split(told))
    forced = stack.image("web")
    assert forced["run"] != before and web_machine(cloud) == forced["ids"]["nyc3"]
    quiet(stack)


def test_another_region_copies_and_never_rebuilds(stack: Workspace, cloud: CloudView) -> None:
    stack.bakewell("clean")
    built = {one["id"] for one in cloud.snapshots(NAME)}
    first = stack.image("web")
    stack.configure(digitalocean={**stack.configured("digitalocean"), "regions": ["sfo3", "nyc3"]})
    preview = stack.preview()
    assert not {name for name in preview.ops if name in IMAGES}, preview.ops
    stack.up()
    assert {one["id"] for one in cloud.snapshots(NAME)} == built
    moved = stack.image("web")
    assert moved["fingerprint"] == first["fingerprint"]
    assert set(moved["ids"]) == {"sfo3", "nyc3"}
    quiet(stack)


def test_the_comment_lists_what_would_be_deleted_and_says_that_a_preview_failed(stack: Workspace) -> None:
    stack.write(STAMP, "web 4\n")
    (built,) = json.loads(stack.bakewell("build", "web", "--json").stdout)[1:]
    stack.write(STAMP, "web 5\n")
    deleting = comment(stack)
    assert "**Images to delete: 1**" in deleting
    assert any(line.startswith(f"| `{built['name']}` | `{built['id']}` | ") for line in deleting)

    stack.write("packer/images/web/image.toml", "nonsense = 1\n")
    failed = comment(stack)
    assert "**The preview failed**, so nothing is known of what would change." in failed
    assert any("unknown key `nonsense`" in line for line in failed)
