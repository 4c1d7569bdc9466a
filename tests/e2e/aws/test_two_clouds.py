"""One stack on two clouds, with small images: baked, copied, booted, handed on, replaced, and the old ones removed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bakewell_local.toolchain.folders import ROOT
from tests.e2e.aws.account import Account
from tests.e2e.aws.conftest import MakeWorkspace
from tests.e2e.cloud import CloudView
from tests.e2e.machine import Machine
from tests.e2e.workspace import Workspace, images
from tests.waiting import until

HOME, OTHER = "us-east-1", "eu-central-1"
FRIEND = "111122223333"
KEY = "alias/images"
LOGIN = {"key": "local-cloud", "ssh_from": ["10.0.0.0/8"]}


@pytest.fixture
def stack(clone: MakeWorkspace, account: Account) -> Workspace:
    """base and web on both clouds; on AWS in two regions, an instance and a fleet of web."""
    account.name_key(KEY, HOME, OTHER)
    made = clone("both")
    made.configure(
        roles=["web"],
        keep=1,
        digitalocean={"droplets": {"web": {"ssh_keys": ["local-cloud"]}}},
        aws={
            "regions": [HOME, OTHER],
            "instances": {"web": LOGIN},
            "fleets": {"web": {"count": 2}},
            "launch_accounts": [FRIEND],
            "kms_key": KEY,
        },
    )
    return made


def test_one_stack_on_two_clouds(stack: Workspace, account: Account, cloud: CloudView, project: str) -> None:
    log = stack.up().stdout
    first = stack.outputs()
    baked = {role: images(first, "aws")[role] for role in ("base", "web")}
    _is_baked_as_asked(baked, account, project)
    assert account.machines(project, OTHER) == []
    assert len(cloud.ready(project, "web")) == 1
    assert "aws/web" in log and "digitalocean/web" in log
    _boots(stack, first, account, "web 1")
    _is_handed_on(stack, first, account)
    preview = stack.preview()
    assert preview.quiet, preview.paths
    app = _app(stack, first, account, cloud)

    # New content: preview says what follows on either cloud, up does it.
    stack.write("packer/images/web/files/stamp.txt", "web 2\n")
    preview = stack.preview()
    assert preview.ops["digitalocean-web-1"] == preview.ops["digitalocean-web"] == "replace", preview.ops
    replaced = [("Command", "aws-web"), ("Command", "aws-web-eu-central-1"), ("Instance", "aws-web-1")]
    replaced += [("AmiLaunchPermission", f"aws-web-{region}-{FRIEND}") for region in (HOME, OTHER)]
    updated = [("LaunchTemplate", "aws-web"), ("Group", "aws-web")]
    updated += [("Parameter", f"aws-web-{region}") for region in (HOME, OTHER)]
    for changed, op in ((replaced, "replace"), (updated, "update")):
        assert {one: preview.by_type.get(one) for one in changed} == dict.fromkeys(changed, op), preview.by_type
    group = first["fleets"]["web"]["group"]
    old = set(account.serving(group, HOME))
    with _counted(account, group) as counts:
        stack.up()
    assert min(counts) >= 2, "the new ones come before the old ones go"
    second = stack.outputs()
    new = images(second, "aws")["web"]
    assert new["ids"][HOME] != baked["web"]["ids"][HOME]
    _boots(stack, second, account, "web 2")
    _is_handed_on(stack, second, account)
    serving = account.serving(group, HOME)
    assert len(serving) == 2 and not old & set(serving), "`up` waited for it"
    assert account.booted_from(serving, HOME) == {new["ids"][HOME]}

    # The app stack sees it coming, and follows.
    preview = stack.preview(cwd=app)
    assert preview.ops == {"shop": "replace"}
    assert sorted(preview.paths["shop"]) == ["ami", "image"], "its droplet and its instance"
    _app_is_up(stack, app, second, account, cloud)
    stack.run("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", cwd=app)

    # The images of before go as soon as nothing boots from them, with their snapshots, in both regions.
    stack.bakewell("clean", "--cloud", "aws")
    for region in (HOME, OTHER):
        assert set(account.images(project, region)) == {baked["base"]["ids"][region], new["ids"][region]}, region
        assert len(account.snapshots(project, region)) == 2, region

    stack.run("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive")
    until(lambda: account.machines(project, HOME), lambda left: not left, "machines")
    assert new["ids"][HOME] in account.images(project, HOME), "images are retention's, whatever becomes of the stack"

    asked = account.asked("bakewell", "packer")
    assert {
        "ec2:RunInstances",
        "ec2:CopyImage",
        "ec2:DeregisterImage",
        "autoscaling:DescribeInstanceRefreshes",
    } <= asked
    document = (ROOT / "docs" / "aws.md").read_text()
    assert not {action for action in asked if f"`{action}`" not in document}, "permissions that nobody is told of"


@contextmanager
def _counted(account: Account, group: str) -> Iterator[list[int]]:
    """How many machines of a fleet serve, looked at again and again while the block runs."""
    counts: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            counts.append(len(account.serving(group, HOME)))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield counts
        finally:
            over.set()
        looking.result()


def _is_baked_as_asked(images: dict[str, dict[str, Any]], account: Account, project: str) -> None:
    """A chain of AMIs in both regions: encrypted, for machines that ask with a token, with the identity as tags."""
    for region in (HOME, OTHER):
        found = account.images(project, region)
        assert set(found) == {images[role]["ids"][region] for role in images}, region
        for role, image in images.items():
            ami = found[image["ids"][region]]
            assert (ami["State"], ami["ImdsSupport"], ami["Name"]) == ("available", "v2.0", image["name"])
            wanted = {"role": role, "fingerprint": image["fingerprint"], "run": image["run"], "home": HOME, "ready": ""}
            assert {key: ami["tags"][f"bakewell:{key}"] for key in wanted} == wanted
            assert ami["tags"].get("bakewell:parent") == image["parent"]
            (disk,) = ami["BlockDeviceMappings"]
            assert disk["Ebs"]["Encrypted"] is True
            assert account.snapshots(project, region)[disk["Ebs"]["SnapshotId"]]["KmsKeyId"] == KEY
        assert len(account.snapshots(project, region)) == len(images), "nothing of the building is left"
    assert images["web"]["parent"] == images["base"]["run"]
    keys = account.client("ec2", HOME).describe_key_pairs()["KeyPairs"]
    assert [key["KeyName"] for key in keys] == ["local-cloud"]


def _boots(stack: Workspace, outputs: dict[str, Any], account: Account, stamp: str) -> None:
    """The instance runs what was baked, and the cloud's metadata answers it only with a token."""
    machine, image = outputs["machines"]["aws-web-1"], images(outputs, "aws")["web"]["ids"][HOME]
    assert machine["image"] == image
    shell = Machine(machine["address"], Path(stack.env["BAKEWELL_SSH_KEY"]))
    assert shell.run("cat /etc/bakewell/stamp-web").strip() == stamp
    running = account.machines(stack.project, HOME)
    (found,) = [one for one in running if one["tags"]["Name"] == "aws-web-1"]
    assert (found["ImageId"], found["MetadataOptions"]["HttpTokens"]) == (image, "required")
    assert found["tags"]["bakewell:role"] == "web"


def _is_handed_on(stack: Workspace, outputs: dict[str, Any], account: Account) -> None:
    """In each region: a parameter that says which AMI it is, and the other account may launch it."""
    for region, image in images(outputs, "aws")["web"]["ids"].items():
        parameter = account.parameter(f"/{stack.project}/both/web", region)
        assert (parameter["Value"], parameter["DataType"]) == (image, "aws:ec2:image")
        assert account.may_launch(image, region) == [FRIEND]


def _app(stack: Workspace, outputs: dict[str, Any], account: Account, cloud: CloudView) -> Path:
    """Another stack boots a machine on each cloud from what this one published; its folder."""
    app = stack.root / "examples" / "app-stack"
    stack.init("both", cwd=app)
    _app_is_up(stack, app, outputs, account, cloud)
    assert stack.preview(cwd=app).quiet
    return app


def _app_is_up(stack: Workspace, app: Path, outputs: dict[str, Any], account: Account, cloud: CloudView) -> None:
    """An `up` of the app stack leaves it with a machine on each cloud, of the images that `outputs` tell."""
    stack.run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", cwd=app)
    web = {cloud: images(outputs, cloud)["web"] for cloud in ("aws", "digitalocean")}
    states = {"Name": "instance-state-name", "Values": ["pending", "running"]}
    of_it = [{"Name": "image-id", "Values": [web["aws"]["ids"][HOME]]}, states]
    found = account.client("ec2", HOME).describe_instances(Filters=of_it)["Reservations"]
    assert len([one for reservation in found for one in reservation["Instances"]]) == 4, "with this stack's three"
    droplets = [str(one["image"]["id"]) for one in cloud.get("/v2/droplets", "droplets")]
    assert droplets.count(web["digitalocean"]["ids"]["nyc3"]) == 2
