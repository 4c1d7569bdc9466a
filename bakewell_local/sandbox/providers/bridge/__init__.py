"""What the real digitalocean and aws plugins have in common: each is a Terraform provider behind Pulumi's bridge.

`schema` is what the bridge and Terraform's SDK make of inputs and states, `resource` the frame of every resource,
`waiting` how Terraform's SDK waits. No API is called here.
"""
