"""A template's own text in messages and comments, without what may be a secret."""

from __future__ import annotations

import json
import re

from bakewell.migration.language.syntax import (
    Attribute,
    Block,
    Expression,
    Listing,
    Mapping,
    Other,
    Reference,
    Scalar,
    Text,
)
from bakewell.secret_shapes import secret_content, secret_variable

LONGEST = 160
"""Characters of a template's text in a message."""

HIDDEN = "(not shown: it may be a secret)"
_ASSIGNED = re.compile(
    r"""(?ix) (?P<name> \b [\w.-]*
          (?:passw(?:or)?d|passphrase|secret|token|(?:api|access|private)[_-]?key|credential) [\w.-]* )
        ["']? (?: \s*[=:]\s* | \s+ ) (?P<value> "[^"$\n]{3,}" | '[^'$\n]{3,}' | [^\s"'$;|&<>(){}]{3,} )"""
)
_USER = re.compile(
    r"(?i)://[^\s/:@$]+:(?P<value>[^\s/@$]{3,})@|\s(?:-u|--user)[= ]['\"]?[^\s:$'\"]+:(?P<more>[^\s'\"$]{3,})"
)
_WORDS = re.compile(r"(?i)^(?:yes|no|true|false|none|null|prompt|required?|optional|-.*|/.*|only)$")


def leak(line: str) -> str | None:
    """Why a line of a script looks as if it held a secret, in words; None where it does not. A net for accidents."""
    if found := secret_content(line.encode(errors="surrogatepass")):
        return f"it holds {found}"
    for match in _ASSIGNED.finditer(line):
        separator = line[match.end("name") : match.start("value")]
        value = match["value"].strip("\"'")
        if match["name"].upper() == "NOPASSWD":  # sudo's, which has no value
            continue
        option = line[: match.start()].endswith("-") or match["name"].startswith("-")
        if ("=" in separator or ":" in separator or option) and not _WORDS.match(value):
            return f"it gives `{match['name']}` a value"
    if _USER.search(line):
        return "it holds a user's password"
    return None


def secret_named(name: str) -> bool:
    """Whether a variable or attribute of this name usually holds a secret."""
    return secret_variable(name.replace("-", "_"), "")


def shown(node: Attribute | Block) -> str:
    """The node in one line, shortened."""
    if isinstance(node, Block):
        lines = f" (to line {node.at.end})" if node.at.end > node.at.line else ""
        return f"{printable(node.title)}{lines}"
    if secret_named(node.name):
        return (
            f"{printable(node.name)} = {HIDDEN}"
            if literal(node.value)
            else f"{printable(node.name)} = {text(node.value)}"
        )
    return f"{printable(node.name)} = {text(node.value)}"


def literal(value: Expression) -> bool:
    """Whether something in the expression is written out that is more than a reference."""
    if isinstance(value, Text):
        return any(isinstance(part, str) for part in value.parts)
    if isinstance(value, Listing):
        return any(literal(item) for item in value.items)
    if isinstance(value, Mapping):
        return any(literal(item) for _, item in value.items)
    return isinstance(value, Scalar | Other) and '"' in value.source


def text(value: Expression) -> str:
    """The expression's own text in one line, shortened; hidden where it may hold a secret."""
    if _secret(value):
        return HIDDEN
    quoted = not isinstance(value, Text) or value.source.startswith(('"', "<<"))
    found = value.source if quoted else json.dumps(value.source, ensure_ascii=False)
    found = printable(" ".join(found.split()))
    return found if len(found) <= LONGEST else found[: LONGEST - 3] + "..."


def whole(node: Attribute | Block) -> str:
    """The node's own text, where a line of it has not room for all; line by line, without what may be a secret."""
    if isinstance(node, Block):
        nodes: list[Attribute | Block] = [*node.attributes, *node.blocks]
        inner = [line for each in nodes for line in (whole(each) or shown(each)).splitlines()]
        return "\n".join([f"{printable(node.title)} {{", *(f"  {line}" for line in inner), "}"])
    if len(shown(node)) < LONGEST and "\n" not in node.value.source:
        return ""
    if secret_named(node.name) and literal(node.value):
        return ""
    return f"{printable(node.name)} = {lines(node.value)}"


def lines(value: Expression) -> str:
    """The expression's own text in its lines, each that may hold a secret hidden."""
    if isinstance(value, Mapping | Listing) and _secret(value):
        return HIDDEN
    found = value.source.splitlines()
    return "\n".join(HIDDEN if leak(line) else "".join(c if c.isprintable() else "?" for c in line) for line in found)


def _secret(value: Expression) -> bool:
    if isinstance(value, Mapping):
        return any(_secret(item) or (secret_named(key) and literal(item)) for key, item in value.items)
    if isinstance(value, Listing):
        return any(_secret(item) for item in value.items)
    return not isinstance(value, Scalar | Reference) and any(leak(line) for line in value.source.splitlines())


def printable(found: str) -> str:
    """`found` without what ends a line or steers a terminal."""
    return "".join(c if c.isprintable() else "?" for c in found.encode("utf-8", "backslashreplace").decode())
