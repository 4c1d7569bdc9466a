from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakewell import retention
from bakewell.image import IMPORTED, MANAGED, Image, newest_first
from bakewell.retention import GUARDS, Decision, Plan, Policy, plan

from .worlds import NOW, World, droplet, image, random_world, reference

SOON, PAST = int(NOW.timestamp()) + 3600, int(NOW.timestamp()) - 3600
ONE = Policy(1, frozenset(), "shop")

# What must hold of every plan. Each is written without looking at how the plan is made.


def gone(world: World) -> set[str]:
    return {decision.image.id for decision in world.plan().delete}


def gone_everywhere(world: World) -> set[str]:
    """Every ID that a deleted image has, in whatever region."""
    return {id for decision in world.plan().delete for id in decision.image.ids}


def ancestors(image: Image, world: World) -> Iterator[Image]:
    seen: set[str] = set()
    run = image.identity.parent
    while run is not None and run not in seen:
        seen.add(run)
        found = [other for other in world.images if other.run == run]
        yield from found
        run = found[0].identity.parent if found else None


def bootable(world: World) -> list[Image]:
    """Finished images of ours that nobody took back, nor any they were built on; newest first."""
    fine = [i for i in world.images if i.ready and not any(a.revoked for a in (i, *ancestors(i, world)))]
    fine = [i for i in fine if IMPORTED not in i.tags or MANAGED in i.tags]
    return newest_first(fine)


def top(world: World) -> set[str]:
    """The newest of each role that a policy keeps."""
    roles = {i.role for i in world.images}
    room = {role: world.policy.keep - (role in world.unborn) for role in roles}
    return {i.id for role in roles for i in [i for i in bootable(world) if i.role == role][: room[role]]}


def asked_for(world: World) -> set[str]:
    """For each role the newest image of the present content."""
    return {
        next((i.id for i in bootable(world) if (i.role, i.fingerprint) == pair), "") for pair in world.current.items()
    }


def nothing_in_use_goes(world: World) -> bool:
    return not gone_everywhere(world) & {reference.image_id for reference in world.references}


def nothing_pinned_goes(world: World) -> bool:
    return not any({*d.image.ids, d.image.name} & world.policy.pins for d in world.plan().delete)


def nothing_of_others_goes(world: World) -> bool:
    return all(d.image.identity.project == world.policy.project for d in world.plan().delete)


def nothing_unfinished_goes_while_its_lease_runs(world: World) -> bool:
    now = NOW.timestamp()
    return not any(not d.image.ready and (d.image.lease or 0) > now for d in world.plan().delete)


def orphans_are_left_to_the_reaper(world: World) -> bool:
    now = NOW.timestamp()
    return not any(not d.image.ready and (d.image.lease or 0) <= now for d in world.plan().delete)


def no_ancestor_of_a_kept_one_goes(world: World) -> bool:
    kept = [d.image for d in world.plan().kept]
    return not gone(world) & {a.id for i in kept for a in ancestors(i, world) if a.id not in {k.id for k in kept}}


def the_newest_stay(world: World) -> bool:
    return not gone(world) & top(world)


def what_the_stack_asks_for_stays(world: World) -> bool:
    return not gone(world) & asked_for(world)


def what_nobody_needs_goes(world: World) -> bool:
    used = {reference.image_id for reference in world.references}
    needed = top(world) | asked_for(world) | {i.id for i in world.images if i.ids & used}
    needed |= {i.id for i in world.images if {*i.ids, i.name} & world.policy.pins}
    needed |= {i.id for i in world.images if not i.ready or i.identity.project != world.policy.project}
    needed |= {i.id for i in world.images if IMPORTED in i.tags and MANAGED not in i.tags}
    needed |= {a.id for i in world.images if i.id in needed for a in ancestors(i, world)}
    return gone(world) == {i.id for i in world.images} - needed


def nothing_goes_that_an_import_did_not_hand_over(world: World) -> bool:
    return not any(IMPORTED in d.image.tags and MANAGED not in d.image.tags for d in world.plan().delete)


def children_go_before_their_parents(world: World) -> bool:
    order = [d.image for d in world.plan().delete]
    return all(
        order.index(child) < order.index(parent)
        for child in order
        for parent in ancestors(child, world)
        if parent in order and parent is not child
    )


def carried_out_it_is_done(world: World) -> bool:
    return not world.after(world.plan()).plan().delete


def every_image_is_decided_with_a_reason(world: World) -> bool:
    decisions = world.plan().decisions
    return sorted(d.image.id for d in decisions) == sorted(i.id for i in world.images) and all(
        d.reasons for d in decisions
    )


def the_order_of_the_evidence_does_not_matter(world: World) -> bool:
    return all(world.shuffled(Random(seed)).plan() == world.plan() for seed in range(3))


PROPERTIES: list[Callable[[World], bool]] = [
    nothing_in_use_goes,
    nothing_pinned_goes,
    nothing_of_others_goes,
    nothing_unfinished_goes_while_its_lease_runs,
    orphans_are_left_to_the_reaper,
    no_ancestor_of_a_kept_one_goes,
    the_newest_stay,
    what_the_stack_asks_for_stays,
    what_nobody_needs_goes,
    nothing_goes_that_an_import_did_not_hand_over,
    children_go_before_their_parents,
    carried_out_it_is_done,
    every_image_is_decided_with_a_reason,
    the_order_of_the_evidence_does_not_matter,
]
CORPUS = [random_world(Random(seed)) for seed in range(120)]


def always(holds: Callable[[World], bool]) -> bool:
    """True when it holds everywhere in the corpus."""
    return all(holds(world) for world in CORPUS)


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_always(holds: Callable[[World], bool]) -> None:
    assert always(holds)


@settings(max_examples=100)
@given(random=st.randoms(use_true_random=False))
def test_always_in_worlds_that_differ_from_run_to_run(random: Random) -> None:
    world = random_world(random)
    assert [holds.__name__ for holds in PROPERTIES if not holds(world)] == []


def test_much_goes_in_the_corpus() -> None:
    assert sum(len(gone(world)) for world in CORPUS) > 60
    assert any(IMPORTED in d.image.tags for world in CORPUS for d in world.plan().delete), "managed ones too"


THEN_FAILS: dict[retention.Guard, Callable[[World], bool]] = {
    retention.in_use: nothing_in_use_goes,
    retention.pinned: nothing_pinned_goes,
    retention.newest: the_newest_stay,
    retention.current: what_the_stack_asks_for_stays,
    retention.being_built: nothing_unfinished_goes_while_its_lease_runs,
    retention.orphaned: orphans_are_left_to_the_reaper,
    retention.not_ours: nothing_of_others_goes,
    retention.unmanaged: nothing_goes_that_an_import_did_not_hand_over,
}


@pytest.mark.parametrize(("guard", "then_fails"), THEN_FAILS.items(), ids=lambda one: one.__name__)
def test_without_any_one_guard_a_property_fails(
    monkeypatch: pytest.MonkeyPatch, guard: retention.Guard, then_fails: Callable[[World], bool]
) -> None:
    assert guard in GUARDS
    monkeypatch.setattr(retention, "GUARDS", tuple(other for other in GUARDS if other is not guard))
    assert not always(then_fails)


def test_every_guard_is_dropped_in_the_test_above() -> None:
    assert set(THEN_FAILS) == set(GUARDS)


def test_without_the_lineage_ancestors_would_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_lineage", lambda images, reasons: None)
    assert not always(no_ancestor_of_a_kept_one_goes)


def test_a_revoked_image_that_took_a_place_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "tainted", lambda image, by_run: False)
    assert not always(the_newest_stay)
    assert not always(what_nobody_needs_goes)


# Single cases, and the words they are told in.


def decided(found: Plan) -> dict[str, Decision]:
    return {decision.image.run: decision for decision in found.decisions}


def test_the_newest_stay_and_older_ones_go_oldest_first() -> None:
    images = [image(f"{n}", day=-n) for n in range(5)]
    found = plan(images, [], Policy(2, frozenset(), "shop"), now=NOW)
    assert [d.image.run for d in found.delete] == ["4", "3", "2"]
    assert decided(found)["0"].reasons == ("newest 1 of 2",)
    assert decided(found)["1"].reasons == ("newest 2 of 2",)
    assert decided(found)["2"].reasons == ("not among the newest 2 of web", "not in use", "not pinned")


def test_every_reason_is_told() -> None:
    images = [image("p", "base"), image("c", parent="p")]
    references = [droplet("p", "b"), droplet("p", "a")]
    found = plan(images, references, Policy(1, frozenset({"base-p"}), "shop"), current={"base": "f"}, now=NOW)
    assert decided(found)["p"].reasons == (
        "in use by droplet a (d-a-p)",
        "in use by droplet b (d-b-p)",
        "pinned",
        "newest 1 of 1",
        "what the stack asks for now",
        "parent of kept web-c",
    )


def test_grandparents_stay_too() -> None:
    images = [image("g", "base", day=-9), image("p", "mid", day=-8, parent="g"), image("c", parent="p", day=-7)]
    newer = [image(f"{role}n", role) for role in ("base", "mid", "web")]
    found = decided(plan([*images, *newer], [droplet("c")], ONE, now=NOW))
    assert found["p"].reasons == ("parent of kept web-c",)
    assert found["g"].reasons == ("parent of kept mid-p",)
    assert all(not d.keep for d in plan([*images, *newer], [], ONE, now=NOW).delete)
    assert [d.image.run for d in plan([*images, *newer], [], ONE, now=NOW).delete] == ["c", "p", "g"]


def test_an_unborn_image_counts_as_the_newest_of_its_role() -> None:
    images = [image("0"), image("1", day=-1), image("b", "base")]
    found = decided(plan(images, [], Policy(2, frozenset(), "shop"), unborn={"web"}, now=NOW))
    assert found["0"].reasons == ("newest 2 of 2",)
    assert not found["1"].keep
    assert found["b"].reasons == ("newest 1 of 2",)


def test_with_room_for_one_the_unborn_takes_it_but_what_is_in_use_stays() -> None:
    found = decided(plan([image("0"), image("1", day=-1)], [droplet("0")], ONE, unborn={"web"}, now=NOW))
    assert found["0"].reasons == ("in use by droplet web-1 (d-web-1-0)",)
    assert not found["1"].keep


def test_an_unfinished_image_takes_no_place_and_is_left_alone() -> None:
    images = [image("live", ready=False, lease=SOON), image("dead", ready=False, lease=PAST), image("0", day=-1)]
    images.append(image("none", ready=False))
    found = decided(plan(images, [], ONE, now=NOW))
    assert found["0"].reasons == ("newest 1 of 1",)
    assert found["live"].reasons == ("not ready: its build's lease runs until 2026-11-21 13:00 UTC",)
    assert found["dead"].reasons[0].startswith("not ready: its lease ended 2026-11-21 11:00 UTC;")
    assert found["none"].reasons[0].startswith("not ready and without a lease")


def test_a_revoked_image_takes_no_place_and_goes_unless_something_uses_it() -> None:
    images = [image("r", revoked=True), image("0", day=-1)]
    found = decided(plan(images, [], ONE, now=NOW))
    assert found["0"].reasons == ("newest 1 of 1",)
    assert found["r"].reasons[0] == "revoked"
    assert decided(plan(images, [droplet("r")], ONE, now=NOW))["r"].keep


def test_an_old_image_that_the_files_ask_for_again_stays() -> None:
    images = [image("old", day=-9, fingerprint="f"), image("new", fingerprint="g")]
    found = decided(plan(images, [], ONE, current={"web": "f"}, now=NOW))
    assert found["old"].reasons == ("what the stack asks for now",)


def test_what_another_stack_of_another_region_would_adopt_stays_too() -> None:
    here, there = image("here", day=-9), image("there", day=-8)
    there = replace(there, regions=("sfo3",), identity=replace(there.identity, home="sfo3"))
    found = decided(plan([here, there, image("new", fingerprint="g")], [], ONE, current={"web": "f"}, now=NOW))
    assert found["here"].keep and found["there"].keep


def test_another_projects_image_stays() -> None:
    found = decided(plan([image("x", project="theirs"), image("0")], [], ONE, now=NOW))
    assert "not ours: it belongs to project theirs" in found["x"].reasons


@pytest.mark.parametrize("pin", ["web-1", "id-1"])
def test_a_pin_is_a_name_or_an_id(pin: str) -> None:
    found = decided(plan([image("0"), image("1", day=-1)], [], Policy(1, frozenset({pin}), "shop"), now=NOW))
    assert found["1"].reasons == ("pinned",)


def test_what_uses_or_pins_an_image_may_call_it_by_its_id_in_any_region() -> None:
    used, pinned, free = (image(str(n), day=-1 - n, copied=True) for n in range(3))
    every = [image("new"), used, pinned, free]
    references = [reference("there-0", "web-7")]
    found = plan(every, references, Policy(1, frozenset({"there-1"}), "shop"), now=NOW)
    assert decided(found)["0"].reasons == ("in use by droplet web-7 (d-web-7-0)",)
    assert decided(found)["1"].reasons == ("pinned",)
    assert [d.image for d in found.delete] == [free]


def test_parents_that_form_a_ring_do_not_hang() -> None:
    ring = [image("a", parent="b", day=-2), image("b", parent="a", day=-1), image("0")]
    assert {d.image.run for d in plan(ring, [], ONE, now=NOW).delete} == {"a", "b"}
    assert not plan(ring, [droplet("a")], ONE, now=NOW).delete


def test_roles_and_clouds_are_counted_apart() -> None:
    images = [image("0"), image("1", "api", day=-1), replace(image("2", day=-2), cloud="aws")]
    assert not plan(images, [], ONE, now=NOW).delete


def test_keeping_less_than_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Policy(0, frozenset(), "shop")


def test_an_empty_account_has_an_empty_plan() -> None:
    assert plan([], [], ONE, now=NOW) == Plan(())
