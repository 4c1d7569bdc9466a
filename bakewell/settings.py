"""What a stack is told (its config) and what a process is told (its environment): two models, read in one place.

Stack config lives in `Pulumi.<stack>.yaml` under the `bakewell:` namespace. The Pulumi program and the CLI read the
same keys through the same model, so `bakewell list` and `pulumi up` agree. Secrets are no part of it: the token is in
the environment.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin
from urllib.parse import urlsplit

import yaml
from pydantic import BeforeValidator, Field, field_validator, model_validator

from bakewell import names
from bakewell.errors import ConfigError
from bakewell.reading import Model, Name, Slug, checked, looking, read_text

NAMESPACE = "bakewell:"
DIGITALOCEAN = "https://api.digitalocean.com"
AWS = "https://amazonaws.com"  # stands for the endpoints that AWS's SDKs choose by service and region
DOCKER = "unix:///var/run/docker.sock"
CloudName = Literal["digitalocean", "aws", "docker"]
_MIRRORED = "BAKEWELL_DOWNLOADS is set, but the endpoint is {}: images of a real cloud are made of what vendors publish"
_NO_MIRROR = 'unset it, so that packer/bases.lock counts; or for the local cloud run: eval "$(make -s env)"'
_TOKENS = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
_STACK = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")

_Account = Annotated[
    str,
    BeforeValidator(lambda value: f"{value:012}" if type(value) is int else value),
    Field(pattern=r"^[0-9]{12}$"),
]
"""An AWS account; `pulumi config set --path` writes it as a number, without the zeros it may begin with."""

Subnet = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")]
InstanceType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")]
Cidr = Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$")]

_Id = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""A name or an ID; `pulumi config set --path` writes an ID of digits as a number."""


def each_once(values: list[str]) -> list[str]:
    """`values`, none of which may be there twice. Raises ValueError."""
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is listed twice")
    return values


class MachineSettings(Model):
    """How many machines of a role, and of what kind."""

    count: int = Field(default=1, ge=0, le=100)
    size: Slug = "s-1vcpu-1gb"
    ssh_keys: list[_Id] = Field(default_factory=list, description="keys in the account: names, IDs or fingerprints")


class Ec2Settings(Model):
    """What instances of a role have in common, by themselves or in a fleet."""

    count: int = Field(default=1, ge=0, le=100)
    type: InstanceType = "t3.micro"
    key: str | None = Field(default=None, min_length=1, description="key pair that may log in, by name")
    profile: str | None = Field(default=None, min_length=1, description="instance profile, by name")
    open_to: list[Cidr] = Field(default=["0.0.0.0/0"], description="who may reach the role's own port")
    ssh_from: list[Cidr] = Field(default_factory=list, description="who may reach port 22")


class InstanceSettings(Ec2Settings):
    """Instances of a role, each known by its number."""

    subnet: Subnet | None = Field(default=None, description="by default one of the default VPC's")


class FleetSettings(Ec2Settings):
    """An auto scaling group of a role: `count` instances, in as many zones as there are subnets."""

    subnets: list[Subnet] = Field(default_factory=list, description="by default all of the default VPC's")


class AwsSettings(Model):
    """What a stack is told about AWS."""

    regions: list[Slug] = Field(default=["us-east-1"], min_length=1, description="the first builds, others get copies")
    account: _Account | None = Field(default=None, description="whose credentials it must be run with")
    subnet: Subnet | None = Field(default=None, description="where images are built; by default in the default VPC")
    instances: dict[Name, InstanceSettings] = Field(default_factory=dict)
    fleets: dict[Name, FleetSettings] = Field(default_factory=dict)
    launch_accounts: list[_Account] = Field(default_factory=list, description="accounts that may launch its images")

    @field_validator("regions", "launch_accounts")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        return each_once(values)


class ContainerSettings(Model):
    """How many containers of a role, and where this machine reaches them."""

    count: int = Field(default=1, ge=0, le=100)
    port: int | None = Field(default=None, ge=1, le=65535, description="the role's own port here; by default any free")

    @model_validator(mode="after")
    def _one_has_the_port(self) -> ContainerSettings:
        if self.port is not None and self.count > 1:
            raise ValueError(f"port {self.port} is for one container: leave it out, and each gets a free one")
        return self


class DockerSettings(Model):
    """What a stack is told about Docker."""

    containers: dict[Name, ContainerSettings] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """A machine of the stack: its role, and whether whoever has the key may log in."""

    role: str
    open: bool


class Settings(Model):
    """Stack config: `bakewell:<key>` in Pulumi.<stack>.yaml. Defaults here and in Pulumi.yaml agree (tested)."""

    project: Name = "bakewell"
    prefix: Name = "bakewell"
    clouds: list[CloudName] = Field(default=["digitalocean"], min_length=1)
    regions: list[Slug] = Field(default=["nyc3"], min_length=1, description="of DigitalOcean")
    aws: AwsSettings = Field(default_factory=AwsSettings)
    docker: DockerSettings = Field(default_factory=DockerSettings)
    parallel: int = Field(default=4, ge=1, le=64)
    keep: int = Field(default=3, ge=1)
    roles: list[Name] = Field(default_factory=list, description="roles to bake; empty: all in the catalog")
    machines: dict[Name, MachineSettings] = Field(default_factory=dict)
    pins: dict[Name, _Id | dict[CloudName, _Id]] = Field(
        default_factory=dict,
        description="role: image name or ID its machines must use; by cloud where there are several",
    )
    local: bool = Field(default=False, description="the stack may only ever run on the local cloud")
    max_context_mb: int = Field(default=100, ge=1, description="largest context of an image, in MB")
    ready_timeout: int = Field(default=300, ge=1, le=3600, description="how long `up` waits for a machine, in s")

    @field_validator("clouds", "regions", "roles")
    @classmethod
    def _each_once(cls, values: list[str]) -> list[str]:
        return each_once(values)

    @model_validator(mode="after")
    def _pins_name_their_cloud(self) -> Settings:
        for role, pin in self.pins.items():
            if len(self.clouds) > 1 and not isinstance(pin, dict):
                raise ValueError(f"pins.{role}: say on which cloud: bakewell:pins.{role}.{self.clouds[0]}")
        return self

    def pins_on(self, cloud: str) -> dict[str, str]:
        """Role -> name or ID of the image that its machines on a cloud must use."""
        found = {role: pin.get(cloud) if isinstance(pin, dict) else pin for role, pin in self.pins.items()}  # type: ignore[call-overload]
        return {role: pin for role, pin in found.items() if pin is not None}

    def pin_key(self, cloud: str, role: str) -> str:
        """The key under which a role's pin on a cloud is set."""
        return f"bakewell:pins.{role}.{cloud}" if isinstance(self.pins.get(role), dict) else f"bakewell:pins.{role}"

    def machine(self, name: str) -> KnownMachine | None:
        """The machine that the stack calls so; None where it has none of that name."""
        role = name.rpartition("-")[0]
        if role in self.machines:
            return KnownMachine(role, open=bool(self.machines[role].ssh_keys))
        role = role.removeprefix(names.of("aws", ""))
        if role in self.aws.instances:
            own = self.aws.instances[role]
            return KnownMachine(role, open=bool(own.key and own.ssh_from))
        return None

    def regions_of(self, cloud: str) -> list[str]:
        """Where images of a cloud have to be: built in the first, which is also where machines run, else copied."""
        return {"aws": self.aws.regions, "docker": ["local"]}.get(cloud, self.regions)

    def home(self, cloud: str) -> str:
        """The first of `regions_of`."""
        return self.regions_of(cloud)[0]

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object], source: str) -> Settings:
        """Settings from config keys, with or without the `bakewell:` namespace; keys of other namespaces are skipped.

        Pulumi hands config to a program as text (`"4"`, `"true"`, JSON for lists and maps), YAML as values. Both are
        taken, by the type each key has here.

        Args:
            source: the file to name in errors, such as "Pulumi.dev.yaml".

        Raises:
            ConfigError: unknown key, wrong type, or value out of range; it lists them all.
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
            own[name] = _from_text(name, value) if isinstance(value, str) else value
        return checked(cls, own, file=source, what=f"stack config ({NAMESPACE}*)")


def _from_text(name: str, text: str) -> object:
    """Config text as the type that the key has; text that does not fit stays as it is, for the model to refuse."""
    known = Settings.model_fields.get(name)
    wanted: Any = known.annotation if known else str
    if wanted is int and re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if wanted is bool and text in ("true", "false"):
        return text == "true"
    if get_origin(wanted) in (list, dict) or wanted in (AwsSettings, DockerSettings):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def load_settings(stack: str, root: Path) -> Settings:
    """The settings of `stack`, from `root/Pulumi.<stack>.yaml`.

    Raises:
        ConfigError: no such file, not YAML, or anything `Settings.from_mapping` refuses.
    """
    stack = stack.rpartition("/")[2]
    if not _STACK.match(stack):
        remedy = "letters, digits, hyphens, dots and underscores make a stack's name"
        raise ConfigError(f"`{stack}` is no stack's name", remedy=remedy)
    path = root / f"Pulumi.{stack}.yaml"
    with looking("stack config", path):
        missing = not path.exists()
    if missing:
        stacks = sorted(p.name.split(".")[1] for p in root.glob("Pulumi.*.yaml"))
        raise ConfigError(
            f"stack {stack} has no config",
            file=path,
            remedy=f"choose a stack with BAKEWELL_STACK ({', '.join(stacks) or 'none is here'}), or create the file",
        )
    try:
        document = yaml.safe_load(read_text(path, "stack config"))
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # All but the first: values that look like dates, numbers or tagged values and are none; nesting without end.
        problem = " ".join(str(error).split())
        raise ConfigError(f"stack config is not YAML: {problem}", file=path, remedy="correct the syntax") from None
    document = {} if document is None else document
    config = document.get("config") if isinstance(document, dict) else document
    if config is not None and not isinstance(config, dict):
        remedy = f"write `config:` with lines `{NAMESPACE}<key>: value` below it"
        raise ConfigError("stack config is no mapping", file=path, remedy=remedy)
    return Settings.from_mapping({str(key): value for key, value in (config or {}).items()}, str(path))


@dataclass(frozen=True, slots=True)
class Environment:
    """What this process was told by its environment variables; never written to a file, a log or Pulumi's state.

    Attributes:
        endpoint: root URL of DigitalOcean's API, no `/v2`, no slash at the end.
        aws_endpoint: root URL that stands in for all of AWS; None where AWS's SDKs choose their own.
        docker: where the Docker Engine listens, as DOCKER_HOST says it.
        state_dir: where locks and logs of builds go (not created here).
        stack: short name of the stack, "dev" unless said otherwise.
        parallel: how many builds at once, where it overrides the stack's own setting.
        token: API token; read it with `require_token`.
        downloads: a file of checksums that count instead of those in bases.lock; on the local cloud only, whose mirror
            serves programs that it built itself.
        ssh_key: the private key that logs in to machines; where there is none, ssh-agent and ~/.ssh are asked.
    """

    endpoint: str
    state_dir: Path
    stack: str
    parallel: int | None
    token: str = field(repr=False)
    downloads: Path | None = None
    ssh_key: Path | None = None
    aws_endpoint: str | None = None
    docker: str = DOCKER

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Environment:
        """Read DIGITALOCEAN_TOKEN (or …_ACCESS_TOKEN), DIGITALOCEAN_API_URL, AWS_ENDPOINT_URL, DOCKER_HOST,
        BAKEWELL_STATE, BAKEWELL_STACK (or PULUMI_STACK), BAKEWELL_PARALLEL, BAKEWELL_DOWNLOADS and BAKEWELL_SSH_KEY. A
        missing token is no error here. AWS's credentials are its SDK's affair, and none of this.

        Raises:
            ConfigError: a value that cannot be meant; a token is never repeated.
        """
        cache = Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or Path.home()) / ".local" / "state")
        parallel = environ.get("BAKEWELL_PARALLEL", "")
        if parallel and not (re.fullmatch(r"[0-9]{1,2}", parallel) and 1 <= int(parallel) <= 64):
            raise ConfigError(
                f"BAKEWELL_PARALLEL is `{parallel}`", remedy="set it to a number from 1 to 64, or unset it"
            )
        variable = next((name for name in _TOKENS if environ.get(name)), _TOKENS[0])
        token = environ.get(variable, "").strip()
        if token and not re.fullmatch(r"[!-~]+", token):
            raise ConfigError(
                f"{variable} is no token: it holds a space, a control character or a letter outside ASCII",
                remedy="copy the token again: one line, without quotes that a word processor made",
            )
        endpoint = _endpoint("DIGITALOCEAN_API_URL", environ) or DIGITALOCEAN
        aws_endpoint = _endpoint("AWS_ENDPOINT_URL", environ)
        others = [name for name in environ if name.startswith("AWS_ENDPOINT_URL_") and environ[name]]
        if aws_endpoint and (others or environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")):
            raise ConfigError(
                f"AWS_ENDPOINT_URL is set, and so is {', '.join(sorted(others)) or 'what has it ignored'}: images "
                "would be built in one place and looked for in another",
                remedy="unset AWS_ENDPOINT_URL_… and AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            )
        downloads = environ.get("BAKEWELL_DOWNLOADS", "")
        if downloads and not any(_loopback(url) for url in (endpoint, aws_endpoint or AWS)):
            raise ConfigError(_MIRRORED.format(endpoint), remedy=_NO_MIRROR)
        return cls(
            endpoint=endpoint,
            aws_endpoint=aws_endpoint,
            docker=environ.get("DOCKER_HOST") or DOCKER,
            state_dir=Path(environ.get("BAKEWELL_STATE") or cache / "bakewell").absolute(),
            stack=(environ.get("BAKEWELL_STACK") or environ.get("PULUMI_STACK") or "dev").rpartition("/")[2],
            parallel=int(parallel) if parallel else None,
            token=token,
            downloads=Path(downloads).absolute() if downloads else None,
            ssh_key=Path(ssh_key).expanduser().absolute() if (ssh_key := environ.get("BAKEWELL_SSH_KEY")) else None,
        )

    def where(self, cloud: str) -> str:
        """The API that stands for a cloud: what a build's record names, and people are told."""
        return {"aws": self.aws_endpoint or AWS, "docker": self.docker}.get(cloud, self.endpoint)

    def local(self, cloud: str) -> bool:
        """True when the cloud's API is on this machine."""
        return _loopback(self.where(cloud))

    def require_token(self) -> str:
        """The API token. Raises ConfigError where there is none."""
        if not self.token:
            raise ConfigError(
                "no API token: DIGITALOCEAN_TOKEN is not set",
                remedy='export it, or for the local cloud run: eval "$(make -s env)"',
            )
        return self.token

    def check(self, settings: Settings) -> None:
        """Refuse to run a stack that is for the local cloud only (`local: true`) anywhere else, and to give a real
        cloud what the local one's mirror has.

        Raises:
            ConfigError: an endpoint is not on this machine.
        """
        for cloud in settings.clouds:
            if self.local(cloud):
                continue
            if settings.local:
                raise ConfigError(
                    f"stack {self.stack} is for the local cloud only, but the endpoint is {self.where(cloud)}",
                    remedy='run: eval "$(make -s env)" (or choose another stack)',
                )
            if self.downloads is not None:
                raise ConfigError(_MIRRORED.format(self.where(cloud)), remedy=_NO_MIRROR)


def _endpoint(variable: str, environ: Mapping[str, str]) -> str | None:
    url = environ.get(variable)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, secret = parts.hostname, parts.username or parts.password or parts.query
    except ValueError:
        host, secret = None, None
    if host is None or parts.scheme not in ("http", "https") or secret:
        raise ConfigError(f"{variable} is no plain URL", remedy="unset it: the cloud's own is the default")
    if parts.scheme == "http" and not _loopback(url):
        raise ConfigError(f"{variable} {url} would send credentials unencrypted", remedy="use https")
    return url.rstrip("/").removesuffix("/v2")


def _loopback(url: str) -> bool:
    if url.startswith("unix://"):
        return True
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
