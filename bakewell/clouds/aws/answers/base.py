"""What the models of all answers have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_pascal

from bakewell.reading.deferred import Deferred

Text = Annotated[str, Field(min_length=1)]


class Answer(Deferred):
    """An answer, or a part of one. `image_id` here is `ImageId` there."""

    model_config = ConfigDict(alias_generator=to_pascal, strict=True, frozen=True)


class Nothing(Answer):
    """The answer to a call that changes something: that it came, and that it is this call's, is all that is read."""


class Tag(Answer):
    """A tag; a flag has an empty value."""

    key: Text
    value: str = ""


class Tagged(Answer):
    """Anything that carries tags; AWS leaves them out where there are none."""

    tags: list[Tag] = Field(default_factory=list)

    def tag(self, key: str, otherwise: str = "") -> str:
        """The value of a tag."""
        return next((tag.value for tag in self.tags if tag.key == key), otherwise)

    def fits(self, filters: Sequence[Mapping[str, Any]]) -> bool:
        """Whether it has what the request's filters asked for, as far as its own fields can tell."""
        return all(self._fits(wanted["Name"], wanted["Values"]) for wanted in filters)

    def _fits(self, name: str, values: Sequence[str]) -> bool:
        if name == "tag-key":
            return any(fnmatchcase(tag.key, value) for tag in self.tags for value in values)
        if name.startswith("tag:"):
            return any(tag.key == name.removeprefix("tag:") and tag.value in values for tag in self.tags)
        own = {
            "image-id": "image_id",
            "name": "name",
            "source-instance-id": "source_instance_id",
            "instance-id": "instance_id",
        }.get(name)
        return own is None or getattr(self, own) in values
