"""Files that belong together: which variables, locals, data sources, sources and builds there are, and where.

HCL2 files of one folder are one template, as for Packer; where two declare the same name, a build sees its own file's.
A JSON file is a template by itself. Values for variables (.pkrvars.hcl, JSON for -var-file) count for every template.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bakewell.errors import ConfigError
from bakewell.migration.language import hcl, legacy
from bakewell.migration.language.syntax import Attribute, Block, Document, Expression, Listing, Other, Scalar, Text
from bakewell.migration.masking import secret_named
from bakewell.reading import looking, read_text
from bakewell.secret_shapes import secret_content

LIMIT = 256_000
"""Bytes of a template."""

ENDINGS = (".pkr.hcl", ".pkrvars.hcl", ".json")


@dataclass(frozen=True, eq=False)
class Variable:
    """A declared variable, with the value that it has without anybody's word: its default, or a file's."""

    name: str
    block: Block
    default: Expression | None
    given: Attribute | None
    marked: bool

    @property
    def environment(self) -> str | None:
        """The environment's variable that it is taken from."""
        value = self.default
        if isinstance(value, Text) and len(value.parts) == 1 and isinstance(value.parts[0], Other):
            value = value.parts[0]
        if isinstance(value, Other) and value.function == "env":
            parts = value.source.split('"')
            return parts[1] if len(parts) == 3 else None
        return None

    @property
    def secret(self) -> bool:
        """Whether its value may be shown to nobody: marked so, from the environment, or named as secrets are."""
        if self.marked or self.environment is not None:
            return True
        if isinstance(self.default, Text):
            value = "".join(part for part in self.default.parts if isinstance(part, str))
            if secret_content(value.encode(errors="surrogatepass")) is not None:
                return True
        plain = isinstance(self.default, Scalar) and isinstance(self.default.value, int)  # a length, a flag
        return secret_named(self.name) and not plain and not isinstance(self.default, Listing)


@dataclass(frozen=True, eq=False)
class Template:
    """What one file's builds see.

    Attributes:
        path: the file.
        document: it.
        legacy: whether it is JSON.
    """

    path: Path
    document: Document
    variables: dict[str, Variable] = field(default_factory=dict)
    locals: dict[str, tuple[Attribute, bool]] = field(default_factory=dict)
    data: dict[tuple[str, str], Block] = field(default_factory=dict)
    sources: dict[tuple[str, str], Block] = field(default_factory=dict)

    @property
    def builds(self) -> list[Block]:
        """The file's own builds."""
        return self.document.root.all("build")


def read(files: Sequence[Path]) -> tuple[list[Template], list[Document]]:
    """The templates in `files`, and all documents: those that give values as well.

    Args:
        files: files, or folders whose templates count; none may be a link to something that is no file.

    Raises:
        ConfigError: missing, unreadable, too large, no template.
    """
    paths = [path for file in files for path in _paths(file)]
    paths = list(dict.fromkeys(paths))
    documents = {path: _parse(path, _short(path, paths)) for path in paths}
    values = [document.root for document in documents.values() if document.values]
    templates = []
    for path, document in documents.items():
        if document.values:
            continue
        beside = [
            other
            for there, other in documents.items()
            if not other.values and not other.legacy and not document.legacy and there.parent == path.parent
        ]
        together = [*(other for other in beside if other is not document), document]
        templates.append(_template(path, document, together, values))
    return templates, list(documents.values())


def _paths(file: Path) -> list[Path]:
    with looking("the template", file):
        if not file.is_dir():
            if not file.name.endswith(ENDINGS):
                raise ConfigError(
                    "this is no template of Packer's: it ends neither with .pkr.hcl nor with .json",
                    file=file,
                    remedy="name templates, files of variables (.pkrvars.hcl), or a folder of templates",
                )
            return [file]
        found = sorted(p for p in file.iterdir() if p.name.endswith((".pkr.hcl", ".auto.pkrvars.hcl")))
    if not found:
        raise ConfigError(
            "no file of this folder ends with .pkr.hcl", file=file, remedy="name its templates one by one"
        )
    return found


def _short(path: Path, paths: Sequence[Path]) -> str:
    """The shortest end of the path that no other file has."""
    parts = path.parts
    for count in range(1, len(parts)):
        end = parts[-count:]
        if sum(other.parts[-count:] == end for other in paths) == 1:
            return "/".join(end)
    return str(path)


def _parse(path: Path, shown: str) -> Document:
    text = read_text(path, "the template", limit=LIMIT).removeprefix("\ufeff")
    if path.name.endswith(".pkr.json"):
        raise ConfigError("HCL2 written as JSON is not read", file=path, remedy="write it as .pkr.hcl")
    return legacy.parse(text, shown, path) if path.name.endswith(".json") else hcl.parse(text, shown, path)


def _template(path: Path, document: Document, together: Sequence[Document], values: Sequence[Block]) -> Template:
    template = Template(path, document)
    given = {attribute.name: attribute for root in values for attribute in root.attributes}
    for root in (each.root for each in together):
        sensitive = _names(root.get("sensitive-variables"))
        for block in root.all("variable"):
            if block.labels:
                name = block.labels[0]
                template.variables[name] = _variable(name, block, given.get(name), name in sensitive)
        for block in root.all("locals"):
            template.locals.update({attribute.name: (attribute, False) for attribute in block.attributes})
        for block in root.all("local"):
            if block.labels and (value := block.get("expression")) is not None:
                template.locals[block.labels[0]] = (value, _true(block.get("sensitive")))
        for found, kind in ((template.data, "data"), (template.sources, "source")):
            found.update({(b.labels[0], b.labels[1]): b for b in root.all(kind) if len(b.labels) > 1})
    return template


def _variable(name: str, block: Block, given: Attribute | None, marked: bool) -> Variable:
    default = block.get("default")
    value = given.value if given else default.value if default else None
    if isinstance(value, Scalar) and value.value is None:
        value = None
    return Variable(name, block, value, given, marked or _true(block.get("sensitive")))


def _true(attribute: Attribute | None) -> bool:
    """Whether it says true; whatever cannot be told counts as true, for what it guards is a secret."""
    if attribute is None:
        return False
    return not (isinstance(attribute.value, Scalar) and attribute.value.value is False)


def _names(attribute: Attribute | None) -> set[str]:
    items = attribute.value.items if attribute and isinstance(attribute.value, Listing) else ()
    return {"".join(p for p in item.parts if isinstance(p, str)) for item in items if isinstance(item, Text)}
