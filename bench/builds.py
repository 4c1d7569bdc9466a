"""`bakewell build` against bare `packer build`, and eight siblings against one alone."""

from __future__ import annotations

from pathlib import Path

from bench.clone import Clone
from bench.measure import Comparison, pairs, seconds

SIBLINGS = 8
CAP = 4
WAIT = 20


def against_packer(folder: Path, environment: dict[str, str], count: int = 5) -> Comparison:
    """What supervision, adoption's look-up, tags and the reaper add to Packer's own time."""
    clone = Clone(folder / "against-packer", environment, "bench-packer")
    clone.image("base")
    staged = folder / "staged"
    clone.run("bakewell", "stage", "base", str(staged))
    ours, theirs = pairs(
        lambda: clone.run("bakewell", "build", "base", "--force"),
        lambda: clone.run("packer", "build", "-color=false", ".", cwd=staged),
        count,
    )
    return Comparison(
        "`bakewell build` / bare `packer build`, same staged context", 1.05, ours, theirs, "make bench ARGS=packer"
    )


def siblings(folder: Path, environment: dict[str, str]) -> Comparison:
    """Two rounds of four ought to take twice the time of one; pairs: one."""
    clone = Clone(folder / "siblings", environment, "bench-siblings")
    clone.image("base")
    roles = [f"sibling-{number}" for number in range(1, SIBLINGS + 1)]
    for role in ["alone", *roles]:
        clone.image(role, parent="base", script=f"sleep {WAIT}")
    clone.configure(parallel=CAP)
    clone.run("bakewell", "build", "base")
    alone = seconds(lambda: clone.run("bakewell", "build", "alone"))
    together = seconds(lambda: clone.run("bakewell", "build", *roles))
    rounds = SIBLINGS / CAP
    return Comparison(
        f"{SIBLINGS} siblings that wait {WAIT} s, cap {CAP} / {rounds:.0f} times one alone",
        1.15,
        (together,),
        (alone * rounds,),
        "make bench ARGS=siblings",
    )
