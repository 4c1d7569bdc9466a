"""Blocks on their way into a role: builds, their sources, and each kind of provisioner."""
