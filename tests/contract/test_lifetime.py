"""What outlives a restart, and that clouds side by side do not know of each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.digitalocean.records import ReservedIp, Tag
from sandbox.digitalocean.store import Store
from sandbox.machines import MachineError
from tests.contract.fake_machines import STOCK, FakeMachines
from tests.contract.served import SLOW_SECONDS, Check, serving
from tests.waiting import until


def test_everything_is_there_after_a_restart(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        api, port = served.api, served.port
        key = api.key()
        droplet = api.droplet(ssh_keys=[key], tags=["role:web"])
        api.snapshot()
        api.post("/v2/reserved_ips", {"region": "fra1"}, 202)
        paths = [f"/v2/{p}" for p in ("droplets", "images", "account/keys", "tags", "vpcs", "reserved_ips", "actions")]
        before = {path: api.get(path) for path in paths}
    with serving(tmp_path, check, machines, port=port) as served:
        assert {path: served.api.get(path) for path in paths} == before
        newer = served.api.droplet("newer")
        assert newer["id"] > max(droplet["id"], before["/v2/actions"]["actions"][0]["id"])


@pytest.mark.parametrize("type", ["power_off", "snapshot", "destroy"])
def test_an_action_that_a_restart_interrupts_is_finished(tmp_path: Path, check: Check, type: str) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        droplet_id = served.api.droplet()["id"]
        path = f"/v2/droplets/{droplet_id}"
        if type == "snapshot":
            served.api.act(droplet_id, "power_off")
        served.cloud.action_seconds = SLOW_SECONDS
        if type == "destroy":
            served.api.delete(path)
        elif type == "power_off":
            served.api.post(f"{path}/actions", {"type": type})
        else:
            served.api.post(f"{path}/actions", {"type": type, "name": "kept"})
        assert served.api.get("/v2/actions")["actions"][0]["status"] == "in-progress"
    with serving(tmp_path, check, machines) as served:
        action = served.api.done(served.api.get("/v2/actions")["actions"][0]["id"])
        assert (action["type"], action["status"]) == (type, "completed")
        if type == "destroy":
            assert served.api.get("/v2/droplets")["droplets"] == []
            assert machines.machines == {}
        else:
            droplet = served.api.get(path)["droplet"]
            assert (droplet["status"], droplet["locked"]) == ("off", False)
            assert len(droplet["snapshot_ids"]) == (type == "snapshot")


def test_a_creation_that_a_restart_interrupts_is_done_again(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines, seconds=SLOW_SECONDS) as served:
        droplet_id = served.api.droplet(wait=False)["id"]
        until(lambda: machines.exists(f"droplet-{droplet_id}"), bool)  # half made, as far as the records know
        assert served.api.get(f"/v2/droplets/{droplet_id}")["droplet"]["status"] == "new"
    with serving(tmp_path, check, machines) as served:
        assert served.api.unlocked(droplet_id)["status"] == "active"
        assert list(machines.machines) == [f"droplet-{droplet_id}"]


def test_machines_that_stopped_meanwhile_are_started_and_lost_ones_forgotten(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        stopped, off, lost = (served.api.droplet(name)["id"] for name in ("stopped", "off", "lost"))
        served.api.act(off, "power_off")
    machines.stop(f"droplet-{stopped}", graceful=False)
    machines.remove(f"droplet-{lost}")
    with serving(tmp_path, check, machines) as served:
        statuses = {d["name"]: d["status"] for d in served.api.get("/v2/droplets")["droplets"]}
        assert statuses == {"stopped": "active", "off": "off"}
        assert machines.running(f"droplet-{stopped}")
        assert not machines.running(f"droplet-{off}")


def test_reserved_ips_are_where_they_were_after_a_restart(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        runs, stopped = (served.api.droplet(name)["id"] for name in ("runs", "stopped"))
        ips = []
        for droplet_id in (runs, stopped):
            made = served.api.post("/v2/reserved_ips", {"droplet_id": droplet_id}, 202)
            served.api.done(made["links"]["actions"][0]["id"])
            ips.append(made["reserved_ip"]["ip"])
    machines.reboot(f"droplet-{runs}")
    machines.stop(f"droplet-{stopped}", graceful=False)
    with serving(tmp_path, check, machines):
        assert [machines.have(ip) for ip in ips] == [[f"droplet-{runs}"], [f"droplet-{stopped}"]]


def test_a_reserved_ip_whose_move_a_restart_interrupts_moves(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        one, two = (served.api.droplet(name)["id"] for name in ("one", "two"))
        made = served.api.post("/v2/reserved_ips", {"droplet_id": one}, 202)
        served.api.done(made["links"]["actions"][0]["id"])
        path = f"/v2/reserved_ips/{made['reserved_ip']['ip']}"
        served.cloud.action_seconds = SLOW_SECONDS
        served.api.post(f"{path}/actions", {"type": "assign", "droplet_id": two})
        assert served.api.get(path)["reserved_ip"]["droplet"]["id"] == one
    with serving(tmp_path, check, machines) as served:
        ip = until(lambda: served.api.get(path)["reserved_ip"], lambda seen: not seen["locked"])
        assert ip["droplet"]["id"] == two
        assert machines.have(ip["ip"]) == [f"droplet-{two}"]


def test_a_reserved_ip_whose_deletion_a_kill_interrupts_can_be_deleted(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        path = f"/v2/reserved_ips/{served.api.post('/v2/reserved_ips', {'region': 'nyc3'}, 202)['reserved_ip']['ip']}"
        store = served.cloud.store
        store.change(store.all(ReservedIp)[0], pending=0)
        assert "pending event" in served.api.refused("DELETE", path)
    with serving(tmp_path, check, machines) as served:
        served.api.delete(path)


def test_a_machine_that_goes_off_by_itself_is_off(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        api = served.api
        dies, restarted = (api.droplet(name)["id"] for name in ("dies", "restarted"))
        made = api.post("/v2/reserved_ips", {"droplet_id": restarted}, 202)
        api.done(made["links"]["actions"][0]["id"])
        machines.die(f"droplet-{restarted}")
        machines.start(f"droplet-{restarted}")  # as `docker restart` does: without its reserved IP
        machines.die(f"droplet-{dies}")
        until(lambda: api.get(f"/v2/droplets/{dies}")["droplet"]["status"], lambda status: status == "off")
        assert api.get(f"/v2/droplets/{restarted}")["droplet"]["status"] == "active"
        assert machines.have(made["reserved_ip"]["ip"]) == [f"droplet-{restarted}"]


def test_machines_that_go_off_with_their_engine_run_again(tmp_path: Path, check: Check) -> None:
    machines = FakeMachines()
    with serving(tmp_path, check, machines) as served:
        api = served.api
        runs, off = (api.droplet(name)["id"] for name in ("runs", "off"))
        api.act(off, "power_off")
        made = api.post("/v2/reserved_ips", {"droplet_id": runs}, 202)
        api.done(made["links"]["actions"][0]["id"])
        machines.restart_engine()
        until(lambda: machines.have(made["reserved_ip"]["ip"]), lambda names: names == [f"droplet-{runs}"])
        statuses = {d["name"]: d["status"] for d in api.get("/v2/droplets")["droplets"]}
        assert statuses == {"runs": "active", "off": "off"}
        assert not machines.running(f"droplet-{off}")


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
    store.close()
    again = Store(tmp_path / "cloud.db")
    assert [tag.name for tag in again.all(Tag)] == ["kept"]
    again.close()
