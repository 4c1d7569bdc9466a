"""requirements.yml of a playbook: an exact version of each collection and role, or a refusal with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakewell.catalog.galaxy import check_galaxy
from bakewell.context import Context
from bakewell.context.hashing import File
from bakewell.errors import ConfigError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def context(folder: Path, text: str, path: str = "ansible/requirements.yml", step: str = "ansible") -> Context:
    """A context with this file, and the step."""
    source = folder / path
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(text)
    found = {path: source, f"steps/{step}/__init__.py": folder}
    return Context("web", "docker", tuple(File(name, False, "", 0, "role", file) for name, file in found.items()))


@pytest.mark.parametrize(
    "entry",
    [
        'collections: [{name: community.general, version: "8.1.0"}]',
        'roles: [{name: geerlingguy.nginx, version: "3.2.0"}]',
        '- {src: geerlingguy.nginx, version: "v3.2.0"}',
        f"collections: [{{name: 'https://example.com/a.git', type: git, version: {COMMIT}}}]",
        f"roles: [{{src: 'https://example.com/a.git', scm: git, version: {COMMIT}}}]",
        "collections: [{name: ./vendored.tar.gz, type: file}]",
        "collections:\n",
    ],
)
def test_exact_versions_commits_and_files_of_its_folder_are_taken(entry: str, tmp_path: Path) -> None:
    check_galaxy(context(tmp_path, entry))


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("collections: [community.general]", "states no version for community.general"),
        ("collections: [{name: community.general, version: '>=8.0.0'}]", "states `>=8.0.0` for community.general"),
        ("collections: [{name: community.general, version: '*'}]", "which is no exact version"),
        ("roles: [{name: geerlingguy.nginx, version: main}]", "states `main` for geerlingguy.nginx"),
        ("- src: geerlingguy.nginx", "states no version for geerlingguy.nginx"),
        ("roles: [{src: 'git+https://example.com/a.git', version: v1.0.0}]", "names no commit of"),
        ("collections: [{name: 'https://example.com/a.tar.gz', type: url}]", "names no commit of"),
        ("collections: [{name: ../elsewhere, type: dir}]", "outside of its own folder"),
        ("colections: []", "unknown key `colections`"),
        ("collections: {name: a.b}", "no list"),
    ],
)
def test_what_could_be_another_tomorrow_is_refused(entry: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        check_galaxy(context(tmp_path, entry))
    assert what in refused.value.what
    assert refused.value.file == str(tmp_path / "ansible/requirements.yml") and refused.value.remedy


def test_a_file_of_that_name_says_nothing_without_the_step_or_inside_what_is_vendored(tmp_path: Path) -> None:
    check_galaxy(context(tmp_path, "collections: [a.b]", step="apt"))
    check_galaxy(context(tmp_path, "collections: [a.b]", "ansible/roles/web/requirements.yml"))
