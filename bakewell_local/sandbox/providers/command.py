"""The stand-in for pulumi-resource-command 1.2.1: `command:local:Command`.

No remote commands, no `local.run`, and no assetPaths or archivePaths, which are refused in Check.
"""

from __future__ import annotations

import secrets
import sys
from typing import Any

from bakewell_local.sandbox.providers import diff, values, versions
from bakewell_local.sandbox.providers.process import Runner
from bakewell_local.sandbox.providers.server import Difference, Operation, Properties, Provider, Resource, serve
from bakewell_local.sandbox.providers.values import UNKNOWN

_OUTPUTS = ("stdout", "stderr")
_REFUSED = ("assetPaths", "archivePaths")


class LocalCommand(Resource):
    """`command:local:Command`. That `triggers` replace is the SDK's doing (`replaceOnChanges`), as with the real one:
    only adding or removing the whole property is a replacement by the provider's own word.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def check(self, op: Operation, old: Properties, new: Properties) -> tuple[Properties, list[tuple[str, str]]]:
        told = "is not implemented by the local cloud's stand-in for the command plugin: leave it out"
        return new, [(name, f"{name} {told}") for name in _REFUSED if new.get(name)]

    def diff(self, op: Operation, state: Properties, old: Properties, new: Properties) -> Difference:
        inputs = {key: value for key, value in new.items() if key != "version" and not key.startswith("__")}
        found = diff.changes(old, inputs)
        return Difference({path: f"{kind}_REPLACE" if path == "triggers" else kind for path, kind in found.items()})

    def create(self, op: Operation, inputs: Properties) -> tuple[str, Properties]:
        resource_id = f"{op.name}{secrets.token_hex(4)}"
        if op.preview:
            return resource_id, {**inputs, **dict.fromkeys(_OUTPUTS, UNKNOWN)}
        return resource_id, {**inputs, **self._run(op, inputs, inputs.get("create"), {})}

    def update(self, op: Operation, resource_id: str, state: Properties, inputs: Properties) -> Properties:
        before = {name: state[name] for name in _OUTPUTS if name in state}
        if op.preview:
            return {**inputs, **(dict.fromkeys(before, UNKNOWN) if _touches_output(state, inputs) else before)}
        text = inputs["update"] if "update" in inputs else inputs.get("create")
        return {**inputs, **self._run(op, inputs, text, before)}

    def read(
        self, op: Operation, resource_id: str, state: Properties, inputs: Properties
    ) -> tuple[Properties, Properties] | None:
        return state, inputs

    def delete(self, op: Operation, resource_id: str, state: Properties) -> None:
        self._run(op, state, state.get("delete"), {name: state[name] for name in _OUTPUTS if name in state})

    def _run(self, op: Operation, inputs: Properties, text: Any, before: Properties) -> Properties:
        """The outputs of running `text` with the options in `inputs` (interpreter, dir, environment …); `before` again
        (or none) where there is nothing to run.
        """
        if text is None:
            return {name: before.get(name, "") for name in _OUTPUTS}
        given, previous = values.plain(inputs), {}
        if given.get("addPreviousOutputInEnv", True):
            previous = {f"PULUMI_COMMAND_{name.upper()}": told for name, told in values.plain(before).items() if told}
        return dict(zip(_OUTPUTS, self._runner.run(values.plain(text), given, previous, op), strict=True))


def _touches_output(state: Properties, inputs: Properties) -> bool:
    """True when a preview can't know the outputs: an input is unknown, or one that was there before is now another.

    An input that was absent does not count. That is the real plugin's fault (`infer` compares with the old state), and
    programs have to know it: the preview then shows the old stdout as if it were still true.
    """
    unknown = any(values.is_unknown(value) for value in inputs.values())
    known_before = state.keys() - {*_OUTPUTS, "assets", "archive"}
    return unknown or any(not diff.same(state[key], inputs.get(key)) for key in known_before)


class CommandProvider(Provider):
    """The plugin."""

    name = "command"
    version = versions.COMMAND
    accepts_secrets = True

    def __init__(self) -> None:
        self._runner = Runner()
        self.resources = {"command:local:Command": LocalCommand(self._runner)}

    def configure(self, config: Properties) -> None:
        """It has no configuration."""

    def cancel(self) -> None:
        self._runner.cancel()


def main() -> None:
    """Serve it to the engine whose address is the last argument."""
    serve(CommandProvider(), sys.argv[1:])


if __name__ == "__main__":
    main()
