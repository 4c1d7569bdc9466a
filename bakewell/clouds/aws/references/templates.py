"""Launch templates, by the versions that something would launch, and what launchers name themselves.

A version counts where it is the default or the latest one, or where a launcher names it. Versions that nothing would
launch do not: each new image makes one, and would be kept for good by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.answers.launching import LaunchTemplate, LaunchTemplateVersion
from bakewell.clouds.aws.api import Clients, unless_gone
from bakewell.clouds.aws.references.launchers import Launcher
from bakewell.errors import CloudError
from bakewell.image import Reference

_BY_PARAMETER = "resolve:ssm:"


def used(clients: Clients, region: str, launchers: Sequence[Launcher]) -> Iterator[Reference]:
    """References by templates and by launchers, through whichever they name an AMI."""
    named: dict[str, dict[str, Launcher]] = {}
    """Launch template, by ID or name -> version -> what names it."""
    for launcher in launchers:
        for key, version in launcher.versions:
            named.setdefault(key, {})[version] = launcher
        for image in launcher.images:
            for image_id in _resolved(clients, region, image):
                yield Reference(image_id, launcher.kind, launcher.name, launcher.name)
    for page in clients.pages(region, calls.LAUNCH_TEMPLATES, f"list launch templates in {region}"):
        for template in page.launch_templates:
            asked = named.get(template.launch_template_id, {}) | named.get(template.launch_template_name, {})
            yield from _of_template(clients, region, template, asked)


def _of_template(
    clients: Clients, region: str, template: LaunchTemplate, asked: dict[str, Launcher]
) -> Iterator[Reference]:
    versions = _versions(clients, region, template)
    if not versions:
        return
    # The latest of those that are there: the template may have been read before its latest version was deleted.
    latest = max(version.version_number for version in versions)
    names = {"$Default": template.default_version_number, "$Latest": latest}
    by_number = {str(names.get(version, version)): launcher for version, launcher in asked.items()}
    launchable = {*map(str, names.values()), *by_number}
    for version in versions:
        number, image = str(version.version_number), version.launch_template_data.image_id
        if number not in launchable or not image:
            continue
        for image_id in _resolved(clients, region, image):
            name = f"{template.launch_template_name} version {number}"
            yield Reference(image_id, "launch template", f"{template.launch_template_id}:{number}", name)
            if number in by_number:
                yield Reference(image_id, by_number[number].kind, by_number[number].name, by_number[number].name)


def _versions(clients: Clients, region: str, template: LaunchTemplate) -> list[LaunchTemplateVersion]:
    """All versions: asked for one that was deleted, which an instance may still name, AWS answers with an error alone.

    None of a template that is gone by now. The default one cannot be deleted, so it must be among them.
    """
    name, found = template.launch_template_id, list[LaunchTemplateVersion]()
    what = f"read versions of launch template {template.launch_template_name} in {region}"
    with unless_gone(name):
        pages = clients.pages(region, calls.LAUNCH_TEMPLATE_VERSIONS, what, LaunchTemplateId=name)
        found = [version for page in pages for version in page.launch_template_versions]
        if any(version.launch_template_id != name for version in found) or not any(
            version.version_number == template.default_version_number for version in found
        ):
            raise CloudError(
                f"AWS's answer is not whole, so it cannot be used to {what}: "
                f"{calls.LAUNCH_TEMPLATE_VERSIONS.action} lacks the default version, "
                f"{template.default_version_number}, or has another template's",
                remedy="run the command again",
            )
    return found


def _resolved(clients: Clients, region: str, image: str) -> list[str]:
    """The AMI that is named: itself, or by an SSM parameter (`resolve:ssm:NAME[:VERSION]`).

    None where there is no such parameter: nothing is launched from that.
    """
    if not image.startswith(_BY_PARAMETER):
        return [image]
    name, values = image.removeprefix(_BY_PARAMETER), list[str]()
    with unless_gone(name):
        what = f"read the parameter of {image} in {region}"
        values.append(clients.ask(region, calls.PARAMETER, what, Name=name).parameter.value)
    return values
