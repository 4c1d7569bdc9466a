"""Who calls AWS, and where: credentials, region, endpoints and account from the provider's configuration, else from the
environment and the profile, refused in the real provider's words.

It calls loopback only: a stand-in that reached the real cloud would spend real money with less care than the real
provider takes. Instance metadata is never asked for credentials, as by the real one's default.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials, create_assume_role_refresher
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound
from botocore.loaders import create_loader

from sandbox.providers.server import Properties, ProviderError

_SERVICES = {"ec2": "EC2", "autoscaling": "Auto Scaling", "ssm": "SSM", "sts": "STS"}
_ATTEMPTS = 25  # the real provider's; its look at the credentials makes 3
_SEE = (
    "Please see https://www.pulumi.com/registry/packages/aws/installation-configuration/ for more information about "
    "providing credentials."
)
# EC2's description takes a third of a second to read: once is enough.
_MODELS = create_loader()
NO_REGION = (
    "Missing region information\nMake sure you have set your AWS region, e.g. `pulumi config set aws:region us-west-2`."
)
NO_CREDENTIALS = f"No valid credential sources found.\n{_SEE}"
INVALID_CREDENTIALS = f"Invalid credentials configured.\n{_SEE}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What of the provider's configuration is heeded; the rest is ignored."""

    region: str
    profile: str | None
    access_key: str | None
    secret_key: str | None
    token: str | None
    endpoints: Mapping[str, str]
    roles: tuple[Mapping[str, Any], ...]
    allowed: tuple[str, ...]
    forbidden: tuple[str, ...]
    default_tags: Mapping[str, str]
    skip_validation: bool
    skip_account: bool
    attempts: int
    retry_mode: str
    shared_files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, config: Properties) -> Settings:
        """`config` holds the provider's inputs; what is no text arrives as JSON in text."""
        given = {key: _decoded(key, value) for key, value in config.items()}
        env = os.environ.get
        endpoints = {service: url for one in given.get("endpoints") or [] for service, url in one.items() if url}
        files = {"config_file": "sharedConfigFiles", "credentials_file": "sharedCredentialsFiles"}
        return cls(
            region=given.get("region") or env("AWS_REGION") or env("AWS_DEFAULT_REGION") or "",
            profile=given.get("profile") or None,
            access_key=given.get("accessKey") or None,
            secret_key=given.get("secretKey") or None,
            token=given.get("token") or None,
            endpoints=endpoints,
            roles=tuple(given.get("assumeRoles") or ()),
            allowed=tuple(given.get("allowedAccountIds") or ()),
            forbidden=tuple(given.get("forbiddenAccountIds") or ()),
            default_tags=(given.get("defaultTags") or {}).get("tags") or {},
            skip_validation=_true(given.get("skipCredentialsValidation") or env("AWS_SKIP_CREDENTIALS_VALIDATION")),
            skip_account=_true(given.get("skipRequestingAccountId")),
            attempts=int(given.get("maxRetries") or env("AWS_MAX_ATTEMPTS") or _ATTEMPTS),
            retry_mode=given.get("retryMode") or env("AWS_RETRY_MODE") or "standard",
            shared_files={name: given[key][0] for name, key in files.items() if given.get(key)},
        )


def _decoded(key: str, value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ProviderError(f"could not parse the provider's {key} as JSON: {error}") from error
    return value


def _true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


class Cloud:
    """AWS as one account sees it; safe to use from many threads.

    Attributes:
        account_id: "" before `identify`, and where the configuration says not to ask.
    """

    partition = "aws"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.region = settings.region or _region_of_profile(settings)
        self.account_id = ""
        self._clients: dict[tuple[str, str, int], Any] = {}
        self._session: Any = None
        self._lock = Lock()

    def client(self, service: str, region: str | None = None, *, attempts: int = 0) -> Any:
        """A boto3 client, the same each time; throttling and faults of the server are retried.

        Raises:
            ProviderError: it would call elsewhere than loopback.
        """
        key = (service, region or self.region, attempts or self.settings.attempts)
        with self._lock:
            if self._session is None:
                self._session = self._assumed(self._own())
            if key not in self._clients:
                self._clients[key] = self._client(self._session, *key)
            return self._clients[key]

    def fault(self) -> str | None:
        """Why these settings cannot be used, in the words of the real provider's check; None where they can."""
        if not self.region:
            return NO_REGION
        if self.settings.skip_validation:
            return None
        try:
            self.client("sts", attempts=3).get_caller_identity()
        except ProfileNotFound:
            return _invalid(f"failed to get shared config profile, {self.settings.profile}")
        except NoCredentialsError:
            return NO_CREDENTIALS
        except ClientError as error:
            if error.operation_name == "AssumeRole":
                return _invalid(
                    f"IAM Role ({self.settings.roles[0].get('roleArn')}) cannot be assumed.\n{self.words(error)}"
                )
            if "The security token included in the request is invalid" in str(error):
                return INVALID_CREDENTIALS
            return _invalid(
                f"validating provider credentials: retrieving caller identity from STS: {self.words(error)}"
            )
        except BotoCoreError as error:
            told = f"operation error STS: GetCallerIdentity, {error}"
            return _invalid(f"validating provider credentials: retrieving caller identity from STS: {told}")
        return None

    def identify(self) -> None:
        """Learn the account, and refuse one that this provider is not meant for.

        Raises:
            ProviderError: the account is not allowed, or cannot be known.
        """
        if not self.settings.skip_account:
            try:
                self.account_id = self.client("sts").get_caller_identity()["Account"]
            except (ClientError, BotoCoreError) as error:
                raise ProviderError(f"retrieving AWS account details: {self.words(error)}") from error
        refused = self.settings.allowed and self.account_id not in self.settings.allowed
        if refused or self.account_id in self.settings.forbidden:
            raise ProviderError(f"AWS account ID not allowed: {self.account_id}")

    def words(self, error: Exception) -> str:
        """An error as the real provider's SDK words it."""
        if not isinstance(error, ClientError):
            return str(error)
        service, modeled = "", False
        for client in list(self._clients.values()):
            model = client.meta.service_model
            if error.operation_name in model.operation_names:
                service = _SERVICES.get(model.service_name, model.service_id)
                modeled = type(error) is not ClientError
        answer = error.response.get("ResponseMetadata", {})
        code = error.response.get("Error", {}).get("Code", "")
        told = f"{'' if modeled else 'api error '}{code}: {error.response.get('Error', {}).get('Message', '')}"
        request = f"StatusCode: {answer.get('HTTPStatusCode', 0)}, RequestID: {answer.get('RequestId', '')}"
        return f"operation error {service}: {error.operation_name}, https response error {request}, {told}"

    def _own(self) -> Any:
        given, session = self.settings, _botocore(self.settings)
        session.get_component("credential_provider").remove("iam-role")
        keys = {"aws_access_key_id": given.access_key, "aws_secret_access_key": given.secret_key}
        return boto3.Session(botocore_session=session, aws_session_token=given.token, **keys)

    def _assumed(self, session: Any) -> Any:
        for role in self.settings.roles:
            sts = self._client(session, "sts", self.region, 3)
            wanted = {"RoleArn": role["roleArn"], "RoleSessionName": role.get("sessionName") or "pulumi"}
            options = {"ExternalId": role.get("externalId"), "Policy": role.get("policy")}
            wanted |= {key: value for key, value in options.items() if value}
            self._clients["sts", self.region, 0] = sts  # `words` knows its operations by it
            refresh = create_assume_role_refresher(sts, wanted)
            fresh: Any = botocore.session.Session()
            fresh.register_component("data_loader", _MODELS)
            # As its own `set_credentials`, which takes fixed keys only.
            fresh._credentials = DeferredRefreshableCredentials(refresh_using=refresh, method="assume-role")
            session = boto3.Session(botocore_session=fresh)
        return session

    def _client(self, session: Any, service: str, region: str, attempts: int) -> Any:
        retries: Any = {"total_max_attempts": attempts, "mode": self.settings.retry_mode}
        config = Config(
            retries=retries,
            connect_timeout=10,
            read_timeout=300,
            proxies={},
        )
        client = session.client(
            service, region_name=region, endpoint_url=self.settings.endpoints.get(service), config=config
        )
        url = client.meta.endpoint_url
        if not _is_loopback(urlsplit(url).hostname or ""):
            raise ProviderError(
                f"the local cloud's stand-in for the aws plugin calls loopback only, not {url}: set AWS_ENDPOINT_URL "
                "(or aws:endpoints) to the local cloud's address, or install the real plugin"
            )
        return client


def _region_of_profile(settings: Settings) -> str:
    try:
        return str(_botocore(settings).get_config_variable("region") or "")
    except ProfileNotFound:
        return ""


def _botocore(settings: Settings) -> Any:
    session = botocore.session.Session(profile=settings.profile)
    for name, path in settings.shared_files.items():
        session.set_config_variable(name, path)
    session.register_component("data_loader", _MODELS)
    return session


def _invalid(details: str) -> str:
    return f"unable to validate AWS credentials.\nDetails: {details}\n"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
