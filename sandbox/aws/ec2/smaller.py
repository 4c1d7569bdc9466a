"""Security groups in use, and metadata options that stay."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend

from sandbox.aws.hooks import AwsError, around


def install() -> None:
    """Puts this module's hooks in place."""

    @around(EC2Backend, "delete_security_group")
    def delete(original: Any, self: Any, name: str | None = None, group_id: str | None = None) -> Any:
        group = self.get_security_group_by_name_or_id(group_id or name)
        if group is not None:
            if group.name == "default":
                raise AwsError("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted')
            instances = (one for one in self.all_instances() if one.state != "terminated")
            if any(group in one.security_groups for one in instances) or any(
                group in eni.group_set for eni in self.enis.values()
            ):
                raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
        return original(self, name, group_id)

    @around(EC2Backend, "modify_instance_metadata_options")
    def modify(original: Any, self: Any, instance_id: str, **named: Any) -> Any:
        """What the request does not name stays as it is."""
        known = self.get_instance(instance_id).metadata_options
        attributes = {
            "http_tokens": "http_tokens",
            "hop_limit": "http_put_response_hop_limit",
            "http_endpoint": "http_endpoint",
            "http_protocol": "http_protocol_ipv6",
            "metadata_tags": "instance_metadata_tags",
        }
        for argument, attribute in attributes.items():
            if named.get(argument) is None:
                named[argument] = getattr(known, attribute)
        return original(self, instance_id, **named)
