"""AWS's API as this project uses it: one client a service and region, retries, and errors in our words.

Credentials are boto3's own affair: the environment, AWS_PROFILE, assumed roles, SSO, an instance's role. Where requests
go, too: AWS_ENDPOINT_URL. Nothing here knows what an image of ours is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection

from bakewell.errors import CloudError

if TYPE_CHECKING:
    from types_boto3_autoscaling.client import AutoScalingClient
    from types_boto3_ec2.client import EC2Client
    from types_boto3_iam.client import IAMClient
    from types_boto3_kms.client import KMSClient
    from types_boto3_ssm.client import SSMClient
    from types_boto3_sts.client import STSClient

# Standard mode waits longer after each refusal (up to 20 s), and knows which errors mean "slower": throttling, 5xx. Ten
# tries are about two minutes.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 10},
    connect_timeout=10,
    read_timeout=60,
    user_agent_extra="bakewell",
)
_LOG_IN = 'log in again (aws sso login, or new keys); for the local cloud: eval "$(make -s env)"'
_WHO = 'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for the local cloud: eval "$(make -s env)"'
_OR_REGION = "; AWS says the same in a region that the account has not enabled: see bakewell:aws.regions"
_SLOWER = "the account calls this API too often: run it again later, or with a smaller bakewell:parallel"
_MORE = "give the role the permissions that docs/aws.md lists"
_REMEDIES = {
    "ExpiredToken": _LOG_IN,
    "ExpiredTokenException": _LOG_IN,
    "RequestExpired": _LOG_IN + "; and see that this host's clock is right",
    "AuthFailure": _WHO + _OR_REGION,
    "InvalidClientTokenId": _WHO + _OR_REGION,
    "SignatureDoesNotMatch": _WHO,
    "UnrecognizedClientException": _WHO,
    "UnauthorizedOperation": _MORE,
    "AccessDenied": _MORE,
    "AccessDeniedException": _MORE,
    "OptInRequired": "enable the region for the account, or take it out of bakewell:aws.regions",
    "RequestLimitExceeded": _SLOWER,
    "Throttling": _SLOWER,
    "ThrottlingException": _SLOWER,
}


_GONE = (
    "InvalidAMIID.NotFound",
    "InvalidAMIID.Unavailable",
    "InvalidSnapshot.NotFound",
    "InvalidInstanceID.NotFound",
    "InvalidLaunchTemplateId.NotFound",
    "NoSuchEntity",
    "NotFoundException",
    "ParameterNotFound",
    "ParameterVersionNotFound",
)


class Refusal(CloudError):
    """AWS answered with an error. `code` is AWS's own, such as "InvalidAMIID.NotFound"."""

    def __init__(self, what: str, *, code: str, remedy: str) -> None:
        super().__init__(what, remedy=remedy)
        self.code = code


class Clients:
    """Clients of one account, made when they are first asked for."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], object] = {}
        self._making = threading.Lock()
        self._session: boto3.Session | None = None

    def ec2(self, region: str) -> EC2Client:
        return self._client("ec2", region)  # type: ignore[return-value]

    def ssm(self, region: str) -> SSMClient:
        return self._client("ssm", region)  # type: ignore[return-value]

    def autoscaling(self, region: str) -> AutoScalingClient:
        return self._client("autoscaling", region)  # type: ignore[return-value]

    def iam(self, region: str) -> IAMClient:
        return self._client("iam", region)  # type: ignore[return-value]

    def kms(self, region: str) -> KMSClient:
        return self._client("kms", region)  # type: ignore[return-value]

    def sts(self, region: str) -> STSClient:
        return self._client("sts", region)  # type: ignore[return-value]

    def _client(self, service: str, region: str) -> object:
        """Made under a lock: a session is not safe for threads, its clients are."""
        with self._making, asking(f"set up {service} in {region}"):
            if self._session is None:
                self._session = boto3.Session()
            key = (service, region)
            if key not in self._made:
                self._made[key] = self._session.client(service, region_name=region, config=_CONFIG)  # type: ignore[call-overload]
            return self._made[key]


@contextmanager
def unless_gone() -> Iterator[None]:
    """Around `asking`: what is to be deleted or looked at may be gone by now, and that is no error."""
    try:
        yield
    except Refusal as error:
        if error.code not in _GONE:
            raise


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Around calls to AWS: its errors, and botocore's own, as a `CloudError` that names `what` was tried.

    Raises:
        Refusal: AWS answered with an error, after retries where they help.
        CloudError: no credentials, no network, or an answer that cannot be read.
    """
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        code = str(said.get("Code", "unknown"))
        remedy = _REMEDIES.get(code, "see what AWS says, then run the command again")
        raise Refusal(
            f"AWS refuses to {what}: {said.get('Message', error)} ({code})", code=code, remedy=remedy
        ) from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound, CredentialRetrievalError) as error:
        raise CloudError(f"no AWS credentials to {what} with: {error}", remedy=_WHO) from error
    except (SSOError, TokenRetrievalError, LoginError) as error:
        raise CloudError(f"no AWS credentials to {what} with: {error}", remedy=_LOG_IN) from error
    except NoRegionError as error:
        raise CloudError(f"no region to {what} in", remedy="set bakewell:aws.regions") from error
    except (HTTPClientError, NoConnection) as error:
        raise CloudError(
            f"AWS cannot be reached to {what}: {error}",
            remedy="check the network and AWS_ENDPOINT_URL; for the local cloud: `make up CLOUDS=aws`",
        ) from error
    except BotoCoreError as error:
        raise CloudError(f"AWS's answer is of no use to {what}: {error}", remedy="run the command again") from error
