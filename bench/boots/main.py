"""The bench itself: builds a role's image, boots both kinds of machine in turn, and writes down what they took.

    make bench ARGS="boots"                      every role that is no other's parent, five boots of each kind
    make bench ARGS="boots web api --times 3"    some roles, fewer boots
    make bench ARGS="boots web --network shaped" on the slow network alone, which needs root

A role's figures are those of its last run on each network, kept in docs/boots.json; the table in docs/benchmarks.md
and docs/boots.svg are made from that after each role.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bakewell.catalog import Catalog, Health, Role
from bakewell.context import builder_size
from bakewell.user_data import Cluster, UserData
from bakewell_local.cli import setup
from bakewell_local.sandbox.local_cloud import LocalCloud
from bakewell_local.sandbox.machines.machines import Machines
from bakewell_local.sandbox.machines.slow_network import SlowNetwork
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.tools import needed
from bench.boots import chart, network, stock
from bench.boots.figures import AS_IS, SHAPED, Figures, Network, Run, Series, table
from bench.boots.machine import Boot, Cloud, Droplet
from bench.clone import PROJECT, Clone

DOC, KEPT, CHART = (PROJECT / "docs" / name for name in ("benchmarks.md", "boots.json", "boots.svg"))
BEGIN, END = "<!-- boots:begin -->", "<!-- boots:end -->"
STOCK = "debian-12-x64"
NETWORKS = {"as-is": AS_IS, "shaped": SHAPED}
RATE, ROUND_TRIP = 100e6, 0.020
"""Bits per second and seconds of the slow network."""

NOT_AT_FIRST_BOOT = frozenset({"ssh-host-keys.service"})
"""What a baked machine has and a stock one need not: sealing put it there."""


@dataclass(frozen=True)
class Candidate:
    """A role, and what its two kinds of machine are made from.

    Attributes:
        image: ID of the baked image.
        size: of the machine that builds the image, whose disk the others have to hold.
        baked, stock: user_data of each kind.
    """

    role: str
    image: int
    size: str
    baked: str
    stock: str
    health: Health | None


def main(words: Sequence[str]) -> int:
    """Exit status 0 whatever the figures are; 2 for a role that is none."""
    parser = argparse.ArgumentParser(prog="bench boots", description="Boots of baked machines against stock ones.")
    parser.add_argument("roles", nargs="*", metavar="ROLE", help="by default all that are no other's parent")
    parser.add_argument("--times", type=int, default=5, help="boots of each kind and network (default: 5)")
    parser.add_argument("--network", choices=NETWORKS, help="on one of the networks alone")
    asked = parser.parse_args(words)
    catalog = Catalog.load(PROJECT / "packer")
    parents = {spec.parent for spec in catalog}
    roles = asked.roles or [role for role in catalog.roles if role not in parents]
    if unknown := sorted(set(roles) - set(catalog.roles)):
        print(f"bench boots: no role called {', '.join(unknown)}\n  remedy: name some of {', '.join(catalog.roles)}")
        return 2
    setup.install()
    authority = stock.authorities_of_host()
    names = list(NETWORKS.values()) if asked.network is None else [NETWORKS[asked.network]]
    with setup.own_folder() as clouds, tempfile.TemporaryDirectory(prefix="bakewell-bench-") as folder:
        local = LocalCloud(clouds / "bench", Builder().ensure(needed(["digitalocean"])))
        try:
            local.start()
            local.start_mirror()
            clone = Clone(Path(folder) / "boots", local.environment(), "bench-boots", real_images=True)
            for role in roles:
                candidate = _candidate(clone, catalog, role, authority)
                _record(role, _measure(local, candidate, names, asked.times))
        finally:
            local.destroy()
    return 0


def _candidate(clone: Clone, catalog: Catalog, role: str, authority: str) -> Candidate:
    """The role's image built, and user_data for both kinds of machine."""
    _say(f"{role}: building its image")
    built = json.loads(clone.run("bakewell", "build", role, "--json"))
    image = next(int(row["id"]) for row in built if row["role"] == role)
    contexts = []
    for each in [*reversed(catalog.ancestors(role)), role]:
        contexts.append(clone.root.parent / "contexts" / role / each)
        contexts[-1].parent.mkdir(parents=True, exist_ok=True)
        clone.run("bakewell", "stage", each, str(contexts[-1]))
    spec, own = catalog[role], catalog.role(role)
    baked = _user_data(own)
    units = [*own.units, "bakewell-ready.service"]
    told = stock.user_data(baked, contexts, units, authority)
    return Candidate(role, image, builder_size(spec, "digitalocean"), baked, told, own.boot.health)


def _user_data(role: Role) -> str:
    """As the program renders it in a stack without Consul servers; a server is a cluster by itself."""
    server = role.consul is not None and role.consul.mode == "server"
    cluster = Cluster(datacenter="nyc3", expect=1, join=[]) if server else None
    return UserData.of_role(role, clustered=server).render(cluster)


def _measure(local: LocalCloud, candidate: Candidate, names: Sequence[str], times: int) -> Run:
    """All of one role, in one go: the two kinds of machine in turn."""
    cloud = Cloud(local.environment())
    series: dict[str, Series] = {}
    networks: dict[str, Network] = {}
    for name in names:
        baked: list[Boot] = []
        other: list[Boot] = []
        with _network(local, name) as (slow, host):
            for number in range(times):
                with cloud.droplet(candidate.image, candidate.baked, candidate.size) as droplet:
                    baked.append(_boot(cloud, droplet, candidate, slow))
                    if name not in networks:
                        networks[name] = network.measure(droplet.ssh, host)
                _say(f"{candidate.role}, {name}, {number + 1} of {times}: baked {baked[-1].seconds:.2f} s")
                with cloud.droplet(STOCK, candidate.stock, candidate.size) as droplet:
                    other.append(_boot(cloud, droplet, candidate, slow))
                _say(f"  stock {other[-1].seconds:.1f} s, {other[-1].pyinfra:.1f} s of it for PyInfra itself")
                _see_that_they_are_alike(candidate.role, baked[-1], other[-1])
        series[name] = Series(
            baked=[round(boot.seconds, 3) for boot in baked],
            stock=[round(boot.seconds, 3) for boot in other],
            pyinfra=[round(boot.pyinfra, 3) for boot in other],
        )
    cores = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return Run(on=f"{datetime.now(UTC):%Y-%m-%d}, {cores}", series=series, networks=networks)


@contextmanager
def _network(local: LocalCloud, name: str) -> Iterator[tuple[SlowNetwork | None, str]]:
    """Machines that start now are on the network `name`; also gives this host's address there."""
    address = local.address()
    assert address is not None, "it was started"
    host = Machines(address.cloud_id).bridge_address()
    if name == AS_IS:
        yield None, host
    else:
        with SlowNetwork(address.cloud_id, rate=RATE, round_trip=ROUND_TRIP) as slow:
            yield slow, host


def _boot(cloud: Cloud, droplet: Droplet, candidate: Candidate, slow: SlowNetwork | None) -> Boot:
    boot = cloud.boot(droplet, candidate.health)
    if slow is not None and slow.check(f"droplet-{droplet.id}") > droplet.began + boot.seconds:
        raise RuntimeError(f"{candidate.role}: the machine was ready before its network was slow; is this host busy?")
    return boot


def _see_that_they_are_alike(role: str, baked: Boot, other: Boot) -> None:
    """A comparison of machines that differ would be none. The stock one has more: what PyInfra needs."""
    if missing := baked.state - other.state - NOT_AT_FIRST_BOOT:
        raise RuntimeError(f"{role}: the stock machine lacks what the baked one has: {', '.join(sorted(missing))}")


def _record(role: str, run: Run) -> None:
    """Keep the role's figures, and have table and chart show them."""
    figures = Figures.load(KEPT).with_run(role, run)
    figures.save(KEPT)
    CHART.write_text(chart.svg(figures))
    before, _, rest = DOC.read_text().partition(BEGIN)
    DOC.write_text("\n".join([before + BEGIN, "", table(figures), "", END]) + rest.partition(END)[2])


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)
