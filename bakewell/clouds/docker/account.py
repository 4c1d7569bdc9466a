"""Docker has no account: what stands for it is the engine."""

from __future__ import annotations

from bakewell.clouds.docker import answers, api
from bakewell.clouds.docker.api import Engine


class Account:
    """The engine, as people know it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check(self) -> str:
        what = "say which engine it is"
        with api.asking(what):
            about = api.read(answers.About, self._engine.client.api.info(), what)
        return f"{about.name}, Docker {about.version}"
