"""HTTP to this machine, and to containers on it, by no proxy: urllib would take the one that HTTP_PROXY names."""

from __future__ import annotations

import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
