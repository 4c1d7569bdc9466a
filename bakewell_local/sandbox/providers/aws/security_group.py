"""`aws:ec2/securityGroup:SecurityGroup` with its rules inline: rules that are not in the program are taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bakewell_local.sandbox.providers.aws.resource import REGION, TAGS, AwsResource, has_code
from bakewell_local.sandbox.providers.bridge.schema import Field, Schema, canonical
from bakewell_local.sandbox.providers.bridge.waiting import Patience, Wait
from bakewell_local.sandbox.providers.server import Properties

_RULE: Schema = {
    "cidrBlocks": Field("set", default=[]),
    "description": Field("str", default=""),
    "fromPort": Field("int", required=True),
    "ipv6CidrBlocks": Field("set", default=[]),
    "prefixListIds": Field("set", default=[]),
    "protocol": Field("str", required=True),
    "securityGroups": Field("set", default=[]),
    "self": Field("bool", default=False),
    "toPort": Field("int", required=True),
}
# A source of a rule: Pulumi's property, the API's list, the key in its elements.
_SOURCES = (
    ("cidrBlocks", "IpRanges", "CidrIp"),
    ("ipv6CidrBlocks", "Ipv6Ranges", "CidrIpv6"),
    ("prefixListIds", "PrefixListIds", "PrefixListId"),
    ("securityGroups", "UserIdGroupPairs", "GroupId"),
)
# Protocol, ports, property of the source, the source, description: what the API can give and take away by itself.
_Atom = tuple[str, int, int, str, str, str]


class SecurityGroup(AwsResource):
    """A firewall. Without `egress`, nothing may leave: the rule that AWS makes by itself is taken away."""

    label = "Security Group"
    tagged = "security-group"
    gone = ("InvalidGroup.NotFound", "InvalidGroupId.NotFound", "InvalidSecurityGroupID.NotFound")
    limits: ClassVar[Mapping[str, float]] = {"create": 10 * 60.0, "delete": 15 * 60.0}
    schema: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "name": Field("str", replaces=True, autonamed=True),
        "description": Field("str", default="Managed by Pulumi", replaces=True),
        "vpcId": Field("str", computed=True, replaces=True),
        "ingress": Field("set", _RULE, computed=True),
        "egress": Field("set", _RULE, computed=True),
        "arn": Field("str", output=True),
        "ownerId": Field("str", output=True),
    }

    def faults(self, inputs: Properties) -> Iterable[tuple[str, str]]:
        if inputs.get("description") == "":
            yield "description", "expected description to not be empty"
        for kind in ("ingress", "egress"):
            rules = inputs.get(kind)
            for index, rule in enumerate(rules if isinstance(rules, list) else []):
                if isinstance(rule, dict) and rule.get("protocol") in ("-1", "all") and _ports(rule) != (0, 0):
                    told = "from_port and to_port must both be 0 to use the 'ALL' \"-1\" protocol!"
                    yield f"{kind}[{index}]", f"{told} There was {_ports(rule)[0]} and {_ports(rule)[1]}"

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        wanted = {"GroupName": planned["name"], "Description": planned["description"], **self.tags_of(planned)}
        if planned.get("vpcId"):
            wanted["VpcId"] = planned["vpcId"]
        return str(self.client("ec2", planned).create_security_group(**wanted)["GroupId"])

    def settle(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        group = self._find(resource_id, planned)
        for kind, permissions in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
            wanted = _atoms(planned.get(kind, []), resource_id)
            self._bring(resource_id, planned, kind, _seen_atoms(group[permissions]), wanted)

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        group = self._find(resource_id, state)
        kinds = {"ingress": group["IpPermissions"], "egress": group["IpPermissionsEgress"]}
        return {
            **{kind: self._rules(resource_id, kind, state, seen) for kind, seen in kinds.items()},
            **self.tags_seen(group.get("Tags", []), state),
            "arn": self.arn("ec2", f"security-group/{resource_id}", state),
            "name": group["GroupName"],
            "description": group["Description"],
            "vpcId": group.get("VpcId"),
            "ownerId": group["OwnerId"],
        }

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        for kind in ("ingress", "egress"):
            old, new = (_atoms(properties.get(kind, []), resource_id) for properties in (state, planned))
            self._bring(resource_id, planned, kind, old, new)
        self.retag(resource_id, state, planned)

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        def look() -> str:
            try:
                self.client("ec2", state).delete_security_group(GroupId=resource_id)
            except self.errors as error:
                if not has_code(error, "DependencyViolation", "InvalidGroup.InUse"):
                    raise
                return f"in use: {self.cloud.words(error)}"
            return "gone"

        # What used it may still be on its way out.
        patience.wait_for(look, Wait("gone", timeout=patience.limit))

    def _find(self, resource_id: str, properties: Properties) -> Any:
        found = self.client("ec2", properties).describe_security_groups(GroupIds=[resource_id])
        return found["SecurityGroups"][0]

    def _bring(self, resource_id: str, properties: Properties, kind: str, old: set[_Atom], new: set[_Atom]) -> None:
        client = self.client("ec2", properties)
        calls = {
            "ingress": (client.revoke_security_group_ingress, client.authorize_security_group_ingress),
            "egress": (client.revoke_security_group_egress, client.authorize_security_group_egress),
        }
        for call, atoms in zip(calls[kind], (old - new, new - old), strict=True):
            if atoms:
                call(GroupId=resource_id, IpPermissions=[_permission(atom) for atom in sorted(atoms)])

    def _rules(self, resource_id: str, kind: str, state: Properties, permissions: list[Any]) -> list[Any]:
        """The rules, cut as the state has them; the API tells one and the same in many ways."""
        left, rules = _seen_atoms(permissions), []
        for rule in state.get(kind) or []:
            own = _atoms([rule], resource_id)
            if own and own <= left:
                rules.append(rule)
                left -= own
        others: dict[tuple[str, int, int, str], dict[str, Any]] = {}
        for protocol, first, last, source, value, description in sorted(left):
            empty = {"protocol": protocol, "fromPort": first, "toPort": last, "description": description}
            rule = others.setdefault((protocol, first, last, description), empty)
            if source == "securityGroups" and value == resource_id:
                rule["self"] = True
            else:
                rule.setdefault(source, []).append(value)
        return canonical(self.schema[kind], [*rules, *others.values()])


def _ports(rule: Properties) -> tuple[int, int]:
    first, last = rule.get("fromPort"), rule.get("toPort")
    return (int(first), int(last)) if isinstance(first, float | int) and isinstance(last, float | int) else (0, 0)


def _atoms(rules: list[Any], group: str) -> set[_Atom]:
    atoms = set()
    for rule in rules:
        protocol = "-1" if rule["protocol"] in ("all", "-1") else rule["protocol"].lower()
        start = (protocol, *_ports(rule))
        description = rule.get("description") or ""
        for source, _, _ in _SOURCES:
            atoms |= {(*start, source, value, description) for value in rule.get(source) or []}
        if rule.get("self"):
            atoms.add((*start, "securityGroups", group, description))
    return atoms


def _seen_atoms(permissions: list[Any]) -> set[_Atom]:
    return {
        (
            one["IpProtocol"],
            int(one.get("FromPort") or 0) if one["IpProtocol"] != "-1" else 0,
            int(one.get("ToPort") or 0) if one["IpProtocol"] != "-1" else 0,
            source,
            element[key],
            element.get("Description") or "",
        )
        for one in permissions
        for source, elements, key in _SOURCES
        for element in one.get(elements, [])
    }


def _permission(atom: _Atom) -> Properties:
    protocol, first, last, source, value, description = atom
    elements, key = next((elements, key) for name, elements, key in _SOURCES if name == source)
    ports = {} if protocol == "-1" else {"FromPort": first, "ToPort": last}
    told = {"Description": description} if description else {}
    return {"IpProtocol": protocol, **ports, elements: [{key: value, **told}]}
