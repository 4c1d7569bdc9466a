"""How fast the stand-ins' clock runs.

The real plugins pause for a fixed time before they look at what they ordered, and between two looks: 10 s, then 3, 6
and 10 s. The stand-ins pause in the same order, for a fiftieth of that time; BAKEWELL_STAND_IN_PACE is another factor,
1 the real plugins' own. Limits (`customTimeouts`, the plugins' own) are not scaled.
"""

from __future__ import annotations

import os

VARIABLE = "BAKEWELL_STAND_IN_PACE"
_QUICK = 0.02
# Never zero: whoever waits has to look a second time.
_LEAST = 0.001


def scaled(seconds: float) -> float:
    """How long a stand-in pauses where the real plugin pauses for `seconds`.

    Raises:
        ValueError: BAKEWELL_STAND_IN_PACE is no number.
    """
    return seconds * max(_LEAST, float(os.environ.get(VARIABLE) or _QUICK))
