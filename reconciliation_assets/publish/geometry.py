"""Positions of the marks in the report's charts; the template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from reconciliation_assets.publish.figures import BridgeLine, CohortSnapshot

_ENDS = ("platform_attributed", "collected")
CURVES_WIDTH, CURVES_HEIGHT = 640, 260
_MARGIN = 36


@dataclass(frozen=True)
class Bar:
    """A step of the waterfall: left edge and width as shares of the chart, and its kind."""

    left: float
    width: float
    kind: str


@dataclass(frozen=True)
class Point:
    """A point of a cohort's curve, in the drawing's units."""

    x: float
    y: float
    is_complete: bool


@dataclass(frozen=True)
class Curve:
    """A cohort month's points, in order of maturity."""

    month: str
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """The points in SVG notation."""
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)


@dataclass(frozen=True)
class Curves:
    """All cohorts' curves, with the days and the ROAS on the axes."""

    curves: tuple[Curve, ...]
    days: tuple[tuple[float, int], ...]
    highest_roas: float


def waterfall(lines: Sequence[BridgeLine]) -> list[Bar]:
    """One bar per line: totals start at zero, other lines where the line before ended."""
    spans: list[tuple[Decimal, Decimal]] = []
    level = Decimal(0)
    for line in lines:
        start = Decimal(0) if line.line in _ENDS else level
        level = start + line.amount
        spans.append((min(start, level), max(start, level)))
    lowest = min((low for low, _ in spans), default=Decimal(0))
    width = max((high for _, high in spans), default=Decimal(0)) - lowest or Decimal(1)
    return [
        Bar(float((low - lowest) / width), float((high - low) / width), _kind(line))
        for line, (low, high) in zip(lines, spans, strict=True)
    ]


def _kind(line: BridgeLine) -> str:
    if line.line in _ENDS:
        return "total"
    return "loss" if line.amount < 0 else "gain"


def cohort_curves(snapshots: Sequence[CohortSnapshot]) -> Curves:
    """Collected money per spend of each cohort month that spent, over its maturity."""
    drawn = [(each, each.collected_roas) for each in snapshots]
    known = [(each, roas) for each, roas in drawn if roas is not None]
    longest = max((each.maturity_day for each, _ in known), default=1)
    highest = max((roas for _, roas in known), default=0.0) or 1.0
    across, down = CURVES_WIDTH - 2 * _MARGIN, CURVES_HEIGHT - 2 * _MARGIN

    def x(day: int) -> float:
        return _MARGIN + across * day / longest

    by_month: dict[str, list[Point]] = {}
    for each, roas in known:
        point = Point(x(each.maturity_day), CURVES_HEIGHT - _MARGIN - down * max(roas, 0) / highest, each.is_complete)
        by_month.setdefault(f"{each.start:%Y-%m}", []).append(point)
    days = sorted({each.maturity_day for each, _ in known})
    return Curves(
        tuple(Curve(month, tuple(points)) for month, points in by_month.items()),
        tuple((x(day), day) for day in days),
        highest,
    )
