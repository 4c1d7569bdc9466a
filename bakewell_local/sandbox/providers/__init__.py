"""Stand-ins for the Pulumi provider plugins that the project uses: `aws`, `command` and `digitalocean`.

They serve the local cloud where the real plugins cannot be had, and behave as the real ones do as far as
`tests/providers` holds them to it: the same tests can run against the real plugins. They implement only what the
project uses; anything else is refused with a message that says so. Production stacks never see them.
"""
