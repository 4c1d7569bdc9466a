"""One stack on both clouds: everything of each, nothing of one in the other, and both or none."""

from __future__ import annotations

import json

import pytest

from bakewell.errors import CloudError, ConfigError
from bakewell.settings import Settings
from pulumi_bakewell.stack.outputs import StackOutputs
from tests.components.conftest import SECRET, Fleet
from tests.components.engine import COMMAND, DROPLET, INSTANCE, PARAMETER, UNKNOWN, Run
from tests.components.fleet import image
from tests.components.test_refusals import refused

CLOUDS = ("digitalocean", "aws")


@pytest.fixture
def both(fleet: Fleet) -> Fleet:
    """A stack on both clouds: web and api on each, by droplets and by instances."""
    fleet.config["bakewell:clouds"] = '["digitalocean", "aws"]'
    fleet.config["bakewell:aws"] = '{"instances": {"web": {}, "api": {}}, "fleets": {"api": {}}}'
    return fleet


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
    droplets = {f"digitalocean-{name}" for name in ("web-1", "web-2", "api-1")}
    assert set(outputs.machines) == droplets | {"aws-web-1", "aws-api-1"}
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
    names = ("base", "web", "api", "retention")
    ready = {"digitalocean-web-1-ready", "digitalocean-web-2-ready", "aws-web-1-ready", "aws-api-ready"}
    every = frozenset({*(f"{cloud}-{name}" for cloud in CLOUDS for name in names), *ready})
    run = both.run(preview=True, rerun=every)
    assert run.error is None and set(run.of_type(COMMAND)) == every
    droplets, instances = run.of_type(DROPLET), run.of_type(INSTANCE)
    assert set(droplets) == {f"digitalocean-{name}" for name in ("web-1", "web-2", "api-1")}
    assert set(instances) == {"aws-web-1", "aws-api-1"}
    assert droplets["digitalocean-web-1"].inputs["image"] == instances["aws-web-1"].inputs["ami"] == UNKNOWN
    assert set(run.of_type(PARAMETER)) == {f"aws-{role}-us-east-1" for role in ("base", "web", "api")}
    for cloud in CLOUDS:
        assert run.outputs["bakewell"][cloud]["images"]["web"]["fingerprint"] == both.fingerprint("web", cloud)
    assert run.said("info").count("retention would delete 0 of 0 images") == 2
    assert "build on 136693071363/debian-12-amd64-*" in both.aws.asked
    # No credential reaches a resource, and no endpoint a command.
    assert not [secret for secret in ("a-token-of-tests", SECRET, "AKIA") if secret in repr(run.resources)]
    assert "127.0.0.1" not in repr(run.of_type(COMMAND))
    assert run["digitalocean"].inputs == {"apiEndpoint": "http://127.0.0.1:9"}


def test_a_pin_and_retention_are_of_one_cloud(both: Fleet) -> None:
    baked = {cloud: both.bake(cloud=cloud) for cloud in CLOUDS}
    both.outputs["bakewell"] = both.run().outputs["bakewell"]
    assert both.run(preview=True).messages == []
    old = image("web", "0" * 64, 0, cloud="aws")
    both.aws.found.insert(0, old)
    both.config["bakewell:pins"] = json.dumps({"web": {"aws": old.id}})
    run = both.run(preview=True)
    assert run["aws-retention"].inputs["triggers"][0] == {"keep": 3, "pins": [old.id]}
    assert run["digitalocean-retention"].inputs["triggers"][0] == {"keep": 3, "pins": []}
    assert run.said("info").count("retention would delete") == 1, "DigitalOcean's has nothing new to look at"
    assert f"keeps {old.name} ({old.id})" in run.said("info")
    assert run.of_type(INSTANCE)["aws-web-1"].inputs["ami"] == old.id
    assert run["digitalocean-web-1"].inputs["image"] == baked["digitalocean"]["web"].id


def test_an_image_that_is_gone_on_one_cloud_is_made_again_there_alone(both: Fleet) -> None:
    baked = {cloud: both.bake(cloud=cloud) for cloud in CLOUDS}
    both.aws.found.remove(baked["aws"]["web"])
    run = both.run(preview=True, rerun=frozenset({"aws-web", "aws-retention"}))
    commands = run.of_type(COMMAND)
    assert commands["aws-web"].inputs["triggers"][2] == 1
    assert commands["digitalocean-web"].inputs["triggers"][2] == 0
    assert f"({baked['aws']['web'].id}) in the outputs is gone from the cloud: will be rebuilt" in run.said("warning")


def test_the_summary_says_which_clouds_image_it_is(both: Fleet) -> None:
    baked = {cloud: both.bake(cloud=cloud) for cloud in CLOUDS}
    rows = [line.split() for line in both.run(finished=4e9).said("info").splitlines()]
    for cloud in CLOUDS:
        made = baked[cloud]["web"]
        assert [f"{cloud}/web", "built", "12", made.id, made.name] in rows
    assert len(rows) == 2 * (1 + 3)


def test_another_account_or_a_build_that_cannot_begin_refuses_both(
    both: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_account(project: str) -> None:
        raise ConfigError("the stack belongs to AWS account 1, but the credentials are of 2", remedy="use AWS_PROFILE")

    def no_network(base: str, arch: str) -> None:
        raise CloudError(f"no default VPC for {base}")

    def no_subnet(settings: Settings, arches: object) -> None:
        raise ConfigError(f"no subnet for {', '.join(settings.aws.fleets)}")

    both.bake()
    with monkeypatch.context() as patch:
        patch.setattr(both.aws.stack_checks, "check", no_subnet)
        assert "no subnet for api" in refused(both).said("error")
    with monkeypatch.context() as patch:
        patch.setattr(both.aws.bases, "check", no_network)
        assert "no default VPC for 136693071363/debian-12-amd64-*" in refused(both).said("error")
    with monkeypatch.context() as patch:
        patch.setattr(both.aws.images, "of", other_account)
        assert "belongs to AWS account 1" in refused(both).said("error")
