"""DigitalOcean's API v2 over containers: the local cloud's front for development and tests.

It serves what Packer's plugin, doctl, pydo and the Pulumi provider use. What it doesn't offer (volumes, load balancers,
projects, backups, custom images, firewalls, actions by tag, …) answers 404. Nothing in production imports it.
"""
