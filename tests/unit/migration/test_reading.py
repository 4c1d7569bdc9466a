"""HCL2 and JSON as nodes, each with the line that it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakewell.migration.language import hcl, legacy
from bakewell.migration.language.syntax import Attribute, Block, Listing, Mapping, Other, Reference, Scalar, Text

PATH = Path("x")


def attribute(value: str) -> Attribute:
    return hcl.parse(f"x = {value}\n", "x", PATH).root.attributes[0]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ('"a b"', ("a b",)),
        ('""', ()),
        ('"a\\n\\"b\\" \\u00e9 $${c} %%{d}"', ('a\n"b" é ${c} %{d}',)),
        ('"{{ `{{.Names}}` }}"', ("{{.Names}}",)),
        ("<<EOT\n  a\n  b\nEOT", ("  a\n  b\n",)),
        ("<<-EOT\n    a\n      $${b}\n  EOT", ("a\n  ${b}\n",)),
        ("<<E\nE", ()),
    ],
)
def test_texts(source: str, parts: tuple[str, ...]) -> None:
    found = attribute(source).value
    assert isinstance(found, Text) and found.parts == parts


@pytest.mark.parametrize("value", [True, False, None, 1, -2, 1.5])
def test_scalars(value: object) -> None:
    found = attribute(str(value).lower().replace("none", "null")).value
    assert isinstance(found, Scalar) and found.value == value and type(found.value) is type(value)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("var.a", "var a"),
        ("data.amazon-ami.x.id", "data amazon-ami x id"),
        ('var.a["b-c"]', "var a b-c"),
        ("local.a[0].b", "local a 0 b"),
        ('"${var.a}"', "var a"),
    ],
)
def test_plain_references(source: str, path: str) -> None:
    found = attribute(source).value
    found = found.parts[0] if isinstance(found, Text) else found  # type: ignore[assignment]
    assert isinstance(found, Reference) and found.path == tuple(path.split())


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("f(1)", "a call of f"),
        ('env("HOME")', "a call of env"),
        ("a ? 1 : 2", "a condition"),
        ("1 + 2", "an operation"),
        ("[for x in var.y : x]", "a `for` expression"),
        ("var.a[*].b", "a splat"),
        ("var.a[var.b]", "an index"),
        ('"%{ if true }a%{ endif }"', "a template directive"),
        ("{ (var.a) = 1 }", "an object with a computed key"),
        ("f(1).b", "an attribute of an expression"),
    ],
)
def test_whatever_else_is_named(source: str, kind: str) -> None:
    found = attribute(source).value
    assert isinstance(found, Other) and (found.kind, found.source) == (kind, source)


def test_collections() -> None:
    listing = attribute('[\n "a", # one\n var.b,\n]').value
    assert isinstance(listing, Listing) and [item.at.line for item in listing.items] == [2, 3]
    mapping = attribute('{ a = 1, "b" : 2\n c = 3 }').value
    assert isinstance(mapping, Mapping) and [(k, v.source) for k, v in mapping.items] == [
        ("a", "1"),
        ("b", "2"),
        ("c", "3"),
    ]


def test_lines_of_a_heredoc() -> None:
    found = attribute("<<-EOT\n    a\n    ${var.b} {{ user `c` }}\n    ${f(1)}\n  EOT").value
    assert isinstance(found, Text)
    assert [(part.source, part.at.line) for part in found.parts if not isinstance(part, str)] == [
        ("var.b", 3),
        ("{{ user `c` }}", 3),
        ("f(1)", 4),
    ]


def test_blocks_with_their_lines() -> None:
    text = '# comment\nbuild {\n  a = 1\n\n  source "x" "y" {\n  }\n}\nempty {}\n'
    build, empty = hcl.parse(text, "x", PATH).root.blocks
    assert (build.at.line, build.at.end, build.title) == (2, 7, "build")
    assert (build.attributes[0].at.line, build.blocks[0].at.line, build.blocks[0].title) == (3, 5, 'source "x" "y"')
    assert (empty.at.line, empty.at.end) == (8, 8)


JSON = """\
{
  "variables": {"a": "1", "b": null},
  "builders": [
    {
      "type": "docker",\t"image": "x",
      "source_ami_filter": {"owners": ["self"]}
    }
  ],
  "provisioners": [
    {"type": "shell",
     "inline": ["echo \\u00e9 {{user `a`}} {{ timestamp }}",
                "b"]}
  ],
  "post-processors": [[{"type": "manifest"}], "compress"]
}
"""


def test_json_is_the_same_blocks() -> None:
    root = legacy.parse(JSON, "x", PATH).root
    found = {block.title: block for block in (*root.blocks, *root.all("build")[0].blocks)}
    assert list(found) == [
        'variable "a"',
        'variable "b"',
        'source "docker" "docker"',
        "build",
        'provisioner "shell"',
        'post-processor "manifest"',
        'post-processor "compress"',
    ]
    assert found['variable "b"'].attributes == ()
    source = found['source "docker" "docker"']
    assert (source.at.line, [a.at.line for a in source.attributes], source.blocks[0].kind) == (
        4,
        [5],
        "source_ami_filter",
    )
    inline = found['provisioner "shell"'].get("inline")
    assert inline is not None and isinstance(inline.value, Listing)
    first, second = inline.value.items
    assert isinstance(first, Text) and (first.at.line, second.at.line) == (11, 12)
    assert [part if isinstance(part, str) else part.source for part in first.parts] == [
        "echo é ",
        "{{user `a`}}",
        " ",
        "{{ timestamp }}",
    ]
    assert isinstance(first.parts[3], Other) and first.parts[3].kind == "a call of timestamp"


def test_a_file_of_values() -> None:
    assert legacy.parse('{"a": "1", "b": [1]}', "x", PATH).values
    assert hcl.parse("a = 1\n", "x", Path("x.pkrvars.hcl")).values


def test_walking_sees_everything() -> None:
    root = hcl.parse("a {\n b {\n c = 1\n }\n d = 2\n}\n", "x", PATH).root
    assert [node.kind if isinstance(node, Block) else node.name for node in root.walk()] == ["a", "d", "b", "c"]
