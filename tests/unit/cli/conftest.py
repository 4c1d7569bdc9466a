"""Commands run in this process, in a small project on a cloud over machines in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from bakewell.cli import run
from tests.contract.served import TOKEN
from tests.unit.build.conftest import Said, Site, said, site
from tests.unit.one_aws import aws
from tests.unit.one_cloud import one_cloud, served

__all__ = ["Said", "Site", "aws", "one_cloud", "said", "served", "site"]


@dataclass
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


class Bakewell:
    """Calls `bakewell` with arguments."""

    def __init__(self, site: Site, capfd: pytest.CaptureFixture[str]) -> None:
        self.site = site
        self._capfd = capfd

    def __call__(self, *arguments: str) -> Done:
        self._capfd.readouterr()
        code = run(list(arguments))
        out, err = self._capfd.readouterr()
        return Done(code, out, err)


@pytest.fixture
def bakewell(site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Bakewell:
    monkeypatch.chdir(site.root / "packer")
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", site.served.api.endpoint)
    monkeypatch.setenv("BAKEWELL_STATE", str(site.state))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("bakewell.settings.engine.announced", lambda state_dir: "dev")
    return Bakewell(site, capfd)
