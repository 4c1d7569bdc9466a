"""Instances and key pairs."""

from __future__ import annotations

from datetime import datetime

from bakewell.clouds.aws.answers.base import Answer, Tagged, Text


class InstanceState(Answer):
    """Where an instance is in its life."""

    name: Text


class Instance(Tagged):
    """A machine, running or not."""

    instance_id: Text
    image_id: Text
    state: InstanceState
    launch_time: datetime
    public_ip_address: str | None = None
    private_ip_address: str | None = None


class Reservation(Answer):
    """Instances that were launched together."""

    instances: list[Instance]


class Reservations(Answer):
    """DescribeInstances."""

    reservations: list[Reservation]

    @property
    def instances(self) -> list[Instance]:
        """Those of all reservations."""
        return [instance for reservation in self.reservations for instance in reservation.instances]


class TerminatingInstance(Answer):
    """An instance that is going."""

    instance_id: Text


class Terminating(Answer):
    """TerminateInstances."""

    terminating_instances: list[TerminatingInstance]


class KeyPair(Answer):
    """A key pair."""

    key_name: Text


class KeyPairs(Answer):
    """DescribeKeyPairs."""

    key_pairs: list[KeyPair]
