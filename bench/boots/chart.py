"""The bar chart of docs/boots.svg: for each role, its baked machine's seconds against the stock one's."""

from __future__ import annotations

from html import escape

from bench.boots.figures import AS_IS, SHAPED, Figures, Series

TITLES = {AS_IS: "As it is: mirrors next door", SHAPED: "100 Mbit/s and 20 ms"}
WIDTH, LEFT, RIGHT = 860, 130, 180
BAR, GAP, GROUP = 14, 3, 48  # pixels: of a bar, between a role's two, from role to role
PLOT = WIDTH - LEFT - RIGHT
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .ratio { font-weight: 600 }
  .soft { fill: #59636e }
  .baked { fill: #1a7f37 }
  .stock { fill: #8c959f }
  .own { fill: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .soft { fill: #9198a1 }
    .baked { fill: #3fb950 }
    .stock { fill: #6e7681 }
    .own { fill: #3d444d }
  }
"""


def svg(figures: Figures) -> str:
    """The chart. Bars of one network share a scale; the light end of a stock bar is PyInfra's own installation."""
    parts: list[str] = []
    y = 30
    for network in (AS_IS, SHAPED):
        rows = {role: run.series[network] for role, run in figures.roles.items() if network in run.series}
        if rows:
            drawn, y = _panel(TITLES[network], rows, y)
            parts += drawn
    parts += _legend(y)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 30}" width="{WIDTH}" height="{y + 30}" '
        'role="img" aria-label="Seconds from machine create to ready, baked against stock, for each role">'
    )
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"


def _panel(title: str, rows: dict[str, Series], y: int) -> tuple[list[str], int]:
    """The elements of one network's chart, and where the next one begins."""
    drawn = [_text(10, y, title, "title"), _text(WIDTH - 10, y, "times faster", "soft", "end")]
    scale = PLOT / max(max(row.baked_seconds, row.stock_seconds + _own(row)) for row in rows.values())
    y += 18
    for role, row in rows.items():
        drawn.append(_text(LEFT - 10, y + BAR + GAP + 2, role, anchor="end"))
        baked, stock, own = row.baked_seconds * scale, row.stock_seconds * scale, _own(row) * scale
        drawn.append(_bar(LEFT, y, baked, "baked"))
        drawn.append(_text(LEFT + baked + 6, y + BAR - 2, f"{row.baked_seconds:.1f} s"))
        below = y + BAR + GAP
        drawn.append(_bar(LEFT, below, stock, "stock"))
        drawn.append(_bar(LEFT + stock, below, own, "own"))
        label = f"{row.stock_seconds:.1f} + {_own(row):.1f} s"
        drawn.append(_text(LEFT + stock + own + 6, below + BAR - 2, label))
        drawn.append(_text(WIDTH - 10, y + BAR + GAP + 2, f"{row.ratio:.1f} ×", "ratio", "end"))
        y += GROUP
    return drawn, y + 24


def _own(row: Series) -> float:
    """Seconds that PyInfra's own installation adds to the stock machine's."""
    return row.ratio_with_pyinfra * row.baked_seconds - row.stock_seconds


def _legend(y: int) -> list[str]:
    drawn, x = [], LEFT
    for kind, label in (
        ("baked", "baked"),
        ("stock", "stock, installs the same"),
        ("own", "+ PyInfra itself, not in the ratio"),
    ):
        drawn += [_bar(x, y, BAR, kind), _text(x + BAR + 6, y + BAR - 2, label, "soft")]
        x += 40 + 8 * len(label)
    return drawn


def _bar(x: float, y: float, width: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{BAR}"/>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
