"""The stack, top to bottom: settings, and for each cloud what it holds, images, machines, retention; then outputs."""

# ruff: noqa: E402
import gc

gc.set_threshold(100_000)  # its default walks the SDKs' classes dozens of times as they load: a tenth of a preview

import os
from pathlib import Path

import pulumi
from pulumi_bakewell.on_cloud import OnCloud
from pulumi_bakewell.stack import commands, patience
from pulumi_bakewell.stack.config import stack_settings
from pulumi_bakewell.stack.exports import exported
from pulumi_bakewell.stack.identity import identified
from pulumi_bakewell.stack.outputs import last_outputs
from pulumi_bakewell.stack.refusal import refusals
from pulumi_bakewell.stack.summary import summarise

from bakewell.settings import Environment

patience.install()
with refusals():
    root = Path(__file__).parent
    settings = stack_settings(root)
    environment = Environment.read(os.environ)
    environment.check(settings)
    commands.announce(environment)
    last = last_outputs()
    identity = identified(last)
    # All are looked at before anything is made of any: a stack that is refused for one cloud changes none.
    clouds = [OnCloud.look(cloud, settings, environment, root) for cloud in settings.clouds]
    for cloud in clouds:
        cloud.make(last, identity)
    for name, value in exported(clouds, identity).items():
        pulumi.export(name, value)
    summarise([cloud.catalog for cloud in clouds])
    gc.freeze()  # at its end, Python walks all that is not frozen
