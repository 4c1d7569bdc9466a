"""The table of calls: they read what AWS has, the docs say what they take, and there is no other way to AWS."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

from botocore.loaders import Loader
from botocore.model import ServiceModel
from pydantic import BaseModel

from bakewell.clouds.aws.answers.base import Nothing
from bakewell.clouds.aws.calls import CALLS

ROOT = Path(__file__).parents[5]


@cache
def service(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def fields(answer: type[BaseModel], shape: Any) -> Iterator[tuple[str, bool]]:
    """Every field of a model, at any depth, and whether AWS's answer can have it."""
    for name, field in answer.model_fields.items():
        member = shape.members.get(str(field.alias))
        yield f"{answer.__name__}.{name}", member is not None
        if member is not None:
            member = member.member if member.type_name == "list" else member
            for part in (field.annotation, *get_args(field.annotation)):
                if isinstance(part, type) and issubclass(part, BaseModel):
                    yield from fields(part, member)


def test_models_name_fields_that_aws_has() -> None:
    """Overrides of fleets, spot fleets and groups differ: a field of theirs is of one at least."""
    found: dict[str, bool] = {}
    for call in CALLS:
        shape = service(call.service).operation_model(call.operation).output_shape
        if call.answer is not Nothing:
            for name, known in fields(call.answer, shape):
                found[name] = known or found.get(name, False)
    assert found["Override.image_id"] and len(found) > 80
    assert not [name for name, known in found.items() if not known]


def test_the_permissions_that_calls_take_are_documented() -> None:
    document = (ROOT / "docs" / "aws.md").read_text()
    assert not [call.action for call in CALLS if f"`{call.action}`" not in document]


def test_nothing_asks_aws_but_by_a_call_with_a_model() -> None:
    for file in (ROOT / "bakewell").rglob("*.py"):
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(file.read_text()))
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }
        assert file.name == "api.py" or not {"boto3", "botocore"} & names, file
        assert file.name == "api.py" or "clients.client(" not in file.read_text(), file
