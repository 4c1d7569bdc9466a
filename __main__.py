"""The stack, top to bottom: settings, what the cloud holds, images, machines, retention, outputs."""

# ruff: noqa: E402
import gc

gc.set_threshold(100_000)  # its default walks the SDKs' classes dozens of times as they load: a tenth of a preview

import os
from pathlib import Path

import pulumi
import pulumi_digitalocean as digitalocean

from bakewell import desired
from bakewell.clouds import connect
from bakewell.clouds.survey import Survey
from bakewell.retention import Policy
from bakewell.settings import Environment
from bakewell.validation import validate_machines, validate_unbuilt
from components.image_catalog import ImageCatalog
from components.image_retention import ImageRetention
from components.machines import boot
from components.packer_image import CLOUD
from components.stack import patience
from components.stack.config import stack_file, stack_settings
from components.stack.outputs import last_outputs
from components.stack.refusal import refusals
from components.stack.summary import summarise

patience.install()
with refusals():
    root = Path(__file__).parent
    settings = stack_settings(root)
    environment = Environment.read(os.environ)
    environment.check(settings)
    survey = Survey(connect(CLOUD, environment), settings.project, settings.region)
    wanted = desired.read(settings, root, CLOUD, file=stack_file(), mirror=environment.downloads)
    validate_machines(wanted, CLOUD, environment)
    validate_unbuilt(wanted, survey, CLOUD, environment)
    ssh_keys = {
        role: survey.ssh_keys(machine.ssh_keys, f"bakewell:machines.{role}.ssh_keys")
        for role, machine in settings.machines.items()
    }
    pins = {role: survey.pinned(role, image) for role, image in settings.pins.items()}

    last = last_outputs()
    catalog = ImageCatalog("images", {"desired": wanted, "survey": survey, "last": last})
    provider = digitalocean.Provider(CLOUD, api_endpoint=environment.endpoint)
    machines = boot(
        wanted,
        lambda role: pins[role].id if role in pins else catalog.image_id(role, settings.region),
        ssh_keys,
        pulumi.ResourceOptions(provider=provider),
    )
    retention = ImageRetention(
        "retention",
        {
            "stack": pulumi.get_stack(),
            "policy": Policy(settings.keep, frozenset(settings.pins.values()), settings.project),
            "fingerprints": {role: found.value for role, found in wanted.fingerprints.items()},
            "attempts": {role: image.attempt for role, image in catalog.images.items()},
            "survey": survey,
            "last_key": last.apply(lambda outputs: outputs.retention.key if outputs.retention else None),
            "after": [*catalog.images.values(), *machines.values()],
        },
    )

    pulumi.export("images", catalog.published())
    pulumi.export("machines", {name: machine.published() for name, machine in machines.items()})
    pulumi.export("retention", {"key": retention.key})
    summarise(catalog.images)
