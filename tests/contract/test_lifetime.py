"""What outlives a restart, what becomes of machines that go off, and clouds side by side."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bakewell_local.sandbox.digitalocean.records import Tag
from bakewell_local.sandbox.digitalocean.store import Store
from bakewell_local.sandbox.machines import MachineError
from tests.contract.fake_machines import STOCK, FakeMachines
from tests.contract.served import Api, Check, serving
from tests.waiting import until

NEVER = 600.0  # seconds, for actions that a restart is to interrupt


def assigned(api: Api, droplet_id: int) -> str:
    """A new reserved IP, once it is the droplet's."""
    made = api.post("/v2/reserved_ips", {"droplet_id": droplet_id}, 202)
    api.done(made["links"]["actions"][0]["id"])
    return str(made["reserved_ip"]["ip"])


def test_a_restart_keeps_everything_and_starts_what_should_run(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        api, port = served.api, served.port
        runs = api.droplet("runs", ssh_keys=[api.key()], tags=["role:web"])["id"]
        stopped, off, lost = (api.droplet(name)["id"] for name in ("stopped", "off", "lost"))
        api.snapshot("off", off)
        ips = [assigned(api, droplet_id) for droplet_id in (runs, stopped)]
        paths = [f"/v2/{p}" for p in ("images", "account/keys", "tags", "vpcs", "reserved_ips", "actions")]
        before = {path: api.get(path) for path in paths}
        kept = [d for d in api.get("/v2/droplets")["droplets"] if d["id"] != lost]
    machines.reboot(f"droplet-{runs}")
    machines.stop(f"droplet-{stopped}", graceful=False)
    machines.remove(f"droplet-{lost}")
    with serving(tmp_path, check, machines, port=port) as served:
        assert {path: served.api.get(path) for path in paths} == before
        assert served.api.get("/v2/droplets")["droplets"] == kept
        assert [machines.running(f"droplet-{id}") for id in (runs, stopped, off)] == [True, True, False]
        assert [machines.have(ip) for ip in ips] == [[f"droplet-{runs}"], [f"droplet-{stopped}"]]
        newer = served.api.droplet("newer")
        assert newer["id"] > max(lost, before["/v2/actions"]["actions"][0]["id"])


def test_what_a_restart_interrupts_is_finished(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        api = served.api
        off, baked, gone, one, two = (api.droplet(name)["id"] for name in ("off", "baked", "gone", "one", "two"))
        api.act(baked, "power_off")
        moves = assigned(api, one)
        served.cloud.work.seconds = NEVER
        api.post(f"/v2/droplets/{off}/actions", {"type": "power_off"})
        api.post(f"/v2/droplets/{baked}/actions", {"type": "snapshot", "name": "kept"})
        api.delete(f"/v2/droplets/{gone}")
        api.post(f"/v2/reserved_ips/{moves}/actions", {"type": "assign", "droplet_id": two})
        new = api.droplet("new", wait=False)["id"]
        until(lambda: machines.exists(f"droplet-{new}"))  # half made, as far as the records know
        committed = until(lambda: machines.images - {STOCK})
        served.cloud._sweep()
        assert machines.images - {STOCK} == committed, "its image has no record yet, but the action that makes it"
        begun = [action for action in api.get("/v2/actions")["actions"] if action["status"] == "in-progress"]
        assert sorted(a["type"] for a in begun) == ["assign_ip", "create", "destroy", "power_off", "snapshot"]
        assert api.get(f"/v2/reserved_ips/{moves}")["reserved_ip"]["droplet"]["id"] == one
    with serving(tmp_path, check, machines) as served:
        api = served.api
        assert {api.done(action["id"])["status"] for action in begun} == {"completed"}
        droplets = {d["name"]: d for d in api.get("/v2/droplets")["droplets"]}
        statuses = {"off": "off", "baked": "off", "one": "active", "two": "active", "new": "active"}
        assert {name: d["status"] for name, d in droplets.items()} == statuses
        assert not any(d["locked"] for d in droplets.values())
        assert [i["id"] for i in api.get("/v2/images", private="true")["images"]] == droplets["baked"]["snapshot_ids"]
        assert {*machines.machines} == {f"droplet-{d['id']}" for d in droplets.values()}
        assert machines.have(moves) == [f"droplet-{two}"]


def test_machines_that_go_off_by_themselves_are_off_and_with_their_engine_run_again(
    tmp_path: Path, check: Check
) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        api = served.api
        dies, restarted = (api.droplet(name)["id"] for name in ("dies", "restarted"))
        ip = assigned(api, restarted)

        def statuses() -> dict[str, str]:
            return {d["name"]: d["status"] for d in api.get("/v2/droplets")["droplets"]}

        machines.die(f"droplet-{restarted}")
        machines.start(f"droplet-{restarted}")  # as `docker restart` does: without its reserved IP
        machines.die(f"droplet-{dies}")
        until(statuses, lambda seen: seen == {"dies": "off", "restarted": "active"})
        assert machines.have(ip) == [f"droplet-{restarted}"]
        machines.restart_engine()
        until(lambda: machines.have(ip), lambda names: names == [f"droplet-{restarted}"])
        assert statuses() == {"dies": "off", "restarted": "active"}
        assert not machines.running(f"droplet-{dies}")


def test_a_machine_that_does_not_start_again_is_off(tmp_path: Path, check: Check) -> None:
    machines = BrokenMachines()
    with serving(tmp_path, check, machines) as served:
        droplet_id = served.api.droplet()["id"]
    machines.stop(f"droplet-{droplet_id}", graceful=False)
    with serving(tmp_path, check, machines) as served:
        assert served.api.get(f"/v2/droplets/{droplet_id}")["droplet"]["status"] == "off"


class BrokenMachines(FakeMachines):
    def start(self, name: str) -> str:
        raise MachineError(f"machine {name} is broken")


def test_an_image_whose_removal_failed_is_removed_at_the_next_start(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        image = served.api.snapshot()
        served.api.post("/sandbox/faults", {"effect": "engine_down"})
        served.api.delete(f"/v2/images/{image['id']}")
    assert len(machines.images) == 2
    with serving(tmp_path, check, machines):
        until(lambda: machines.images, lambda images: images == {STOCK})


def test_two_clouds_side_by_side(tmp_path: Path, check: Check) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with serving(tmp_path / "a", check) as one, serving(tmp_path / "b", check) as other:
        assert one.port != other.port
        droplet = one.api.droplet(tags=["role:web"])
        one.api.post("/sandbox/faults", {"effect": "status", "path": "/v2/account"})
        assert one.api.refused("GET", "/v2/account", status=500)
        other.api.get("/v2/account")
        assert other.api.refused("GET", f"/v2/droplets/{droplet['id']}", status=404)
        assert other.api.get("/v2/tags")["tags"] == []
        assert other.machines.machines == {}


def test_an_action_never_takes_no_time(tmp_path: Path, check: Check) -> None:
    with pytest.raises(ValueError, match="more than 0"), serving(tmp_path, check, seconds=0):
        pytest.fail("it started")


def test_a_transaction_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "cloud.db")
    store.put(Tag(name="kept"))
    with pytest.raises(RuntimeError, match="half way"), store.transaction():
        store.put(Tag(name="lost"))
        store.drop(Tag(name="kept"))
        raise RuntimeError("half way")
    assert [tag.name for tag in store.all(Tag)] == ["kept"]
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(sqlite3.OperationalError, match="disk is full") as raised:
        store.put(Tag(name="x" * 100_000))
    assert not hasattr(raised.value, "__notes__"), raised.value.__notes__
    store._db.execute("PRAGMA max_page_count=1000000")
    store.put(Tag(name="then"))
    store.close()
    again = Store(tmp_path / "cloud.db")
    assert [tag.name for tag in again.all(Tag)] == ["kept", "then"]
    again.close()
