"""bootstrap.yaml: what the building machine is told before Packer can log in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bakewell.catalog import Catalog
from bakewell.context import BOOTSTRAP, GENERATED, Context
from bakewell.errors import ConfigError, ContextError
from bakewell.user_data import LIMITS
from tests.unit.core.conftest import Tree

PLACE = f"images/web/{BOOTSTRAP}"
GOOD = "#cloud-config\nssh_pwauth: false\n"


def variables(packer: Path, role: str, folder: Path) -> dict[str, object]:
    """What Packer is told; the folder holds what it refers to."""
    Context.collect(Catalog.load(packer), role, "digitalocean").stage(folder)
    return dict(json.loads((folder / GENERATED).read_text()))


def test_packer_is_told_of_it_where_there_is_one(tree: Tree, tmp_path: Path) -> None:
    packer = tree({PLACE: GOOD})
    assert variables(packer, "web", tmp_path / "web")["user_data_file"] == BOOTSTRAP
    assert (tmp_path / "web" / BOOTSTRAP).read_text() == GOOD
    assert "user_data_file" not in variables(packer, "api", tmp_path / "api")


def test_one_in_the_shared_folder_is_for_every_image_but_those_with_their_own(tree: Tree, tmp_path: Path) -> None:
    packer = tree({BOOTSTRAP: "#!/bin/sh\ntrue\n", PLACE: GOOD})
    assert variables(packer, "api", tmp_path / "api")["user_data_file"] == BOOTSTRAP
    assert (tmp_path / "api" / BOOTSTRAP).read_text().startswith("#!")
    variables(packer, "web", tmp_path / "web")
    assert (tmp_path / "web" / BOOTSTRAP).read_text() == GOOD


def test_it_is_hashed_and_so_is_that_it_is_there(tree: Tree) -> None:
    def digests(text: str | None) -> dict[str, str]:
        return Context.collect(Catalog.load(tree({PLACE: text})), "web", "digitalocean").digests

    none, first, second = digests(None), digests(GOOD), digests(GOOD + "locale: C.UTF-8\n")
    assert {key for key in first if first[key] != none.get(key)} == {BOOTSTRAP, GENERATED}
    assert {key for key in second if second[key] != first[key]} == {BOOTSTRAP}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ssh_pwauth: false\n", "begins with 'ssh_pwauth: false', which cloud-init would"),
        ("", "begins with ''"),
        (" #cloud-config\n", "begins with ' #cloud-config'"),
        ("#cloud-config-archive\n[]", "begins with '#cloud-config-archive'"),
        ("#cloud-config\nx: [", "is not YAML"),
        ("#cloud-config\n- x\n", "is no mapping"),
        ("#cloud-config\n", "is no mapping"),
        ("#cloud-config\nx: dop_v1_" + "0" * 64, "a DigitalOcean token"),
        ("#!/bin/sh\n" + "#" * 20_000 + "\nexport T=dop_v1_" + "0" * 64, "a DigitalOcean token"),
        (b"#!/bin/sh\n\xff", "not UTF-8"),
    ],
)
def test_what_would_leave_a_builder_that_nobody_can_log_in_to_is_refused(
    tree: Tree, text: str | bytes, said: str
) -> None:
    catalog = Catalog.load(tree({PLACE: text}))
    with pytest.raises(ConfigError) as caught:
        Context.collect(catalog, "web", "digitalocean")
    assert said in caught.value.what and BOOTSTRAP in str(caught.value.file) and caught.value.remedy
    assert "dop_v1" not in str(caught.value)


@pytest.mark.parametrize("more", [0, 1])
def test_more_than_the_cloud_takes_is_refused_with_its_size(tree: Tree, more: int) -> None:
    limit = LIMITS["digitalocean"]
    catalog = Catalog.load(tree({PLACE: "#!/bin/sh\n" + "\u00e9" * ((limit - 10) // 2) + "#" * more}))
    if more:
        with pytest.raises(ContextError, match=f"is {limit + 1} bytes, and digitalocean takes {limit}"):
            Context.collect(catalog, "web", "digitalocean")
    else:
        Context.collect(catalog, "web", "digitalocean")
