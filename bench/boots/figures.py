"""What the boots took, kept in docs/boots.json: a row comes from one run; the rows' runs can be put together.

Pure but for `load` and `save`. docs/benchmarks.md's table and docs/boots.svg are made from this and nothing else.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from bakewell.reading import Model

AS_IS, SHAPED = "as it is", "shaped"
GOALS = {AS_IS: 10.0, SHAPED: 20.0}


class Series(Model):
    """One role on one network. Seconds from the call that creates the machine to ready, a value for each machine.

    Attributes:
        baked: made from the role's image.
        stock: made from the stock image, whose user_data installs the same, PyInfra first.
        pyinfra: what of `stock` went into installing PyInfra itself.
    """

    baked: list[float]
    stock: list[float]
    pyinfra: list[float]

    @property
    def baked_seconds(self) -> float:
        return statistics.median(self.baked)

    @property
    def stock_seconds(self) -> float:
        """Without what PyInfra's own installation took: another tool might be there already."""
        return statistics.median(all - own for all, own in zip(self.stock, self.pyinfra, strict=True))

    @property
    def ratio(self) -> float:
        """How many times faster: the figure that counts, PyInfra's installation left out."""
        return self.stock_seconds / self.baked_seconds

    @property
    def ratio_with_pyinfra(self) -> float:
        return statistics.median(self.stock) / self.baked_seconds


class Network(Model):
    """A network as a machine on it saw it.

    Attributes:
        round_trip_ms: to the host and back.
        down_mbit, up_mbit: millions of bits per second of one HTTP transfer.
    """

    round_trip_ms: float
    down_mbit: float
    up_mbit: float


class Run(Model):
    """A role's figures, all of one network from one run. `on` is the last one's day and the host it ran on."""

    on: str
    series: dict[str, Series]
    networks: dict[str, Network]


class Figures(Model):
    """All roles' figures, by role."""

    roles: dict[str, Run]

    @classmethod
    def load(cls, path: Path) -> Figures:
        """The figures so far; none where there is no file."""
        return cls.model_validate_json(path.read_text()) if path.exists() else cls(roles={})

    def save(self, path: Path) -> None:
        path.write_text(self.model_dump_json(indent=1) + "\n")

    def with_run(self, role: str, run: Run) -> Figures:
        """These, with another run in place of the role's last one on the same networks."""
        if (last := self.roles.get(role)) is not None:
            run = Run(on=run.on, series=last.series | run.series, networks=last.networks | run.networks)
        return Figures(roles=dict(sorted({**self.roles, role: run}.items())))


HEADER = (
    "| role | network | baked | stock | ratio | with PyInfra | ratio then | boots of each | goal | kept |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def table(figures: Figures) -> str:
    """The table of docs/benchmarks.md, and below it what the networks were."""
    rows = [
        _row(role, network, series)
        for network in (AS_IS, SHAPED)
        for role, run in figures.roles.items()
        if (series := run.series.get(network)) is not None
    ]
    measured = {
        network: [run.networks[network] for run in figures.roles.values() if network in run.networks]
        for network in (AS_IS, SHAPED)
    }
    notes = [_note(network, found) for network, found in measured.items() if found]
    days = sorted({run.on for run in figures.roles.values()})
    return "\n".join([f"Measured on: {'; '.join(days)}.", "", HEADER, *rows, "", *notes])


def _row(role: str, network: str, series: Series) -> str:
    kept = "yes" if series.ratio >= GOALS[network] else "**no**"
    return (
        f"| {role} | {network} | {series.baked_seconds:.2f} s ({_spread(series.baked)}) "
        f"| {series.stock_seconds:.1f} s | **{series.ratio:.1f}** | {statistics.median(series.stock):.1f} s "
        f"({_spread(series.stock)}) | {series.ratio_with_pyinfra:.1f} | {len(series.baked)} "
        f"| {GOALS[network]:.0f} | {kept} |"
    )


def _spread(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def _note(name: str, networks: list[Network]) -> str:
    round_trip = statistics.median(one.round_trip_ms for one in networks)
    down, up = statistics.median(one.down_mbit for one in networks), statistics.median(one.up_mbit for one in networks)
    return (
        f"- The network {name}, measured from a machine on it: round trip {round_trip:.1f} ms, {down:.0f} Mbit/s down, "
        f"{up:.0f} Mbit/s up."
    )
