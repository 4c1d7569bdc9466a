"""The secrets of a build: names are hashed, values are not; they are masked, and found where they lie."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from bakewell.bases import Bases
from bakewell.build.secrets import VARIABLE, for_build, unset
from bakewell.catalog import Catalog, ImageSpec
from bakewell.context import Context
from bakewell.errors import ConfigError
from bakewell.fingerprint import fingerprints
from bakewell.masks import MASK, Masks, forms
from tests.small_project import FILES, write
from tests.unit.core.context.test_fingerprint import NOW

TOKEN = "s3cr3t/t0k+n==with:parts"
WEB = 'description = "web"\nparent = "base"\n[secrets]\nREGISTRY_TOKEN = "pulls our images"\n'


def spec(tmp_path: Path, toml: str = WEB) -> ImageSpec:
    return Catalog.load(write(tmp_path / "packer", {**FILES, "images/web/image.toml": toml}))["web"]


def test_one_that_is_not_set_is_refused_with_its_purpose(tmp_path: Path) -> None:
    web = spec(tmp_path)
    assert unset(web, {}) == unset(web, {"REGISTRY_TOKEN": " "}) == ["REGISTRY_TOKEN"]
    assert unset(web, {"REGISTRY_TOKEN": TOKEN}) == []
    with pytest.raises(ConfigError, match="its secret REGISTRY_TOKEN is not set: pulls our images") as caught:
        for_build(web, {})
    assert "set the variable REGISTRY_TOKEN" in caught.value.remedy


def test_one_that_cannot_be_told_from_other_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fewer than 8 characters"):
        for_build(spec(tmp_path), {"REGISTRY_TOKEN": "1234567"})


def test_what_a_build_is_given_is_masked_in_its_log_and_no_name_is(tmp_path: Path) -> None:
    environ = for_build(spec(tmp_path), {"REGISTRY_TOKEN": f"{TOKEN}\n", "OTHER": "x"})
    assert list(environ) == [VARIABLE] and json.loads(environ[VARIABLE])[0][0] == TOKEN
    said = Masks(environ).mask(f"REGISTRY_TOKEN={TOKEN} {quote(TOKEN, safe='')} {json.dumps(environ)}")
    assert said.startswith(f"REGISTRY_TOKEN={MASK} {MASK} ") and "s3cr3t" not in said
    assert for_build(spec(tmp_path / "none", 'description = "web"\nparent = "base"\n'), {"REGISTRY_TOKEN": "x"}) == {}


def test_the_name_is_hashed_and_neither_its_purpose_nor_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def value(toml: str) -> str:
        packer = write(tmp_path / str(abs(hash(toml))), {**FILES, "images/web/image.toml": toml})
        bases = Bases.load(packer / "bases.lock")
        (staged,) = [
            f.content
            for f in Context.collect(Catalog.load(packer), "web", "digitalocean").files
            if f.path == "image.toml"
        ]
        assert staged is not None and b"pulls" not in staged
        return fingerprints(Catalog.load(packer), "digitalocean", bases, now=NOW)["web"].value

    before = value(WEB)
    monkeypatch.setenv("REGISTRY_TOKEN", TOKEN)
    assert value(WEB) == value(WEB.replace("our images", "everything")) == before
    assert value(WEB.replace("REGISTRY_TOKEN", "OTHER")) != before


@pytest.mark.parametrize("line", ['lower = "x"', 'REGISTRY_TOKEN = ""', "REGISTRY_TOKEN = 3", '"A-B" = "x"'])
def test_a_bad_name_or_no_purpose_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match="secrets"):
        spec(tmp_path, f'description = "web"\nparent = "base"\n[secrets]\n{line}\n')


Write = Callable[[bytes], bytes]
WRITTEN: dict[str, Write] = {
    "as it is": lambda data: data,
    "in a URL": lambda data: quote(data, safe="").encode(),
    "in base64": base64.b64encode,
    "in base64, a byte on": lambda data: base64.b64encode(b"u" + data + b"zz"),
    "in base64, two bytes on": lambda data: base64.b64encode(b"u:" + data + b"z"),
    "in base64 for URLs": base64.urlsafe_b64encode,
}


@pytest.mark.parametrize("way", WRITTEN)
def test_every_form_is_found_by_the_patterns_as_grep_takes_them(tmp_path: Path, way: str) -> None:
    patterns = "".join(f"{text}\n" for text in forms(TOKEN))
    (tmp_path / "file").write_bytes(b"\0before" + WRITTEN[way](TOKEN.encode()) + b"after\n")
    (tmp_path / "innocent").write_text("s3cr3t t0k+n with parts\n")
    grep = shutil.which("grep")
    assert grep is not None
    done = subprocess.run(
        [grep, "-rslaF", "-f", "-", str(tmp_path)], input=patterns, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [str(tmp_path / "file")]


def test_of_a_key_only_what_no_other_key_has_is_looked_for() -> None:
    lines = [
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "b3BlbnNzaC1rZXktdjEAAAAA",
        "QyNTUxOQAAACDsecretsecret",
        "uniqueuniqueuniqueunique",
    ]
    found = forms("\n".join([*lines, "-----END OPENSSH PRIVATE KEY-----"]) + "\n")
    assert set(lines[2:]) <= set(found) and not set(lines[:2]) & set(found)
    assert all("\n" not in text for text in found)
