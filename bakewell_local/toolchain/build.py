"""Every Go tool ready to run: taken from PATH where it fits, from an earlier build, or built now from pinned modules.

A build goes to a new folder that is renamed when it is whole, under a lock of the user cache: an interrupted one leaves
nothing half, two clones don't build the same tool twice. `python -m toolchain.build` does it by hand.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bakewell.errors import BakewellError
from bakewell_local.toolchain import go, overlay
from bakewell_local.toolchain.folders import alone, cache, whole
from bakewell_local.toolchain.progress import Task
from bakewell_local.toolchain.tools import (
    EXECUTOR,
    HOSTS,
    LANGUAGE_HOST,
    MODULES,
    NEEDED,
    PACKER,
    PLUGINS,
    PULUMI,
    TOOLS,
    Tool,
    built,
    checksum_of,
    find_plugin,
    on_machine,
    plugin_folder,
    tells,
)

_AT_ONCE = 2  # go build uses every core by itself; a second one fills the gaps of downloads and of linking


@dataclass(frozen=True)
class Toolchain:
    """Where each tool is.

    Attributes:
        programs: tool name → its binary.
    """

    programs: dict[str, Path]

    @property
    def path(self) -> list[Path]:
        """The folders to put on PATH, each once."""
        return list(dict.fromkeys(self.programs[t.name].parent for t in TOOLS if t in self and not t.plugin))

    @property
    def packer_plugins(self) -> Path:
        """What PACKER_PLUGIN_PATH must be: Packer takes one folder, and each plugin is in one of its own."""
        if len(self.plugins) == 1:
            return plugin_folder(self.plugins[0])
        names = "\n".join(map(str, self.plugins))
        return cache() / "toolchain" / "packer-plugins" / hashlib.sha256(names.encode()).hexdigest()[:12]

    @property
    def plugins(self) -> list[Path]:
        """Packer's plugins."""
        return [self.programs[tool.name] for tool in PLUGINS.values() if tool in self]

    def __contains__(self, tool: Tool) -> bool:
        return tool.name in self.programs


class Builder:
    """Builds what is missing, several tools at once; `stop` ends what runs, as Ctrl-C does."""

    def __init__(self, go_program: Path | None = None) -> None:
        self._go = go_program
        self._finding_go = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = threading.Event()

    def ensure(self, tools: Sequence[Tool] = NEEDED, *, only_built: bool = False) -> Toolchain:
        """Have `tools` ready.

        Args:
            tools: which; by default those that every stack on the local cloud needs.
            only_built: take none that the machine has, only what was built here: static, and known to the byte.

        Raises:
            BakewellError: a build failed (its last lines are in the message), or there is no Go to build with.
        """
        plugins = any(tool.plugin for tool in tools)
        order = [tool for tool in TOOLS if tool in tools or (tool is PACKER and plugins)]
        futures: dict[Tool, Future[Path]] = {}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="toolchain") as pool:
            try:
                for tool in order:
                    futures[tool] = pool.submit(self._ready, tool, futures.get(PACKER), built if only_built else found)
                programs = {tool.name: futures[tool].result() for tool in order}
            except BaseException:
                self.stop()
                for future in futures.values():
                    future.cancel()
                raise
        if PULUMI in order and programs[PULUMI.name] == built(PULUMI):
            for host in (host for host in HOSTS.values() if host in order):
                programs[host.name] = _beside(programs[PULUMI.name], programs[host.name])
        toolchain = Toolchain(programs)
        if len(toolchain.plugins) > 1:
            _gather(toolchain.plugins, toolchain.packer_plugins)
        return toolchain

    def stop(self) -> None:
        """End every build that is running and start no other."""
        self._stopped.set()
        for process in list(self._running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)

    def _ready(self, tool: Tool, packer: Future[Path] | None, look: Callable[[Tool], Path | None]) -> Path:
        if (program := look(tool)) is not None:
            return program
        with alone(tool.home.parent / "lock", tool.name, "building", self._check):
            if look(tool) is None:
                self._make(tool, packer)
        ready = look(tool)
        if ready is None:
            raise BakewellError(f"{tool.name} was built, but {tool.home} does not hold it", remedy="run this again")
        return ready

    def _make(self, tool: Tool, packer: Future[Path] | None) -> None:
        with whole(tool.home) as new, Task(tool.name, f"building {tool.version}") as task:
            self._compile(tool, new, task)
            if tool is LANGUAGE_HOST:
                self._add_executor(new)
            elif tool.plugin and packer is not None:
                _install_plugin(tool, new, packer.result())
            elif tool not in HOSTS.values() and not tells(tool, new / "bin" / tool.name):
                raise BakewellError(f"{tool.name} was built, but does not run as version {tool.version}")
            shutil.rmtree(new / "source")

    def _compile(self, tool: Tool, new: Path, task: Task) -> None:
        last: deque[str] = deque(maxlen=20)
        fetched = compiled = 0
        overlay.lay(tool, new / "source", lambda module: self._folder_of(tool, module))
        command: list[Path | str] = [self._find_go(), "build", "-v", "-trimpath", "-overlay", overlay.FILE]
        command += [f"-gcflags={flags}" for flags in tool.gcflags]
        command += ["-ldflags", tool.ldflags, "-o", new / "bin" / tool.name, tool.package]
        process = subprocess.Popen(
            command,
            cwd=new / "source",
            env=go.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that `stop` reaches the compilers too
        )
        self._running.add(process)
        try:
            with process:
                self._check()
                for line in process.stderr or ():
                    last.append(line.rstrip())
                    fetching = line.startswith("go: downloading")
                    fetched, compiled = fetched + fetching, compiled + (not fetching)
                    task(f"{fetched} modules fetched, {compiled} packages compiled")
        finally:
            self._running.discard(process)
        self._check()
        if process.returncode != 0:
            raise BakewellError(
                f"{tool.name} {tool.version} could not be built:\n    " + "\n    ".join(last),
                file=f"toolchain/{tool.name}/go.mod",
                remedy=f"see what go says above, or install {tool.name} {tool.version} on PATH",
            )

    def _add_executor(self, new: Path) -> None:
        """Put the Python script that the language host starts beside it."""
        script = new / "bin" / EXECUTOR
        source = self._folder_of(LANGUAGE_HOST, LANGUAGE_HOST.module)
        shutil.copyfile(source / "python" / "cmd" / EXECUTOR, script)
        script.chmod(0o755)

    def _folder_of(self, tool: Tool, module: str) -> Path:
        """Where a module that the tool's go.mod requires is, downloaded if need be."""
        command: list[Path | str] = [self._find_go(), "mod", "download", "-json", module]
        return Path(json.loads(_told(tool, command, go.environment(), MODULES / tool.name))["Dir"])

    def _find_go(self) -> Path:
        with self._finding_go:
            self._go = self._go or go.find()
            return self._go

    def _check(self) -> None:
        if self._stopped.is_set():
            raise BakewellError("stopped while the toolchain was being built", remedy="run this again: it goes on")


def _beside(pulumi: Path, host: Path) -> Path:
    """Link a language host, and its executor, beside pulumi, which warns at every run about one from elsewhere."""
    for name in (host.name, *((EXECUTOR,) if host.name == LANGUAGE_HOST.name else ())):
        link, program = pulumi.with_name(name), host.with_name(name)
        if not (link.exists() and link.samefile(program)):
            fresh = link.with_name(f".{name}.{os.getpid()}")
            fresh.hardlink_to(program)
            fresh.replace(link)
    return pulumi.with_name(host.name)


def _install_plugin(plugin: Tool, new: Path, packer: Path) -> None:
    command: list[Path | str] = [packer, "plugins", "install", "--path", new / "bin" / plugin.name, plugin.plugin]
    environment = {**os.environ, "PACKER_PLUGIN_PATH": str(new / "plugins"), "CHECKPOINT_DISABLE": "1"}
    _told(plugin, command, environment, new)


def _gather(plugins: Sequence[Path], folder: Path) -> None:
    """Link plugins of several folders into one."""
    for plugin in plugins:
        there = folder / plugin.parent.relative_to(plugin_folder(plugin))
        there.mkdir(parents=True, exist_ok=True)
        for file in (plugin, checksum_of(plugin)):  # the second is what Packer looks for first
            with suppress(FileExistsError):
                (there / file.name).symlink_to(file)


def _told(tool: Tool, command: Sequence[Path | str], environment: Mapping[str, str], folder: Path) -> str:
    """What a step of a tool's build prints on stdout."""
    done = subprocess.run(
        command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise BakewellError(
            f"{tool.name} could not be built: `{words}` failed: {done.stderr.strip() or done.stdout.strip()}",
            remedy="see what it says above, then run this again",
        )
    return done.stdout.strip()


def found(tool: Tool) -> Path | None:
    """The tool at its pinned version, from an earlier build or from the machine; None if it must be built."""
    if tool.plugin:
        return find_plugin(tool.home / "plugins", tool) or on_machine(tool, os.environ)
    return built(tool) or on_machine(tool, os.environ)


def main() -> None:
    """Have the named tools ready, by default those that every stack needs, and print where each is."""
    names = sys.argv[1:] or [tool.name for tool in NEEDED]
    if unknown := sorted(set(names) - {tool.name for tool in TOOLS}):
        known = ", ".join(tool.name for tool in TOOLS)
        sys.exit(f"error: no such tool: {', '.join(unknown)}\n  remedy: one of {known}")
    try:
        toolchain = Builder().ensure([tool for tool in TOOLS if tool.name in names])
    except BakewellError as error:
        sys.exit(f"error: {error}")
    for name in names:
        print(toolchain.programs[name])


if __name__ == "__main__":
    main()
