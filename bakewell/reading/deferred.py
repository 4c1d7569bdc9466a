"""The base of models that pydantic builds when they are first used: a command needs few of them."""

from __future__ import annotations

import threading
from typing import Any

from pydantic import BaseModel, ConfigDict

_BUILDING = threading.RLock()


class Deferred(BaseModel):
    """A model that costs nothing until it is used, in whichever thread that is."""

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(cls, **options: Any) -> bool | None:
        """As pydantic has it, which calls this at the first use, but never in two threads at once: for a moment, one of
        them would have the validator of the model's parent.
        """
        with _BUILDING:
            return super().model_rebuild(**options)
