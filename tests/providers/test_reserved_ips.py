"""What the digitalocean plugin answers about assignments of reserved IPs, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.providers.asking import Made, Refused
from tests.providers.cloud import ADDRESS, ASSIGNMENT, DROPLET, SMALL, LocalApi
from tests.providers.plugin import Plugin


@dataclass(frozen=True)
class Assigned:
    """An address that is with the first of two droplets."""

    ip: Made
    one: Made
    two: Made
    assignment: Made


@pytest.fixture
def assigned(digitalocean: Plugin) -> Assigned:
    one, two = (digitalocean.make(DROPLET, name, **SMALL) for name in ("one", "two"))
    ip = digitalocean.make(ADDRESS, "ip", region="nyc3")
    assignment = digitalocean.make(ASSIGNMENT, "assignment", ipAddress=ip.id, dropletId=int(one.id))
    return Assigned(ip, one, two, assignment)


def test_an_assignment_that_somebody_took_stays_theirs_and_is_gone_on_refresh(
    assigned: Assigned, api: LocalApi
) -> None:
    assert assigned.assignment.refresh()
    api.lead(assigned.ip.id, assigned.two.id)
    assigned.assignment.delete()
    assert api.holder(assigned.ip.id) == assigned.two.id, "it is not taken back"
    assert not assigned.assignment.refresh()


def test_a_deletion_takes_the_address_from_its_droplet(assigned: Assigned, api: LocalApi) -> None:
    assigned.assignment.delete()
    assert api.orders(assigned.ip.id) == ["assign", "unassign"]
    assert api.holder(assigned.ip.id) is None
    assigned.ip.delete()
    assert api.call("GET", "/v2/reserved_ips")["reserved_ips"] == []
    assert not assigned.ip.refresh()


def test_an_assignment_of_an_address_that_nobody_has_is_only_gone_after_a_refresh(
    assigned: Assigned, api: LocalApi
) -> None:
    api.lead(assigned.ip.id, None)
    with pytest.raises(Refused):
        assigned.assignment.delete()
    assert not assigned.assignment.refresh()


def test_an_address_that_is_gone_fails_its_assignments_refresh(assigned: Assigned, api: LocalApi) -> None:
    api.call("DELETE", f"/v2/reserved_ips/{assigned.ip.id}")
    with pytest.raises(Refused, match=r"Error retrieving reserved IP.*: GET http://\S+/v2/reserved_ips/\S+: 404 "):
        assigned.assignment.refresh()


def test_an_assignment_that_the_api_refuses_or_fails_is_not_in_state(digitalocean: Plugin, api: LocalApi) -> None:
    droplet = digitalocean.make(DROPLET, "one", **SMALL)
    wanted = {"ipAddress": digitalocean.make(ADDRESS, "ip", region="nyc3").id, "dropletId": int(droplet.id)}
    actions = r"/v2/reserved_ips/[^/]+/actions"
    api.fault("status", "POST", actions, status=422, nth=1)
    api.fault("action_errored", "POST", actions, nth=2)
    for told in (r"Error .*: POST http://\S+/actions: 422 ", "unexpected state 'errored'"):
        with pytest.raises(Refused, match=told) as refused:
            digitalocean.make(ASSIGNMENT, "assignment", **wanted)
        assert refused.value.partial is None
    digitalocean.make(ASSIGNMENT, "assignment", **wanted)
    assert api.holder(str(wanted["ipAddress"])) == droplet.id
