"""Masks the secrets of an environment in text.

A secret is masked as a whole, line by line (a PEM key, a JSON file, also with `\\n` for line ends), part by part (a
list, `Bearer TOKEN`), quoted for a URL or for JSON, and in base64. Control sequences are removed first, because a
colour code inside a secret would hide it. A secret of fewer than eight characters is shown: masking "1" or "true" would
make a log unreadable.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import quote, quote_plus, unquote

from bakewell.secret_shapes import secret_setting, secret_variable

MASK = "***"
SHORTEST = 8
"""Characters of the shortest text that is masked."""

CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, moves of the cursor
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]"
)
"""Control sequences of terminals, except tabs and line ends. `build.supervisor` has the same pattern for bytes."""

_USER = re.compile(r"://([^/?#\s@]+)@")
_PAIR = re.compile(r"""(?:^|[?&;,\s])([A-Za-z][\w.-]{0,99})=("[^"]*"|'[^']*'|[^&;,\s]+)""")
_BETWEEN = re.compile(r"[\s,;'\"]+")
_LONGEST_NAME = 16  # a user name in a URL is shown; a longer one without a password is a token


class Masks:
    """The secrets to mask.

    Args:
        environments: variables and their values; values that look like secrets are masked.

    Attributes:
        texts: every text to mask, the longest first.
    """

    def __init__(self, *environments: Mapping[str, str]) -> None:
        found = {text for environ in environments for text in _secrets(environ)}
        self.texts = sorted(found, key=lambda text: (-len(text), text))

    def mask(self, text: str) -> str:
        """`text` without control sequences and without secrets."""
        text = CONTROL.sub("", text)
        for secret in self.texts:
            text = text.replace(secret, MASK)
        return text


def masked(text: str) -> str:
    """`text` without the secrets of this process's environment."""
    return Masks(os.environ).mask(text)


def forms(secret: str) -> list[str]:
    """What to look for where a secret must not be, a line each: `secret` and what programs make of it.

    Of one with several lines, its long lines: not the frame of a PEM block, which every key has, nor the line after it.
    """
    lines = [line.strip() for line in secret.strip().splitlines()]
    if len(lines) > 1:
        long = [line for line in lines if len(line) >= 2 * SHORTEST and not line.startswith("-----")]
        lines = long[1:] if len(long) > 2 else long
    return list(dict.fromkeys(text for line in lines for text in _forms(line)))


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        if secret_variable(name, value):
            yield from _of_value(value)
        else:
            yield from _of_document(_json(value))
        for key, text in _PAIR.findall(value):
            if secret_setting(key, text):
                yield from _forms(text.strip("\"'"))
        url = f"://{value}" if name.lower().endswith("_proxy") and "://" not in value else value
        for user in {*_USER.findall(url), *_odd_users(url)}:
            yield from _of_user(user)


def _of_value(value: str) -> Iterator[str]:
    yield from _of_lines(value)
    with suppress(ValueError):  # a file in a variable is often in base64
        yield from _of_lines(base64.b64decode("".join(value.split()), validate=True).decode())


def _of_lines(value: str) -> Iterator[str]:
    yield from _forms(value.strip())
    lines = [line.strip() for line in value.replace("\\r", "\r").replace("\\n", "\n").splitlines()]
    if len(lines) > 1:
        yield from _long(lines)
    document = _json(value)
    if document is not None:
        yield from _of_document(document, below=isinstance(document, list))
    elif len(lines) == 1:
        parts = [part for part in _BETWEEN.split(value) if not part.startswith("--")]
        if "://" not in value:
            parts.append(value.partition(":")[2].strip())  # user:password
        for part in parts:
            yield from _forms(part)


def _json(value: str) -> object:
    """The JSON document in `value`; None if `value` is not a JSON document."""
    if not value.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _of_document(document: object, *, below: bool = False) -> Iterator[str]:
    """The secrets in a JSON document: `private_key` with its lines, but not `type`.

    `below`: the document is the value of a key that names a secret, so every text in it is a secret.
    """
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _of_document(value, below=below or secret_variable(str(key), ""))
    elif isinstance(document, list):
        for value in document:
            yield from _of_document(value, below=below)
    elif isinstance(document, str) and (below or secret_variable("", document)):
        yield from _of_lines(document)


def _odd_users(text: str) -> Iterator[str]:
    """`name:password` of URLs whose password contains an @, a slash or a #: everything up to the last @."""
    for word in text.split():
        user = word.partition("://")[2].rpartition("@")[0]
        if re.match(r"[^/?#@:]+:", user):
            yield user


def _of_user(user: str) -> Iterator[str]:
    """The user part of a URL: `name:password`, or a token alone."""
    password = user.partition(":")[2]
    if password:
        yield f"//{user}@"  # also where the password is short
        yield from _forms(password)
        yield from _forms(unquote(password))
        yield from _forms(unquote(user))  # as a header has it, in base64
    elif len(user) > _LONGEST_NAME:
        yield from _forms(user)


def _forms(secret: str) -> Iterator[str]:
    """`secret`, and its forms in URLs, JSON and base64."""
    if len(secret) < SHORTEST:
        return
    data = os.fsencode(secret)
    yield secret
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    yield from _long({*quoted, quote(data, safe=""), quote(data), quote_plus(data)} - {secret})
    # The base64 form of a byte depends on its position: three forms, without their first and last characters.
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + data).decode()
        inner = encoded[(0, 2, 3)[shift] : (shift + len(data)) * 8 // 6]
        yield from _long({inner, inner.translate(str.maketrans("+/", "-_"))})


def _long(texts: Iterable[str]) -> Iterator[str]:
    return (text for text in texts if len(text) >= SHORTEST)
