"""TOML, YAML and JSON that would cost gigabytes, or mean two things, are refused; the rest means what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bakewell.errors import ConfigError
from bakewell.reading import DuplicateKey, each_once, from_json, from_yaml, read_toml, read_yaml
from bakewell.reading.formats import CONFIG_LIMIT

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{key}: &{key} [{', '.join([f'*{last}'] * 9)}]\n" for last, key in zip("abcdefgh", "bcdefghi", strict=True)
)


def parsed(text: str, *, shared: bool = True) -> Any:
    return from_yaml(text, Path("it.yaml"), "it", shared=shared)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "anchors and aliases are not taken"),
        ("a: &x 1\n", "anchors"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "anchors"),
        ("a: {<<: {b: 1}}\n", "<<"),
        ("a: 1\na: 2\n", "key `a` is there twice"),
        ('a: 1\n"a": 2\n', "key `a` is there twice"),
        ("a: {b: [{c: 1, d: 2, c: 3}]}\n", "key `c` is there twice"),
        ("1: x\n'1': z\n", "key `1` is there twice"),
        ("{a: 1}: 2\n", "a key is a mapping or a list"),
        ("[" * 10_000, "recursion"),
        ("a: 1\n---\na: 2\n", "single document"),
        ("a: \0", "unacceptable character"),
        ("!!set 1\n", "it is not YAML"),
        ("!!int x\n", "it is not YAML"),
    ],
)
def test_yaml_that_is_long_or_double_is_refused_with_its_line(text: str, said: str, *, shared: bool) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(text, shared=shared)
    assert said in caught.value.what and caught.value.file == "it.yaml" and caught.value.remedy


AMBIGUOUS = [
    *("yes", "No", "on", "OFF", "True", "FALSE", "y"),
    *("010", "0o10", "0x10", "0b1", "1_000", "+1", "-0x1", "1:30", "12:30:00", "9" * 19),
    *("1.0", "1.", ".5", "1e3", "1E3", "1.5e+3", ".inf", "-.Inf", ".NaN", "2026-11-21", "2026-11-21T10:00:00Z"),
    *("=", "<<", "012345678901"),
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_value_that_parsers_read_differently_has_to_be_in_quotes(text: str) -> None:
    with pytest.raises(ConfigError, match="in quotes"):
        parsed(f"a: {text}\n")
    assert parsed(f"a: '{text}'\n") == {"a": text}


@pytest.mark.parametrize(
    "text", ["1:" * 100_000 + "1", "1:" * 100_000 + "1.0", "9" * 200_000 + ".0", "0b" + "1" * 200_000]
)
def test_a_number_without_end_is_not_computed(text: str) -> None:
    """The first would take ten seconds; the others end as no YAML does."""
    with pytest.raises(ConfigError, match=r"a number of 2\d+ characters"):
        from_yaml(f"x: {text}", Path("Pulumi.yaml"), "Pulumi.yaml")


@pytest.mark.parametrize("tag", ["!!binary aGk=", "!!int '3'", "!!str 3", "!mine x", "! x", "!!set {a}", "!!omap []"])
def test_tags_are_not_taken_where_pulumi_reads_too(tag: str) -> None:
    with pytest.raises(ConfigError, match=r"the tag .* is not taken"):
        parsed(f"a: {tag}\n")


def test_cloud_inits_own_yaml_may_have_tags() -> None:
    assert parsed("write_files: [{content: !!binary aGk=, enabled: yes}]\n", shared=False) == {
        "write_files": [{"content": b"hi", "enabled": True}]
    }


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text("abnoyest01 .:-_xe~=", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aon1", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_what_is_written_is_read_as_it_was_written_or_refused(value: object) -> None:
    try:
        assert parsed(yaml.safe_dump(value, default_flow_style=False)) == value
    except ConfigError as error:
        assert "in quotes" in error.what


@given(PLAIN)
def test_json_is_yaml(value: object) -> None:
    import json

    assert parsed(json.dumps(value)) == value == from_json(json.dumps(value))


@given(st.text(max_size=60))
def test_any_text_is_yaml_or_refused(text: str) -> None:
    for shared in (True, False):
        try:
            parsed(text, shared=shared)
        except ConfigError as error:
            assert error.remedy


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "c": 2, "a": 1}}]'])
def test_json_with_a_key_twice_is_refused_at_any_depth(text: str) -> None:
    with pytest.raises(DuplicateKey, match="key `a` is there twice"):
        from_json(text)


@pytest.mark.parametrize("text", ["NaN", '{"a": Infinity}', "[" * 100_000, "1" * 5000])
def test_json_that_is_none_is_refused(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        from_json(text)


TOML = {
    "twice": ("a = 1\na = 2\n", "Cannot overwrite"),
    "a dotted key": ("a" + ".a" * 20_000 + " = 1\n", "line 1 nests too deep"),
    "in a table's name": ("x = 1\n[a" + ".'a'" * 20_000 + "]\n", "line 2 nests too deep"),
    "in a value": ("x = {" + '"\\"" . ' * 20_000 + "a = 1}\n", "line 1 nests too deep"),
    "arrays": ("a = " + "[" * 10_000, "is not TOML"),
    "tables": ("a = " + "{a=" * 10_000, "is not TOML"),
    "digits": ("a = " + "9" * 5000, "is not TOML"),
    "size": ("# " + "x" * CONFIG_LIMIT + "\n", f"more than {CONFIG_LIMIT} bytes"),
    "a byte order mark": ("\ufeffa = 1\n", "is not TOML"),
}


@pytest.mark.parametrize("name", TOML)
def test_toml_that_costs_more_than_it_says_is_refused(tmp_path: Path, name: str) -> None:
    text, said = TOML[name]
    (tmp_path / "it.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_toml(tmp_path / "it.toml", "it")


def test_toml_may_have_many_dots_in_a_text(tmp_path: Path) -> None:
    (tmp_path / "it.toml").write_text('a = "' + "10.0.0.1," * 500 + '"\nb.c.d = "' + "." * 500 + '"\n')
    assert read_toml(tmp_path / "it.toml", "it")["b"] == {"c": {"d": "." * 500}}


@pytest.mark.parametrize("content", [b"\xff\xfea\x00", "a: é".encode("latin-1"), b"\x80"])
def test_what_is_no_utf_8_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "it.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match="UTF-8"):
        read_yaml(tmp_path / "it.yaml", "it")


def test_many_values_are_each_looked_at_once() -> None:
    """A million comparisons of each with each would not end before the next test."""
    many = [f"r{number}" for number in range(200_000)]
    assert each_once(many) is many
    with pytest.raises(ValueError, match=r"^r0, r1, .* and 199980 more is listed twice$"):
        each_once(many * 2)
