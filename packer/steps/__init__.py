"""Provisioning steps: each is one thing an image can have, with its own checks beside it where it has any.

A step is a function that calls PyInfra operations; running it again changes nothing. `checks.py` in a step's folder
tests the machine after the whole deploy, before the snapshot. A step knows nothing of roles: what differs from image
to image comes in as arguments.
"""
