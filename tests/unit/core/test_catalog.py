from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakewell.catalog import Catalog, ImageSpec
from bakewell.errors import ConfigError
from tests.unit.core.conftest import Tree, refused, unreadable


def test_parents_come_first_and_otherwise_names_decide(tree: Tree) -> None:
    catalog = Catalog.load(tree())
    assert catalog.roles == ("base", "api", "web")
    assert [spec.role for spec in catalog] == list(catalog.roles)
    assert len(catalog) == 3
    assert "web" in catalog
    assert "wbe" not in catalog


def test_a_spec_says_what_the_file_says(tree: Tree) -> None:
    toml = """
description = "the shop"
parent = "base"
memory_gb = 2
[versions]
nginx = "1.22.1-9"
[variables]
title = "Shop"
workers = 4
debug = false
[build]
timeout_minutes = 60
[rebuild]
window = "monthly"
note = "after the incident"
[boot]
services = ["nginx.service"]
health = { port = 8080, path = "/up" }
"""
    web = Catalog.load(tree({"images/web/image.toml": toml}))["web"]
    assert (web.parent, web.base, web.memory_gb) == ("base", None, 2)
    assert web.steps == ("nginx", "seal")
    assert web.versions == {"nginx": "1.22.1-9"}
    assert web.variables == {"title": "Shop", "workers": 4, "debug": False}
    assert web.build.timeout_minutes == 60
    assert (web.rebuild.window, web.rebuild.note) == ("monthly", "after the incident")
    assert web.boot.services == ["nginx.service"]
    assert web.boot.health is not None
    assert (web.boot.health.port, web.boot.health.path) == (8080, "/up")
    assert web.file.name == "image.toml"


def test_a_child_has_its_parents_processors_and_at_least_its_disk(tree: Tree) -> None:
    base = 'description = "base"\nbase = "debian-12"\ndisk_gb = 40\n'
    web = 'description = "web"\nparent = "base"\n'
    files = {"images/base/image.toml": base, "images/web/image.toml": web + "disk_gb = 30\n"}
    found = refused(tree(files), "images/web/image.toml")
    assert found.what == "image web: `disk_gb` is 30, and its parent base has a disk of 40 GB"
    found = refused(tree({**files, "images/web/image.toml": web + 'arch = "arm64"\n'}), "images/web/image.toml")
    assert found.what == "image web: `arch` is arm64, and its parent base is for x86_64"
    Catalog.load(tree({**files, "images/web/image.toml": web + "disk_gb = 50\n"}))


@pytest.mark.parametrize("name", ["PATH", "BUILD_HOST", "token"])
def test_a_secret_has_a_name_of_its_own(tree: Tree, name: str) -> None:
    web = f'description = "web"\nparent = "base"\n[secrets]\n{name} = "x"\n'
    assert "secrets" in refused(tree({"images/web/image.toml": web}), "images/web/image.toml").what


def test_ancestors_and_selection(tree: Tree) -> None:
    shop = {
        "images/shop/image.toml": 'description = "shop"\nparent = "web"\n',
        "images/shop/deploy.py": "",
        "images/shop/checks.py": "",
    }
    catalog = Catalog.load(tree(shop))
    assert catalog.ancestors("shop") == ("web", "base")
    assert catalog.select(["shop"]) == ("base", "web", "shop")
    assert catalog.select([]) == catalog.roles
    with pytest.raises(ConfigError, match="did you mean `shop`"):
        catalog.select(["shpo"])


@given(st.data())
def test_any_forest_is_ordered_parents_first(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text("abcdef", min_size=1, max_size=6), min_size=1, max_size=12, unique=True))
    specs = []
    for index, name in enumerate(names):
        parent = data.draw(st.sampled_from([None, *names[:index]]))
        base = None if parent else "debian-12"
        specs.append(ImageSpec(role=name, folder=Path(name), description="x", parent=parent, base=base))
    catalog = Catalog(Path("packer"), data.draw(st.permutations(specs)))
    assert sorted(catalog.roles) == sorted(names)
    assert all(catalog.roles.index(s.parent) < catalog.roles.index(s.role) for s in specs if s.parent)
    assert catalog.roles == Catalog(Path("packer"), specs).roles


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('steps = ["nginx"]', "unknown key `steps`"),
        ("[varaibles]", "unknown key `varaibles` (did you mean `variables`?)"),
        ('role = "web"', "unknown key `role`"),
        ("memory_gb = 3", "`memory_gb`"),
        (f"memory_gb = 0x{'f' * 5000}", "`memory_gb`"),
        ("[versions]\nnginx = 1.22", "`versions.nginx`"),
        (f"[variables]\nlong = 0x{'f' * 5000}", "`variables`: `long` should be a number of 64 bits"),
        ("[variables]\nratio = 0.5", "`variables`: `ratio` should be text, a whole number, true or false"),
        ("[variables]\nBad = 1", "`variables.Bad`"),
        ('[variables]\ndb_password = "hunter2"', "`db_password` is the name of a secret"),
        ('[rebuild]\nwindow = "daily"', "`rebuild.window`"),
        *(
            (f"[build]\ntimeout_minutes = {value}", "`build.timeout_minutes`")
            for value in ("0", "91", "true", "1.0", '"9"')
        ),
        ("[build]\ntimeout = 9", "unknown key `build.timeout` (did you mean `timeout_minutes`?)"),
        ('[rebuild]\nwindows = "never"', "unknown key `rebuild.windows` (did you mean `window`?)"),
        ('[boot]\nservices = ["nginx; rm -rf"]', "`boot.services.0`"),
        ("[boot]\nhealth = { port = 0 }", "`boot.health.port`"),
        ("[boot]\nhealth = { prot = 80 }", "unknown key `boot.health.prot` (did you mean `port`?)"),
        ('[boot]\nhealth = { path = "up" }', "`boot.health.path`"),
        ('base = "debian-12"', "exactly one of `parent` and `base` is wanted, but both are there"),
        ("size = ", "is not TOML"),
    ],
)
def test_a_bad_key_is_refused_by_name(tree: Tree, line: str, said: str) -> None:
    toml = f'description = "web"\nparent = "base"\n{line}\n'
    error = refused(tree({"images/web/image.toml": toml}), "images/web/image.toml")
    assert said in error.what
    assert "web" in error.what


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('parent = "base"', "key `description` is missing"),
        ('description = ""\nparent = "base"', "`description`"),
        ('description = "x"', "neither is there"),
        ('description = "x"\nparent = "bsae"', "`parent` is `bsae`, which is no image (did you mean `base`?)"),
        ('description = "x"\nparent = "Base"', "`parent` should be lower-case"),
        ('description = "x"\nparent = "web"', "web -> web"),
    ],
)
def test_a_bad_file_is_refused(tree: Tree, toml: str, said: str) -> None:
    assert said in refused(tree({"images/web/image.toml": toml}), "images/web/image.toml").what


def test_a_cycle_is_told_as_a_chain(tree: Tree) -> None:
    changes = {
        "images/base/image.toml": 'description = "base"\nparent = "web"\n',
    }
    assert "base -> web -> base" in refused(tree(changes), "images/base/image.toml").what


@pytest.mark.parametrize("role", ["My_Role", "9lives", "a--b", "web.v2", "all", "x" * 41, "trailing-", "käse"])
def test_a_name_that_no_tag_or_snapshot_can_have_is_refused(tree: Tree, role: str) -> None:
    error = refused(tree({f"images/{role}/image.toml": 'description = "x"\nparent = "base"\n'}), f"images/{role}")
    assert "rename the folder" in error.remedy


@pytest.mark.parametrize("lost", ["image.toml", "deploy.py"])
def test_a_folder_without_one_of_its_files_is_refused(tree: Tree, lost: str) -> None:
    assert f"{lost}" in refused(tree({f"images/web/{lost}": None}), f"images/web/{lost}").what


def test_files_and_hidden_folders_among_the_images_are_none(tree: Tree) -> None:
    changes = {"images/README.md": "notes", "images/.idea/x": "", "images/__pycache__/x.pyc": ""}
    assert Catalog.load(tree(changes)).roles == ("base", "api", "web")


def test_no_image_at_all_is_refused(tree: Tree, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no images"):
        Catalog.load(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(ConfigError, match="there is no image"):
        Catalog.load(tmp_path)


PROGRAMS = {
    "broken": b"def broken(:\n",
    "no UTF-8": b"\xff\xfe",
    "NUL": b"x = '\x00'",
    "no character": "x = '\ud800'".encode(errors="surrogatepass"),
    "a sum": b"+".join([b"1"] * 90_000),
    "attributes": b"x" + b".a" * 90_000,
    "minus": b"-" * 90_000 + b"1",
    "brackets": b"(" * 90_000 + b")" * 90_000,
    "elif": b"if 1: pass\n" + b"elif 1: pass\n" * 60_000,
    "digits": b"9" * 5000,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_python_that_does_not_parse_is_refused(tree: Tree, name: str) -> None:
    refused(tree({"images/web/deploy.py": PROGRAMS[name]}), "images/web/deploy.py")


def test_an_unknown_role_is_refused_with_those_there_are(tree: Tree) -> None:
    catalog = Catalog.load(tree())
    with pytest.raises(ConfigError) as caught:
        catalog["wbe"]
    assert "did you mean `web`?" in caught.value.what
    assert "base, api, web" in caught.value.remedy


@pytest.mark.parametrize("folder", ["images", "images/web", "steps"])
def test_a_folder_that_may_not_be_looked_into_is_named(tree: Tree, folder: str) -> None:
    packer = tree()
    with unreadable(packer / folder), pytest.raises(ConfigError, match="Permission denied") as caught:
        Catalog.load(packer)
    assert caught.value.file is not None and caught.value.file.startswith(str(packer / folder))
    assert "make it" in caught.value.remedy or folder == "images"


MACHINE = """description = "web"
parent = "base"
[boot]
services = ["nginx.service"]
health = { port = 8080 }
[consul]
mode = "server"
service = "shop"
environment = "config/shop/web"
[[consul.watches]]
source = "/etc/consul-template/templates/page.ctmpl"
destination = "/var/www/html/index.html"
command = "systemctl reload nginx"
[[consul.watches]]
source = "/a"
destination = "/b"
[compose]
project = "shop"
"""


def test_what_machines_of_an_image_are(tree: Tree) -> None:
    web = Catalog.load(tree({"images/web/image.toml": MACHINE, "images/web/deploy.py": ""}))["web"]
    assert web.consul is not None and web.compose is not None
    assert (web.consul.mode, web.consul.service, web.consul.environment) == ("server", "shop", "config/shop/web")
    assert [watch.command for watch in web.consul.watches] == ["systemctl reload nginx", None]
    assert web.compose.unit == "docker-compose@shop.service"
    assert web.units == ["nginx.service", "docker-compose@shop.service"]


def test_machines_are_in_no_cluster_unless_their_image_says_so(tree: Tree) -> None:
    catalog = Catalog.load(tree({"images/api/image.toml": 'description = "api"\nparent = "base"\n[consul]\n'}))
    assert catalog["web"].consul is None and catalog["web"].compose is None
    consul = catalog["api"].consul
    assert consul is not None
    assert (consul.mode, consul.service, consul.environment, consul.watches) == ("client", None, None, [])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('mode = "server"', 'mode = "agent"', "consul.mode"),
        ('service = "shop"', 'service = "Shop"', "consul.service"),
        ('"config/shop/web"', '"/config/shop"', "consul.environment"),
        ('"config/shop/web"', '"config/{{ env }}"', "consul.environment"),
        ('source = "/a"', 'source = "a"', "consul.watches.1.source"),
        ('source = "/a"', 'source = "/../a"', "consul.watches.1.source"),
        ('destination = "/b"', 'destination = "/b/"', "consul.watches.1.destination"),
        ('command = "systemctl reload nginx"', 'command = ""', "consul.watches.0.command"),
        ('command = "systemctl reload nginx"', f'command = "x dop_v1_{"0" * 64}"', "consul.watches.0.command"),
        ('project = "shop"', 'project = "../shop"', "compose.project"),
        ('project = "shop"', 'name = "shop"', "compose.name"),
        ("port = 8080", "prot = 8080", "boot.health.prot"),
    ],
)
def test_what_no_machine_can_be_is_refused(tree: Tree, old: str, new: str, key: str) -> None:
    assert old in MACHINE
    error = refused(tree({"images/web/image.toml": MACHINE.replace(old, new)}), "images/web/image.toml")
    assert f"`{key}`" in error.what
    assert "0" * 64 not in str(error)
    assert error.remedy
