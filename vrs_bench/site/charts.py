"""Where things stand in drawings: bars and scatters, which templates turn into SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640.0, 400.0
"""Of a scatter, in units of its own."""
LEFT, RIGHT, TOP, BOTTOM = 70.0, 16.0, 16.0, 56.0
"""Room around it for the axes."""
BAR_LOW = -0.5
"""Skill at the left end of a bar; its right end is 1, the truth itself."""


@dataclass(frozen=True)
class Bar:
    """A skill as a bar from 0, in hundredths of the bar's whole length."""

    start: float
    width: float
    zero: float
    low: float | None
    high: float | None
    negative: bool


def bar(value: float, low: float | None, high: float | None) -> Bar:
    """Return a bar of a skill and its interval; what is below :data:`BAR_LOW` ends there."""

    def at(skill: float) -> float:
        return round(100 * (min(1.0, max(BAR_LOW, skill)) - BAR_LOW) / (1 - BAR_LOW), 2)

    ends = sorted((at(value), at(0)))
    return Bar(
        start=ends[0],
        width=round(ends[1] - ends[0], 2),
        zero=at(0),
        low=None if low is None else at(low),
        high=None if high is None else at(high),
        negative=value < 0,
    )


@dataclass(frozen=True)
class Point:
    """One entry in a scatter."""

    label: str
    x: float
    y: float
    low: float | None = None
    """Interval of ``y``."""
    high: float | None = None


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Scatter:
    """A drawing of points; all positions in its own units, y downwards."""

    x_label: str
    y_label: str
    points: tuple[tuple[Point, float, float, float | None, float | None], ...]
    """(what it is, x, y, y of the lower end, y of the upper end)."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def scatter(points: Sequence[Point], x_label: str, y_label: str, log_x: bool = False) -> Scatter:
    """Lay out a scatter.

    Args:
        points: at least one; of a logarithmic axis, none is negative.
        x_label, y_label: of the axes.
        log_x: whether x is laid out by its logarithm; zeros stand apart, at the left end.
    """
    ys = [y for p in points for y in (p.y, p.low, p.high) if y is not None]
    y_low, y_high = _spread(min(ys), max(ys))
    y_ticks = _ticks(y_low, y_high)

    def height(y: float) -> float:
        return round(HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM), 1)

    def down(y: float | None) -> float | None:
        return None if y is None else height(y)

    first = 0
    positive = [p.x for p in points if p.x > 0]
    xs = [p.x for p in points]
    if log_x:
        low = math.floor(math.log10(min(positive, default=1)))
        high = max(low + 1, math.ceil(math.log10(max(positive, default=1))))
        first = low - 1 if min(xs) == 0 else low
        step = max(1, math.ceil((high - low) / 6))
        x_ticks = [(float(n), f"{10.0**n:g}") for n in range(low, high + 1, step)]
        x_ticks += [(float(first), "0")] if first < low else []
        x_low, x_high = first - 0.3, high + 0.3
    else:
        x_low, x_high = _spread(min(xs), max(xs))
        x_ticks = _ticks(x_low, x_high)

    def across(x: float) -> float:
        return round(LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT), 1)

    def on_axis(x: float) -> float:
        if not log_x:
            return x
        return math.log10(x) if x > 0 else float(first)

    placed = [(p, across(on_axis(p.x)), height(p.y), down(p.low), down(p.high)) for p in points]
    return Scatter(
        x_label,
        y_label,
        tuple(placed),
        tuple(Tick(across(at), text) for at, text in x_ticks),
        tuple(Tick(height(at), text) for at, text in y_ticks),
    )


def _spread(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis: a twentieth more on both sides."""
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - margin, high + margin


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return about five round numbers of a range, with their texts."""
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [
        (n * step, f"{round(n * step, 12):g}".replace("-", "−")) for n in range(first, last + 1)
    ]
