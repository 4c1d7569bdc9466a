from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.context import DOWNLOADS, GENERATED, Context, collect_all
from bakewell.context.walk import one_file
from bakewell.errors import ConfigError, ContextError, HostError
from tests.unit.core.conftest import Tree, unreadable

WEB = "images/web"


def collect(packer: Path, role: str = "web", max_context_mb: int = 100, cloud: str = "digitalocean") -> Context:
    return Context.collect(Catalog.load(packer, max_context_mb=max_context_mb), role, cloud)


def refused(packer: Path, file: str, role: str = "web") -> ContextError:
    """The error that collecting gives; it names `file` (below packer/) and a remedy."""
    catalog = Catalog.load(packer)
    with pytest.raises(ContextError) as caught:
        Context.collect(catalog, role, "digitalocean")
    assert caught.value.file == str(packer / file)
    assert caught.value.remedy
    return caught.value


def paths(context: Context) -> list[str]:
    return [file.path for file in context.files]


def test_a_build_sees_the_shared_files_its_own_and_its_steps_and_nothing_else(tree: Tree) -> None:
    assert paths(collect(tree())) == [
        "build.pkr.hcl",
        "checks.py",
        "deploy.py",
        "digitalocean.pkr.hcl",
        "files/index.html",
        "image.auto.pkrvars.json",
        "image.toml",
        "packer.pkr.hcl",
        "provision.sh",
        "requirements.txt",
        "steps/__init__.py",
        "steps/nginx.py",
        "steps/seal.py",
    ]


def test_a_step_that_is_a_folder_comes_whole(tree: Tree) -> None:
    changes = {
        "images/web/deploy.py": "import steps.docker\n",
        "steps/docker/files/daemon.json": "{}",
        "steps/docker/README.md": "notes",
    }
    steps = [path for path in paths(collect(tree(changes))) if path.startswith("steps/")]
    assert steps == [
        "steps/__init__.py",
        "steps/docker/__init__.py",
        "steps/docker/files/daemon.json",
        "steps/docker/repository.py",
    ]


def test_an_images_own_file_takes_the_shared_ones_place(tree: Tree) -> None:
    packer = tree({f"{WEB}/build.pkr.hcl": "# its own\n"})
    context = collect(packer)
    (build,) = [file for file in context.files if file.path == "build.pkr.hcl"]
    assert build.source == packer / WEB / "build.pkr.hcl"


def test_another_clouds_template_is_in_no_context_of_this_one(tree: Tree) -> None:
    packer = tree({f"{WEB}/aws.pkr.hcl": "# its own\n"})
    plain, own = paths(collect(packer)), paths(collect(packer, cloud="aws"))
    assert "digitalocean.pkr.hcl" in plain and "aws.pkr.hcl" not in plain
    assert {*own} - {*plain} == {"aws.pkr.hcl"} and {*plain} - {*own} == {"digitalocean.pkr.hcl"}
    (found,) = [file for file in collect(packer, cloud="aws").files if file.path == "aws.pkr.hcl"]
    assert found.source == packer / WEB / "aws.pkr.hcl"
    assert "aws.pkr.hcl" in paths(collect(packer, "api", cloud="aws"))


AMI = "136693071363/debian-12-amd64-*"


@pytest.mark.parametrize(
    ("role", "cloud", "memory", "size", "base"),
    [
        ("base", "digitalocean", "", "s-1vcpu-1gb", {"base_image": "debian-12-x64"}),
        ("web", "digitalocean", "", "s-1vcpu-1gb", {}),
        ("base", "digitalocean", "memory_gb = 4", "s-2vcpu-4gb", {"base_image": "debian-12-x64"}),
        ("base", "aws", "memory_gb = 4", "t3.medium", {"base_image": AMI}),
        ("base", "digitalocean", "cpus = 2", "s-2vcpu-2gb", {"base_image": "debian-12-x64"}),
        ("base", "digitalocean", "disk_gb = 26", "s-1vcpu-2gb", {"base_image": "debian-12-x64"}),
        ("base", "aws", "cpus = 3\ndisk_gb = 40", "t3.xlarge", {"base_image": AMI, "disk_gb": 40}),
        ("alone", "aws", 'arch = "arm64"\nmemory_gb = 2', "t4g.small", {"base_image": AMI}),
    ],
)
def test_the_generated_file_says_what_the_catalog_says_in_each_clouds_words(
    tree: Tree, tmp_path: Path, role: str, cloud: str, memory: str, size: str, base: dict[str, str]
) -> None:
    toml = f'description = "base"\nbase = "debian-12"\n{memory}\n'
    own = {f"images/{role}/{name}": "" for name in ("deploy.py", "checks.py")} if role == "alone" else {}
    made = tree({**own, f"images/{'alone' if own else 'base'}/image.toml": toml})
    collect(made, role, cloud=cloud).stage(tmp_path / "out")
    assert json.loads((tmp_path / "out" / GENERATED).read_text()) == {"role": role, "size": size, **base}


@pytest.mark.parametrize(
    ("cloud", "asks", "words"),
    [
        ("digitalocean", 'arch = "arm64"', "`arch` is arm64, and digitalocean has no machines with such processors"),
        ("digitalocean", "disk_gb = 400", "has memory_gb = 1, disk_gb = 400; the largest, s-8vcpu-16gb, has 16 GB"),
    ],
)
def test_a_builder_that_a_cloud_has_not_is_refused(tree: Tree, cloud: str, asks: str, words: str) -> None:
    toml = f'description = "base"\nbase = "debian-12"\n{asks}\n'
    own = {"images/alone/deploy.py": "", "images/alone/checks.py": "", "images/alone/image.toml": toml}
    with pytest.raises(ConfigError, match=words):
        collect(tree(own), "alone", cloud=cloud)


def test_a_base_that_is_not_locked_is_refused(tree: Tree) -> None:
    with pytest.raises(ConfigError, match="bakewell lock debian-12"):
        collect(tree({"bases.lock": None}), "base")


@pytest.mark.parametrize(
    "path",
    [
        "files/__pycache__/x.pyc",
        "x.pyc",
        ".DS_Store",
        "files/a.swp",
        "deploy.py~",
        ".#deploy.py",
        "#deploy.py#",
        "README.md",
        ".git",  # a submodule's is a file
        "files/clone/.git/HEAD",
        "files/.svn/entries",
        ".idea/workspace.xml",
        ".vscode/settings.json",
        "files/.index.html.swx",
        "files/4913",
        "files/index.html___jb_tmp___",
        "files/.~lock.table.ods#",
        "files/._index.html",
        "files/desktop.ini",
        "files/.nfs000000000000000100000001",
    ],
)
def test_what_tools_editors_and_notes_leave_behind_is_ignored(tree: Tree, path: str) -> None:
    assert paths(collect(tree({f"{WEB}/{path}": "x"}))) == paths(collect(tree()))


def test_notes_inside_files_are_content(tree: Tree) -> None:
    assert "files/README.md" in paths(collect(tree({f"{WEB}/files/README.md": "x"})))


def test_folders_beside_images_and_steps_are_not_seen(tree: Tree) -> None:
    assert paths(collect(tree({"scripts/x.sh": "x", ".git/config": "x"}))) == paths(collect(tree()))


@pytest.mark.parametrize("name", [".env", "server.pem", "id_rsa", "credentials", "files/app/secrets.yaml"])
def test_names_of_secrets_are_refused(tree: Tree, name: str) -> None:
    assert "name of a secret" in refused(tree({f"{WEB}/{name}": "x"}), f"{WEB}/{name}").what


@pytest.mark.parametrize("place", [f"{WEB}/files/notes.txt", "shared.sh", "steps/nginx.py"])
def test_contents_of_secrets_are_refused_wherever_they_lie(tree: Tree, place: str) -> None:
    text = "# -----BEGIN RSA PRIVATE KEY-----\n"
    assert "looks like a private key" in refused(tree({place: text}), place).what


POINTERS = {
    "git lfs pull": b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12345\n" % (b"4d" * 32),
    "git annex get": b"/annex/objects/SHA256E-s31390--f50d7ac4.tar.gz\n",
    "git-crypt unlock": b"\0GITCRYPT\0" + bytes(range(40)),
}


@pytest.mark.parametrize("remedy", POINTERS)
def test_a_file_that_only_stands_for_another_is_refused(tree: Tree, remedy: str) -> None:
    error = refused(tree({f"{WEB}/files/logo.png": POINTERS[remedy]}), f"{WEB}/files/logo.png")
    assert "files/logo.png is" in error.what and remedy in error.remedy


def test_a_secret_among_many_large_files_is_found_too(tree: Tree) -> None:
    changes: dict[str, str | bytes] = {f"{WEB}/files/{n}.bin": bytes([n]) * 600_000 for n in range(10)}
    changes[f"{WEB}/files/notes.txt"] = "dop_v1_" + "0" * 64
    assert "a DigitalOcean token" in refused(tree(changes), f"{WEB}/files/notes.txt").what


def test_a_symlink_inside_the_folder_is_staged_as_what_it_points_to(tree: Tree, tmp_path: Path) -> None:
    packer = tree()
    (packer / WEB / "files" / "home.html").symlink_to("index.html")
    context = collect(packer)
    context.stage(tmp_path / "out")
    staged = tmp_path / "out" / "files" / "home.html"
    assert not staged.is_symlink()
    assert staged.read_text() == "<p>hello\n"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/etc/hostname", "leads out of the context"),
        ("../../base/deploy.py", "leads out of the context"),
        ("nowhere", "unreadable"),
        ("loop", "a symlink to no regular file"),
        ("../templates", "a symlink to a folder"),
    ],
)
def test_other_symlinks_are_refused(tree: Tree, target: str, said: str) -> None:
    packer = tree({f"{WEB}/templates/x": ""})
    (packer / WEB / "files" / "loop").symlink_to(target)
    assert said in refused(packer, f"{WEB}/files/loop").what


def test_a_folder_that_is_a_symlink_out_of_the_context_is_refused(tree: Tree) -> None:
    packer = tree()
    (packer / WEB / "templates").symlink_to("/etc")
    assert "leads out of the context" in refused(packer, f"{WEB}/templates").what


@pytest.mark.parametrize("folder", ["images/web", "steps/docker"])
def test_so_is_a_whole_role_or_step(tree: Tree, tmp_path: Path, folder: str) -> None:
    packer = tree({"images/web/deploy.py": "import steps.docker\n"})
    (packer / folder).rename(tmp_path / "elsewhere")
    (packer / folder).symlink_to(tmp_path / "elsewhere")
    assert "leads out of the context" in refused(packer, folder).what


@pytest.mark.parametrize("name", [b"bell\x07", b"latin\xe9", b"line\nbreak"])
def test_a_name_that_is_no_printable_utf8_is_refused(tree: Tree, name: bytes) -> None:
    packer = tree()
    Path(os.fsdecode(os.fsencode(packer / WEB / "files") + b"/" + name)).write_text("x")
    with pytest.raises(ContextError, match="no printable UTF-8 name") as caught:
        collect(packer)
    str(caught.value).encode()  # can be printed


@pytest.mark.parametrize("name", [GENERATED, DOWNLOADS, "manifest.json", "steps/mine.py"])
def test_a_file_in_the_way_of_what_every_build_has_is_refused(tree: Tree, name: str) -> None:
    assert "in the way" in refused(tree({f"{WEB}/{name}": ""}), f"{WEB}/{name}").what


def test_a_huge_file_is_refused_at_once_and_the_remedy_allows_it(tree: Tree) -> None:
    packer = tree()
    huge = packer / WEB / "files" / "disk.img"
    huge.touch()
    os.truncate(huge, 3_000_000)  # sparse: only its size counts, nothing is read
    with pytest.raises(ContextError) as caught:
        collect(packer, max_context_mb=2)
    assert "files/disk.img with 3 MB" in caught.value.what
    assert caught.value.file == str(huge)
    assert "pulumi config set bakewell:max_context_mb 4" in caught.value.remedy
    assert collect(packer, max_context_mb=4).size > 3_000_000
    assert collect(packer, "base", max_context_mb=1).size < 1_000_000


def test_a_read_that_fails_in_the_middle_names_the_file(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def readv(descriptor: int, buffers: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    packer = tree()
    monkeypatch.setattr(os, "readv", readv)
    with pytest.raises(HostError, match="cannot be read: Input/output error") as caught:
        collect(packer)
    assert caught.value.file is not None and caught.value.file.startswith(str(packer))


@pytest.mark.parametrize("folder", ["steps", "images/web", ".", f"{WEB}/files", f"{WEB}/files/index.html"])
def test_what_may_not_be_looked_into_is_named(tree: Tree, folder: str) -> None:
    packer = tree()
    catalog, bases = Catalog.load(packer), Bases.load(packer / "bases.lock")
    with unreadable(packer / folder), pytest.raises(ConfigError, match="Permission denied") as caught:
        Context.collect(catalog, "web", "digitalocean", bases)
    assert caught.value.file is not None and caught.value.file.startswith(str(packer / folder))
    assert "readable" in caught.value.remedy


def test_a_file_that_goes_while_it_is_looked_for_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match=r"steps/x\.py is gone"):
        one_file(tmp_path / "x.py", "steps/x.py", layer="project")


def test_digests_name_the_files(tree: Tree) -> None:
    before = collect(tree()).digests
    after = collect(tree({f"{WEB}/files/index.html": "<p>bye\n"})).digests
    assert {path for path in before if before[path] != after[path]} == {"files/index.html"}
    assert set(before) == set(paths(collect(tree()))) == set(after)


def test_above_500_files_they_name_folders(tree: Tree) -> None:
    many: dict[str, str | bytes] = {f"{WEB}/files/{n % 3}/{n}.txt": str(n) for n in range(501)}
    before = collect(tree(many)).digests
    assert {"files/", "files/0/", "files/1/", "files/2/", "steps/", "deploy.py", GENERATED} <= set(before)
    assert len(before) < 20
    after = collect(tree({**many, f"{WEB}/files/1/1.txt": "changed"})).digests
    assert {path for path in before if before[path] != after[path]} == {"files/1/"}


def test_several_contexts_at_once_are_the_same_as_one_by_one(tree: Tree) -> None:
    packer = tree({f"{WEB}/files/{n}.bin": bytes([n]) * 500_000 for n in range(12)})
    catalog = Catalog.load(packer)
    together = collect_all(catalog, catalog.roles, "digitalocean", Bases.load(packer / "bases.lock"))
    assert together == {role: Context.collect(catalog, role, "digitalocean") for role in catalog.roles}
