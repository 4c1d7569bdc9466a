"""Security groups in use, metadata options that stay, launch templates whose tags are their own, what one answer leaves
out, and the status of a refusal.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import BaseResponse
from moto.core.serialize import EC2Serializer
from moto.ec2.models import EC2Backend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.responses import EC2Response

from bakewell_local.sandbox.aws.hooks import AwsError, around, instead


def install() -> None:
    """Puts this module's hooks in place."""

    @around(BaseResponse, "__init__")
    def own(original: Any, self: Any, *given: Any, **named: Any) -> None:
        """What an answer includes and leaves out is its own: moto has all answers, of all threads, share it."""
        original(self, *given, **named)
        self.RESPONSE_KEY_PATH_TO_TRANSFORMER = dict(type(self).RESPONSE_KEY_PATH_TO_TRANSFORMER)

    @around(EC2Serializer, "_serialized_error_to_response")
    def refused(original: Any, self: Any, response: Any, error: Any, shape: Any, content: Any) -> Any:
        """moto's status of every AuthFailure is that of bad keys, 401. Those the gate refuses; what is left is 400."""
        answer = original(self, response, error, shape, content)
        if shape.error_code == "AuthFailure":
            answer["status_code"] = 400
        return answer

    @around(EC2Response, "delete_security_group")
    def delete(original: Any, self: Any) -> Any:
        backend = self.ec2_backend
        group = backend.get_security_group_by_name_or_id(self._get_param("GroupId") or self._get_param("GroupName"))
        if group is not None:
            users = [one.security_groups for one in backend.all_instances() if one.state != "terminated"]
            if any(group in groups for groups in (*users, *(eni.group_set for eni in backend.enis.values()))):
                raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
        return original(self)

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

    @around(LaunchTemplateBackend, "create_launch_template")
    def make(original: Any, self: Any, name: Any, description: Any, data: dict[str, Any], tags: Any) -> Any:
        """moto adds the template's tags to what instances are made from."""
        given = data.pop("TagSpecifications", [])
        if own := [one for one in given if one["ResourceType"] != "launch-template"]:
            data["TagSpecifications"] = own
        return original(self, name, description, data, tags)

    # moto's are those of the beginning.
    instead(LaunchTemplate, "tags")(property(lambda self: self.get_tags(), lambda self, tags: None))
