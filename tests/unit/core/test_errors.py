from __future__ import annotations

import ast
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakewell.errors import (
    BakewellError,
    BuildError,
    CloudError,
    ConfigError,
    ContextError,
    HostError,
    Interrupted,
    file_error,
)

PACKAGE = Path(__file__).parents[3] / "bakewell"


def test_a_message_names_file_thing_and_remedy() -> None:
    error = ConfigError("image web: unknown key `stpes`", file=Path("packer/images/web/image.toml"), remedy="remove it")
    assert str(error) == "packer/images/web/image.toml: image web: unknown key `stpes`\n  remedy: remove it"


def test_every_kind_is_caught_by_the_root_and_has_its_own_exit_code() -> None:
    kinds = [BakewellError, ConfigError, CloudError, BuildError, Interrupted]
    assert all(issubclass(kind, BakewellError) for kind in kinds)
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    assert 0 not in {kind.exit_code for kind in kinds}
    assert ContextError.exit_code == ConfigError.exit_code


HOST = [getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE", "ENOMEM")]


@pytest.mark.parametrize("code", HOST, ids=errno.errorcode.get)
def test_a_host_that_fails_is_no_bad_input(code: int) -> None:
    error = file_error(OSError(code, os.strerror(code)), "x cannot be read", file="x", remedy="make it readable")
    assert type(error) is HostError and error.exit_code == 1
    assert os.strerror(code) in error.what and error.remedy and error.remedy != "make it readable"


@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOENT, errno.ENOTDIR, errno.ELOOP])
def test_a_file_that_is_not_as_it_should_be_is_bad_input(code: int) -> None:
    error = file_error(OSError(code, os.strerror(code)), "x", file="x", remedy="mend it", kind=ContextError)
    assert type(error) is ContextError and error.remedy == "mend it"


def _takes_a_host_for_input(handler: ast.ExceptHandler) -> bool:
    """Whether a handler of OSError raises a kind of its own choice, whatever the number of the error."""
    caught = {node.id for node in ast.walk(handler.type or ast.Constant(None)) if isinstance(node, ast.Name)}
    calls = (node.func for node in ast.walk(handler) if isinstance(node, ast.Call))
    called = {call.id for call in calls if isinstance(call, ast.Name)}
    return "OSError" in caught and bool({"ConfigError", "ContextError"} & called)


def _handlers() -> Iterator[tuple[str, ast.ExceptHandler]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def test_no_handler_of_oserror_tells_a_failing_host_as_bad_input() -> None:
    found = list(_handlers())
    assert len(found) > 50
    assert [where for where, handler in found if _takes_a_host_for_input(handler)] == [], "use file_error"
