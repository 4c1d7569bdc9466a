"""Machine images as infrastructure: everything that needs no Pulumi.

The components, the build command that Pulumi runs and the operator's CLI share this code. Nothing here imports
pulumi, and nothing here imports the local cloud (`bakewell_local/`).
"""
