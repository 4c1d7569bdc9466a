"""One stack on both clouds: everything of each, nothing of one in the other, and both or none."""

from __future__ import annotations

import json

import pytest

from bakewell.errors import CloudError, ConfigError
from bakewell.settings import Settings
from components.stack.outputs import StackOutputs
from tests.components.conftest import Fleet
from tests.components.engine import COMMAND, DROPLET, INSTANCE, PARAMETER, Run
from tests.components.fleet import image

CLOUDS = ("digitalocean", "aws")


@pytest.fixture
def both(fleet: Fleet) -> Fleet:
    """A stack on both clouds: web and api on each, by droplets and by instances."""
    fleet.config["bakewell:clouds"] = '["digitalocean", "aws"]'
    fleet.config["bakewell:aws"] = '{"instances": {"web": {}, "api": {}}, "fleets": {"api": {}}}'
    return fleet


def refused(fleet: Fleet) -> str:
    """What a preview that registers nothing says."""
    run = fleet.run(preview=True)
    assert isinstance(run.error, SystemExit)
    assert {r.type for r in run.resources} <= {"pulumi:pulumi:Stack"}, "a stack that is refused changes no cloud"
    return run.said("error")


def resources(run: Run) -> set[tuple[str, str]]:
    return {(r.type, r.name) for r in run.resources if r.request.custom}


def test_outputs_have_each_clouds_part(both: Fleet) -> None:
    baked = {cloud: both.bake(number, cloud=cloud) for number, cloud in enumerate(CLOUDS, start=1)}
    run = both.run()
    assert run.error is None
    outputs = StackOutputs.model_validate(run.outputs)
    for cloud, home in (("digitalocean", "nyc3"), ("aws", "us-east-1")):
        web = outputs.image("web", cloud)
        assert web is not None and web.ids == {home: baked[cloud]["web"].id}
        assert web.fingerprint == both.fingerprint("web", cloud)
    assert set(outputs.machines) == {"web-1", "web-2", "api-1", "aws-web-1", "aws-api-1"}
    assert set(outputs.fleets) == {"api"}
    assert outputs.retention_key("aws") != outputs.retention_key("digitalocean") is not None


def test_a_second_cloud_changes_nothing_of_the_first(both: Fleet) -> None:
    for cloud in CLOUDS:
        both.bake(cloud=cloud)
    together = both.run()
    del both.config["bakewell:clouds"], both.config["bakewell:aws"]
    alone = both.run()
    ours = {(r.type, r.name): r.inputs for r in together.resources if r.request.custom}
    theirs = {(r.type, r.name): r.inputs for r in alone.resources if r.request.custom}
    assert theirs and ours.items() >= theirs.items()
    assert not alone.of_type(INSTANCE) and not alone.of_type("pulumi:providers:aws")
    assert all(name.startswith("aws") for _, name in resources(together) - resources(alone))


def test_the_first_preview_of_both_knows_everything_but_the_images(both: Fleet) -> None:
    roles = ("base", "web", "api", "retention")
    every = frozenset({*roles, *(f"aws-{role}" for role in roles)})
    run = both.run(preview=True, rerun=every)
    assert run.error is None and every <= set(run.of_type(COMMAND))
    assert set(run.of_type(DROPLET)) == {"web-1", "web-2", "api-1"}
    assert set(run.of_type(INSTANCE)) == {"aws-web-1", "aws-api-1"}
    assert set(run.of_type(PARAMETER)) == {f"aws-{role}-us-east-1" for role in ("base", "web", "api")}


def test_retention_is_of_each_cloud_by_itself(both: Fleet) -> None:
    for cloud in CLOUDS:
        both.bake(cloud=cloud)
    both.outputs["retention"] = both.run().outputs["retention"]
    assert both.run(preview=True).messages == []
    old = image("web", "0" * 64, 0, cloud="aws")
    both.aws.found.insert(0, old)
    both.config["bakewell:pins"] = json.dumps({"web": {"aws": old.id}})
    run = both.run(preview=True)
    assert run["aws-retention"].inputs["triggers"][0] == {"keep": 3, "pins": [old.id]}
    assert run["retention"].inputs["triggers"][0] == {"keep": 3, "pins": []}
    assert run.said("info").count("retention would delete") == 1, "DigitalOcean's has nothing new to look at"
    assert f"keeps {old.name} ({old.id})" in run.said("info")


def test_a_pin_is_of_the_cloud_that_it_names(both: Fleet) -> None:
    baked = {cloud: both.bake(cloud=cloud) for cloud in CLOUDS}
    old = image("web", "0" * 64, 0, cloud="aws")
    both.aws.found.insert(0, old)
    both.config["bakewell:pins"] = json.dumps({"web": {"aws": old.name}})
    run = both.run()
    assert run.of_type(INSTANCE)["aws-web-1"].inputs["ami"] == old.id
    assert run["web-1"].inputs["image"] == baked["digitalocean"]["web"].id


def test_an_image_that_is_gone_on_one_cloud_is_made_again_there_alone(both: Fleet) -> None:
    baked = {cloud: both.bake(cloud=cloud) for cloud in CLOUDS}
    both.aws.found.remove(baked["aws"]["web"])
    commands = both.run(preview=True, rerun=frozenset({"aws-web", "aws-retention"})).of_type(COMMAND)
    assert commands["aws-web"].inputs["triggers"][2] == 1
    assert commands["web"].inputs["triggers"][2] == 0


def test_the_summary_says_which_clouds_image_it_is(both: Fleet) -> None:
    baked = {cloud: both.bake(cloud=cloud) for cloud in CLOUDS}
    rows = [line.split() for line in both.run(finished=4e9).said("info").splitlines()]
    for cloud in CLOUDS:
        made = baked[cloud]["web"]
        assert [f"{cloud}/web", "built", "12", made.id, made.name] in rows
    assert len(rows) == 1 + 6


def test_each_cloud_is_asked_once(both: Fleet) -> None:
    for cloud in CLOUDS:
        both.bake(cloud=cloud)
    both.outputs["retention"] = both.run().outputs["retention"]
    for listing in both.listings.values():
        listing.asked.clear()
    both.run(preview=True)
    assert both.listing.asked == both.aws.asked == ["images of bakewell"]


# What is refused.


def test_user_data_that_is_too_large_for_aws_alone_is_refused_with_its_size(both: Fleet) -> None:
    services = ", ".join(f'"{"x" * 200}{number}.service"' for number in range(100))
    toml = f'description = "api"\nparent = "base"\n[boot]\nservices = [{services}]\n'
    (both.root / "packer/images/api/image.toml").write_text(toml)
    said = refused(both)
    assert "user_data of api is 2" in said and "bytes, and aws takes 16384" in said
    del both.config["bakewell:clouds"], both.config["bakewell:aws"]
    assert both.run(preview=True).error is None


@pytest.mark.parametrize(
    ("peers", "said"),
    [
        ('["wbe"]', "image api: `peers` names `wbe`, which is no image (did you mean `web`?)"),
        ('["api"]', "image api: its `peers` lead back to itself: api -> api"),
    ],
)
def test_peers_that_cannot_be_found_are_refused(both: Fleet, peers: str, said: str) -> None:
    toml = f'description = "api"\nparent = "base"\n[boot]\npeers = {peers}\n'
    (both.root / "packer/images/api/image.toml").write_text(toml)
    assert said in refused(both)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("aws", '{"instances": {"wbe": {}}}', "bakewell:aws.instances.wbe: `wbe` is not an image"),
        ("aws", '{"fleets": {"wbe": {}}}', "bakewell:aws.fleets.wbe: `wbe` is not an image"),
        ("aws", '{"instances": {"web": {"size": "t3.micro"}}}', "unknown key `aws.instances.web.size`"),
        ("clouds", '["digitalocean", "gcp"]', "`clouds.1`"),
        ("clouds", '["digitalocean"]', "aws.instances: bakewell:clouds has no aws"),
        ("pins", '{"web": "bakewell-web-1"}', "say on which cloud: bakewell:pins.web.digitalocean"),
        ("pins", '{"web": {"aws": "ami-gone"}}', "there is no image `ami-gone` of role web"),
    ],
)
def test_settings_of_either_cloud_refuse_both(both: Fleet, key: str, value: str, said: str) -> None:
    both.config[f"bakewell:{key}"] = value
    message = refused(both)
    assert said in message and "remedy:" in message


def test_a_local_stack_of_both_never_leaves_this_machine(both: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert "local cloud only, but the endpoint is https://amazonaws.com" in refused(both)
    assert both.listing.asked == both.aws.asked == []


def test_another_account_or_a_build_that_cannot_begin_refuses_both(
    both: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_account(project: str) -> None:
        raise ConfigError("the stack belongs to AWS account 1, but the credentials are of 2", remedy="use AWS_PROFILE")

    def no_network(base: str) -> None:
        raise CloudError(f"no default VPC for {base}")

    def no_subnet(settings: Settings) -> None:
        raise ConfigError(f"no subnet for {', '.join(settings.aws.fleets)}")

    both.bake()
    with monkeypatch.context() as patch:
        patch.setattr(both.aws, "check_stack", no_subnet)
        assert "no subnet for api" in refused(both)
    with monkeypatch.context() as patch:
        patch.setattr(both.aws, "check_build", no_network)
        assert "no default VPC for 136693071363/debian-12-amd64-*" in refused(both)
    with monkeypatch.context() as patch:
        patch.setattr(both.aws, "images", other_account)
        assert "belongs to AWS account 1" in refused(both)
