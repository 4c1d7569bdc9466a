"""A machine that is not there: which commands a step gives for what PyInfra's facts say of it.

Facts come from the test. A fact that the test does not give is what PyInfra makes of a command that prints nothing: no
such file, no such package. Operations are executed one after the other, as in a build, and every command succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api import Config, FactBase, Inventory, State
from pyinfra.api.command import FileDownloadCommand, FileUploadCommand, FunctionCommand, PyinfraCommand, StringCommand
from pyinfra.api.connect import connect_all
from pyinfra.api.host import Host
from pyinfra.api.operations import run_ops
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_host, ctx_state

Facts = Mapping[type[FactBase[Any]], Any]
"""Fact -> what it says, or a function of the fact's arguments that says it."""


@dataclass(frozen=True)
class Operation:
    """An operation that ran.

    Attributes:
        commands: those that it gave: a shell command as the machine's sh gets it, `put PATH`, `get PATH`, `call NAME`.
        files: path -> text of what it put there.
        stdin: what its commands got on stdin.
    """

    name: str
    commands: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    stdin: str = ""


def given(
    step: Callable[[], object], facts: Facts | None = None, data: Mapping[str, Any] | None = None, host: str = "@fake"
) -> list[Operation]:
    """The operations of `step` that had something to do.

    Args:
        data: host.data.
        host: for a machine that runs commands: "@local".

    Raises:
        Exception: what the step, or one of its operations, raised.
    """
    settings = {"fake_delay": 0, "fake_delay_jitter": 0, **(data or {})}
    inventory = Inventory(([host], settings))  # type: ignore[no-untyped-call]
    state = State(inventory, Config())  # type: ignore[no-untyped-call]
    connect_all(state)
    machine = next(iter(state.inventory))
    machine.get_fact = _facts(machine, facts or {})  # type: ignore[method-assign]
    done: list[Operation] = []
    with ctx_state.use(state), ctx_host.use(machine):
        state.set_stage(StateStage.Prepare)
        step()
        state.set_stage(StateStage.Execute)
        try:
            run_ops(state)
        finally:
            for order in state.get_op_order():  # type: ignore[no-untyped-call]
                meta = state.ops[machine][order].operation_meta
                if meta.is_complete() and meta._commands:
                    done.append(_operation(", ".join(state.get_op_meta(order).names), meta._commands))
    return done


def shell(done: list[Operation]) -> list[str]:
    """All commands, in their order."""
    return [command for operation in done for command in operation.commands]


def texts(done: list[Operation]) -> dict[str, str]:
    """All files that were put, by their paths."""
    return {path: text for operation in done for path, text in operation.files.items()}


def _facts(machine: Host, facts: Facts) -> Callable[..., Any]:
    ask = machine.get_fact

    def get(fact: type[FactBase[Any]], *args: Any, **kwargs: Any) -> Any:
        if fact not in facts:
            return ask(fact, *args, **kwargs)
        said = facts[fact]
        return said(*args, **kwargs) if callable(said) else said

    return get


def _operation(name: str, commands: list[PyinfraCommand]) -> Operation:
    operation = Operation(name)
    stdin = ""
    for command in commands:
        if isinstance(command, StringCommand):
            operation.commands.append(command.get_raw_value())
            stdin += str(command.connector_arguments.get("_stdin", ""))
        elif isinstance(command, FileUploadCommand):
            operation.commands.append(f"put {command.dest}")
            operation.files[command.dest] = _text(command.src)
        elif isinstance(command, FileDownloadCommand):
            operation.commands.append(f"get {command.src}")
        elif isinstance(command, FunctionCommand):
            operation.commands.append(f"call {command.function.__name__}")
    return Operation(name, operation.commands, operation.files, stdin)


def _text(source: Any) -> str:
    if isinstance(source, str):
        with open(source, encoding="utf-8") as file:  # noqa: PTH123 - PyInfra's own name for it is a str
            return file.read()
    source.seek(0)
    read = source.read()
    return read.decode() if isinstance(read, bytes) else str(read)
