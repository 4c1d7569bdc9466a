"""Stack config: what a stack wants, as `Pulumi.<stack>.yaml` says it under the `bakewell:` namespace.

The Pulumi program and the CLI read the same keys through the same model, so `bakewell list` and `pulumi up` agree.
Secrets are no part of it: credentials are in the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_origin

from pydantic import Field, field_validator, model_validator

from bakewell.errors import ConfigError
from bakewell.reading import DuplicateKey, Model, Name, checked, each_once, from_json
from bakewell.settings.builders import BuilderSettings
from bakewell.settings.clouds import AwsSettings, CloudName, DigitalOceanSettings, DockerSettings, Id

NAMESPACE = "bakewell:"


class Settings(Model):
    """Stack config: `bakewell:<key>` in Pulumi.<stack>.yaml. Defaults here and in Pulumi.yaml agree (tested)."""

    project: Name = "bakewell"
    prefix: Name = "bakewell"
    clouds: list[CloudName] = Field(default=["digitalocean"], min_length=1)
    digitalocean: DigitalOceanSettings = Field(default_factory=DigitalOceanSettings)
    aws: AwsSettings = Field(default_factory=AwsSettings)
    docker: DockerSettings = Field(default_factory=DockerSettings)
    builders: BuilderSettings = Field(default_factory=BuilderSettings)
    parallel: int = Field(default=4, ge=1, le=64)
    keep: int = Field(default=3, ge=1)
    roles: list[Name] = Field(default_factory=list, description="roles to bake; empty: all in the catalog")
    pins: dict[Name, Id | dict[CloudName, Id]] = Field(
        default_factory=dict,
        description="role: image name or ID its machines must use; by cloud where there are several",
    )
    local: bool = Field(default=False, description="the stack may only ever run on the local cloud")
    max_context_mb: int = Field(default=100, ge=1, description="largest context of an image, in MB")
    ready_timeout: int = Field(default=300, ge=1, le=3600, description="how long `up` waits for a machine, in s")

    @field_validator("clouds", "roles")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        return each_once(values)

    @model_validator(mode="after")
    def _pins_name_their_cloud(self) -> Settings:
        for role, pin in self.pins.items():
            if len(self.clouds) > 1 and not isinstance(pin, dict):
                raise ValueError(f"pins.{role}: say on which cloud: bakewell:pins.{role}.{self.clouds[0]}")
            for cloud in pin if isinstance(pin, dict) else ():
                if cloud not in self.clouds:
                    raise ValueError(f"pins.{role}.{cloud}: bakewell:clouds has no {cloud}")
        return self

    @model_validator(mode="after")
    def _machines_are_on_its_clouds(self) -> Settings:
        """Else they would be left out, and those that are there deleted, without a word on why."""
        asked: dict[str, tuple[CloudName, bool]] = {
            "digitalocean.droplets": ("digitalocean", bool(self.digitalocean.droplets)),
            "aws.instances": ("aws", bool(self.aws.instances)),
            "aws.fleets": ("aws", bool(self.aws.fleets)),
            "docker.containers": ("docker", bool(self.docker.containers)),
        }
        for key, (cloud, any_there) in asked.items():
            if any_there and cloud not in self.clouds:
                raise ValueError(f"{key}: bakewell:clouds has no {cloud}; add it there, or remove bakewell:{key}")
        return self

    def pins_on(self, cloud: str) -> dict[str, str]:
        """Role -> name or ID of the image that its machines on a cloud must use."""
        found = {role: pin.get(cloud) if isinstance(pin, dict) else pin for role, pin in self.pins.items()}  # type: ignore[call-overload]
        return {role: pin for role, pin in found.items() if pin is not None}

    def pin_key(self, cloud: str, role: str) -> str:
        """The key under which a role's pin on a cloud is set."""
        return f"bakewell:pins.{role}.{cloud}" if isinstance(self.pins.get(role), dict) else f"bakewell:pins.{role}"

    def with_machines(self, cloud: str, machines: Mapping[str, object], source: str) -> Settings:
        """These settings with other machines on a cloud.

        Args:
            machines: "droplets", "instances", "fleets" or "containers", as stack config has them.
            source: where they come from, for messages.

        Raises:
            ConfigError: a value that stack config would be refused for; its key as `machines` has it.
        """
        own = getattr(self, cloud)
        found = checked(type(own), {**own.model_dump(exclude_unset=True), **machines}, file=source)
        return self.model_copy(update={cloud: found})

    def regions_of(self, cloud: str) -> list[str]:
        """Where images of a cloud have to be: built in the first, which is also where machines run, else copied."""
        return {"aws": self.aws.regions, "docker": ["local"]}.get(cloud, self.digitalocean.regions)

    def encryption(self, cloud: str) -> str:
        """How the disks of a cloud's images are encrypted, where that is not as by default: "none", or the key."""
        if cloud != "aws":
            return ""
        return self.aws.kms_key or "" if self.aws.encrypted else "none"

    def home(self, cloud: str) -> str:
        """The first of `regions_of`."""
        return self.regions_of(cloud)[0]

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object], source: str, *, project: str | None = None) -> Settings:
        """Settings from config keys, with or without the `bakewell:` namespace; keys of other namespaces are skipped.

        Pulumi hands config to a program as text (`"4"`, `"true"`, JSON for lists and maps), YAML as values. Both are
        taken, by the type each key has here.

        Args:
            source: the file to name in errors, such as "Pulumi.dev.yaml".
            project: the name in Pulumi.yaml: what `project` and `prefix` are where the mapping has none.

        Raises:
            ConfigError: unknown key, wrong type, or value out of range; or a key that stands twice: with and without
                the namespace, or in JSON.
        """
        own: dict[str, object] = {}
        for key, value in mapping.items():
            name = key.removeprefix(NAMESPACE)
            if ":" in name:
                continue
            if isinstance(value, Mapping) and set(value) == {"secure"}:
                raise ConfigError(
                    f"`{NAMESPACE}{name}` is encrypted, but no setting of Bakewell is a secret",
                    file=source,
                    remedy=f"set it in plain text: pulumi config set {NAMESPACE}{name} VALUE",
                )
            if name in own:
                raise _twice(f"`{NAMESPACE}{name}` is there twice", source)
            try:
                own[name] = _from_text(name, value) if isinstance(value, str) else value
            except DuplicateKey as error:
                raise _twice(f"`{NAMESPACE}{name}`: {error}", source) from None
        named = {} if project is None else {"project": project, "prefix": project}
        return checked(cls, named | own, file=source, what=f"stack config ({NAMESPACE}*)")


_TABLES = (AwsSettings, BuilderSettings, DigitalOceanSettings, DockerSettings)


def _twice(what: str, source: str) -> ConfigError:
    return ConfigError(f"stack config: {what}", file=source, remedy="keep the one that is meant")


def _from_text(name: str, text: str) -> object:
    """Config text as the type that the key has; text that does not fit stays as it is, for the model to refuse.

    Raises:
        DuplicateKey: in JSON, at any depth.
    """
    known = Settings.model_fields.get(name)
    wanted: Any = known.annotation if known else str
    if wanted is int and re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
        return int(text)
    if wanted is bool and text in ("true", "false"):
        return text == "true"
    if get_origin(wanted) in (list, dict) or wanted in _TABLES:
        try:
            return from_json(text)
        except DuplicateKey:
            raise
        except (ValueError, RecursionError):
            return text
    return text
