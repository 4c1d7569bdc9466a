"""What an image of ROLE has that BELOW has not: operations of PyInfra, and steps.

The image's identity is written before this, readiness and sealing come after it: packer/before.py and after.py.
"""

from __future__ import annotations
