"""Commands in a stack on two clouds: on both, on one that is named, and on one that is not the stack's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakewell.bases import Bases
from bakewell.clouds.aws import Aws
from bakewell.image import READY, Identity
from bakewell_local.sandbox.aws.stock import NAMES
from tests.contract.aws.served import OTHER, REGION, Served
from tests.unit.cli.conftest import Bakewell

BOTH = ["digitalocean", "aws"]
CLOUDS = "clouds: [digitalocean, aws]"


@pytest.fixture
def both(bakewell: Bakewell, aws: Served) -> Bakewell:
    """A stack on both clouds."""
    bakewell.settle(CLOUDS)
    return bakewell


def amis(aws: Served, *numbers: int, role: str = "base") -> list[str]:
    """IDs of finished AMIs, one a number, the higher the newer."""
    made = []
    for number in numbers:
        image = aws.bake(f"bakewell-{role}-{number}")["ImageId"]
        who = Identity("bakewell", role, f"{number:064x}", f"{number:012x}", None, REGION)
        Aws(REGION).images.tag(image, [*who.tags(), READY])
        made.append(image)
    return made


def droplet_image(bakewell: Bakewell, number: int, role: str = "base") -> str:
    who = Identity("bakewell", role, f"{number:064x}", f"{number:012x}", None, "nyc3")
    made = str(bakewell.site.served.api.snapshot(f"bakewell-{role}-{number}")["id"])
    bakewell.site.cloud.images.tag(made, [*who.tags(), READY])
    return made


def launched(aws: Served) -> list[Any]:
    calls = aws.http.get("/sandbox/calls").json()["calls"]
    return [call["body"] for call in calls if call["action"] == "ec2:RunInstances"]


def placed(rows: list[Any]) -> list[tuple[str, str]]:
    return [(row["cloud"], row["role"]) for row in rows]


def test_build_is_on_every_cloud_and_each_has_parents_of_its_own(both: Bakewell, aws: Served) -> None:
    done = both("build", "--json")
    assert done.code == 0, done.err
    assert placed(done.json) == [(cloud, role) for cloud in BOTH for role in ("base", "web")]
    runs = {(one["cloud"], one["role"]): one["run"] for one in done.json}
    parents = {one["cloud"]: one["parent"] for one in done.json if one["role"] == "web"}
    (base,) = [one["id"] for one in done.json if (one["cloud"], one["role"]) == ("aws", "base")]
    assert launched(aws)[-1]["ImageId"] == base
    assert parents == {cloud: runs[cloud, "base"] for cloud in BOTH} and parents["aws"] != parents["digitalocean"]
    labels = {line.partition(" | ")[0] for line in done.err.splitlines()}
    assert labels == {f"{cloud}/{role}" for cloud in BOTH for role in ("base", "web")}
    again = both("build")
    assert again.code == 0 and again.out.count("adopted") == 4 and "aws/web" in again.out


def test_build_on_one_cloud_leaves_the_other_alone_and_calls_images_by_their_role(both: Bakewell) -> None:
    done = both("build", "base", "--cloud", "aws", "--json")
    assert placed(done.json) == [("aws", "base")] and done.json[0]["id"].startswith("ami-")
    assert all(line.startswith("base | ") for line in done.err.splitlines())
    assert both.site.served.api.get("/v2/images", private="true")["images"] == []


def test_what_fails_on_one_cloud_takes_only_its_own_descendants_along(both: Bakewell, aws: Served) -> None:
    aws.order("error", action="ec2:ImportKeyPair", code="UnauthorizedOperation")
    done = both("build", "--json")
    assert done.code == 3
    assert placed(done.json) == [(cloud, role) for cloud in BOTH for role in ("base", "web")]
    assert [one["action"] for one in done.json] == ["built", "built", "failed", "failed"]
    assert "its parent aws/base failed" in done.err


@pytest.mark.parametrize(
    "command",
    [
        ("build", "base"),
        ("list",),
        ("clean", "--dry-run"),
        ("copy", "base", "sfo3"),
        ("validate",),
        ("stage", "base", "out"),
        ("lock",),
    ],
    ids=lambda command: command[0],
)
def test_a_cloud_that_the_stack_does_not_have_is_bad_input(bakewell: Bakewell, command: tuple[str, ...]) -> None:
    done = bakewell(*command, "--cloud", "aws")
    assert done.code == 2 and "stack dev bakes for digitalocean, not for `aws`" in done.err
    assert "bakewell:clouds" in done.err


def test_list_shows_both_clouds_and_who_uses_what_on_each(both: Bakewell, aws: Served) -> None:
    snapshot, (ami,) = droplet_image(both, 1), amis(aws, 2)
    there = Aws(REGION).images.copy(ami, OTHER)
    user = aws("ec2", OTHER).run_instances(ImageId=there, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    droplet, own = both("list", "--json").json
    assert (droplet["cloud"], droplet["id"], droplet["in_use_by"]) == ("digitalocean", snapshot, [])
    assert (own["cloud"], own["id"], own["regions"]) == ("aws", ami, [OTHER, REGION])
    assert own["in_use_by"] == [f"instance {user}"], "by the ID that the copy has"
    shown = both("list").out
    assert "digitalocean" in shown and ami in shown
    assert placed(both("list", "--cloud", "aws", "--json").json) == [("aws", "base")]


def test_clean_keeps_as_many_on_each_cloud_and_a_copy_that_is_in_use_keeps_the_image(
    both: Bakewell, aws: Served
) -> None:
    snapshots = [droplet_image(both, number) for number in (1, 2)]
    used, going, kept = amis(aws, 3, 4, 5)
    there = Aws(REGION).images.copy(used, OTHER)
    aws("ec2", OTHER).run_instances(ImageId=there, MinCount=1, MaxCount=1)
    planned = both("clean", "--keep", "1", "--dry-run", "--json").json
    assert [(one["cloud"], one["id"]) for one in planned["deleted"]] == [("digitalocean", snapshots[0]), ("aws", going)]
    done = both("clean", "--keep", "1")
    assert done.code == 0, done.err
    assert "digitalocean: 1 images" in done.err and "aws: 1 images" in done.err
    left = {row["id"]: row["regions"] for row in both("list", "--json").json}
    assert left == {snapshots[1]: ["nyc3"], used: [OTHER, REGION], kept: [REGION]}


def test_a_pin_keeps_an_image_on_its_own_cloud_by_any_of_its_ids(both: Bakewell, aws: Served) -> None:
    snapshots = [droplet_image(both, number) for number in (1, 2)]
    first, _ = amis(aws, 3, 4)
    there = Aws(REGION).images.copy(first, OTHER)
    both.settle(CLOUDS, f"pins: {{base: {{aws: {there}}}}}")
    planned = both("clean", "--keep", "1", "--dry-run", "--json").json
    assert [one["id"] for one in planned["deleted"]] == snapshots[:1]
    assert {one["id"]: one["reasons"] for one in planned["kept"]}[first] == ["pinned"]


def test_for_pulumi_clean_and_build_are_of_the_cloud_that_it_names(
    both: Bakewell, aws: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = [droplet_image(both, number) for number in (1, 2)]
    amis(aws, 3, 4)
    both.settle(CLOUDS, "keep: 1")
    done = both("clean", "--from-pulumi", "--cloud", "aws")
    assert done.json == {"deleted": ["bakewell-base-3"], "kept": 1}
    assert {row["id"] for row in both("list", "--cloud", "digitalocean", "--json").json} == set(snapshots)
    monkeypatch.setenv("BAKEWELL_FINGERPRINT", both.site.job("base", "aws").fingerprint.value)
    built = both("build", "base", "--cloud", "aws")
    assert built.code == 0 and built.json["cloud"] == "aws" and built.json["home"] == REGION
    refused = both("build", "base", "--cloud", "digitalocean")
    assert refused.code == 2 and "changed since Pulumi read them" in refused.err


def test_a_copy_on_aws_has_an_id_of_its_own(both: Bakewell) -> None:
    built = both("build", "base", "--cloud", "aws", "--json").json[0]
    copied = both("copy", "base", OTHER, "--cloud", "aws").json
    assert copied["region"] == OTHER and copied["id"] != built["id"]
    assert both("copy", "base", OTHER, "--cloud", "aws").json == copied
    assert both("copy", "base", REGION, "--cloud", "aws").json == {"id": built["id"], "region": REGION}


def test_a_copy_that_fails_says_where_the_image_is_and_the_next_one_makes_it(both: Bakewell, aws: Served) -> None:
    built = both("build", "base", "--cloud", "aws", "--json").json[0]
    aws.order("action_errored", action="ec2:CopyImage", nth=1)
    done = both("copy", "base", OTHER, "--cloud", "aws")
    assert done.code == 3 and done.out == ""
    assert f"{built['name']} is in {REGION}, and not in {OTHER}" in done.err
    assert "the next `pulumi up` makes the missing copy" in done.err
    assert both("copy", "base", OTHER, "--cloud", "aws").code == 0


def test_stage_and_validate_are_for_the_cloud_that_is_named(both: Bakewell, tmp_path: Path) -> None:
    for cloud in BOTH:
        both.site.write(f"{cloud}.pkr.hcl", "# its source\n")
    for cloud, other in (BOTH, BOTH[::-1]):
        files = both("stage", "web", str(tmp_path / cloud), "--cloud", cloud, "--json").json["files"]
        assert f"{cloud}.pkr.hcl" in files and f"{other}.pkr.hcl" not in files
    assert "digitalocean.pkr.hcl" in both("stage", "web", str(tmp_path / "first"), "--json").json["files"]
    done = both("validate", "--json").json
    assert placed(done) == [(cloud, role) for cloud in BOTH for role in ("base", "web")]
    assert len({one["fingerprint"] for one in done}) == 4
    assert placed(both("validate", "web", "--cloud", "aws", "--json").json) == [("aws", "web")]


def test_lock_writes_down_each_clouds_own_image(both: Bakewell) -> None:
    path = both.site.root / "packer" / "bases.lock"
    assert both("lock", "--json").json == {"debian-12 on digitalocean": True, "debian-12 on aws": True}
    entry = Bases.load(path).entry("debian-12", "aws")
    assert (entry.image, entry.name, entry.date) == ("136693071363/debian-12-amd64-*", NAMES[-1], "2025-11-12")
    assert entry.ids == {}, "IDs of the local cloud mean nothing elsewhere"
    path.write_text("")
    assert both("lock", "--cloud", "aws", "--json").json == {"debian-12 on aws": True}
    assert Bases.load(path).find("debian-12", "digitalocean") is None
    assert Bases.load(path).entry("debian-12", "aws") == entry, "Debian's own, unless somebody says otherwise"


def test_another_image_to_lock_is_for_one_cloud(both: Bakewell) -> None:
    done = both("lock", "debian-12", "--image", "136693071363/debian-12-*")
    assert done.code == 2 and "--image is for one cloud" in done.err and "--cloud digitalocean" in done.err
    assert both("lock", "debian-12", "--cloud", "aws", "--image", f"136693071363/{NAMES[0]}").code == 0
    entry = Bases.load(both.site.root / "packer" / "bases.lock").entry("debian-12", "aws")
    assert entry.name == NAMES[0]


def test_a_local_stack_of_two_clouds_touches_neither_where_one_is_real(
    both: Bakewell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for command in (("build",), ("copy", "base", "sfo3"), ("list", "--cloud", "digitalocean"), ("clean",), ("lock",)):
        done = both(*command)
        assert done.code == 2 and "local cloud only, but the endpoint is https://amazonaws.com" in done.err
    assert both.site.served.api.get("/v2/images", private="true")["images"] == []


def test_doctor_looks_at_each_clouds_clock_and_account(both: Bakewell) -> None:
    found = {row["check"]: row for row in both("doctor", "--json").json}
    assert {found[f"{cloud}: {check}"]["state"] for cloud in BOTH for check in ("clock", "account")} == {"ok"}
    assert "123456789012" in found["aws: account"]["found"]
    both.site.served.clock.ahead = -7500
    both.settle(CLOUDS, 'aws: {account: "210987654321"}')
    found = {row["check"]: row for row in both("doctor", "--json").json}
    assert found["digitalocean: clock"]["state"] == "fails" and found["aws: clock"]["state"] == "ok"
    assert "125 minutes ahead of digitalocean's" in found["digitalocean: clock"]["found"]
    assert found["aws: account"]["state"] == "fails" and "AWS_PROFILE" in found["aws: account"]["remedy"]
    assert found["digitalocean: account"]["state"] == "ok"
