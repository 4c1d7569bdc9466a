"""What steps declare to download, what an image's [versions] make of it, and what builds then see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.context import DOWNLOADS, Context
from bakewell.downloads import Download, declared, used
from bakewell.errors import ConfigError, ContextError
from bakewell.fingerprint import Fingerprint, fingerprints
from tests.unit.core.conftest import Tree

ONE, TWO = "1" * 64, "2" * 64
CONSUL = """[consul]
url = "https://releases.example/consul/{version}/consul_{version}_linux_{arch}.zip"
checksums = "https://releases.example/consul/{version}/SHA256SUMS"
"""
COMPOSE = """[docker-compose]
url = "https://github.example/v{version}/docker-compose-linux-{arch}"
checksums = "https://github.example/v{version}/docker-compose-linux-{arch}.sha256"
arch = { x86_64 = "x86_64" }
"""
BASE = 'description = "base"\nbase = "debian-12"\nversions = { consul = "1.17.1" }\n'
WEB = 'description = "web"\nparent = "base"\n'
LOCK = """# moved by bakewell lock
[debian-12.digitalocean]
image = "debian-12-x64"
name = "12 x64"
date = "2026-11-02"
"""
NOW = datetime(2026, 11, 21, tzinfo=UTC)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)


def locked(version: str = "1.17.1", **files: str) -> str:
    lines = "".join(f'{arch} = "{digest}"\n' for arch, digest in files.items())
    return f'{LOCK}\n[downloads.consul."{version}"]\n{lines}'


def fleet(tree: Tree, changes: Mapping[str, str] | None = None) -> Path:
    """A base that installs consul, and web that only uses it."""
    files = {
        "steps/consul/__init__.py": "",
        "steps/consul/downloads.toml": CONSUL,
        "images/base/image.toml": BASE,
        "images/base/deploy.py": "from steps import consul, seal\n",
        "images/web/deploy.py": "from steps import consul, nginx, seal\n",
        "images/web/image.toml": WEB,
        "bases.lock": locked(x86_64=ONE, aarch64=TWO),
    }
    return tree(files | dict(changes or {}))


def catalog_with(tree: Tree, text: str) -> Catalog:
    packer = fleet(tree)
    (packer / "steps/consul/downloads.toml").write_text(text)
    return Catalog.load(packer)


def prints(packer: Path, mirror: Path | None = None, roles: tuple[str, ...] = ()) -> dict[str, Fingerprint]:
    bases = Bases.load(packer / "bases.lock", mirror)
    return fingerprints(Catalog.load(packer), "digitalocean", bases, now=NOW, roles=roles)


def staged(packer: Path, role: str, folder: Path) -> dict[str, object] | None:
    """What downloads.json holds for a role; None where there is no such file."""
    Context.collect(Catalog.load(packer), role, "digitalocean").stage(folder)
    path = folder / DOWNLOADS
    return dict(json.loads(path.read_text())) if path.exists() else None


# Declarations.


def test_a_step_declares_where_its_program_lies(tree: Tree) -> None:
    one = declared(catalog_with(tree, CONSUL))["consul"]
    assert (one.step, one.file.parts[-3:]) == ("consul", ("steps", "consul", "downloads.toml"))
    assert one.download.file_url("1.17.1", "aarch64") == (
        "https://releases.example/consul/1.17.1/consul_1.17.1_linux_arm64.zip"
    )
    assert one.download.checksums_url("1.17.1", "x86_64") == one.download.checksums_url("1.17.1", "aarch64")


def test_a_vendor_may_call_processors_otherwise_and_leave_some_out(tree: Tree) -> None:
    one = declared(catalog_with(tree, COMPOSE))["docker-compose"].download
    assert list(one.arch) == ["x86_64"]
    assert one.checksums_url("2.24.0", "x86_64") == "https://github.example/v2.24.0/docker-compose-linux-x86_64.sha256"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("https://releases.example/consul/{version}/consul", "http://releases.example/{version}/consul", "https URL"),
        ("https://releases.example/consul/{version}/consul", "https://ann:pw@x.example/{version}/consul", "https URL"),
        ("https://releases.example/consul/{version}/consul", "https://x.example/{version}?token=1", "https URL"),
        ("https://releases.example/consul/{version}/consul", "https://[x.example/{version}/consul", "https URL"),
        ("https://releases.example/consul/{version}/consul", "https://x.example:eighty/{version}", "https URL"),
        (
            "https://releases.example/consul/{version}/consul",
            "https://{version}.example/consul",
            "without placeholders",
        ),
        ("/SHA256SUMS", "/", "should name a file"),
        ("{version}/SHA256SUMS", "SHA256SUMS", "checksums`: {version} is missing"),
        ("_{arch}.zip", "_{os}.zip", "`{os}` is no placeholder"),
        ("_{arch}.zip", "_{arch!r}.zip", "`{arch!r}` is no placeholder"),
        ("_{arch}.zip", "_{{arch}}.zip", "https URL"),
        ("checksums =", "checksum =", "unknown key `checksum` (did you mean `checksums`?)"),
        ("[consul]", "arch = { riscv = 'x' }\n[consul]", "`url` is missing"),
        ('SHA256SUMS"\n', 'SHA256SUMS"\narch = { riscv64 = "riscv64" }\n', "'x86_64' or 'aarch64'"),
        ('SHA256SUMS"\n', 'SHA256SUMS"\narch = {}\n', "at least 1"),
        ('SHA256SUMS"\n', 'SHA256SUMS"\narch = { x86_64 = "../x" }\n', "`arch.x86_64`"),
        ("[consul]", "[Consul]", "`Consul`"),
        ("[consul]", "[consul", "not TOML"),
        (CONSUL, "consul = 3\n", "`consul`"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(tree: Tree, before: str, after: str, said: str) -> None:
    assert before in CONSUL
    catalog = catalog_with(tree, CONSUL.replace(before, after, 1))
    with pytest.raises(ConfigError) as caught:
        declared(catalog)
    assert said in caught.value.what
    assert str(caught.value.file).endswith("steps/consul/downloads.toml")
    assert caught.value.remedy and "step consul" in caught.value.what


def test_two_steps_that_declare_one_name_are_refused(tree: Tree) -> None:
    packer = fleet(tree)
    (packer / "steps/agent").mkdir()
    (packer / "steps/agent/__init__.py").touch()
    (packer / "steps/agent/downloads.toml").write_text(CONSUL)
    declared(Catalog.load(packer))  # nothing uses the step
    (packer / "images/api/deploy.py").write_text("import steps.agent\n")
    with pytest.raises(ConfigError, match="`consul` is declared by step agent too") as caught:
        declared(Catalog.load(packer))
    assert str(caught.value.file).endswith("steps/consul/downloads.toml") and caught.value.remedy


@given(st.from_regex(r"[0-9A-Za-z][0-9A-Za-z.+~_-]{0,30}", fullmatch=True))
def test_a_version_stays_one_part_of_the_path(version: str) -> None:
    download = Download(url="https://x.example/a/{version}/b", checksums="https://x.example/a/{version}/c")
    assert download.file_url(version, "x86_64").split("/") == ["https:", "", "x.example", "a", version, "b"]


def test_the_projects_own_steps_declare_the_tools_of_its_images() -> None:
    found = declared(Catalog.load(Path(__file__).parents[4] / "packer"))
    sites = {name: one.download.file_url("1.2.3", "x86_64") for name, one in found.items()}
    assert sites["consul"] == "https://releases.hashicorp.com/consul/1.2.3/consul_1.2.3_linux_amd64.zip"
    assert sites["docker-compose"].endswith("/docker/compose/releases/download/v1.2.3/docker-compose-linux-x86_64")


# Use.


def test_only_versions_that_an_image_states_and_whose_step_it_has_are_used(tree: Tree) -> None:
    packer = fleet(tree)
    catalog = Catalog.load(packer)
    found = declared(catalog)
    assert [(one.name, version) for one, version in used(catalog["base"], found)] == [("consul", "1.17.1")]
    assert list(used(catalog["web"], found)) == [], "it uses what base installed"
    (packer / "images/api/image.toml").write_text(
        'description = "api"\nparent = "base"\nversions = { consul = "1.17.1", nginx = "1.22.*" }\n'
    )
    assert list(used(Catalog.load(packer)["api"], found)) == [], "no step of it could install that"


@pytest.mark.parametrize("version", ["1.17.*", "1.17/../..", "", " 1", "-1", "1" * 61])
def test_a_version_that_is_not_exact_is_refused(tree: Tree, version: str) -> None:
    catalog = Catalog.load(fleet(tree))
    spec = catalog["base"].model_copy(update={"versions": {"consul": version}})
    with pytest.raises(ConfigError, match=r"versions\.consul") as caught:
        list(used(spec, declared(catalog)))
    assert caught.value.file == str(spec.file) and caught.value.remedy


# Builds.


def test_a_build_is_told_addresses_and_checksums_of_what_the_image_itself_installs(tree: Tree, tmp_path: Path) -> None:
    packer = fleet(tree)
    url = "https://releases.example/consul/1.17.1/consul_1.17.1_linux_"
    assert staged(packer, "base", tmp_path / "base") == {
        "consul": {
            "version": "1.17.1",
            "files": {
                "x86_64": {"url": f"{url}amd64.zip", "sha256": ONE},
                "aarch64": {"url": f"{url}arm64.zip", "sha256": TWO},
            },
        }
    }
    assert staged(packer, "web", tmp_path / "web") is None
    (packer / "bases.lock").write_text(locked(aarch64=TWO))
    only = staged(packer, "base", tmp_path / "again")
    assert only is not None and list(dict(only["consul"])["files"]) == ["aarch64"]  # type: ignore[call-overload]


def test_what_is_not_locked_is_refused_for_the_roles_that_need_it_only(tree: Tree) -> None:
    toml = 'description = "api"\nbase = "debian-12"\n'
    packer = fleet(tree, {"images/api/image.toml": toml, "bases.lock": locked("1.16.0", x86_64=ONE)})
    with pytest.raises(ConfigError, match=r"image base: step consul needs consul 1\.17\.1") as caught:
        prints(packer, roles=("web",))
    assert caught.value.file == str(packer / "bases.lock") and caught.value.remedy == "run: bakewell lock consul"
    assert list(prints(packer, roles=("api",))) == ["api"]


def test_a_file_in_the_way_of_the_list_of_downloads_is_refused(tree: Tree) -> None:
    for place in ("images/web/downloads.json", "downloads.json"):
        with pytest.raises(ContextError, match="in the way") as caught:
            prints(fleet(tree, {place: "{}"}))
        assert str(caught.value.file).endswith(place)


@given(digests, digests, digests, digests)
def test_a_fingerprint_changes_just_when_a_checksum_that_is_used_does(
    tree: Tree, first: str, second: str, other: str, unused: str
) -> None:
    packer = fleet(tree)
    (packer / "bases.lock").write_text(locked(x86_64=first))
    before = prints(packer)
    (packer / "bases.lock").write_text(locked(x86_64=second) + f'[downloads.consul."9"]\nx86_64 = "{unused}"\n')
    after = prints(packer)
    assert (before["base"].value == after["base"].value) == (first == second)
    assert (before["web"].value == after["web"].value) == (first == second)
    moved = {key for key, shown in after["base"].digests.items() if before["base"].digests.get(key) != shown}
    assert moved == ({DOWNLOADS} if first != second else set())
    (packer / "bases.lock").write_text(locked(x86_64=second, aarch64=other))
    assert prints(packer)["base"].value != after["base"].value, "one more file may be installed"


def test_images_without_downloads_have_no_such_file(tree: Tree) -> None:
    assert DOWNLOADS not in prints(tree())["web"].digests


# The local mirror.


def test_the_mirrors_checksums_count_instead(tree: Tree, tmp_path: Path) -> None:
    packer, mirror = fleet(tree, {"bases.lock": LOCK}), tmp_path / "downloads.toml"
    mirror.write_text(f'[consul."1.17.1"]\nx86_64 = "{ONE}"\n')
    with_mirror = prints(packer, mirror)
    (packer / "bases.lock").write_text(locked(x86_64=ONE))
    assert prints(packer) == with_mirror
    (packer / "bases.lock").write_text(locked(x86_64=TWO, aarch64=TWO))
    assert prints(packer, mirror) == with_mirror


def test_a_version_that_the_mirror_lacks_is_refused_with_those_it_has(tree: Tree, tmp_path: Path) -> None:
    packer, mirror = fleet(tree), tmp_path / "downloads.toml"
    for text, said in ((f'[consul."1.9"]\nx86_64 = "{ONE}"\n', "has 1.9"), ("", "has no version of it")):
        mirror.write_text(text)
        with pytest.raises(ConfigError) as caught:
            prints(packer, mirror)
        assert said in caught.value.what and "step consul needs consul 1.17.1" in caught.value.what
        assert str(caught.value.file).endswith("images/base/image.toml") and caught.value.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "missing"),
        ("[consul]\nx86_64 = 'x'", "downloads.consul"),
        ("[consul.'1']\nx86_64 = 'x'", "64 hex digits"),
        ("[", "not TOML"),
    ],
)
def test_a_mirrors_file_that_makes_no_sense_is_refused(tree: Tree, tmp_path: Path, text: str | None, said: str) -> None:
    mirror = tmp_path / "downloads.toml"
    if text is not None:
        mirror.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Bases.load(tree() / "bases.lock", mirror)
    assert said in caught.value.what and "BAKEWELL_DOWNLOADS" in caught.value.what
    assert caught.value.file == str(mirror) and caught.value.remedy
