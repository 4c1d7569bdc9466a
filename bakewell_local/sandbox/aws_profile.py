"""How AWS's tools are led to a local cloud, and away from whatever else their user has: variables and a profile.

A profile named in AWS_PROFILE goes before keys of the environment in some of the SDKs, and an empty AWS_PROFILE is a
missing profile to others. So there is a profile of the local cloud's own, in files that stand in for the user's.
"""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from pydantic import BaseModel

NAME = "default"


class AwsAddress(BaseModel):
    """What AWS's server tells in aws.json; `pid` is None while it is not serving."""

    cloud_id: str
    endpoint: str
    access_key: str
    secret_key: str
    region: str
    pid: int | None = None


def write(folder: Path, address: AwsAddress) -> None:
    """Write the profile's two files in `folder`, readable by their owner only."""
    _write(folder / "config", {"region": address.region, "endpoint_url": address.endpoint})
    keys = {"aws_access_key_id": address.access_key, "aws_secret_access_key": address.secret_key}
    _write(folder / "credentials", keys)


def variables(folder: Path, address: AwsAddress) -> dict[str, str]:
    """What an environment must hold; `write` has written to `folder`."""
    return {
        "AWS_ENDPOINT_URL": address.endpoint,
        "AWS_ACCESS_KEY_ID": address.access_key,
        "AWS_SECRET_ACCESS_KEY": address.secret_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": address.region,
        "AWS_DEFAULT_REGION": address.region,  # boto3 and older tools know no other
        "AWS_PROFILE": NAME,
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
    }


def _write(file: Path, values: dict[str, str]) -> None:
    parser = configparser.RawConfigParser()
    parser[NAME] = values
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
        parser.write(written)
    draft.replace(file)
