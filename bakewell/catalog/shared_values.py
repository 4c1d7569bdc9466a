"""packer/shared.toml: versions and variables that several images of a project have in common, each stated once.

An image takes what it names under `shared` in its image.toml, and only that: another value of a name that it does not
take rebuilds nothing.

    [versions]
    nodejs = "18.19.0+dfsg-6"
    [variables]
    registry = "registry.example.com"
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator

from bakewell.catalog.values import Text, Values, no_secrets, plain_values
from bakewell.errors import ConfigError
from bakewell.reading import Model, checked, did_you_mean, read_toml

FILE = "shared.toml"


class SharedValues(Model):
    """The keys of shared.toml, or as many of them as an image takes."""

    versions: dict[Text, Text] = Field(default_factory=dict)
    variables: Values = Field(default_factory=dict)

    _plain = field_validator("variables", mode="before")(plain_values)
    _no_secrets = field_validator("variables")(no_secrets)


@dataclass(frozen=True, slots=True)
class SharedFile:
    """packer/shared.toml, which a project may have."""

    path: Path
    values: SharedValues

    @classmethod
    def of(cls, packer_dir: Path) -> SharedFile:
        """What is in `packer_dir`; nothing where there is no such file.

        Raises:
            ConfigError: an unknown key, a wrong type, a value that looks like a secret, or a name under both tables.
        """
        path = packer_dir / FILE
        if not path.exists():
            return cls(path, SharedValues())
        values = checked(SharedValues, read_toml(path, FILE), file=path, what=FILE)
        if both := sorted(values.versions.keys() & values.variables.keys()):
            raise ConfigError(
                f"{FILE}: `{both[0]}` stands under [versions] and under [variables]", file=path, remedy="rename one"
            )
        return cls(path, values)

    def take(self, names: Collection[str], own: Mapping[str, object], what: str, file: Path) -> SharedValues:
        """The values called `names`.

        Args:
            own: the image's own versions and variables.
            what, file: the image and its image.toml, for messages.

        Raises:
            ConfigError: no such value, or the image states the same name itself.
        """
        known = [*self.values.versions, *self.values.variables]
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"{what}: `shared` names `{name}`, which {FILE} does not have{did_you_mean(name, known)}",
                    file=file,
                    remedy=f"state it in {self.path}",
                )
            if name in own:
                raise ConfigError(
                    f"{what}: `{name}` is taken from {FILE}, and stated here too",
                    file=file,
                    remedy="remove one of the two",
                )
        return SharedValues(
            versions={name: value for name, value in self.values.versions.items() if name in names},
            variables={name: value for name, value in self.values.variables.items() if name in names},
        )
