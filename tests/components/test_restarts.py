"""No routine change restarts a machine that exists: each input of one replaces it, or is known to leave it running."""

from __future__ import annotations

from bakewell_local.sandbox.providers.aws.instance import Instance
from bakewell_local.sandbox.providers.digitalocean.droplet import Droplet
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


def test_no_input_of_a_machine_restarts_it(everything: Fleet) -> None:
    run = everything.run()
    assert run.error is None, run.said("error")
    for kind in (DROPLET, INSTANCE):
        for machine in run.of_type(kind).values():
            assert machine.inputs.get("userDataReplaceOnChange", True) is True
            safe = REPLACES[kind] | RUNS_ON[kind] | set(machine.request.replaceOnChanges)
            assert set(machine.inputs) - safe == set(), "these would change a running machine in place"
            assert not machine.request.deleteBeforeReplace, "the new machine comes before the old one goes"
            assert "name" not in machine.inputs, "a droplet with a name of its own would go first"
    assert {"instanceType", "keyName", "subnetId"} <= set(run.of_type(INSTANCE)["aws-web-1"].inputs)
