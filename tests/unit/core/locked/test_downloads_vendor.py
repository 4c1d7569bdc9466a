"""Reading vendors' checksums: lines of every common kind, over https, with every way in which it can fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bakewell.downloads import Declared, Download, checksums
from bakewell.downloads.vendor import LIMIT, listed
from bakewell.errors import BakewellError, ConfigError
from tests.unit.vendor import Vendor

ONE, TWO, THREE = "1a" * 32, "2b" * 32, "3c" * 32
STATED = Path("packer/images/base/image.toml")
FILE = Path("packer/steps/consul/downloads.toml")
LIST = (
    f"{ONE}  consul_1.17.1_linux_amd64.zip\n{TWO} *consul_1.17.1_linux_arm64.zip\n{THREE}  consul_1.17.1_darwin.zip\n"
)

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,30}", fullmatch=True)
others = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=80)


def consul(site: Vendor, checksums: str = "/consul/{version}/SHA256SUMS", **more: object) -> Declared:
    url = site.url + "/consul/{version}/consul_{version}_linux_{arch}.zip"
    download = Download.model_validate({"url": url, "checksums": site.url + checksums, **more})
    return Declared("consul", "consul", FILE, download)


# The list's text.


@given(
    st.dictionaries(names, digests, min_size=1, max_size=6),
    st.data(),
    st.sampled_from(["  ", " *", "\t", "  ./", " *dist/out/"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_every_usual_list_is_understood(
    files: dict[str, str], data: st.DataObject, between: str, end: str, upper: bool
) -> None:
    lines = [f"{digest.upper() if upper else digest}{between}{name}" for name, digest in files.items()]
    lines.insert(data.draw(st.integers(0, len(lines))), "# a remark")
    text = end.join(lines) + data.draw(st.sampled_from(["", end]))
    for name, digest in files.items():
        assert listed(text, name, alone=False) == {digest}
    missing = data.draw(names)
    assert listed(text, missing, alone=False) == ({files[missing]} if missing in files else set())


@given(digests, st.sampled_from(["", "\n", "\r\n", " \n\n"]), names)
def test_nothing_but_the_hex_counts_where_the_text_is_about_one_file(digest: str, end: str, name: str) -> None:
    assert listed(digest + end, name, alone=True) == {digest}
    assert listed(digest.upper() + end, name, alone=True) == {digest}
    assert listed(digest + end, name, alone=False) == set()


@given(st.lists(others, max_size=5), names)
def test_other_text_gives_no_checksum(lines: list[str], name: str) -> None:
    assume(not any(re.search(r"[0-9A-Fa-f]{64}", line) for line in lines))
    assert listed("\n".join(lines), name, alone=True) == set()


@given(digests, names, st.sampled_from(["x", "", "0"]))
def test_a_value_of_another_length_is_none(digest: str, name: str, more: str) -> None:
    assert listed(f"{digest[1:] if not more else digest + more}  {name}", name, alone=True) == set()


# The vendor's site.


def test_each_processors_checksum_is_read_and_a_list_is_asked_for_once(vendor: Vendor) -> None:
    vendor.pages["/consul/1.17.1/SHA256SUMS"] = LIST
    assert checksums(consul(vendor), "1.17.1", STATED) == {"x86_64": ONE, "aarch64": TWO}
    assert vendor.asked == ["/consul/1.17.1/SHA256SUMS"]


def test_a_processor_that_the_vendor_does_not_list_is_left_out(vendor: Vendor) -> None:
    vendor.pages["/consul/1.17.1/SHA256SUMS"] = LIST.splitlines()[0]
    assert checksums(consul(vendor), "1.17.1", STATED) == {"x86_64": ONE}


def test_a_file_of_its_own_for_each_processor(vendor: Vendor) -> None:
    one = consul(vendor, "/consul/{version}/{arch}.sha256")
    vendor.pages |= {"/consul/1/amd64.sha256": f"{ONE.upper()}\n", "/consul/1/arm64.sha256": TWO}
    assert checksums(one, "1", STATED) == {"x86_64": ONE, "aarch64": TWO}
    del vendor.pages["/consul/1/arm64.sha256"]
    assert checksums(one, "1", STATED) == {"x86_64": ONE}


def test_one_bare_value_cannot_be_that_of_two_files(vendor: Vendor) -> None:
    vendor.pages["/consul/1.17.1/SHA256SUMS"] = ONE
    with pytest.raises(ConfigError, match="lists no checksum of"):
        checksums(consul(vendor), "1.17.1", STATED)
    only = consul(vendor, arch={"x86_64": "amd64"})
    assert checksums(only, "1.17.1", STATED) == {"x86_64": ONE}


def test_a_version_that_does_not_exist_is_said_with_the_file_that_states_it(vendor: Vendor) -> None:
    with pytest.raises(ConfigError) as caught:
        checksums(consul(vendor), "9.9.9", STATED)
    assert "consul 9.9.9: the vendor has no such version" in caught.value.what
    assert caught.value.file == str(STATED) and "`consul` under [versions]" in caught.value.remedy


def test_a_list_without_the_file_is_said_with_the_step_that_declares_it(vendor: Vendor) -> None:
    vendor.pages["/consul/1.17.1/SHA256SUMS"] = "<html>consul_1.17.1_linux_amd64.zip</html>"
    with pytest.raises(ConfigError, match=r"lists no checksum of consul_1\.17\.1_linux_amd64\.zip") as caught:
        checksums(consul(vendor), "1.17.1", STATED)
    assert caught.value.file == str(FILE) and caught.value.remedy


def test_a_redirect_is_followed_within_https(vendor: Vendor) -> None:
    vendor.pages |= {"/consul/1.17.1/SHA256SUMS": ("/elsewhere",), "/elsewhere": (f"{vendor.url}/there",)}
    vendor.pages["/there"] = LIST
    assert checksums(consul(vendor), "1.17.1", STATED) == {"x86_64": ONE, "aarch64": TWO}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (("http://127.0.0.1:1/x",), "which is not https"),
        (("/consul/1.17.1/SHA256SUMS",), "redirected more than 5 times"),
        (f"{LIST}{'4d' * 32}  consul_1.17.1_linux_amd64.zip\n", "has 2 checksums of consul_1.17.1_linux_amd64.zip"),
        (b"\x1f\x8b\xff", "is no text"),
        ("x" * (LIMIT + 1), "more than 1000000 bytes"),
        (403, "answers 403"),
        (503, "answers 503"),
    ],
)
def test_what_is_no_list_of_checksums_is_an_error(vendor: Vendor, page: object, said: str) -> None:
    vendor.pages["/consul/1.17.1/SHA256SUMS"] = page  # type: ignore[assignment]
    with pytest.raises(BakewellError) as caught:
        checksums(consul(vendor), "1.17.1", STATED)
    assert said in caught.value.what and "consul 1.17.1" in caught.value.what and caught.value.remedy
    assert len(vendor.asked) == (3 if page == 503 else 6 if "redirected" in said else 1)


def test_a_site_that_is_not_the_vendors_is_not_believed(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor.pages["/consul/1.17.1/SHA256SUMS"] = LIST
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(BakewellError, match="certificate"):
        checksums(consul(vendor), "1.17.1", STATED)
    assert vendor.asked == []


def test_a_site_that_does_not_answer_is_named(vendor: Vendor) -> None:
    one = consul(Vendor("https://127.0.0.1:1"))
    with pytest.raises(BakewellError, match=r"no answer from https://127\.0\.0\.1:1/consul/1/SHA256SUMS") as caught:
        checksums(one, "1", STATED)
    assert "network" in caught.value.remedy and "object at 0x" not in caught.value.what
