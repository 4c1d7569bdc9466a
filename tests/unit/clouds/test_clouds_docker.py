"""Docker behind the verbs of a cloud; against a real engine where there is one.

Images have no size and containers are never started. What boots is in tests/e2e/docker.
"""

from __future__ import annotations

import io
import json
import secrets
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import docker
import pytest
from docker import DockerClient
from docker.errors import APIError, DockerException

from bakewell.clouds import connect
from bakewell.clouds.clock import complaint
from bakewell.clouds.docker import Docker
from bakewell.clouds.facts import CLOUDS
from bakewell.clouds.resources import BUILDER, LEASE_SECONDS
from bakewell.context.find import template
from bakewell.errors import CloudError, ConfigError
from bakewell.image import READY, REVOKED, Identity, Image, tag
from bakewell.settings import CloudName, ContainerSettings, Environment, Settings

ROOT = Path(__file__).parents[3]
LEASE = int(time.time()) + 3600


def environment(folder: Path, **variables: str) -> Environment:
    return Environment.read({"HOME": str(folder), "BAKEWELL_STATE": str(folder / "state"), **variables})


@dataclass
class Here:
    """A project of its own in the engine, and the cloud that is tested."""

    client: DockerClient
    cloud: Docker
    project: str

    @property
    def stock(self) -> str:
        return f"bakewell-test/{self.project}:stock"

    def identity(self, role: str = "web", parent: Image | None = None) -> Identity:
        run = secrets.token_hex(6)
        return Identity(self.project, role, "f" * 64, run, parent.run if parent else None, "local")

    def builder(self, identity: Identity, image: str | None = None, *, lease: int | None = LEASE) -> str:
        """What the template runs, without anything in it."""
        texts = [*identity.tags(), BUILDER, *([tag("lease", str(lease))] if lease else [])]
        labels = {":".join(text.split(":")[:2]): ":".join(text.split(":")[2:]) for text in texts}
        made = self.client.api.create_container(
            image or self.stock, "/nothing", labels=labels, name=identity.builder_name, detach=True
        )
        return str(made["Id"])

    def commit(self, container: str, message: str) -> str:
        made = self.client.api.commit(container, message=message, changes=["LABEL bakewell:builder=over"])
        return str(made["Id"]).removeprefix("sha256:")

    def bake(self, role: str = "web", parent: Image | None = None, *, ready: bool = True) -> Image:
        identity = self.identity(role, parent)
        container = self.builder(identity, parent.id if parent else None)
        made = self.commit(container, f"bakewell-{role}-2026-11-21-0300-{identity.run[:6]}")
        self.client.api.remove_container(container)
        if ready:
            self.cloud.images.tag(made, [READY])
        found = self.cloud.images.get(made)
        assert found is not None
        return found

    def again(self, image: Image) -> Image:
        found = self.cloud.images.get(image.id)
        assert found is not None
        return found

    def has(self, *images: Image) -> bool:
        return {one.id for one in self.cloud.images.of(self.project)} == {one.id for one in images}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    try:
        client = docker.from_env()
    except DockerException as error:
        pytest.skip(f"no Docker Engine: {error}")
    made = Here(client, Docker(environment(tmp_path)), f"t{secrets.token_hex(6)}")
    empty = io.BytesIO()
    with tarfile.open(fileobj=empty, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(made.project))  # so that no two are the same image
    client.api.import_image_from_data(empty.getvalue(), repository=made.stock.split(":")[0], tag="stock")
    with closing(client):
        yield made
        remove(made)


def remove(made: Here) -> None:
    """Everything of the project, children before parents."""
    client, label = made.client, {"label": f"bakewell:project={made.project}"}
    for container in client.api.containers(all=True, filters=label):
        client.api.remove_container(container["Id"], force=True)
    left = client.api.images(all=True, filters=label)
    while left:
        for image in left:
            try:
                client.api.remove_image(image["Id"], force=True)
            except APIError:
                continue
        left = client.api.images(all=True, filters=label)
    client.api.remove_image(made.stock, force=True)


@pytest.mark.engine
class TestImages:
    def test_a_commit_of_a_builder_is_an_unfinished_image_from_its_first_moment_on(self, here: Here) -> None:
        image = here.bake(ready=False)
        assert here.has(image)
        assert (image.ready, image.lease, image.regions, image.cloud) == (False, LEASE, ("local",), "docker")
        assert image.name.endswith(image.run[:6]) and image.identity.home == "local"
        assert image.tags == (*image.identity.tags(), tag("lease", str(LEASE)))

        # Ready is a tag beside the name, and ends the lease.
        here.cloud.images.tag(image.id, [READY])
        ready = here.again(image)
        assert (ready.ready, ready.lease) == (True, None)
        assert READY in (here.cloud.images.tags(image.id) or ())
        assert sorted(here.client.images.get(image.id).tags) == sorted(
            [f"bakewell/{here.project}/web:{image.name}", f"bakewell/{here.project}/web:{image.run}.ready"]
        )
        assert here.cloud.images.of(f"{here.project}-2") == [], "another project's are not listed"
        # One that lost its tag has its lease no more.
        here.cloud.images.untag(image.id, [READY])
        assert (here.again(image).ready, here.again(image).lease) == (False, None)

    def test_tags_that_come_can_go_and_the_image_stays(self, here: Here) -> None:
        image = here.bake(ready=False)
        here.cloud.images.tag(image.id, [REVOKED])
        assert here.again(image).revoked
        here.cloud.images.untag(image.id, [REVOKED, READY, *image.identity.tags()])
        assert (here.again(image).revoked, here.again(image).identity) == (False, image.identity)

    def test_the_last_tag_that_goes_does_not_take_the_image_along(self, here: Here) -> None:
        image = here.bake(ready=False)
        here.client.api.tag(image.id, f"bakewell/{here.project}/web", f"{image.run}.revoked")  # by hand
        here.cloud.images.untag(image.id, [REVOKED])
        assert not here.again(image).revoked

    def test_an_unfinished_image_has_its_lease_whatever_else_is_tagged(self, here: Here) -> None:
        image = here.bake(ready=False)
        here.cloud.images.tag(image.id, [REVOKED, tag("lease", str(LEASE))])
        here.cloud.images.untag(image.id, [tag("lease", str(LEASE))])
        assert (here.again(image).lease, here.again(image).revoked) == (LEASE, True)

    def test_a_lease_is_taken_off_a_finished_image_whose_tagging_was_cut_short(self, here: Here) -> None:
        image = here.bake(ready=False)
        here.client.api.tag(image.id, f"bakewell/{here.project}/web", f"{image.run}.ready")
        lease = tag("lease", str(LEASE))
        assert {READY, lease} <= set(here.again(image).tags)
        here.cloud.images.untag(image.id, [lease, BUILDER])
        assert READY in here.again(image).tags and lease not in here.again(image).tags

    def test_the_time_is_the_engines(self, here: Here) -> None:
        assert abs(here.cloud.now() - time.time()) < 60
        complaining = Docker(environment(Path(here.project)))
        complaining.images.of(here.project)
        assert complaint(complaining) is None, "told by any answer"

    def test_what_others_make_from_an_image_is_none_of_ours_and_keeps_it(self, here: Here) -> None:
        image = here.bake()
        machine = here.client.api.create_container(image.id, "/nothing")["Id"]
        derived = here.commit(machine, "")
        here.client.api.remove_container(machine)
        assert here.has(image)
        assert here.cloud.images.get(derived) is None and here.cloud.images.tags(derived) == ()
        users = [one for one in here.cloud.references.all() if one.image_id == image.id]
        assert [(one.kind, one.id) for one in users] == [("image", derived[:12])]

    def test_an_image_on_another_is_no_reason_of_its_own(self, here: Here) -> None:
        """Retention keeps the parents of what it keeps by itself, and deletes children first."""
        base = here.bake("base")
        web = here.bake("web", base)
        assert web.identity.parent == base.run
        assert not [one for one in here.cloud.references.all() if one.image_id == base.id]

    def test_deleting_takes_all_tags_and_again_is_no_error(self, here: Here) -> None:
        base = here.bake("base")
        web = here.bake("web", base)
        with pytest.raises(CloudError, match="dependent child"):
            here.cloud.images.delete(base.id)
        assert here.has(base, web) and here.again(base).ready
        for image in (web, base, base):
            here.cloud.images.delete(image.id)
        assert here.has()
        assert here.cloud.images.get(base.id) is None and here.cloud.images.tags(base.id) is None
        with pytest.raises(CloudError, match="gone"):
            here.cloud.images.tag(base.id, [READY])
        here.cloud.images.untag(base.id, [READY])

    def test_stock_is_what_docker_has_under_the_name(self, here: Here) -> None:
        stock = here.cloud.bases.stock(here.stock)
        found = here.client.images.get(here.stock)
        assert stock.name == f"{here.stock} {str(found.id).removeprefix('sha256:')[:12]}"
        assert stock.date == str(found.attrs["Created"])[:10] and stock.ids == {}
        assert here.cloud.bases.start(here.stock) == here.stock

    def test_a_base_that_is_not_there_is_bad_input(self, here: Here) -> None:
        def check(image: str) -> None:
            here.cloud.bases.check(image, "x86_64")

        for ask in (here.cloud.bases.stock, here.cloud.bases.start, check):
            with pytest.raises(ConfigError, match="no image `bakewell-test/none`") as caught:
                ask("bakewell-test/none")
            assert "bakewell lock" in caught.value.remedy


@pytest.mark.engine
class TestContainers:
    def test_a_builder_is_known_by_its_own_label_and_what_runs_an_image_is_none(self, here: Here) -> None:
        base = here.bake("base")
        identity = here.identity("web", base)
        container = here.builder(identity, base.id)
        machine = here.client.api.create_container(base.id, "/nothing", name=f"{here.project}-machine")["Id"]
        (builder,) = here.cloud.builders.of(here.project)
        assert (builder.id, builder.name, builder.identity) == (container, identity.builder_name, identity)
        assert builder.lease == LEASE
        users = [one for one in here.cloud.references.all() if one.image_id == base.id]
        assert {(one.kind, one.id) for one in users} == {("container", container[:12]), ("container", machine[:12])}
        assert f"container {here.project}-machine ({machine[:12]})" in map(str, users)

    def test_a_builder_without_a_lease_has_two_hours(self, here: Here) -> None:
        here.builder(here.identity(), lease=None)
        (builder,) = here.cloud.builders.of(here.project)
        assert abs(builder.lease - time.time() - LEASE_SECONDS) < 600

    def test_a_builder_is_settled_with_the_images_of_its_run(self, here: Here) -> None:
        other, identity = here.bake(), here.identity()
        container = here.builder(identity)
        made = here.commit(container, f"bakewell-web-2026-11-21-0300-{identity.run[:6]}")
        assert here.cloud.builders.settle(container) == [made] != [other.id]
        here.cloud.builders.delete(container)
        here.cloud.builders.delete(container)
        assert here.cloud.builders.of(here.project) == []
        assert here.cloud.builders.settle(container) == []


def test_a_key_is_a_seed_that_only_says_who_may_log_in(tmp_path: Path) -> None:
    cloud = Docker(environment(tmp_path))
    name = f"bakewell-{'0123456789ab'}-1795230000"
    folder = Path(cloud.keys.create(name, "ssh-ed25519 AAAA"))
    said = json.loads((folder / "meta-data").read_text())
    assert (said["public-keys"], said["instance-id"]) == (["ssh-ed25519 AAAA"], name)
    assert "disable_root: false" in (folder / "vendor-data").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["meta-data", "user-data", "vendor-data"]
    (key,) = cloud.keys.all()
    assert (key.id, key.run, key.lease) == (str(folder), "0123456789ab", 1795230000)
    assert cloud.account_keys is None
    cloud.keys.delete(key.id)
    cloud.keys.delete(key.id)
    assert cloud.keys.all() == []


def test_deleting_a_key_touches_no_folder_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    Docker(environment(tmp_path)).keys.delete(str(tmp_path / "precious"))
    assert (tmp_path / "precious").exists()


def test_an_engine_of_another_machine_is_refused(tmp_path: Path) -> None:
    for elsewhere in ("tcp://192.0.2.1:2375", "ssh://me@example.com"):
        cloud = connect("docker", environment(tmp_path, DOCKER_HOST=elsewhere), Settings())
        with pytest.raises(ConfigError, match="another machine"):
            cloud.images.of("shop")


def test_an_engine_that_does_not_answer_is_said_with_its_socket(tmp_path: Path) -> None:
    cloud = connect("docker", environment(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock"), Settings())
    with pytest.raises(CloudError, match=r"none\.sock") as caught:
        cloud.images.of("shop")
    assert "DOCKER_HOST" in caught.value.remedy


def test_it_has_one_region(tmp_path: Path) -> None:
    assert Settings().regions_of("docker") == ["local"]
    assert environment(tmp_path).local("docker")
    with pytest.raises(ConfigError, match="nyc3"):
        Docker(environment(tmp_path)).images.copy("0" * 64, "nyc3")


def test_a_port_is_for_one_container() -> None:
    assert ContainerSettings(port=8080).count == 1
    told = {"docker": {"containers": {"web": {"count": 2, "port": 8080}}}}
    with pytest.raises(ConfigError, match="port 8080 is for one container"):
        Settings.from_mapping(told, "Pulumi.dev.yaml")


def test_settings_of_docker_are_read_as_pulumi_hands_them_on() -> None:
    told = {"bakewell:docker": '{"containers": {"web": {"port": 8080}}}', "bakewell:clouds": '["docker"]'}
    assert Settings.from_mapping(told, "Pulumi.dev.yaml").docker.containers["web"].port == 8080


def test_every_cloud_that_a_stack_can_name_has_its_facts_and_its_template() -> None:
    assert set(get_args(CloudName)) == set(CLOUDS)
    for cloud in CLOUDS:
        assert (ROOT / "packer" / template(cloud)).is_file()
