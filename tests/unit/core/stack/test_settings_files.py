"""Pulumi.<stack>.yaml and Pulumi.yaml: what Pulumi refuses, or reads as something else, no command acts on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakewell.errors import ConfigError
from bakewell.settings import Settings, load_settings

PROJECT = Path(__file__).parents[4] / "Pulumi.yaml"


SHOP = Settings(project="shop", prefix="shop")


def stack(root: Path, config: str, project: str = "") -> Settings:
    (root / "Pulumi.dev.yaml").write_text(config)
    if project:
        (root / "Pulumi.yaml").write_text(project)
    return load_settings("dev", root)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("config:\n  bakewell:keep: 3\n  bakewell:keep: 1\n", "key `bakewell:keep` is there twice"),
        ("config:\n  bakewell:pins: {web: a}\n  bakewell:pins: {api: b}\n", "key `bakewell:pins` is there twice"),
        ("config:\n  bakewell:pins:\n    web: a\n    web: b\n", "key `web` is there twice"),
        ("config:\n  bakewell:aws: {fleets: {web: {count: 1, count: 2}}}\n", "key `count` is there twice"),
        ("config: {}\nconfig: {bakewell:keep: 1}\n", "key `config` is there twice"),
        ('config:\n  bakewell:pins: \'{"web": "a", "web": "b"}\'\n', "`bakewell:pins`: key `web` is there twice"),
        ("config:\n  bakewell:keep: 3\n  bakewell:config:keep: 1\n", "`bakewell:keep` is there twice"),
        ("config:\n  keep: 1\n", "`keep` is no key"),
        ("config:\n  bakewell:keep:more: 1\n", "`bakewell:keep:more` is no key"),
        ("config:\n  1: 1\n", "`1` is no key"),
        ("config:\n  bakewell:pins.web: a\n", "unknown key `pins.web`"),
        ("config:\n  bakewell:keep: 010\n", "in quotes"),
        ("config:\n  bakewell:local: yes\n", "in quotes"),
        ("config:\n  bakewell:digitalocean: {droplets: {web: &web {count: 1}, api: *web}}\n", "anchors and aliases"),
    ],
)
def test_what_pulumi_refuses_or_reads_otherwise_is_refused(tmp_path: Path, config: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        stack(tmp_path, config)
    assert said in caught.value.what
    assert caught.value.file == str(tmp_path / "Pulumi.dev.yaml") and caught.value.remedy


def test_images_belong_to_the_project_in_pulumi_yaml_unless_the_stack_says_otherwise(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  bakewell:prefix: acme\n")
    settings = load_settings("dev", tmp_path)
    assert (settings.project, settings.prefix) == ("shop", "acme")
    (tmp_path / "Pulumi.yaml").write_text("name: My_Shop\nruntime: python\n")
    with pytest.raises(ConfigError, match="`project` should be lower-case letters"):
        load_settings("dev", tmp_path)


def test_a_key_has_three_forms_as_for_pulumi(tmp_path: Path) -> None:
    project = "name: bakewell\n"
    assert stack(tmp_path, "config: {bakewell:config:keep: 2}\n", project).keep == 2
    assert stack(tmp_path, "config: {keep: 2}\n", project).keep == 2
    with pytest.raises(ConfigError, match="`bakewell:keep` is there twice"):
        stack(tmp_path, "config: {bakewell:keep: 3, keep: 2}\n", project)
    assert stack(tmp_path, "config: {keep: 2, own: 1}\n", "name: shop\n") == SHOP, "these are shop:keep and shop:own"


def test_keys_of_others_are_theirs_in_either_form(tmp_path: Path) -> None:
    assert stack(tmp_path, "config: {aws:region: x, other:config:region: x, other:keep: 1}\n") == Settings()


def test_a_key_with_and_without_its_namespace_is_there_twice() -> None:
    with pytest.raises(ConfigError, match="`bakewell:keep` is there twice"):
        Settings.from_mapping({"bakewell:keep": 3, "keep": 1}, "x")


WORDS = st.text("0123456789", min_size=1, max_size=4) | st.text("018_.:xobeE+-truefalsnoyN~=TF ", max_size=6)


@given(st.sampled_from(["keep", "local", "prefix", "max_context_mb"]), WORDS)
def test_a_value_means_to_commands_what_it_means_to_pulumi(
    tmp_path_factory: pytest.TempPathFactory, key: str, word: str
) -> None:
    """Pulumi hands `8` over for `010`, and `1000` for `1e3`; what is taken here it hands over as it stands there."""
    try:
        written = stack(tmp_path_factory.mktemp("stack"), f"config:\n  bakewell:{key}: {word}\n")
    except ConfigError:
        return
    assert written == Settings.from_mapping({f"bakewell:{key}": word.strip()}, "x")


def test_the_projects_own_file_agrees(tmp_path: Path) -> None:
    assert stack(tmp_path, "config: {bakewell:keep: 5}\n", PROJECT.read_text()).keep == 5


@pytest.mark.parametrize(
    "declared",
    [
        "  bakewell:keep: {type: integer, default: 1}\n",
        "  bakewell:keep: {value: 1}\n",
        "  bakewell:keep: 1\n",
        "  keep: {default: 1}\n",
        "  bakewell:pins: {web: old}\n",
    ],
)
def test_a_value_in_pulumi_yaml_that_commands_would_not_see_is_refused(tmp_path: Path, declared: str) -> None:
    with pytest.raises(ConfigError, match=r"for bakewell:(keep|pins), and"):
        stack(tmp_path, "config: {bakewell:prefix: acme}\n", f"name: bakewell\nruntime: python\nconfig:\n{declared}")
    key = re.findall(r"keep|pins", declared)[0]
    set_here = {"keep": "bakewell:keep: 2", "pins": "bakewell:pins: {}"}[key]
    assert stack(tmp_path, f"config:\n  {set_here}\n").prefix == "bakewell"


@pytest.mark.parametrize(
    ("project", "said"),
    [
        ("name: a\nname: bakewell\n", "key `name` is there twice"),
        ("name: a\nconfig:\n  bakewell:keep: 3\n  bakewell:keep: 1\n", "key `bakewell:keep` is there twice"),
        ("- a\n", "Pulumi.yaml is no mapping"),
        ("a: [\n", "not YAML"),
        ("stackConfigDir: 7\n", "no text"),
        ("config: [a]\n", "no text"),
        ("name: a\nconfig: {bakewell:kepe: 1}\n", "unknown key `kepe`"),
    ],
)
def test_pulumi_yaml_is_read_as_strictly(tmp_path: Path, project: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        stack(tmp_path, "config: {}\n", project)
    assert caught.value.file == str(tmp_path / "Pulumi.yaml")


def test_a_project_of_another_name_has_keys_of_its_own(tmp_path: Path) -> None:
    assert stack(tmp_path, "config: {}\n", "name: shop\nconfig: {keep: 1, other: {default: x}}\n") == SHOP


def test_many_roles_are_refused_or_read_before_long(tmp_path: Path) -> None:
    """The file is too large; what Pulumi hands over has no limit of ours, and is linear."""
    roles = [f"r{number}" for number in range(200_000)]
    with pytest.raises(ConfigError, match="more than 256000 bytes"):
        stack(tmp_path, "config:\n  bakewell:roles:\n" + "".join(f"  - {role}\n" for role in roles))
    assert len(Settings.from_mapping({"roles": roles}, "x").roles) == 200_000


def test_a_message_about_many_faults_is_short() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_mapping({"roles": ["X"] * 100_000, "x" * 100_000: 1}, "x")
    assert "and 99981 more" in caught.value.what and len(str(caught.value)) < 5000


def test_a_value_that_is_no_unicode_ends_in_a_message() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_mapping({"prefix": "\ud800", "\ud800": 1, "pins": {"web": "\ud800"}}, "x")
    assert str(caught.value).encode()


@pytest.mark.parametrize("name", ["dev\n", "..", "", ".", "a" * 101, "d/"])
def test_a_stacks_name_is_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").touch()
    with pytest.raises(ConfigError, match="no stack's name"):
        load_settings(name, tmp_path)
