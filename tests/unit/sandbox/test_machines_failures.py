"""What making a machine or a record says when its own clean-up fails too. The container engine is a fake: a real one
does not fail on demand.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from docker.errors import APIError
from requests import Response

from sandbox.digitalocean.records import Tag
from sandbox.digitalocean.store import Store
from sandbox.machines import MachineError, Machines, machines


def refusal(status: int, why: str) -> APIError:
    response = Response()
    response.status_code = status
    return APIError(why, response=response, explanation=why)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MagicMock:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    fake = MagicMock()
    fake.api.info.return_value = {"CgroupVersion": "2"}
    fake.containers.create.return_value.put_archive.side_effect = refusal(500, "no space left on device")
    monkeypatch.setattr(machines, "connect", lambda: fake)
    monkeypatch.setattr(machines, "CloudNetwork", MagicMock())
    return fake


def create() -> str:
    """Why no machine is made."""
    with pytest.raises(MachineError) as raised:
        Machines("cloud").create(
            "one", "image", hostname="one", instance_id="i-1", user_data=None, public_keys=["ssh-ed25519 A"]
        )
    return str(raised.value)


def test_a_removal_that_is_under_way_already_is_no_failure(client: MagicMock) -> None:
    client.api.remove_container.side_effect = refusal(409, "removal of container 1 is already in progress")
    said = create()
    assert said.startswith("creating machine one from image: the disk is full (no space left on device)")
    assert "in progress" not in said


def test_a_machine_that_can_be_neither_made_nor_removed_says_both(client: MagicMock) -> None:
    client.api.remove_container.side_effect = refusal(500, "driver failed")
    said = create()
    assert said.startswith("creating machine one from image: the disk is full (no space left on device)")
    assert said.endswith("cleaning up failed as well: removing machine one: Docker refused: driver failed")


def test_a_full_disk_under_the_clouds_records_is_named_and_the_next_transaction_works(tmp_path: Path) -> None:
    store = Store(tmp_path / "cloud.db")
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(sqlite3.OperationalError, match="disk is full") as raised:
        store.put(Tag(name="x" * 100_000))
    assert not hasattr(raised.value, "__notes__"), raised.value.__notes__
    store._db.execute("PRAGMA max_page_count=1000000")
    store.put(Tag(name="y"))
    assert [tag.name for tag in store.all(Tag)] == ["y"]
    store.close()
