"""A machine of an image, made by the API alone: no stack, no user_data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from tests.e2e.cloud import CloudView
from tests.e2e.machine import Machine
from tests.waiting import eventually


@contextmanager
def booted(cloud: CloudView, image: str, name: str) -> Iterator[str]:
    """The address of a machine of an image (an ID or a slug) for as long as the block runs.

    The key that the local cloud keeps for its owner lets root in.
    """
    keys = [one["id"] for one in cloud.get("/v2/account/keys", "ssh_keys") if one["name"] == "local-cloud"]
    number = int(image) if image.isdecimal() else image
    body = {"name": name, "region": "nyc3", "size": "s-1vcpu-2gb", "image": number, "ssh_keys": keys}
    made = cloud.http.post("/v2/droplets", json=body).raise_for_status().json()["droplet"]["id"]

    def addresses() -> list[str]:
        droplet = cloud.http.get(f"/v2/droplets/{made}").raise_for_status().json()["droplet"]
        public = [one["ip_address"] for one in droplet["networks"]["v4"] if one["type"] == "public"]
        return public if droplet["status"] == "active" else []

    try:
        eventually(f"{name} is active", lambda: addresses() != [])
        yield addresses()[0]
    finally:
        cloud.http.delete(f"/v2/droplets/{made}").raise_for_status()


def lets_in(machine: Machine) -> bool:
    """Whether it answers as one whose boot is over, so that nothing of it goes on while it is worked on."""
    try:
        return "status: done" in machine.run("cloud-init status", check=False)
    except (OSError, paramiko.SSHException):
        return False
