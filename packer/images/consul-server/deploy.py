"""The base image, whose agent becomes a server by what user_data tells it."""

from __future__ import annotations

from steps import consul

consul.server()
