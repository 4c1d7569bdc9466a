"""The plugin for every language: its schema is the committed one, and says what each input and output is."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.errors import InputPropertiesError
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from bakewell_local import reference
from bakewell_local.toolchain.folders import ROOT
from pulumi_bakewell.plugin import Plugin

AGAIN = "run `python -m bakewell_local.reference`"


def test_schema_and_page_are_what_the_components_say() -> None:
    served = reference.schema()
    assert json.loads(reference.SCHEMA.read_text()) == served, AGAIN
    assert reference.PAGE.read_text() == reference.page(served), AGAIN


def test_everything_in_the_schema_is_described() -> None:
    components = reference.schema()["resources"]
    assert sorted(components) == [
        f"bakewell:index:{n}" for n in ("ImageRetention", "Images", "Machines", "PublishedImages")
    ]
    for token, component in components.items():
        described = {"itself": component, **component["inputProperties"], **component["properties"]}
        assert [name for name, prop in described.items() if not prop.get("description")] == [], token
        for name, prop in component["inputProperties"].items():
            says_its_default = "by default" in prop["description"]
            assert says_its_default != (name in component.get("requiredInputs", [])), f"{token}.{name}"


def test_a_plugin_from_git_is_run_by_the_python_host() -> None:
    folder = ROOT / "components"
    assert yaml.safe_load((folder / "PulumiPlugin.yaml").read_text()) == {"runtime": "python"}
    assert "from pulumi_bakewell.plugin import main" in (folder / "__main__.py").read_text()
    assert (folder / "requirements.txt").read_text().startswith("bakewell[")


def test_a_misspelt_input_is_refused() -> None:
    """Pulumi's own host drops it."""
    with pytest.raises(InputPropertiesError) as caught:
        Plugin().construct("images", "bakewell:index:Images", {"clout": "aws"})
    assert caught.value.message.startswith("Images `images`: there is no argument `clout` (did you mean `cloud`?)\n")
    assert caught.value.errors == []


@pytest.mark.parametrize("kind", [pulumi.RunError, ValueError])
def test_a_refusal_reaches_the_engine_without_a_traceback(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise ComponentInitError(kind("image web: no such thing\n  remedy: do this"))

    monkeypatch.setattr(ComponentProvider, "construct", refuse)
    wanted = InputPropertiesError if kind is pulumi.RunError else ComponentInitError
    with pytest.raises(wanted) as caught:
        Plugin().construct("images", "bakewell:index:Images", {})
    assert getattr(caught.value, "errors", []) == [], "None fails in Pulumi's server"
    assert getattr(caught.value, "message", None) in (None, "image web: no such thing\n  remedy: do this")
