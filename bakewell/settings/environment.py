"""The environment of a process: endpoints and credentials of clouds, and the state directory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bakewell.errors import ConfigError, file_error
from bakewell.settings.stack import Settings
from bakewell.urls import loopback, shown

DIGITALOCEAN = "https://api.digitalocean.com"
AWS = "https://amazonaws.com"  # stands for the endpoints that AWS's SDKs choose by service and region
DOCKER = "unix:///var/run/docker.sock"
_MIRRORED = "BAKEWELL_DOWNLOADS is set, but the endpoint is {}: images of a real cloud are made of what vendors publish"
_NO_MIRROR = 'unset it, so that packer/bases.lock counts; or for the local cloud run: eval "$(bakewell local env)"'
TOKENS = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_API_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
"""Variables for the token, in order of precedence. Pulumi's provider reads only the first and the last, in this order;
components/pulumi_bakewell/digitalocean/provider.py maps the second."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Settings from environment variables; never written to a file, a log or Pulumi's state.

    Attributes:
        endpoint: root URL of DigitalOcean's API, no `/v2`, no slash at the end.
        aws_endpoint: root URL that stands in for all of AWS; None where AWS's SDKs choose their own.
        docker: where the Docker Engine listens, as DOCKER_HOST says it.
        state_dir: where locks and logs of builds go (not created here).
        stack: short name of the stack, "dev" unless said otherwise.
        parallel: how many builds at once, where it overrides the stack's own setting.
        token: API token; read it with `require_token`.
        token_name: the variable that it comes from.
        downloads: a file of checksums that count instead of those in bases.lock; on the local cloud only, whose mirror
            serves programs that it built itself.
        ssh_key: the private key that logs in to machines; where there is none, ssh-agent and ~/.ssh are asked.
        bastion_key: the private key that logs in to the bastion of `bakewell:builders`.
    """

    endpoint: str
    state_dir: Path
    stack: str
    parallel: int | None
    token: str = field(repr=False)
    downloads: Path | None = None
    ssh_key: Path | None = None
    bastion_key: Path | None = None
    aws_endpoint: str | None = None
    docker: str = DOCKER
    token_name: str = TOKENS[0]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Environment:
        """Read DIGITALOCEAN_TOKEN (or another of `TOKENS`), DIGITALOCEAN_API_URL, AWS_ENDPOINT_URL, DOCKER_HOST,
        BAKEWELL_STATE, BAKEWELL_STACK (or PULUMI_STACK), BAKEWELL_PARALLEL, BAKEWELL_DOWNLOADS, BAKEWELL_SSH_KEY and
        BAKEWELL_BASTION_KEY. A missing token is no error here. AWS's credentials are its SDK's affair.

        Raises:
            ConfigError: a value that cannot be meant; a token is never repeated.
        """
        parallel = environ.get("BAKEWELL_PARALLEL", "")
        if parallel and not (re.fullmatch(r"[0-9]{1,2}", parallel) and 1 <= int(parallel) <= 64):
            raise ConfigError(
                f"BAKEWELL_PARALLEL is `{parallel}`", remedy="set it to a number from 1 to 64, or unset it"
            )
        variable = next((name for name in TOKENS if environ.get(name, "").strip()), TOKENS[0])
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
        if downloads and not any(loopback(url) for url in (endpoint, aws_endpoint or AWS)):
            raise ConfigError(_MIRRORED.format(endpoint), remedy=_NO_MIRROR)
        return cls(
            endpoint=endpoint,
            aws_endpoint=aws_endpoint,
            docker=environ.get("DOCKER_HOST") or DOCKER,
            state_dir=_state_dir(environ),
            stack=(environ.get("BAKEWELL_STACK") or environ.get("PULUMI_STACK") or "dev").rpartition("/")[2],
            parallel=int(parallel) if parallel else None,
            token=token,
            token_name=variable,
            downloads=_absolute("BAKEWELL_DOWNLOADS", downloads) if downloads else None,
            ssh_key=_absolute("BAKEWELL_SSH_KEY", ssh_key, home=True)
            if (ssh_key := environ.get("BAKEWELL_SSH_KEY"))
            else None,
            bastion_key=_absolute("BAKEWELL_BASTION_KEY", bastion_key, home=True)
            if (bastion_key := environ.get("BAKEWELL_BASTION_KEY"))
            else None,
        )

    def where(self, cloud: str) -> str:
        """The API that stands for a cloud: what a build's record names, and people are told."""
        return {"aws": self.aws_endpoint or AWS, "docker": shown(self.docker)}.get(cloud, self.endpoint)

    def local(self, cloud: str) -> bool:
        """True when the cloud's API is on this machine."""
        return loopback(self.docker if cloud == "docker" else self.where(cloud))

    def require_token(self) -> str:
        """The API token. Raises ConfigError where there is none."""
        if not self.token:
            raise ConfigError(
                f"no API token: {TOKENS[0]} is not set, nor is {' or '.join(TOKENS[1:])}",
                remedy='export it, or for the local cloud run: eval "$(bakewell local env)"',
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
                    remedy='run: eval "$(bakewell local env)" (or choose another stack)',
                )
            if self.downloads is not None:
                raise ConfigError(_MIRRORED.format(self.where(cloud)), remedy=_NO_MIRROR)


def _state_dir(environ: Mapping[str, str]) -> Path:
    for variable, below in (("BAKEWELL_STATE", ""), ("XDG_STATE_HOME", "bakewell"), ("HOME", ".local/state/bakewell")):
        if value := environ.get(variable):
            return _absolute(variable, value) / below
    try:
        return Path.home() / ".local" / "state" / "bakewell"
    except RuntimeError as error:  # a user that the system has no entry of
        raise ConfigError(
            "there is no place for locks and logs: HOME is not set, and this user has no home folder",
            remedy="set BAKEWELL_STATE to a directory of yours",
        ) from error


def _absolute(variable: str, value: str, *, home: bool = False) -> Path:
    """The path that a variable holds; `home`: one that may begin with `~` or `~user`.

    Raises:
        ConfigError: there is no such user, or the path is relative to a working directory that is gone.
    """
    try:
        return (Path(value).expanduser() if home else Path(value)).absolute()
    except RuntimeError as error:
        raise ConfigError(
            f"{variable} is `{value}`, and there is no such user or home folder",
            remedy=f"set {variable} to an absolute path",
        ) from error
    except OSError as error:
        raise file_error(
            error,
            f"{variable} is `{value}`, relative to a working directory that is gone",
            file=None,
            remedy=f"change into a folder that is there, or set {variable} to an absolute path",
        ) from error


def _endpoint(variable: str, environ: Mapping[str, str]) -> str | None:
    url = environ.get(variable)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, secret = parts.hostname, parts.username or parts.password or parts.query
        _ = parts.port  # which only looks whether it is a number when it is asked for
    except ValueError:
        host, secret = None, None
    if host is None or parts.scheme not in ("http", "https") or secret:
        raise ConfigError(f"{variable} is no plain URL", remedy="unset it: the cloud's own is the default")
    if parts.scheme == "http" and not loopback(url):
        raise ConfigError(f"{variable} {url} would send credentials unencrypted", remedy="use https")
    return url.rstrip("/").removesuffix("/v2")
