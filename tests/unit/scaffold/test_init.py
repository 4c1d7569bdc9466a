"""`bakewell init` and `bakewell new-role`: what they write is a project that commands take; what is there stays."""

from __future__ import annotations

import ast
import errno
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.cli import run
from bakewell.context import Context
from bakewell.scaffold import project, sources
from bakewell.settings import load_settings
from bakewell_local.project.layout import Project

ROOT = Path(__file__).parents[3]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Runs a command of `bakewell` in a folder: status, stdout, stderr."""

    def call(*arguments: str, at: Path = tmp_path) -> tuple[int, str, str]:
        monkeypatch.chdir(at)
        capfd.readouterr()
        code = run(list(arguments))
        return code, *capfd.readouterr()

    return call


def share(root: Path) -> None:
    """Give a project the shared files of packer/."""
    for path in (ROOT / "packer").iterdir():
        if path.is_dir() and path.name == "steps":
            shutil.copytree(path, root / "packer/steps")
        elif path.suffix in (".hcl", ".py", ".txt"):
            shutil.copy(path, root / "packer")


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("clouds", [(), ("aws",), ("docker",), ("digitalocean", "aws")], ids="-".join)
def test_a_new_project_is_one_that_commands_take(call: Call, tmp_path: Path, clouds: tuple[str, ...]) -> None:
    options = [word for cloud in clouds for word in ("--cloud", cloud)]
    code, _, said = call("init", "my_Shop", *options)
    assert code == 0 and "project my-shop is ready; next: cd my_Shop && bakewell local up" in said
    told = (ROOT / "docs/own-project.md").read_text()
    assert all(f"    {line}\n" in told for line in said.splitlines()[:-1])
    root = tmp_path / "my_Shop"
    assert (root / "__main__.py").read_text() == (ROOT / "__main__.py").read_text()
    share(root)
    settings = load_settings("dev", root)
    wanted = list(clouds or ("digitalocean",))
    assert (settings.project, settings.prefix, settings.local, settings.clouds) == ("my-shop", "my-shop", True, wanted)
    assert Project(root, root).name == "my-shop"
    catalog, bases = Catalog.load(root / "packer"), Bases.load(root / "packer/bases.lock")
    assert catalog.roles == ("hello",)
    for cloud in wanted:
        assert "files/index.html" in Context.collect(catalog, "hello", cloud, bases).digests
    machines: dict[str, Mapping[str, object]] = {
        "digitalocean": settings.digitalocean.droplets,
        "aws": settings.aws.instances,
        "docker": settings.docker.containers,
    }
    assert [cloud for cloud, there in machines.items() if "hello" in there] == wanted
    packages = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert packages["dependencies"][0].startswith(f"bakewell[{','.join(wanted)}]==")
    code, _, said = call("roles", at=root / "packer")
    assert code == 0, said


def test_pip_install_takes_a_project_called_as_a_package_and_leaves_nothing_to_commit(
    call: Call, tmp_path: Path
) -> None:
    call("init", "bakewell")
    assert tomllib.loads((tmp_path / "bakewell/pyproject.toml").read_text())["project"]["name"] == "bakewell-project"
    assert {"build/", "*.egg-info/"} <= set((tmp_path / "bakewell/.gitignore").read_text().splitlines())


def test_git_converts_no_line_ends_of_packer(call: Call, tmp_path: Path) -> None:
    call("init")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    asked = ["git", "check-attr", "text", "packer/images/hello/deploy.py", "packer/provision.py", "__main__.py"]
    said = subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.rpartition(" ")[2] for line in said] == ["unset", "unset", "unspecified"]


def test_the_next_command_can_be_pasted(call: Call) -> None:
    assert "next: cd 'my shop' && bakewell local up" in call("init", "my shop")[2]


def test_a_new_role_fits_and_says_what_it_is(call: Call, tmp_path: Path) -> None:
    call("init")
    share(tmp_path)
    assert call("new-role", "plain")[0] == call("new-role", "child", "--parent", "plain")[0] == 0
    catalog = Catalog.load(tmp_path / "packer")
    assert (catalog["plain"].base, catalog["child"].parent) == ("debian-12", "plain")
    for role in ("plain", "child"):
        for file in ("deploy.py", "checks.py"):
            text = (tmp_path / f"packer/images/{role}/{file}").read_text()
            ast.parse(text)
            assert role in text and not {"ROLE", "BELOW", "BUILT_ON"} & set(text.split())
    before = contents(tmp_path)
    for words, told in (
        (["plain"], "role plain is there already"),
        (["Web"], "`Web` cannot name an image"),
        (["all"], "commands give that name another meaning"),
        (["web", "--parent", "plane"], "did you mean `plain`?"),
    ):
        code, _, said = call("new-role", *words)
        assert code == 2 and told in said and "remedy: " in said
    assert contents(tmp_path) == before


def test_beside_a_program_nothing_is_overwritten_and_what_differs_is_shown(call: Call, tmp_path: Path) -> None:
    mine = {
        "Pulumi.yaml": "name: Their Shop\nruntime:\n  name: python\n  options: {virtualenv: venv}\n",
        "__main__.py": "import shop\n",
        ".gitignore": "venv/\n.venv/\n.bakewell/\n*.egg-info/\nbuild/\n",
        ".gitattributes": "*.png binary\n",
        "Pulumi.dev.yaml": "encryptionsalt: theirs\nconfig:\n  aws:region: us-east-1\n",
        "pyproject.toml": '[project]\nname = "theirs"\ndependencies = ["pulumi"]\n',
    }
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    code, out, said = call("init")
    assert code == 1
    assert ".gitignore: lines to add\n+__pycache__/\n" in out
    assert ".gitattributes: lines to add\n+packer/** -text\n" in out
    assert "+[project]\n+dependencies = [" in out and "+[project.optional-dependencies]\n+local = [" in out
    assert "__main__.py: lines to add\n+from typing import Any\n" in out and "+import pulumi_bakewell as" in out
    assert "+  bakewell:project: their-shop\n" in out and "encryptionsalt" not in out
    assert not [line for line in out.splitlines() if line.startswith("-")]
    assert "these files had other content and were left: __main__.py, Pulumi.dev.yaml, " in said
    assert {name: (tmp_path / name).read_text() for name in mine} == mine
    assert (tmp_path / "packer/images/hello/image.toml").is_file()


@pytest.mark.parametrize(
    ("main", "path"),
    [("src", "src/__main__.py"), ("./src/", "src/__main__.py"), ("app.py", "app.py"), ("src/app.py", "src/app.py")],
)
def test_the_program_is_written_where_pulumi_runs_it(call: Call, tmp_path: Path, main: str, path: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\nmain: {main}\n")
    code, _, said = call("init")
    assert code == 0 and f"new        {path}\n" in said
    programs = {name for name in contents(tmp_path) if name.endswith(".py") and not name.startswith("packer/")}
    assert programs == {path}


@pytest.mark.parametrize("main", ["../other", "/elsewhere", "[src]"])
def test_a_program_outside_the_project_is_refused(call: Call, tmp_path: Path, main: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\nmain: {main}\n")
    code, _, said = call("init")
    assert code == 2 and "`main` is" in said and f"{tmp_path / 'Pulumi.yaml'}: " in said
    assert list(contents(tmp_path)) == ["Pulumi.yaml"]


def test_init_run_again_adds_what_is_missing(call: Call, tmp_path: Path) -> None:
    call("init", "--cloud", "aws", "--name", "shop")
    (tmp_path / "packer/images/hello").rename(tmp_path / "packer/images/site")
    stack = tmp_path / "Pulumi.dev.yaml"
    stack.write_text(stack.read_text().replace("hello:", "site:"))
    lock = tmp_path / "packer/bases.lock"
    lock.write_text(lock.read_text().replace('date = "', 'date = "2'))
    before = contents(tmp_path)
    code, out, said = call("init", "--github")
    assert (code, out) == (0, ""), said
    after = contents(tmp_path)
    assert {path for path in after if path not in before} == {path for path in after if path.startswith(".github/")}
    assert {path: after[path] for path in before} == before
    assert "aws" in (tmp_path / ".github/actions/setup/action.yml").read_text()

    code, out, said = call("init", "--cloud", "docker")
    assert code == 1 and contents(tmp_path) == after
    assert "Pulumi.dev.yaml: lines to add\n+  bakewell:clouds: [aws, docker]\n+  bakewell:docker:\n" in out
    assert "packer/bases.lock: lines to add\n+[debian-12.docker]\n" in out and "debian-12.aws" not in out
    assert "bakewell[aws,docker]==" in out and "were left: Pulumi.dev.yaml, packer/bases.lock, pyproject.toml\n" in said


def test_a_program_that_uses_bakewell_is_compared_line_by_line(call: Call, tmp_path: Path) -> None:
    call("init")
    program = tmp_path / "__main__.py"
    program.write_text(program.read_text().replace('pulumi.export("fleets", fleets)', 'pulumi.export("own", 1)'))
    code, out, _ = call("init")
    assert code == 1 and '-pulumi.export("own", 1)\n+pulumi.export("fleets", fleets)\n' in out


@pytest.mark.parametrize("runtime", ["", "runtime:\n", "runtime: {options: {}}\n"])
@pytest.mark.parametrize("program", ["python", "none"])
def test_a_program_without_a_runtime_is_refused(call: Call, tmp_path: Path, runtime: str, program: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: shop\n{runtime}")
    code, _, said = call("init", "--program", program)
    assert code == 2 and "Pulumi.yaml says no runtime" in said and "write `runtime: python`" in said


def test_a_role_that_cannot_be_written_is_named(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("init")
    share(tmp_path)

    def refused(path: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    code, _, said = call("new-role", "blog")
    assert code == 2 and "role blog cannot be written: Permission denied\n  remedy: make packer/images writable" in said


def test_a_program_in_another_language_is_left_alone(call: Call, tmp_path: Path) -> None:
    code, _, said = call("init", "--program", "none")
    assert code == 2 and "there is no Pulumi.yaml" in said and "pulumi new" in said
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: nodejs\n")
    code, _, said = call("init")
    assert code == 2 and "its runtime is nodejs\n  remedy: say --program none" in said
    assert list(contents(tmp_path)) == ["Pulumi.yaml"]
    code, _, said = call("init", "--program", "none")
    assert code == 0 and "but for the program: use the components Images, Machines" in said
    assert not (tmp_path / "__main__.py").exists()
    assert load_settings("dev", tmp_path).project == "shop"


@pytest.mark.parametrize("name", ["Pulumi.yml", "Pulumi.json"])
def test_no_second_project_file_is_written(call: Call, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"name": "shop", "runtime": "python"}')
    code, _, said = call("init")
    assert code == 2 and f"{tmp_path / name}: " in said and "as Pulumi.yaml" in said
    assert list(contents(tmp_path)) == [name]


@pytest.mark.parametrize("where", ["packer/images", "new"])
def test_inside_a_project_none_is_made(call: Call, tmp_path: Path, where: str) -> None:
    call("init")
    before = contents(tmp_path)
    code, _, said = call("init", where)
    assert code == 2 and f"{tmp_path}: this is" in said and "bakewell new-role NAME" in said
    assert contents(tmp_path) == before and not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--name", "my shop!"], "`my shop!` cannot name a project"),
        (["--name", "a" * 41], "cannot name a project"),
        (["12.34"], "no name can be made of `12.34`"),
        (["--cloud", "gcp"], "gcp"),
        (["file"], "/file: this is in the way"),
        (["file/below"], "/file: this is in the way"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_left(
    call: Call, tmp_path: Path, words: list[str], told: str
) -> None:
    (tmp_path / "file").touch()
    code, _, said = call("init", *words)
    assert code == 2 and told in said
    assert list(contents(tmp_path)) == ["file"]


def test_a_folder_that_may_not_be_looked_into_is_refused(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", closed)
    code, _, said = call("init", "shop")
    assert code == 2 and f"{tmp_path}/shop/packer/images: the folder cannot be read: Permission denied" in said
    assert "remedy: " in said


@pytest.mark.parametrize("text", [None, "half"], ids=["a-folder-in-the-way", "a-disk-that-fills"])
def test_a_write_that_fails_leaves_nothing_behind(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    if text is None:
        (tmp_path / "shop/pyproject.toml").mkdir(parents=True)
    else:

        def full(path: str) -> str:
            raise OSError(errno.ENOSPC, "No space left on device", path)

        write = Path.open
        monkeypatch.setattr(
            Path,
            "open",
            lambda path, mode, **how: full(str(path)) if path.name == "bases.lock" else write(path, mode, **how),
        )
    code, _, said = call("init", "shop")
    assert code == (2 if text is None else 1) and "remedy: " in said
    assert contents(tmp_path) == {}
    assert list(tmp_path.iterdir()) == ([tmp_path / "shop"] if text is None else [])


def test_workflows_come_with_github_and_name_its_clouds(call: Call, tmp_path: Path) -> None:
    assert call("init", "--github", "--cloud", "aws", "--cloud", "docker")[0] == 0
    flows = {path.stem for path in (tmp_path / ".github/workflows").iterdir()}
    assert flows == {"checks", "preview", "up", "rebuild", "clean"}
    setup = yaml.safe_load((tmp_path / ".github/actions/setup/action.yml").read_text())
    script = next(step["run"] for step in setup["runs"]["steps"] if step.get("id") == "pinned")
    assert "for cloud in aws docker; do" in script and "staged/aws/packer.pkr.hcl" in script
    assert not any(
        word in text
        for word in ("make ", ".venv")
        for text in map(Path.read_text, (tmp_path / ".github").rglob("*.yml"))
    )


def test_a_wheel_has_what_projects_get_from_the_repository() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    included = hatch["force-include"]
    for path in sources.REPOSITORY:
        assert included[path] == f"bakewell/scaffold/repository/{path}"
        assert sources.repository(path) == (ROOT / path).read_text()


@pytest.mark.parametrize(
    ("called", "name"),
    [("my_Shop", "my-shop"), ("Shop 2", "shop-2"), ("2shop", "shop"), ("été", "t"), ("a" * 50, "a" * 40), ("---", "")],
)
def test_a_folder_gives_the_name(called: str, name: str) -> None:
    assert project.valid_name(called) == name
