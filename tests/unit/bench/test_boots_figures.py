"""What the bench of boots makes of its figures: medians, ratios, a table and a chart."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.boots.chart import svg
from bench.boots.figures import AS_IS, SHAPED, Figures, Network, Run, Series, table

SERIES = Series(baked=[1.0, 3.0, 2.0], stock=[50.0, 70.0, 80.0], pyinfra=[10.0, 10.0, 50.0])
NETWORK = Network(round_trip_ms=20.4, down_mbit=91.2, up_mbit=88.0)
SVG = "{http://www.w3.org/2000/svg}"


def run(**series: Series) -> Run:
    names = {"as_is": AS_IS, "shaped": SHAPED}
    networks = {names[name]: NETWORK for name in series}
    return Run(on="2026-11-21, 2 cores", series={names[name]: one for name, one in series.items()}, networks=networks)


def test_the_ratio_leaves_out_what_pyinfra_takes_boot_by_boot() -> None:
    assert SERIES.baked_seconds == 2.0
    assert SERIES.stock_seconds == 40.0  # of 40, 60 and 30; not the median of all less that of PyInfra's
    assert SERIES.ratio == 20.0
    assert SERIES.ratio_with_pyinfra == 35.0


def test_the_table_says_whether_the_goal_is_kept_and_what_the_networks_were() -> None:
    slow = Series(baked=[2.0], stock=[38.0], pyinfra=[0.0])
    text = table(Figures(roles={"web": run(as_is=slow, shaped=slow)}))
    rows = [line for line in text.splitlines() if "| web |" in line]
    assert ["**19.0**" in row for row in rows] == [True, True]
    assert [row.split("|")[-2].strip() for row in rows] == ["yes", "**no**"]
    assert "round trip 20.4 ms, 91 Mbit/s down, 88 Mbit/s up" in text
    assert "Measured on: 2026-11-21, 2 cores." in text


def test_a_role_that_is_measured_again_keeps_nothing_of_its_last_run_there(tmp_path: Path) -> None:
    first = Figures(roles={"web": run(as_is=SERIES, shaped=SERIES), "api": run(as_is=SERIES)})
    faster = Series(baked=[0.5], stock=[9.0], pyinfra=[1.0])
    assert Figures.load(tmp_path / "boots.json").roles == {}, "before the first run"
    first.with_run("web", run(as_is=faster)).save(tmp_path / "boots.json")
    read = Figures.load(tmp_path / "boots.json")
    assert read.roles["web"].series == {AS_IS: faster, SHAPED: SERIES}
    assert list(read.roles) == ["api", "web"]


def bars(text: str, kind: str) -> list[float]:
    return [
        float(one.get("width", "0"))
        for one in ElementTree.fromstring(text).iter(f"{SVG}rect")
        if one.get("class") == kind
    ]


def test_bars_are_as_long_as_what_they_show() -> None:
    text = svg(Figures(roles={"web": run(as_is=SERIES), "api": run(as_is=SERIES, shaped=SERIES)}))
    assert len(bars(text, "own")) == 3 + 1, "on the panels of its networks; and the legend's"
    baked, stock, own = (bars(text, kind)[0] for kind in ("baked", "stock", "own"))
    assert stock / baked == pytest.approx(SERIES.ratio, rel=0.01)
    assert (stock + own) / baked == pytest.approx(SERIES.ratio_with_pyinfra, rel=0.01)


def test_the_chart_names_roles_seconds_and_ratios_and_stays_within_its_frame() -> None:
    roles = {role: run(as_is=SERIES, shaped=SERIES) for role in ("api", "consul-server", "web")}
    root = ElementTree.fromstring(svg(Figures(roles=roles)))
    said = [one.text for one in root.iter(f"{SVG}text")]
    for role in roles:
        assert said.count(role) == 2
    assert said.count("20.0 ×") == 6
    assert said.count("2.0 s") == 6
    width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
    for one in [*root.iter(f"{SVG}rect"), *root.iter(f"{SVG}text")]:
        right = float(one.attrib["x"]) + float(one.attrib.get("width", "0"))
        assert right <= width
        assert float(one.attrib["y"]) + float(one.attrib.get("height", "0")) <= height
