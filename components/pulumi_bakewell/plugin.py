"""`pulumi-resource-bakewell`: the plugin by which programs in any language use the components.

It serves what `COMPONENTS` names, in the schema that Pulumi's analyzer takes from their annotations and descriptions.
Pulumi starts it in the project's folder. It builds nothing itself: the commands of a stack run `bakewell`, which has to
be on PATH.
"""

from __future__ import annotations

import inspect
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast, get_args

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import server
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.provider import ConstructResult
from pulumi.provider.server import ComponentInitError

from bakewell.errors import BakewellError, ConfigError
from pulumi_bakewell.arguments import check_names
from pulumi_bakewell.image_retention import ImageRetention
from pulumi_bakewell.images import Images
from pulumi_bakewell.machines import Machines
from pulumi_bakewell.published_images import PublishedImages

COMPONENTS: list[type[pulumi.ComponentResource]] = [Images, Machines, ImageRetention, PublishedImages]


class Plugin(ComponentProvider):
    """Pulumi's own host of Python components, whose refusals are shown without a traceback."""

    def __init__(self) -> None:
        super().__init__(COMPONENTS, "bakewell", None, version("bakewell"))
        schema = _tidy(json.loads(self.schema or "{}"))
        for component in COMPONENTS:
            schema["resources"][f"bakewell:index:{component.__name__}"]["requiredInputs"] = _required(component)
        self.schema = json.dumps(schema)
        self.asked = ""
        """The version that the program's SDK is of; empty for a program that says none."""

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Make a component.

        Raises:
            InputPropertiesError: it is refused; the message names what, where and the remedy.
        """
        kind = resource_type.rpartition(":")[2]
        try:
            self._check_version()
            # Pulumi's own drops what it does not know.
            check_names(f"{kind} `{name}`", inputs, self._component_defs[kind].inputs)
            return super().construct(name, resource_type, inputs, options)
        except BakewellError as error:
            raise InputPropertiesError(str(error), []) from error
        except ComponentInitError as error:
            if isinstance(error.inner, pulumi.RunError):
                raise InputPropertiesError(str(error.inner), []) from error  # None would fail in Pulumi's server
            raise

    def _check_version(self) -> None:
        """The engine takes a newer plugin than the SDK without a word, and an older one with a warning."""
        if self.asked not in ("", self.version):
            raise ConfigError(
                f"two versions of bakewell: the program's SDK is {self.asked}, this plugin is {self.version}",
                file=Path(sys.argv[0]).absolute(),
                remedy="generate the SDK again: pulumi package add pulumi-resource-bakewell; or install its version: "
                f"{sys.executable} -m pip install bakewell=={self.asked}",
            )


class _Servicer(server.ProviderServicer):
    """Pulumi's own, which tells the plugin the version that it is asked for."""

    async def Configure(self, request: Any, context: Any) -> Any:
        """What the engine knows of the provider before it asks for components."""
        cast(Plugin, self.provider).asked = request.args.fields["version"].string_value
        return await super().Configure(request, context)


def _required(component: type[pulumi.ComponentResource]) -> list[str]:
    """The inputs that may not be None. Newer SDKs take all of a TypedDict that is not total for optional."""
    arguments = inspect.get_annotations(component.__init__)["args"]
    return [name for name, hint in inspect.get_annotations(arguments).items() if type(None) not in get_args(hint)]


def _tidy(schema: Any) -> Any:
    """Descriptions without the indentation of their source, and said once: the analyzer repeats them for each item."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(part) for key, part in schema.items()}
    if isinstance(text := tidy.get("description"), str):
        tidy["description"] = inspect.cleandoc(text)
    for key in ("items", "additionalProperties"):
        if isinstance(tidy.get(key), dict):
            tidy[key].pop("description", None)
    return tidy


def main() -> None:
    """Serve until the engine ends the process."""
    vars(server)["ProviderServicer"] = _Servicer
    server.main(Plugin(), sys.argv[1:])
