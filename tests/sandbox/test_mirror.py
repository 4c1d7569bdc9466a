"""The local mirror, on a real engine: vendors' URLs as a machine sees them, and a container engine inside a machine."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import paramiko
import pytest
from docker import DockerClient
from docker.models.containers import Container

from bakewell_local.sandbox import mirror
from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.sandbox.machines import Machines, base_image
from bakewell_local.sandbox.mirror.placeholders import PLACEHOLDERS, PRIVATE, PRIVATE_REGISTRY, login
from bakewell_local.sandbox.mirror.releases import RELEASES
from bakewell_local.toolchain.build import Toolchain
from tests.contract.process import ssh

pytestmark = pytest.mark.engine

KEY = paramiko.ECDSAKey.generate()
PUBLIC_KEY = f"{KEY.get_name()} {KEY.get_base64()}"
GRAFANA, NEO4J = (one.reference for one in PLACEHOLDERS)
FETCH = "curl -fsSL --max-time 60"
CONSUL = "https://releases.hashicorp.com/consul/1.17.1/consul_1.17.1"
UP = "timeout 60 sh -c 'until [ \"$(systemctl is-system-running 2>&1)\" = running ]; do sleep 0.1; done'"
ZIP, SUMS = f"{CONSUL}_linux_$(dpkg --print-architecture).zip", f"{CONSUL}_SHA256SUMS"


@pytest.fixture(scope="module")
def cloud(clouds_folder: Path, toolchain: Toolchain) -> Iterator[LocalCloud]:
    """A local cloud with a mirror."""
    base_image.ensure(print)
    made = LocalCloud(clouds_folder / "mirror", toolchain)
    try:
        made.start()
        made.start_mirror()
        yield made
    finally:
        made.destroy()


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    with closing(docker.from_env()) as client:
        yield client


@pytest.fixture(scope="module")
def machines(cloud: LocalCloud) -> Machines:
    return Machines(cloud_id(cloud))


@pytest.fixture(scope="module")
def stock(machines: Machines, engine: DockerClient) -> Container:
    """A machine of the stock image, as every build starts from it."""
    return boot(machines, engine, "stock", base_image.tag())


def cloud_id(cloud: LocalCloud) -> str:
    address = cloud.address()
    assert address is not None
    return address.cloud_id


def boot(machines: Machines, engine: DockerClient, name: str, image: str) -> Container:
    machines.create(name, image, hostname=name, instance_id=f"i-{name}", user_data=None, public_keys=[PUBLIC_KEY])
    container = engine.containers.get(machines._container_name(name))
    run(container, UP)
    return container


def run(container: Container, script: str) -> str:
    """What a shell script prints in a machine; it must end well.

    Over SSH: Docker waits two seconds for the output of an exec that has ended, and a busy host loses it.
    """
    container.reload()
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    return ssh(network["IPAddress"], KEY, f"bash -euo pipefail -c {shlex.quote(script)}")


def test_a_machine_downloads_from_the_vendors_url_and_the_sum_fits(cloud: LocalCloud, stock: Container) -> None:
    run(stock, f"cd /tmp && {FETCH} -o {ZIP.rpartition('/')[2]} {ZIP} && {FETCH} {SUMS} | sha256sum --check --strict")
    told = run(stock, "cd /tmp && sha256sum consul_*.zip").split()[0]
    downloads = tomllib.loads(Path(cloud.environment()["BAKEWELL_DOWNLOADS"]).read_text())
    assert told in downloads["consul"]["1.17.1"].values()
    unpack = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.namelist()); z.extract('consul', '/tmp')"
    assert run(stock, f'python3 -c "{unpack}" /tmp/consul_*.zip') == "['consul']"
    assert run(stock, "chmod +x /tmp/consul && /tmp/consul version | sed -n 1p") == "Consul v1.17.1"


def test_every_release_is_there_in_its_vendors_shape(cloud: LocalCloud, stock: Container) -> None:
    downloads = tomllib.loads(Path(cloud.environment()["BAKEWELL_DOWNLOADS"]).read_text())
    assert {name: list(versions) for name, versions in downloads.items()} == {
        one.tool.name: [one.tool.version] for one in RELEASES
    }
    github = "https://github.com"
    compose = f"{github}/docker/compose/releases/download/v2.24.0"
    run(stock, f"cd /tmp && {FETCH} -O {compose}/docker-compose-linux-$(uname -m)")
    for sums in ("checksums.txt", "docker-compose-linux-$(uname -m).sha256"):
        run(stock, f"cd /tmp && {FETCH} {compose}/{sums} | sha256sum --check --strict")
    told = run(stock, "cd /tmp && chmod +x docker-compose-* && ./docker-compose-* version")
    assert told == "Docker Compose version v2.24.0"
    doctl = f"{github}/digitalocean/doctl/releases/download/v1.104.0/doctl-1.104.0"
    run(
        stock,
        f"{FETCH} {doctl}-linux-$(dpkg --print-architecture).tar.gz | tar --extract --gzip --directory /tmp doctl",
    )
    assert run(stock, "/tmp/doctl version | sed -n 1p") == "doctl version 1.104.0-release"


def test_what_it_has_not_got_is_404_and_says_what_it_has(stock: Container) -> None:
    for url in (f"{CONSUL}9_linux_amd64.zip", "https://auth.docker.io/token", "https://github.com/"):
        answer = run(stock, f"curl -sS -w ' %{{http_code}}' {url}")
        assert answer.endswith(" 404")
        assert f"{CONSUL}_SHA256SUMS" in answer


def test_a_private_registry_lets_in_who_knows_the_password(stock: Container) -> None:
    name, _, version = PRIVATE.reference.partition(":")
    path = f"/v2/{name}/manifests/{version}"
    ask = "curl -sS -o /dev/null -D - -w '%{http_code}'"
    for target in ("/v2/", path):
        for credentials in ("", "-u puller:wrong"):
            refused = run(stock, f"{ask} {credentials} https://{PRIVATE_REGISTRY}{target}")
            assert refused.endswith("401")
            assert 'WWW-Authenticate: Basic realm="' in refused
            assert "Docker-Distribution-Api-Version: registry/2.0" in refused
        assert run(stock, f"{ask} -u '{':'.join(login())}' https://{PRIVATE_REGISTRY}{target}").endswith("200")
    told = json.loads(run(stock, f"curl -sS https://{PRIVATE_REGISTRY}{path}"))
    assert told["errors"][0]["code"] == "UNAUTHORIZED"
    assert run(stock, f"{ask} https://registry-1.docker.io{path}").endswith("404"), "nowhere without a login"
    assert run(
        stock, f"{ask} --path-as-is https://registry-1.docker.io/v2/library/neo4j/../../private/tags/list"
    ).endswith("404")


def test_names_that_are_no_vendors_are_left_alone(stock: Container) -> None:
    names = run(stock, "cat /etc/hosts")
    assert "releases.hashicorp.com" in names
    assert "debian.org" not in names


def test_the_mirror_goes_and_comes_back(cloud: LocalCloud, stock: Container, engine: DockerClient) -> None:
    before = Path(cloud.environment()["BAKEWELL_DOWNLOADS"]).read_text()
    cloud.stop_mirror()
    status, output = stock.exec_run(["bash", "-c", f"curl -fsS --max-time 3 {SUMS}"])
    assert status != 0, output
    assert "BAKEWELL_DOWNLOADS" in cloud.environment(), "what a build downloads does not hang on the mirror"
    cloud.start_mirror()
    run(stock, f"{FETCH} {SUMS}")
    assert Path(cloud.environment()["BAKEWELL_DOWNLOADS"]).read_text() == before

    container = engine.containers.get(f"bakewell-{cloud_id(cloud)}-mirror")
    cloud.start_mirror()
    assert engine.containers.get(f"bakewell-{cloud_id(cloud)}-mirror").id == container.id, "it answers: left alone"
    container.stop(timeout=0)  # as when the engine was restarted
    cloud.start_mirror()
    run(stock, f"{FETCH} {SUMS}")


def test_an_image_in_use_stays(engine: DockerClient, cloud: LocalCloud) -> None:
    used = engine.containers.get(f"bakewell-{cloud_id(cloud)}-mirror").attrs["Image"]
    mirror.remove()
    assert used in [image.id for image in engine.images.list("bakewell/mirror") if image.tags]


def test_a_container_engine_in_a_machine_pulls_runs_and_is_baked(machines: Machines, engine: DockerClient) -> None:
    """Debian's Docker, as it comes, with no word of configuration; then a snapshot, and a machine of that."""
    first = boot(machines, engine, "docker", base_image.tag())
    run(first, "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends docker.io")
    run(first, f"docker pull {GRAFANA} && docker pull {NEO4J}")
    config = json.loads(run(first, f"docker image inspect {GRAFANA} {NEO4J}"))
    grafana, neo4j = (one["Config"] for one in config)
    assert (grafana["User"], [*grafana["ExposedPorts"]]) == ("472", ["3000/tcp"])
    assert (neo4j["User"], sorted(neo4j["ExposedPorts"])) == ("", ["7474/tcp", "7687/tcp"])
    assert sorted(neo4j["Volumes"]) == ["/data", "/logs"]
    assert all("placeholder" in one["Labels"]["org.opencontainers.image.title"] for one in (grafana, neo4j))
    status, output = first.exec_run(["docker", "pull", "redis:7"])
    assert status != 0
    assert f"only has {GRAFANA} and {NEO4J}" in output.decode()
    machines.stop("docker", graceful=True)
    repository = f"bakewell/{machines.bridge_address()}"
    tag = f"{repository}:pulled"
    machines.commit("docker", tag)

    second = boot(machines, engine, "baked", tag)
    assert not run(second, "ls /var/lib | grep ^docker. || true"), "left by the copy"
    run(second, "mkdir /srv/data")
    run(second, f"docker run --pull=never -d --name stand-in-one -p 3000:3000 {GRAFANA}")
    ports = "-p 7474:7474 -p 7687:7687"
    run(second, f"docker run --pull=never -d --name stand-in-two {ports} -v /srv/data:/data {NEO4J}")
    ask = "curl -fsS --retry 20 --retry-connrefused --retry-delay 0 --retry-max-time 10"
    health = json.loads(run(second, f"{ask} http://127.0.0.1:3000/api/health"))
    assert (health["database"], health["placeholder"]) == ("ok", True)
    page = run(second, f"{ask} http://127.0.0.1:3000/")
    assert "This is not Grafana" in page and GRAFANA in page
    discovery = json.loads(run(second, f"{ask} http://127.0.0.1:7474/"))
    assert "This is not Neo4j" in discovery["note"] and NEO4J in discovery["note"]
    assert discovery["bolt_direct"] == "bolt://localhost:7687"
    assert discovery["placeholder"] is True
    bolt = "import socket; s = socket.create_connection(('127.0.0.1', 7687), 5); s.sendall(b'hi'); print(s.recv(2))"
    assert run(second, f'python3 -c "{bolt}"') == "b'hi'"

    run(second, "docker stop stand-in-one stand-in-two")
    exits = run(second, "docker inspect --format '{{.State.ExitCode}}' stand-in-one stand-in-two").split()
    assert "137" not in exits, "they were killed, for they did not end when they were told to"
    run(second, "docker start stand-in-two")
    assert len(run(second, "cat /srv/data/placeholder.log").splitlines()) == 2
    status, output = second.exec_run(["docker", "run", "--rm", "-v", "/srv/data:/var/lib/grafana", GRAFANA])
    assert (status, output.decode().strip()) == (1, "placeholder: /var/lib/grafana is not writable for user 472")
    run(second, f"docker rm -f stand-in-one && docker rmi {GRAFANA}")
    # The next start, of the engine and of the machine, copies nothing.
    inode = run(second, "stat -c %i /var/lib/docker")
    machines.reboot("baked")
    run(second, f"{UP}; docker start stand-in-two")
    assert run(second, "stat -c %i /var/lib/docker") == inode
    # Ended in the middle of the copy, the whole one counts.
    run(
        second,
        "systemctl stop docker docker.socket && mv /var/lib/docker /var/lib/docker.whole && mkdir /var/lib/docker",
    )
    run(second, f"systemctl restart docker-disk && systemctl start docker && docker image inspect {NEO4J}")
    machines.remove("baked")
    machines.remove("docker")
    machines.remove_image(tag)
