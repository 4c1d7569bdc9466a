"""One DigitalOcean account: whose it is, what time it is there, and its public keys."""

from __future__ import annotations

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.api import Api
from bakewell.clouds.resources import AccountKey
from bakewell.errors import CloudError


class Account:
    """The account that the token opens."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def check(self) -> str:
        account = self._api.get("/v2/account", answers.ACCOUNT).it
        if account.status not in ("active", "warning"):
            raise CloudError(f"the DigitalOcean account is {account.status}", remedy="see the account's billing page")
        return account.email or account.uuid

    def now(self) -> float:
        return self._api.clock.now(lambda: self._api.get("/v2/images?private=true&per_page=1", answers.IMAGES))


class AccountKeys:
    """The public keys of the account."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def all(self) -> list[AccountKey]:
        return [AccountKey(item.key, item.name) for item in self._api.pages("/v2/account/keys", answers.SSH_KEYS)]
