"""`python -m sandbox.providers.digitalocean ENGINE_ADDRESS`."""

from __future__ import annotations

from sandbox.providers.digitalocean import main

main()
