"""Packer's first template language, between `{{` and `}}`: what is a plain reference in it, and what is not."""

from __future__ import annotations

import re

from bakewell.migration.language.syntax import At, Expression, Other, Reference

_ACTION = re.compile(r"\{\{-?\s*(`[^`]*`|.*?)\s*-?\}\}", re.DOTALL)
_USER = re.compile(r"""user\s+[`"']([^`"']+)[`"']""")
_ENV = re.compile(r"""env\s+[`"']([^`"']+)[`"']""")


def whole(text: str) -> str:
    """`text` with halves of characters, which no file can hold, replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def split_templates(text: str, at: At) -> list[str | Expression]:
    """`text` as literals and expressions: {{user `x`}} is the variable x, {{`raw`}} its text, the rest an `Other`."""
    parts: list[str | Expression] = []
    position = 0
    for action in _ACTION.finditer(text):
        parts.append(text[position : action.start()])
        line = at.line + text.count("\n", 0, action.start())
        where = At(at.file, line, line)
        inner = action[1]
        if user := _USER.fullmatch(inner):
            parts.append(Reference(("var", user[1]), where, action[0]))
        elif env := _ENV.fullmatch(inner):
            parts.append(Other(f"the environment's {env[1]}", where, f'env("{env[1]}")', "env"))
        elif inner.startswith("`") and inner.endswith("`") and len(inner) > 1:
            parts.append(inner[1:-1])
        else:
            word = re.match(r"[.\w]*", inner)
            name = word[0] if word else ""
            parts.append(Other(f"a call of {name}" if name else "a template", where, action[0], name))
        position = action.end()
    parts.append(text[position:])
    return [part for part in parts if part != ""]
