"""What to do with what is not translated, by what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bakewell.migration.language.syntax import Other, Reference

if TYPE_CHECKING:
    from bakewell.migration.language.template import Template

_FUNCTIONS = {
    "templatefile": "put the file into templates/ as a Jinja2 template and write it with `files.template` in deploy.py",
    "template": "put the file into templates/ as a Jinja2 template and write it with `files.template` in deploy.py",
    "file": "put the file into files/ and use it from there",
    "filebase64": "put the file into files/ and use it from there",
    "fileset": "name the files in deploy.py",
    "env": "declare it under [secrets] where it is secret; write its value under [variables] where it is not",
    "consul_key": "read it when the machine starts, or write its value under [variables]",
    "vault": "declare it under [secrets] and export it before a build",
    "aws_secretsmanager": "declare it under [secrets] and export it before a build",
    "timestamp": "leave it out: Bakewell names and dates images by itself, and equal files make one image",
    "formatdate": "leave it out: Bakewell names and dates images by itself, and equal files make one image",
    "isotime": "leave it out: Bakewell names and dates images by itself, and equal files make one image",
    "legacy_isotime": "leave it out: Bakewell names and dates images by itself, and equal files make one image",
    "uuidv4": "leave it out: an image whose files are equal is the same image",
    "uuid": "leave it out: an image whose files are equal is the same image",
    "build": "use `host.data`, which has role and image, in deploy.py",
}
_DATA = {
    "amazon-ami": "name the image by `base` or `parent` in image.toml",
    "digitalocean-image": "name the image by `base` or `parent` in image.toml",
    "amazon-secretsmanager": "declare it under [secrets] and export it before a build",
    "amazon-parameterstore": "write its value under [variables]; declare it under [secrets] where it is one",
    "http": "download it in deploy.py by its checksum, or put the file into files/: what a build sees is hashed",
    "git-commit": "leave it out: an image's fingerprint names its files",
    "hcp-packer-artifact": "name the image by `parent` in image.toml",
    "hcp-packer-image": "name the image by `parent` in image.toml",
    "hcp-packer-iteration": "name the image by `parent` in image.toml",
    "hcp-packer-version": "name the image by `parent` in image.toml",
}


def for_other(expression: Other) -> str:
    """What to do with a call, a condition or the like."""
    if expression.function in _FUNCTIONS:
        return _FUNCTIONS[expression.function]
    return f"{expression.kind} is not evaluated: write the value, or compute it in Python in deploy.py"


def for_reference(reference: Reference, template: Template) -> str:
    """What to do with a reference to something that is neither variable nor local."""
    kind, *names = reference.path
    if kind == "data" and names:
        known = tuple(names[:2]) in template.data
        found = _DATA.get(names[0], "look it up yourself and write the value under [variables]")
        return found if known else f"no file that was named has this data source; {found}"
    if kind in ("build", "source"):
        return "only a build of Packer's knows it: `host.data` in deploy.py has role and image"
    if kind == "packer":
        return "leave it out: Bakewell's version of Packer is pinned"
    return "it is no variable and no local: write the value, or compute it in Python in deploy.py"
