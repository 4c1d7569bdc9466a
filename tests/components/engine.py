"""A stand-in for Pulumi's engine inside one test: it records what a program registers and answers as told.

Each run has a context of its own, so that nothing of Pulumi's global state outlives it. Nothing is diffed here: what
would be replaced or rerun is for the tests with the real engine; here it is what the program asks for.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import SETTINGS, _load_monitor_feature_support, configure
from pulumi.runtime.stack import run_in_stack, wait_for_rpcs

from tests.waiting import LONGEST

UNKNOWN = rpc.UNKNOWN
COMMAND = "command:local:Command"
DROPLET = "digitalocean:index/droplet:Droplet"
INSTANCE = "aws:ec2/instance:Instance"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:autoscaling/group:Group"
PARAMETER = "aws:ssm/parameter:Parameter"
PERMISSION = "aws:ec2/amiLaunchPermission:AmiLaunchPermission"
RESERVED_IP = "digitalocean:index/reservedIp:ReservedIp"
ASSIGNMENT = "digitalocean:index/reservedIpAssignment:ReservedIpAssignment"


@dataclass(frozen=True)
class Registered:
    """One resource as the program asked for it."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: frozenset[str]
    secret_outputs: tuple[str, ...]
    ignored: tuple[str, ...]
    provider: str
    request: Any = field(repr=False, compare=False)


@dataclass
class Run:
    """What one run of a program did. `registered`: the outputs of its components, by name."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)
    calls: list[mocks.MockCallArgs] = field(default_factory=list)
    hooks: dict[str, pulumi.ErrorHook] = field(default_factory=dict)
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: BaseException | None = None

    def __getitem__(self, name: str) -> Registered:
        """The one custom resource called `name`."""
        (found,) = [r for r in self.resources if r.name == name and r.request.custom]
        return found

    def of_type(self, type_: str) -> dict[str, Registered]:
        return {r.name: r for r in self.resources if r.type == type_}

    def said(self, level: str = "") -> str:
        return "\n".join(text for at, text in self.messages if level in ("", at))


class Answers(Protocol):
    """What the engine knows: a resource's outputs by what was asked for, a stack's by its name, a function's answer."""

    def __call__(self, asked: mocks.MockResourceArgs) -> Mapping[str, Any]: ...

    def invoke(self, function: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]: ...

    def stack_outputs(self, name: str) -> Mapping[str, Any]: ...


class _Monitor(mocks.MockMonitor):
    def __init__(self, answers: Answers, run: Run) -> None:
        super().__init__(_Mocks(answers, run))
        self.run = run

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        return f"urn:pulumi:dev::bakewell::{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        self.run.resources.append(
            Registered(
                type=request.type,
                name=request.name,
                parent=request.parent.rpartition("::")[2],
                inputs=json_format.MessageToDict(request.object),
                depends_on=frozenset(urn.rpartition("::")[2] for urn in request.dependencies),
                secret_outputs=tuple(request.additionalSecretOutputs),
                ignored=tuple(request.ignoreChanges),
                provider=request.provider,
                request=request,
            )
        )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:
        outputs = json_format.MessageToDict(request.outputs)
        self.run.registered[request.urn.rpartition("::")[2]] = outputs
        if "pulumi:pulumi:Stack" in request.urn:
            self.run.outputs = outputs
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _Mocks(mocks.Mocks):
    def __init__(self, answers: Answers, run: Run) -> None:
        self._answers, self._run = answers, run

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        if args.token != "pulumi:pulumi:readStackOutputs":
            self._run.calls.append(args)
            return dict(self._answers.invoke(args.token, args.args)), []
        return {"outputs": dict(self._answers.stack_outputs(args.args["name"]))}, []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        known = dict(self._answers(args))
        return str(known.pop("id", f"{args.name}-id")), {**args.inputs, **known}


class _Callbacks:
    """Functions of the program that the engine may call; Pulumi's own speak to a real engine only."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        self._run.hooks[hook.name] = hook


class _Log(logging.Handler):
    def __init__(self, run: Run) -> None:
        super().__init__(logging.INFO)
        self.run = run

    def emit(self, record: logging.LogRecord) -> None:
        self.run.messages.append((record.levelname.lower(), record.getMessage()))


def run_program(
    program: Callable[[], None],
    answers: Answers,
    *,
    preview: bool = False,
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
    plugin: bool = False,
) -> Run:
    """Run `program` as Pulumi would, in a stack of its own.

    Args:
        program: what __main__.py holds.
        answers: what the engine knows; UNKNOWN for what a preview can't know.
        preview: as `pulumi preview`.
        stack: its name.
        config: namespaced keys to text, as Pulumi gives them.
        plugin: run it as a plugin's Construct: the stack's program is elsewhere, and config comes with the request.
    """
    run = Run()
    # A program that fails leaves work undone; asyncio is told not to mind, as the language host tells it.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logger = logging.Logger("engine", logging.INFO)
    logger.addHandler(_Log(run))

    async def in_time() -> None:
        # In one task with the program: what ends that with SystemExit then ends nothing else with it.
        async with asyncio.timeout(LONGEST):
            if plugin:
                await _load_monitor_feature_support()  # as Pulumi's server of plugins does
                program()
                await asyncio.sleep(0)
                await wait_for_rpcs()
            else:
                await run_in_stack(program)

    def inside() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        configure(
            mocks.MockSettings(
                monitor=_Monitor(answers, run),
                engine=mocks.MockEngine(logger),
                project="bakewell",
                stack=stack,
                dry_run=preview,
                organization="organization",
            )
        )
        SETTINGS.callbacks = _Callbacks(run)
        SETTINGS.outputs.clear()  # the one thing of a run before, if that failed, which is in no context
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PULUMI_CONFIG", json.dumps({} if plugin else dict(config or {})))
            pulumi.runtime.set_all_config(dict(config or {}))
            try:
                loop.run_until_complete(in_time())
            except (pulumi.RunError, SystemExit) as error:
                run.error = error
            finally:
                # What a failed program left waiting would complain, out of any test, that its loop is gone.
                waiting = asyncio.all_tasks(loop)
                for task in waiting:
                    task.cancel()
                loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
                loop.close()
                asyncio.set_event_loop(None)

    contextvars.copy_context().run(inside)
    return run
