"""DigitalOcean's published contract, and responses held against it.

The file is no part of this repository: it lies in `../shared/contracts` beside the clone where it is present.
"""

from __future__ import annotations

import json
import re
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

PATH = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "digitalocean-openapi.json"
_METHODS = ("get", "post", "put", "patch", "delete")
Operation = tuple[str, str]  # method and path template


class Contract:
    """The operations and the schemas of their responses."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document: dict[str, Any] = _as_json_schema(document)
        self._validators: dict[tuple[Operation, str], Draft202012Validator] = {}

    @cached_property
    def operations(self) -> list[Operation]:
        found = ((m.upper(), path) for path, item in self._document["paths"].items() for m in _METHODS if m in item)
        return sorted(found)

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that a call is, literal paths before ones with parameters; None for one not in the contract."""
        fits = [o for o in self.operations if o[0] == method and _matches(o[1], path)]
        return min(fits, key=lambda o: o[1].count("{"), default=None)

    def check(self, response: httpx.Response) -> None:
        """Fails when the status, a header or the body is not as the contract says."""
        method, path = response.request.method, response.request.url.path
        operation = self.operation(method, path)
        if operation is None:
            return
        response.read()
        responses = self._document["paths"][operation[1]][method.lower()]["responses"]
        status = str(response.status_code)
        said = self._resolve(responses.get(status, responses["default"]))
        what = f"{method} {path} ({status})"
        for header in said.get("headers", {}):
            if header != "content-type" or response.content:
                assert header in response.headers, f"{what}: no header {header}"
        schema = said.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            assert not response.content, f"{what}: a body where the contract has none"
            return
        errors = sorted(self._validator(operation, status, schema).iter_errors(response.json()), key=str)
        assert not errors, f"{what}: " + "; ".join(f"{e.json_path}: {e.message}" for e in errors)

    def _validator(self, operation: Operation, status: str, schema: dict[str, Any]) -> Draft202012Validator:
        key = (operation, status)
        if key not in self._validators:
            whole = {"components": self._document["components"], **schema}
            self._validators[key] = Draft202012Validator(whole, format_checker=FormatChecker())
        return self._validators[key]

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node


@cache
def contract() -> Contract | None:
    """The contract, or None where the file is not present."""
    return Contract(json.loads(PATH.read_text())) if PATH.exists() else None


def _matches(template: str, path: str) -> bool:
    pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/"))
    return re.fullmatch(pattern, path) is not None


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: `nullable` becomes a union with null; what stands beside a `$ref` doesn't count."""
    if isinstance(node, list):
        return [_as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return {"$ref": node["$ref"]}
    converted = {key: _as_json_schema(value) for key, value in node.items() if key not in ("nullable", "example")}
    return {"anyOf": [converted, {"type": "null"}]} if node.get("nullable") is True else converted
