"""A role in the making: what its image.toml, its deploy.py and its files will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bakewell.migration.copying import Copied, Copier
from bakewell.migration.ledger import Finding
from bakewell.migration.values import Const, Held, Items, Joined, Plain, Table, Value, word
from bakewell.secret_shapes import secret_setting

WIDTH = 116


@dataclass(frozen=True, slots=True)
class Raw:
    """Python as it is."""

    text: str


Python = Raw | Plain | Sequence["Python"] | Mapping[str, "Python"]
"""An argument in deploy.py."""


@dataclass
class Role:
    """Filled by `sources` and the provisioners' modules, written by `render`.

    Attributes:
        template: the file it comes from, as messages show it.
        facts: keys of image.toml: memory_gb, cpus, disk_gb, arch.
        variables: key → value and comment; None stands for a value that has to be given.
        notes: comments of image.toml, a finding each.
        lines: of deploy.py, between identity and seal.
        steps: that deploy.py imports.
        imports: of the standard library, that it imports.
        operations: modules of pyinfra.operations that it imports.
    """

    name: str
    template: str
    copier: Copier
    description: str = ""
    base: str | None = None
    parent: str | None = None
    facts: dict[str, int | str] = field(default_factory=dict)
    variables: dict[str, tuple[Plain, str]] = field(default_factory=dict)
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    steps: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)

    def add(self, copied: Copied) -> str:
        """Have a file; gives its path."""
        self.files[copied.path] = copied.content
        return copied.path

    def use(self, found: Held) -> None:
        """Have image.toml hold a value."""
        if found.store == "secrets":
            self.secrets.setdefault(found.key, found.purpose)
        elif found.store == "versions":
            self.versions.setdefault(found.key, (str(found.default), found.purpose))
        else:
            self.variables.setdefault(found.key, (found.default, found.purpose))

    def python(self, value: Value) -> Python:
        """A value as an argument; image.toml then holds what it is made of. Nothing in it may be lost."""
        if isinstance(value, Const):
            return value.value
        if isinstance(value, Held):
            return Raw(self._reference(value, '"'))
        if isinstance(value, Joined):
            return self._joined(value)
        if isinstance(value, Items):
            return [self.python(item) for item in value.items]
        if isinstance(value, Table):
            return {key: self.python(item) for key, item in value.items}
        raise ValueError("what is lost has no Python")

    def text(self, value: Value) -> Python:
        """As `python`, for what has to be text: an environment's value, a path."""
        if isinstance(value, Const):
            return "" if value.value is None else word(value.value)
        if isinstance(value, Held) and isinstance(value.default, bool | int):
            reference = self._reference(value, '"')
            if isinstance(value.default, bool):
                return Raw(f"str({reference}).lower()")
            return Raw(f"str({reference})")
        return self.python(value)

    def _reference(self, found: Held, quote: str) -> str:
        self.use(found)
        return f"{found.store}[{quote}{found.key}{quote}]"

    def _joined(self, value: Joined) -> Python:
        if not any(isinstance(part, Held) for part in value.parts):
            return "".join(word(part.value) for part in value.parts if isinstance(part, Const))
        text = ""
        for part in value.parts:
            if isinstance(part, Held):
                lower = "str({0}).lower()" if isinstance(part.default, bool) else "{0}"
                text += "{" + lower.format(self._reference(part, "'")) + "}"
            elif isinstance(part, Const):
                text += _inside(word(part.value))
        return Raw(f'f"{text}"')

    def call(self, name: str, *arguments: Python, **options: Python) -> None:
        """A call in deploy.py; options that are empty are left out."""
        self.lines += call(name, *arguments, **options)

    def comment(self, text: str) -> None:
        """A comment in deploy.py."""
        self.lines += commented(text)

    def todo(self, finding: Finding) -> None:
        """A finding, at its place in deploy.py."""
        lines = commented(finding.comment)
        if self.lines[-len(lines) :] != lines:
            self.lines += lines

    def refused(self, key: str, value: Plain) -> bool:
        """Whether `[variables]` would refuse a value as a secret."""
        return secret_setting(key, value) is not None


def call(name: str, *arguments: Python, **options: Python) -> list[str]:
    """The lines of a call; options that are empty are left out."""
    parts = [("", argument) for argument in arguments]
    parts += [(f"{key}=", value) for key, value in options.items() if value not in (None, "", [], {}, ())]
    single = f"{name}({', '.join(lead + python(value) for lead, value in parts)})"
    if len(single) <= WIDTH and "\n" not in single:
        return [single]
    lines = [f"{name}("]
    for lead, value in parts:
        lines += _indented(lead, value, 1)
    return [*lines, ")"]


def commented(text: str) -> list[str]:
    """Lines of comments, whatever the text holds."""
    lines = text.replace("\r", "\n").split("\n")
    return [f"# {''.join(c if c.isprintable() or c == ' ' else '?' for c in line)}".rstrip() for line in lines]


def python(value: Python) -> str:
    """A value in one line of Python."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)}: {python(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(python(item) for item in value) + "]"
    return quoted(value) if isinstance(value, str) else repr(value)


def quoted(text: str) -> str:
    """A literal in double quotes, where that needs no more escapes than others."""
    if '"' in text and "'" not in text:
        return repr(text)
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Text between double quotes."""
    return "".join({'"': '\\"', "'": "'"}.get(char, repr(char)[1:-1]) for char in text)


def _inside(text: str) -> str:
    """Text between the braces of an f-string."""
    return _escaped(text).replace("{", "{{").replace("}", "}}")


def _indented(lead: str, value: Python, depth: int) -> list[str]:
    indent = "    " * depth
    single = f"{indent}{lead}{python(value)},"
    if len(single) <= WIDTH + 4 or isinstance(value, Raw | str | int | float | bool) or value is None:
        return [single]
    if isinstance(value, Mapping):
        inner = [line for key, item in value.items() for line in _indented(f"{quoted(key)}: ", item, depth + 1)]
        return [f"{indent}{lead}{{", *inner, f"{indent}}},"]
    inner = [line for item in value for line in _indented("", item, depth + 1)]
    return [f"{indent}{lead}[", *inner, f"{indent}],"]
