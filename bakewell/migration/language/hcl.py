"""HCL2 as nodes of `syntax`, from the syntax tree of python-hcl2.

The tree alone, not the dictionaries that python-hcl2 makes of it: it has the position of every token, so that each
expression keeps its line and its text.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

from bakewell.errors import ConfigError
from bakewell.migration.language.gotemplate import split_templates, whole
from bakewell.migration.language.syntax import (
    At,
    Attribute,
    Block,
    Document,
    Expression,
    Listing,
    Mapping,
    Other,
    Reference,
    Scalar,
    Text,
)

Node = Any
"""A tree of lark's, whose children are trees and tokens."""

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_HEREDOC = re.compile(r"<<(-?)[^\n]*\n(.*?)[^\n]*\n?\Z", re.DOTALL)
_KINDS = {
    "conditional": "a condition",
    "binary_op": "an operation",
    "unary_op": "an operation",
    "for_tuple_expr": "a `for` expression",
    "for_object_expr": "a `for` expression",
    "attr_splat_expr_term": "a splat",
    "full_splat_expr_term": "a splat",
    "index_expr_term": "an index",
    "template_string": "a template",
}


def parse(text: str, shown: str, path: Path) -> Document:
    """The document that `text` is.

    Args:
        shown: the file's path for places of findings.
        path: the file, for errors.

    Raises:
        ConfigError: no HCL2, with the line.
    """
    import hcl2.api  # Here: it takes a third of a second, and only an import needs it.
    from lark.exceptions import LarkError, UnexpectedInput

    try:
        tree = hcl2.api.parses_to_tree(text)
        reader = _Reader(text, shown)
        return Document(reader.block("", (), tree.children[0], At(shown, 1, text.count("\n") + 1)), values=_gives(path))
    except UnexpectedInput as error:
        line = getattr(error, "line", -1)
        where = f" (line {line})" if isinstance(line, int) and line > 0 else ""
        raise ConfigError(
            f"this is not HCL2{where}", file=path, remedy="correct it; `packer validate` says more"
        ) from None
    except (LarkError, RecursionError, MemoryError):
        raise ConfigError("this is not HCL2, or nested too deep", file=path, remedy="correct the syntax") from None


def _gives(path: Path) -> bool:
    return path.name.endswith(".pkrvars.hcl")


class _Reader:
    def __init__(self, text: str, shown: str, first: int = 1) -> None:
        self.text, self.shown, self.first = text, shown, first

    def block(self, kind: str, labels: tuple[str, ...], body: Node, at: At) -> Block:
        attributes, blocks = [], []
        for child in body.children:
            if _is(child, "attribute"):
                name, value = _word(child.children[0]), child.children[-1]
                attributes.append(Attribute(name, self.expression(value), self.at(child)))
            elif _is(child, "block"):
                words: list[str] = []
                for part in child.children:
                    if _is(part, "body"):
                        found = (words[0], tuple(words[1:]))
                        blocks.append(self.block(*found, part, self.at(child)))
                    elif _is(part, "string"):
                        label = self.string(part)
                        parts = label.parts if isinstance(label, Text) else (label.source,)
                        words.append("".join(each for each in parts if isinstance(each, str)))
                    elif not hasattr(part, "type") and not _is(part, "new_line_or_comment"):
                        words.append(_word(part))
        return Block(kind, labels, tuple(attributes), tuple(blocks), at)

    def at(self, node: Node) -> At:
        start = self.first + node.meta.line - 1
        return At(self.shown, start, max(start, self.first + _last(node, self.text) - 1))

    def source(self, node: Node) -> str:
        return self.text[node.meta.start_pos : node.meta.end_pos].strip()

    def expression(self, node: Node) -> Expression:
        at, source = self.at(node), self.source(node)
        inner = [c for c in node.children if not _is(c, "new_line_or_comment") and not _punctuation(c)]
        if node.data == "expr_term":
            return self.expression(inner[0])
        if node.data in ("literal_value", "int_lit", "float_lit"):
            return Scalar(_scalar(source), at, source)
        if node.data == "unary_op" and re.fullmatch(r"-\s*[0-9]+(\.[0-9]+)?", source):
            return Scalar(_scalar(source.replace(" ", "")), at, source)
        if node.data == "string":
            return self.string(node)
        if node.data in ("heredoc_template", "heredoc_template_trim"):
            return self.heredoc(source, at)
        if node.data == "tuple":
            return Listing(tuple(self.expression(child) for child in inner), at, source)
        if node.data == "object":
            return self.object(inner, at, source)
        if node.data in ("identifier", "get_attr_expr_term"):
            path = self.path(node)
            return Reference(path, at, source) if path else Other("an attribute of an expression", at, source)
        if node.data == "index_expr_term":
            return self.index(node, at, source)
        if node.data == "function_call":
            name = source.partition("(")[0].strip()
            return Other(f"a call of {name}", at, source, name)
        return Other(_KINDS.get(str(node.data), "an expression"), at, source)

    def index(self, node: Node, at: At, source: str) -> Expression:
        """`var.ports["http"]` is as plain a reference as `var.ports.http`."""
        path, index = self.path(node.children[0]), node.children[-1]
        key = re.fullmatch(r'\[\s*"([\w.-]+)"\s*\]|\[\s*(\d+)\s*\]|\.\s*(\d+)', self.source(index))
        if path and key:
            return Reference((*path, key[1] or key[2] or key[3]), at, source)
        return Other(_KINDS["index_expr_term"], at, source)

    def path(self, node: Node) -> tuple[str, ...]:
        """The names of a plain reference; () where it is none."""
        if node.data == "expr_term" and len(node.children) == 1:
            return self.path(node.children[0])
        if node.data == "identifier":
            return (_word(node),)
        if node.data == "get_attr_expr_term":
            start = self.path(node.children[0])
            return (*start, self.source(node.children[1]).lstrip(". ")) if start else ()
        if node.data == "index_expr_term":
            found = self.index(node, self.at(node), "")
            return found.path if isinstance(found, Reference) else ()
        return ()

    def object(self, elements: list[Node], at: At, source: str) -> Expression:
        items = []
        for element in elements:
            key = element.children[0].children[0]
            name = self.expression(key) if not _is(key, "keyword") else None
            if isinstance(name, Text) and all(isinstance(part, str) for part in name.parts):
                word = "".join(map(str, name.parts))
            elif name is None or (isinstance(name, Reference) and len(name.path) == 1) or isinstance(name, Scalar):
                word = self.source(key)
            else:
                return Other("an object with a computed key", at, source)
            items.append((word, self.expression(element.children[-1])))
        return Mapping(tuple(items), at, source)

    def string(self, node: Node) -> Text | Other:
        parts: list[str | Expression] = []
        for part in node.children:
            if not _is(part, "string_part"):
                continue
            content = part.children[0]
            if _is(content, "interpolation"):
                parts.append(self.expression(next(c for c in content.children if not _punctuation(c))))
            elif hasattr(content, "type"):
                parts += self.literal(_unescape(str(content)), self.at(part))
            else:
                return Other("a template directive", self.at(node), self.source(node))
        return Text(_merged(parts), self.at(node), self.source(node))

    def literal(self, text: str, at: At) -> list[str | Expression]:
        return split_templates(text, at)

    def heredoc(self, source: str, at: At) -> Expression:
        """A heredoc is one token to the parser: its interpolations are found here."""
        found = _HEREDOC.match(source)
        body = found[2] if found else ""
        if "%{" in body.replace("%%{", ""):
            return Other("a template directive", at, source)
        if found and found[1]:
            body = textwrap.dedent(body)
        parts: list[str | Expression] = []
        line, rest = at.line + 1, body
        while rest:
            start = re.search(r"(?<!\$)\$\{", rest)
            head = rest[: start.start()] if start else rest
            parts += self.literal(head.replace("$${", "${").replace("%%{", "%{"), At(at.file, line, line))
            line += head.count("\n")
            if start is None:
                break
            expression, length = self.interpolation(rest[start.end() :], line)
            if expression is None:
                return Other("a template", at, source)
            parts.append(expression)
            line += rest[start.end() : start.end() + length].count("\n")
            rest = rest[start.end() + length :]
        return Text(_merged(parts), at, source)

    def interpolation(self, text: str, line: int) -> tuple[Expression | None, int]:
        """The expression at the start of `text` up to its closing brace, and how long that is."""
        import hcl2.api
        from lark.exceptions import LarkError

        for end in (match.start() for match in re.finditer("}", text)):
            try:
                tree = hcl2.api.parses_to_tree(f"x = {text[:end]}")
            except LarkError:
                if end > 2000:  # characters: no plain reference is so long
                    break
                continue
            reader = _Reader(f"x = {text[:end]}", self.shown, line)
            attribute = next((c for c in tree.children[0].children if _is(c, "attribute")), None)
            if attribute is None:
                break
            return reader.expression(attribute.children[-1]), end + 1
        return None, 0


def _is(node: object, kind: str) -> bool:
    return getattr(node, "data", None) == kind


def _punctuation(node: object) -> bool:
    return node is None or getattr(node, "type", None) in _PUNCTUATION


_PUNCTUATION = {
    *("LPAR", "RPAR", "LSQB", "RSQB", "LBRACE", "RBRACE", "COMMA", "DOT", "EQ", "COLON", "DBLQUOTE", "INTERP_START"),
}


def _word(node: Node) -> str:
    return str(node.children[0])


def _last(node: Node, text: str) -> int:
    """The last line with something of the node: a block's or heredoc's token may end with an empty one."""
    end = min(node.meta.end_pos, len(text))  # the parser puts an end of line to the last line
    while end > node.meta.start_pos and text[end - 1].isspace():
        end -= 1
    return int(node.meta.line) + text.count("\n", node.meta.start_pos, end)


def _scalar(text: str) -> bool | int | float | None:
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    try:
        return int(text)
    except ValueError:
        return float(text)


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        if code := match[1] or match[2]:
            return whole(chr(int(code, 16))) if int(code, 16) < 0x110000 else match[0]
        return _ESCAPES.get(match[3], match[0])

    if text.startswith(("$${", "%%{")):
        return text[1:]
    return _ESCAPE.sub(one, text)


def _merged(parts: list[str | Expression]) -> tuple[str | Expression, ...]:
    """Neighbouring literals as one."""
    found: list[str | Expression] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)
