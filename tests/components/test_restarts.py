"""No routine change restarts a machine that exists: each input of one replaces it, or is known to leave it running."""

from __future__ import annotations

import json

import pytest

from sandbox.providers.aws.instance import Instance
from sandbox.providers.digitalocean.droplet import Droplet
from tests.components.conftest import Fleet
from tests.components.engine import DROPLET, INSTANCE

REPLACES = {
    DROPLET: {name for name, field in Droplet.schema.items() if field.replaces},
    # Without `userDataReplaceOnChange`, which is asserted below, other user data stops the instance.
    INSTANCE: {name for name, field in Instance.schema.items() if field.replaces} | {"userData"},
}
RUNS_ON = {
    DROPLET: {"tags"},
    INSTANCE: {"iamInstanceProfile", "metadataOptions", "tags", "userDataReplaceOnChange", "vpcSecurityGroupIds"},
}
"""What the providers change while the machine runs."""


@pytest.fixture
def everywhere(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Machines on both clouds with every setting that there is."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-tests")
    droplet = {"size": "s-1vcpu-2gb", "ssh_keys": ["512190"]}
    instance = {"type": "t3.small", "key": "ops", "profile": "web", "subnet": "subnet-0a"}
    fleet.config |= {
        "bakewell:clouds": '["digitalocean", "aws"]',
        "bakewell:machines": json.dumps({"web": droplet}),
        "bakewell:aws": json.dumps({"instances": {"web": instance}}),
    }
    for cloud in ("digitalocean", "aws"):
        fleet.bake(cloud=cloud)
    return fleet


@pytest.mark.parametrize("kind", [DROPLET, INSTANCE])
def test_no_input_of_a_machine_restarts_it(everywhere: Fleet, kind: str) -> None:
    run = everywhere.run()
    assert run.error is None, run.said("error")
    (machine,) = run.of_type(kind).values()
    assert machine.inputs.get("userDataReplaceOnChange", True) is True
    safe = REPLACES[kind] | RUNS_ON[kind] | set(machine.request.replaceOnChanges)
    assert set(machine.inputs) - safe == set(), "these would change a running machine in place"
    assert not machine.request.deleteBeforeReplace, "the new machine comes before the old one goes"
    assert "name" not in machine.inputs, "a droplet with a name of its own would go first"
