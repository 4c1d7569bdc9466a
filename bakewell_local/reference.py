"""`python -m bakewell_local.reference`: writes components/schema.json and docs/api.md, the schema as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bakewell_local.toolchain.folders import ROOT
from pulumi_bakewell.plugin import Plugin

SCHEMA, PAGE = ROOT / "components" / "schema.json", ROOT / "docs" / "api.md"
HEAD = """# The components

What `import pulumi_bakewell` and the plugin `pulumi-resource-bakewell` have, in every language. Made from
[schema.json](../components/schema.json) by `python -m bakewell_local.reference`; a test compares.

[languages.md](languages.md) says how a program in each language uses them. What an image is made of is no input: it is
in packer/ and in [stack config](config.md). [examples/](../examples/README.md) has whole projects.
"""


def schema() -> dict[str, Any]:
    """The schema that the plugin serves."""
    served: dict[str, Any] = json.loads(Plugin().schema or "{}")
    return served


def page(schema: Mapping[str, Any]) -> str:
    """The schema as Markdown: a section for each component."""
    return (
        "\n".join([HEAD, *(line for token in schema["resources"] for line in _component(token, schema))]).rstrip()
        + "\n"
    )


def _component(token: str, schema: Mapping[str, Any]) -> Iterator[str]:
    component = schema["resources"][token]
    yield f"## {token.rpartition(':')[2]}\n\n{component['description']}\n"
    required = set(component.get("requiredInputs", []))
    yield from _table("input", component["inputProperties"], required)
    yield from _table("output", component["properties"], set())


def _table(kind: str, properties: Mapping[str, Any], required: set[str]) -> Iterator[str]:
    yield f"| {kind} | type | |\n|---|---|---|"
    for name, prop in properties.items():
        text = " ".join(prop["description"].split()).replace("|", "\\|")
        yield f"| `{name}`{' (required)' if name in required else ''} | {_type(prop)} | {text} |"
    yield ""


def _type(prop: Mapping[str, Any]) -> str:
    if prop.get("type") == "object":
        return f"map of {_type(prop['additionalProperties'])}"
    if prop.get("type") == "array":
        return f"list of {_type(prop['items'])}"
    return "any" if "$ref" in prop else str(prop["type"])


def main() -> None:
    """Write both files."""
    served = schema()
    SCHEMA.write_text(json.dumps(served, indent=2) + "\n")
    PAGE.write_text(page(served))


if __name__ == "__main__":
    main()
