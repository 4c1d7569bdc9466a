"""Commands run in this process, in a small project on a cloud over machines in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from bakewell.cli import run
from tests.contract.served import TOKEN
from tests.unit.build.conftest import Said, Site, said, site

__all__ = ["Said", "Site", "said", "site"]


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

    def settle(self, *settings: str) -> None:
        """Have the stack, which is for the local cloud, say this besides: "keep: 1"."""
        lines = "".join(f"  bakewell:{setting}\n" for setting in ("local: true", *settings))
        (self.site.root / "Pulumi.dev.yaml").write_text(f"config:\n{lines}")

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
