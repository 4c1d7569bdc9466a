"""Who calls AWS, and where: credentials, region, endpoints and account from the provider's configuration, else from the
environment and the profile, refused in the real provider's words.

It calls loopback only: a stand-in that reached the real cloud would spend real money with less care than the real
provider takes. Instance metadata is never asked for credentials, as by the real one's default.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from threading import Lock
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound
from botocore.loaders import create_loader

from bakewell.urls import loopback
from bakewell_local.sandbox.providers.server import Properties, ProviderError

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
        given_region: from the configuration or the environment; "" where only the profile may say it.
        default_tags: what every resource is tagged with.
        account_id: "" before `identify`, and where the configuration says not to ask.
    """

    partition = "aws"

    def __init__(self, config: Properties) -> None:
        """`config` holds the provider's inputs; what is no text arrives as JSON in text. What is not known here is
        ignored, but for what would make it somebody else.

        Raises:
            ProviderError: text that is no JSON; a role to assume, which is not implemented.
        """
        given, env = {key: _decoded(key, value) for key, value in config.items()}, os.environ.get
        for key in ("assumeRoles", "assumeRoleWithWebIdentity"):
            if given.get(key):
                told = "is not implemented by the local cloud's stand-in for the aws plugin: leave it out"
                raise ProviderError(f"{key} {told}")
        self._given = given
        self._profile: str | None = given.get("profile") or None
        self.given_region: str = given.get("region") or env("AWS_REGION") or env("AWS_DEFAULT_REGION") or ""
        self.region = self.given_region or self._region_of_profile()
        self.default_tags: Mapping[str, str] = (given.get("defaultTags") or {}).get("tags") or {}
        self.account_id = ""
        listed = given.get("endpoints") or []
        self._endpoints = {service: url for one in listed for service, url in one.items() if url}
        self._attempts = int(given.get("maxRetries") or env("AWS_MAX_ATTEMPTS") or _ATTEMPTS)
        self._clients: dict[tuple[str, str, int], Any] = {}
        self._session: Any = None
        self._lock = Lock()

    def client(self, service: str, region: str | None = None, *, attempts: int = 0) -> Any:
        """A boto3 client, the same each time; throttling and faults of the server are retried.

        Raises:
            ProviderError: it would call elsewhere than loopback.
        """
        key = (service, region or self.region, attempts or self._attempts)
        with self._lock:
            if self._session is None:
                self._session = self._credentials()
            if key not in self._clients:
                self._clients[key] = self._client(*key)
            return self._clients[key]

    def fault(self) -> str | None:
        """Why these settings cannot be used, in the words of the real provider's check; None where they can."""
        if not self.region:
            return NO_REGION
        if _true(self._given.get("skipCredentialsValidation") or os.environ.get("AWS_SKIP_CREDENTIALS_VALIDATION")):
            return None
        try:
            self.client("sts", attempts=3).get_caller_identity()
        except ProfileNotFound:
            return _invalid(f"failed to get shared config profile, {self._profile}")
        except NoCredentialsError:
            return NO_CREDENTIALS
        except (ClientError, BotoCoreError) as error:
            if "The security token included in the request is invalid" in str(error):
                return INVALID_CREDENTIALS
            return _invalid(
                f"validating provider credentials: retrieving caller identity from STS: {self.words(error)}"
            )
        return None

    def identify(self) -> None:
        """Learn the account, and refuse one that this provider is not meant for.

        Raises:
            ProviderError: the account is not allowed, or cannot be known.
        """
        if not _true(self._given.get("skipRequestingAccountId")):
            try:
                self.account_id = self.client("sts").get_caller_identity()["Account"]
            except (ClientError, BotoCoreError) as error:
                raise ProviderError(f"retrieving AWS account details: {self.words(error)}") from error
        allowed, forbidden = self._given.get("allowedAccountIds"), self._given.get("forbiddenAccountIds") or ()
        if (allowed and self.account_id not in allowed) or self.account_id in forbidden:
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

    def _credentials(self) -> Any:
        given, session = self._given, self._botocore()
        session.get_component("credential_provider").remove("iam-role")
        keys = {"aws_access_key_id": given.get("accessKey"), "aws_secret_access_key": given.get("secretKey")}
        return boto3.Session(botocore_session=session, aws_session_token=given.get("token"), **keys)

    def _botocore(self) -> Any:
        session = botocore.session.Session(profile=self._profile)
        session.register_component("data_loader", _MODELS)
        return session

    def _region_of_profile(self) -> str:
        try:
            return str(self._botocore().get_config_variable("region") or "")
        except ProfileNotFound:
            return ""

    def _client(self, service: str, region: str, attempts: int) -> Any:
        retries: Any = {"total_max_attempts": attempts, "mode": os.environ.get("AWS_RETRY_MODE") or "standard"}
        config = Config(retries=retries, connect_timeout=10, read_timeout=300, proxies={})
        endpoint = self._endpoints.get(service)
        client = self._session.client(service, region_name=region, endpoint_url=endpoint, config=config)
        url = client.meta.endpoint_url
        if not loopback(url):
            raise ProviderError(
                f"the local cloud's stand-in for the aws plugin calls loopback only, not {url}: set AWS_ENDPOINT_URL "
                "(or aws:endpoints) to the local cloud's address, or install the real plugin"
            )
        return client


def _invalid(details: str) -> str:
    return f"unable to validate AWS credentials.\nDetails: {details}\n"
