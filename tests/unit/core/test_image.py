from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakewell.image import (
    IMPORTED,
    MANAGED,
    READY,
    Identity,
    Image,
    adoptable,
    image_name,
    lease_of,
    new_run,
    newest_first,
    parse_tag,
    tag,
    tainted,
)
from tests.unit.core import worlds

LEGAL_TAG = re.compile(r"^[A-Za-z0-9:_-]{1,255}$")
ROLES = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True)
HEX = st.text("0123456789abcdef", min_size=12, max_size=12)
IDENTITIES = st.builds(
    Identity,
    project=ROLES,
    role=ROLES,
    fingerprint=st.text("0123456789abcdef", min_size=64, max_size=64),
    run=HEX,
    parent=st.none() | HEX,
    home=st.sampled_from(["nyc3", "sfo3"]),
)


def image(run: str, *, home: str = "nyc3", copied: tuple[str, ...] = (), **changes: Any) -> Image:
    made = worlds.image(run, **changes)
    identity = replace(made.identity, home=home)
    return replace(made, identity=identity, regions=tuple(sorted((home, *copied))))


@given(IDENTITIES)
def test_an_identity_survives_being_written_as_tags(identity: Identity) -> None:
    assert Identity.from_tags(identity.tags()) == identity


@given(IDENTITIES)
def test_tags_are_legal_sorted_and_each_once(identity: Identity) -> None:
    tags = identity.tags()
    assert all(LEGAL_TAG.match(text) for text in tags)
    assert list(tags) == sorted(set(tags))


@given(IDENTITIES, st.lists(st.sampled_from(["env:prod", READY, "bakewell:lease:12", "web", "bakewell:"])))
def test_other_tags_and_their_order_make_no_difference(identity: Identity, others: list[str]) -> None:
    assert Identity.from_tags([*others, *reversed(identity.tags())]) == identity


@pytest.mark.parametrize("lost", ["project", "role", "fingerprint", "run", "home"])
def test_an_image_that_lacks_part_of_its_identity_is_not_ours(lost: str) -> None:
    identity = Identity("shop", "web", "f", "r", "p", "nyc3")
    assert Identity.from_tags(t for t in identity.tags() if not t.startswith(f"bakewell:{lost}:")) is None


def test_an_imported_image_is_ours_without_a_fingerprint_and_no_build_adopts_it() -> None:
    identity = Identity("shop", "web", "", "r", None, "nyc3")
    assert Identity.from_tags([*identity.tags(), IMPORTED]) == identity
    found = worlds.image("r", flags=(IMPORTED,))
    assert found.imported and not found.managed and worlds.image("r", flags=(IMPORTED, MANAGED)).managed
    assert adoptable([found], "web", "", "nyc3") is None
    stated = replace(found, identity=replace(found.identity, fingerprint="f"))
    assert adoptable([stated], "web", "f", "nyc3") is None, "also where somebody wrote a fingerprint on it by hand"


@pytest.mark.parametrize("key", ["project", "role", "fingerprint", "run", "parent", "home"])
def test_an_image_with_two_values_for_part_of_its_identity_is_not_ours(key: str) -> None:
    tags = Identity("shop", "web", "f", "r", "p", "nyc3").tags()
    for both in ([*tags, tag(key, "other")], [tag(key, "other"), *tags]):
        assert Identity.from_tags(both) is None
    assert Identity.from_tags([*tags, *tags]) is not None, "the same value twice is one"


def test_builders_names_are_hostnames_of_one_label() -> None:
    name = Identity("shop", "w" * 40, "f", "0123456789ab", None, "nyc3").builder_name
    assert name == "w" * 40 + "-0123456789ab" and len(name) <= 63
    assert len(Identity("shop", "w" * 80, "f", "0123456789ab", None, "nyc3").builder_name) == 63


def test_tags_are_told_from_other_peoples() -> None:
    assert parse_tag(READY) == ("ready", "")
    assert parse_tag(tag("role", "web")) == ("role", "web")
    assert parse_tag("role:web") is None
    assert parse_tag("bakewell:role:we b") is None


def test_the_latest_lease_counts() -> None:
    assert lease_of(["bakewell:lease:5", "bakewell:lease:70", "bakewell:lease:x", "lease:90"]) == 70
    assert lease_of([READY]) is None
    assert lease_of(["bakewell:lease:5", f"bakewell:lease:{'9' * 12}", f"bakewell:lease:{'9' * 5000}"]) == 5


def test_the_name_says_prefix_role_time_in_utc_and_run() -> None:
    moment = datetime(2026, 11, 21, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert image_name("acme", "web", "0123456789ab", moment) == "acme-web-2026-11-20-2330-012345"


def test_runs_are_twelve_hex_digits_and_differ() -> None:
    runs = {new_run() for _ in range(50)}
    assert len(runs) == 50
    assert all(re.fullmatch(r"[0-9a-f]{12}", run) for run in runs)


def test_newest_first_agrees_with_itself_on_equal_times() -> None:
    images = [image("a"), image("b"), image("c", day=1)]
    assert [i.run for i in newest_first(images)] == [i.run for i in newest_first(reversed(images))] == ["c", "b", "a"]


def test_the_newest_ready_image_of_the_fingerprint_is_adopted() -> None:
    images = [image("old"), image("new", day=1), image("other", day=2, fingerprint="g")]
    found = adoptable(images, "web", "f", "nyc3")
    assert found is not None
    assert found.run == "new"


def test_of_several_images_the_one_built_in_the_region_is_adopted_then_one_that_is_there_then_the_newest() -> None:
    home, there, new = image("home", home="sfo3"), image("there", day=1, copied=("sfo3",)), image("new", day=2)

    def run(*images: Image) -> str:
        found = adoptable(images, "web", "f", "sfo3")
        assert found is not None
        return found.run

    assert run(new, there, home) == "home"
    assert run(new, there) == "there"
    assert run(image("old", day=1), new) == "new"
    assert run(image("later", home="sfo3", day=3), home) == "later"
    assert run(new, there, image("home", home="sfo3", revoked=True)) == "there"


@pytest.mark.parametrize("bad", [image("x", ready=False), image("x", revoked=True), image("x", fingerprint="g")])
def test_unready_revoked_and_other_images_are_not_adopted(bad: Image) -> None:
    assert adoptable([bad], "web", "f", "nyc3") is None
    assert adoptable([image("x")], "api", "f", "nyc3") is None


def test_nothing_built_on_a_revoked_image_is_adopted() -> None:
    grand, parent, child = image("g", revoked=True), image("p", parent="g"), image("c", parent="p", fingerprint="c")
    assert tainted(child, {i.run: i for i in (grand, parent, child)})
    assert adoptable([grand, parent, child], "web", "c", "nyc3") is None
    assert not tainted(child, {"c": child})


def test_parents_that_form_a_ring_do_not_hang() -> None:
    a, b = image("a", parent="b"), image("b", parent="a")
    assert not tainted(a, {"a": a, "b": b})


def test_an_image_is_called_as_each_region_calls_it() -> None:
    plain = image("x", copied=("sfo3",))
    assert plain.ids == {"id-x"} and plain.id_in("nyc3") == plain.id_in("sfo3") == "id-x"
    copied = replace(plain, elsewhere={"sfo3": "there-x"})
    assert copied.ids == {"id-x", "there-x"}
    assert (copied.id_in("nyc3"), copied.id_in("sfo3")) == ("id-x", "there-x")
