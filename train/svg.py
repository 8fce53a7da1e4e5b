"""Line charts as inline SVG: no script, no font, no file beside the page."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 520, 260, 52, 12, 10, 30
POINTS = 600
"""Points that a line is drawn with at most; a chart is not that many pixels wide."""

COLOURS = ("#3b7dd8", "#d9822b", "#3d9a5b", "#a35bb5", "#c23b4b", "#5a6b7d", "#8a7a2f", "#2f8a8a")

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One curve; drawn thin when it is only the ground for another, dashed when it is the lesser of a pair."""

    name: str
    points: Points
    colour: str = COLOURS[0]
    thin: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Mark:
    """A vertical line at `x`, with a title that is shown when one points at it."""

    x: float
    title: str
    colour: str = "#c23b4b"


def chart(
    lines: Sequence[Line], *, up: str, marks: Sequence[Mark] = (), levels: Sequence[tuple[str, float]] = (), log: bool = False
) -> str:  # fmt: skip
    """Curves over steps, the legend under them. `levels` are horizontal lines; `log` scales the height by magnitude."""
    shown = [(line, _finite(line.points, log)) for line in lines]
    shown = [(line, points) for line, points in shown if points]
    if not shown:
        return "<p class=muted>–</p>"
    xs = [x for _, points in shown for x, _ in points]
    low_x, high_x = min(xs), max(max(xs), min(xs) + 1)
    low, high = _span([y for _, points in shown for _, y in points] + [y for _, y in levels], log)

    def place(x: float, y: float) -> tuple[float, float]:
        share = (_scaled(y, log) - low) / (high - low)
        across = LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        return round(across, 1), round(TOP + (1 - share) * (HEIGHT - TOP - BOTTOM), 1)

    floor = HEIGHT - BOTTOM
    parts = [f"<rect x='{LEFT}' y='{TOP}' width='{WIDTH - LEFT - RIGHT}' height='{floor - TOP}' class=frame />"]
    for value in _magnitudes(low, high) if log else _ticks(low, high):
        y = place(low_x, value)[1]
        parts.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y}' y2='{y}' class=grid />")
        parts.append(f"<text x='{LEFT - 5}' y='{y + 3}' text-anchor='end'>{value:.4g}</text>")
    for tick in _ticks(low_x, high_x):
        x = place(tick, 10**low if log else low)[0]
        parts.append(f"<text x='{x}' y='{floor + 13}' text-anchor='middle'>{tick:,.10g}</text>")
    for mark in marks:
        if low_x <= mark.x <= high_x:
            x = place(mark.x, 10**low if log else low)[0]
            parts.append(
                f"<line x1='{x}' x2='{x}' y1='{TOP}' y2='{floor}' stroke='{mark.colour}' stroke-dasharray='2 3'>"
                f"<title>{html.escape(mark.title)}</title></line>"
            )
    for name, value in levels:
        y = place(low_x, value)[1]
        parts.append(
            f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y}' y2='{y}' stroke='#66758a' stroke-dasharray='6 4'/>"
        )
        parts.append(f"<text x='{WIDTH - RIGHT - 4}' y='{y - 3}' text-anchor='end'>{html.escape(name)}</text>")
    for line, points in shown:
        drawn = " ".join("{},{}".format(*place(x, y)) for x, y in _thinned(points))
        style = f"stroke-width='{1 if line.thin else 2}' stroke-opacity='{0.35 if line.thin else 1}'"
        dash = " stroke-dasharray='5 4'" if line.dashed else ""
        parts.append(f"<polyline points='{drawn}' fill='none' stroke='{line.colour}' {style}{dash}/>")
    parts.append(f"<text x='{(LEFT + WIDTH - RIGHT) / 2}' y='{HEIGHT - 4}' text-anchor='middle'>step 步</text>")
    middle = (TOP + floor) / 2
    parts.append(
        f"<text x='11' y='{middle}' text-anchor='middle' transform='rotate(-90 11 {middle})'>{html.escape(up)}</text>"
    )
    legend = " ".join(
        f"<span style='color:{line.colour}'>{'┄' if line.dashed else '━'}</span> {html.escape(line.name)}"
        for line, _ in shown
        if not line.thin
    )
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>{''.join(parts)}</svg><div class=legend>{legend}</div>"


def _finite(points: Points, log: bool) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(y) and (y > 0 or not log)]


def _scaled(y: float, log: bool) -> float:
    return math.log10(y) if log else y


def _span(values: Sequence[float], log: bool) -> tuple[float, float]:
    low, high = (_scaled(f(values), log) for f in (min, max))
    edge = 0.04 * (high - low) or 0.05 * abs(high) or 0.5
    return low - edge, high + edge


def _ticks(low: float, high: float) -> list[float]:
    """Four to nine round values between the two."""
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= next(f for f in (1, 2, 5, 10) if (high - low) / (f * step) <= 8)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _magnitudes(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two logarithms; powers alone where that were too many."""
    digits = (1, 2, 5) if high - low < 2.5 else (1,)
    values = [d * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for d in digits]
    return [v for v in values if low <= math.log10(v) <= high]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about POINTS of them: of each stretch its lowest and highest, so that no spike is lost."""
    if len(points) <= POINTS:
        return points
    stretch = -(-2 * len(points) // POINTS)
    kept = []
    for first in range(0, len(points), stretch):
        part = points[first : first + stretch]
        ends = (min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1]))
        kept += sorted(set(ends))
    return kept
