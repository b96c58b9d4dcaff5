"""Plots of tables, shown in the metadata of the assets that make them.

Dagster's UI shows Markdown of less than a thousand characters in place, and anything longer, such as a picture, behind a link.
So a plot has both: a text chart that is visible at once, and the picture.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import altair as alt
import pyarrow as pa
import vl_convert as vlc

from reconciliation_assets.contracts.vocabulary import LINK_NAMES
from reconciliation_assets.warehouse.protocol import Ledger, Warehouse

_WIDTH, _HEIGHT = 620, 300
_BLUE, _GREEN, _RED, _GREY = "#4c78a8", "#2e8b57", "#c44e52", "#b8b8b8"
_METHOD_COLOURS = alt.Scale(
    domain=["exact_id", "manual_verified", "exact_contact", "crm_relationship", "inferred", "unmatched"],
    range=[_GREEN, "#1b5e3a", "#76b58c", "#b5d8a7", "#e6c35c", _RED],
)
SHOWN_AT_ONCE: Final = 1000
"""Dagster's UI (1.13) shows Markdown in place if it has fewer characters than this."""

_LEGEND_BELOW = alt.Legend(orient="bottom", titleLimit=0)


@dataclass(frozen=True)
class Plot:
    """A plot as a text chart and as a picture.

    Attributes:
        text: Markdown that is short enough for the UI to show in place.
        chart: Vega-Lite, as JSON.
    """

    text: str
    chart: str

    @property
    def picture(self) -> bytes:
        """The chart as PNG."""
        png: bytes = vlc.vegalite_to_png(self.chart, scale=1.5)
        return png


class KeptPictures:
    """The latest pictures, stored in the ledger, because drawing takes longer than making most tables.

    Args:
        ledger: where they are stored, one row per table.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        ledger.execute("create schema if not exists made")
        ledger.execute(
            "create table if not exists made.pictures (table_name varchar primary key, chart_hash varchar, picture blob)"
        )
        self._kept: dict[str, tuple[str, bytes]] = {
            table: (drawn_from, picture)
            for table, drawn_from, picture in ledger.rows("select table_name, chart_hash, picture from made.pictures")
        }

    def of(self, table: str, plot: Plot) -> bytes:
        """The picture of a table's plot, redrawn only if the chart has changed."""
        chart_hash = hashlib.sha256(f"{version('vl-convert-python')}\n{plot.chart}".encode()).hexdigest()
        if table not in self._kept or self._kept[table][0] != chart_hash:
            self._kept[table] = chart_hash, plot.picture
            self._ledger.execute(
                "insert or replace into made.pictures values ($table, $chart_hash, $picture)",
                {"table": table, "chart_hash": chart_hash, "picture": self._kept[table][1]},
            )
        picture: bytes = self._kept[table][1]
        return picture


def bridge_waterfall(warehouse: Warehouse) -> Plot:
    """The bridge over all campaigns as a waterfall, from Meta's number down to collected money."""
    bars = warehouse.arrow(
        """
        with lines as (
          select line_order, line, cast(sum(amount) as double) as amount from bridge.bridge
          where campaign_id is not null group by 1, 2
        ),
        steps as (
        select
          line_order, replace(line, '_', ' ') as line, amount,
          case when line = 'collected' then 0 else sum(amount) over (order by line_order) - amount end as start,
          case when line = 'collected' then amount else sum(amount) over (order by line_order) end as stop,
          case when line in ('platform_attributed', 'collected') then 'total' when amount < 0 then 'loss' else 'gain' end as kind
          from lines
        )
        select *, greatest(start, stop) as highest from steps order by line_order
        """
    )
    order = alt.SortField("line_order")
    base = alt.Chart(_values(bars))
    amounts = base.mark_text(align="left", dx=4, fontSize=11).encode(
        y=alt.Y("line:N", sort=order), x=alt.X("highest:Q"), text=alt.Text("amount:Q", format=",.0f")
    )
    return Plot(
        _bars((row["line"], row["amount"], f"{row['amount']:,.0f}") for row in bars.to_pylist()),
        _sized(
            base.mark_bar().encode(
                y=alt.Y("line:N", sort=order, title=None, axis=alt.Axis(labelLimit=240)),
                x=alt.X("start:Q", title="reporting currency", axis=alt.Axis(format=",.0f")),
                x2="stop:Q",
                color=alt.Color(
                    "kind:N",
                    scale=alt.Scale(domain=["total", "gain", "loss"], range=[_BLUE, _GREEN, _RED]),
                    legend=None,
                ),
            )
            + amounts
        ),
    )


def match_weights(weights: Sequence[Mapping[str, Any]]) -> Plot:
    """Match weight (log2) of each outcome of each comparison: positive to the right, negative to the left."""
    rows = [
        {**row, "order": place, "what": f"{row['comparison']}: {row['outcome']}"} for place, row in enumerate(weights)
    ]
    return Plot(
        _bars((row["what"], row["weight"], f"{row['weight']:+.1f}") for row in rows),
        _sized(
            alt.Chart(_values(pa.Table.from_pylist(rows)))
            .mark_bar()
            .encode(
                y=alt.Y("what:N", sort=alt.SortField("order"), title=None, axis=alt.Axis(labelLimit=360)),
                x=alt.X("weight:Q", title="weight (powers of two)"),
                color=alt.condition("datum.weight > 0", alt.value(_GREEN), alt.value(_RED)),
            )
        ),
    )


def coverage_by_method(warehouse: Warehouse) -> Plot:
    """Share of the records that should match, by link and method."""
    shares = _with_names_of_links(
        warehouse.arrow(
            """
            select link, match_method, cast(record_rate as double) as record_rate
            from governance.match_coverage where is_applicable order by link, match_method
            """
        )
    )
    return Plot(
        _bars(
            (f"{row['link']}, {row['match_method']}", row["record_rate"], f"{row['record_rate']:.1%}")
            for row in shares.to_pylist()
            if row["record_rate"] is not None
        ),
        _sized(
            alt.Chart(_values(shares))
            .mark_bar()
            .encode(
                y=alt.Y("link:N", title=None),
                x=alt.X(
                    "record_rate:Q", title="share of records", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
                ),
                color=alt.Color("match_method:N", scale=_METHOD_COLOURS, title="method"),
            )
        ),
    )


def coverage_over_time(warehouse: Warehouse) -> Plot:
    """Share of the records that should match, by week and method; one panel per link."""
    shares = _with_names_of_links(
        warehouse.arrow(
            """
            with weeks as (
              select link, date_trunc('week', day) as week, match_method, sum(records) as records
              from governance.coverage_daily where segment_kind = 'all' group by 1, 2, 3
            )
            select link, strftime(week, '%Y-%m-%d') as week, match_method,
                   cast(records / nullif(sum(records) over (partition by link, week), 0) as double) as record_rate
            from weeks order by 1, 2, 3
            """
        )
    )
    panel = (
        alt.Chart(_values(shares))
        .mark_bar()
        .encode(
            x=alt.X("week:O", title="week beginning on", axis=alt.Axis(labelAngle=-45, labelOverlap="parity")),
            y=alt.Y(
                "record_rate:Q", title=None, axis=alt.Axis(format="%", tickCount=2), scale=alt.Scale(domain=[0, 1])
            ),
            color=alt.Color("match_method:N", scale=_METHOD_COLOURS, title="method"),
            row=alt.Row("link:N", title="share of records by week", header=alt.Header(labelAngle=0, labelAlign="left")),
        )
    )
    return Plot(
        _sparks(shares.to_pylist()),
        _sized(panel, height=70),
    )


def _with_names_of_links(shares: pa.Table) -> pa.Table:
    names = pa.array([LINK_NAMES[link] for link in shares["link"].to_pylist()], pa.string())
    return shares.set_column(shares.schema.get_field_index("link"), "link", names)


def two_numbers_by_campaign(warehouse: Warehouse) -> Plot:
    """Meta's number and the collected one, by campaign."""
    numbers = warehouse.arrow(
        """
        select coalesce(max(campaign_name), campaign_id) as campaign, kind, cast(sum(amount) as double) as amount
        from (
          select campaign_id, campaign_name, 'Meta says' as kind, platform_value as amount from views.two_numbers
          union all select campaign_id, campaign_name, 'collected', collected_value from views.two_numbers
        ) where campaign_id is not null
        group by campaign_id, kind order by 1, 2
        """
    )
    return Plot(
        _bars(_by_campaign(numbers.to_pylist())),
        _sized(
            alt.Chart(_values(numbers))
            .mark_bar()
            .encode(
                y=alt.Y(
                    "campaign:N",
                    sort=alt.EncodingSortField("amount", op="max", order="descending"),
                    title=None,
                    axis=alt.Axis(labelLimit=260),
                ),
                yOffset="kind:N",
                x=alt.X("amount:Q", title="reporting currency", axis=alt.Axis(format=",.0f")),
                color=alt.Color(
                    "kind:N", scale=alt.Scale(domain=["Meta says", "collected"], range=[_GREY, _GREEN]), title=None
                ),
            )
        ),
    )


def cohort_curves(warehouse: Warehouse) -> Plot:
    """Collected money per spend of each cohort month as it matures; immature points are hollow."""
    points = warehouse.arrow(
        """
        select strftime(cohort_start, '%Y-%m') as cohort, maturity_day, bool_and(is_complete) as is_complete,
               cast(sum(collected_value) / nullif(sum(spend_value), 0) as double) as collected_roas
        from views.cohort_snapshots where campaign_id is not null
        group by 1, 2 having sum(spend_value) > 0 order by 1, 2
        """
    )
    base = alt.Chart(_values(points)).encode(
        x=alt.X("maturity_day:Q", title="days after capture"),
        y=alt.Y("collected_roas:Q", title="collected ROAS"),
        color=alt.Color("cohort:N", title="cohort month (hollow: not old enough yet)", legend=_LEGEND_BELOW),
    )
    mature = base.mark_circle(size=70).transform_filter("datum.is_complete")
    immature = base.mark_point(size=70, fill="white").transform_filter("!datum.is_complete")
    return Plot(
        _curves(points.to_pylist()),
        _sized(base.mark_line() + mature + immature),
    )


PLOTS: dict[str, Callable[[Warehouse], Plot]] = {
    "bridge": bridge_waterfall,
    "match_coverage": coverage_by_method,
    "coverage_daily": coverage_over_time,
    "two_numbers": two_numbers_by_campaign,
    "cohort_snapshots": cohort_curves,
}


def _by_campaign(rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, float, str]]:
    """Two bars per campaign, sorted by Meta's number in descending order."""
    amounts: dict[str, dict[str, float]] = {}
    for row in rows:
        amounts.setdefault(row["campaign"], {})[row["kind"]] = row["amount"] or 0
    for campaign, each in sorted(amounts.items(), key=lambda item: (-item[1]["Meta says"], item[0])):
        yield campaign, each["Meta says"], f"{each['Meta says']:,.0f} Meta says"
        yield "", each["collected"], f"{each['collected']:,.0f} collected"


def _bars(rows: Iterable[tuple[str, float, str]]) -> str:
    """One line per row: label, bar and amount."""
    kept = list(rows)
    largest = max((abs(value) for _, value, _ in kept), default=0) or 1
    wide = min(max((len(label) for label, *_ in kept), default=0), 34)
    return _fenced(
        f"{_shortened(label, wide):{wide}} {'█' * round(abs(value) / largest * 16):16} {shown}"
        for label, value, shown in kept
    )


def _sparks(rows: Sequence[Mapping[str, Any]]) -> str:
    """One sparkline per link: the matched share of each of the last 40 weeks."""
    weeks = sorted({row["week"] for row in rows})[-40:]
    matched: dict[str, dict[str, float]] = {}
    for row in rows:
        of_link = matched.setdefault(row["link"], {})
        share = row["record_rate"] or 0
        of_link[row["week"]] = of_link.get(row["week"], 0) + (share if row["match_method"] != "unmatched" else 0)
    wide = max((len(link) for link in matched), default=0)
    return _fenced(
        [
            f"share matched, weekly from {weeks[0]} to {weeks[-1]}" if weeks else "nothing to match yet",
            *(
                f"{link:{wide}} {''.join(_mark(shares.get(week)) for week in weeks)} "
                f"{shares[max(shares)]:.1%} in the week of {max(shares)}"
                for link, shares in matched.items()
            ),
        ]
    )


def _mark(share: float | None) -> str:
    return " " if share is None else "▁▂▃▄▅▆▇█"[min(int(share * 8), 7)]


def _curves(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per cohort month, the newest last: collected ROAS by age."""
    ages = sorted({row["maturity_day"] for row in rows})
    cohorts: dict[str, dict[int, str]] = {}
    for row in rows:
        shown = (
            "" if row["collected_roas"] is None else f"{row['collected_roas']:.2f}{'' if row['is_complete'] else '~'}"
        )
        cohorts.setdefault(row["cohort"], {})[row["maturity_day"]] = shown
    return _fenced(
        [
            "collected ROAS by days after capture; ~ not old enough yet",
            f"{'cohort':7}{''.join(f'{age:>8}' for age in ages)}",
            *(
                name.ljust(7) + "".join(each.get(age, "").rjust(8) for age in ages)
                for name, each in [*cohorts.items()][-14:]
            ),
        ]
    )


def _shortened(label: str, wide: int) -> str:
    return label if len(label) <= wide else f"{label[: wide - 1]}…"


def _fenced(lines: Iterable[str]) -> str:
    """A Markdown code block with as many lines as the UI shows in place."""
    shown, room = [], SHOWN_AT_ONCE - 40
    for line in lines:
        cut = line.rstrip().replace("`", "'")
        room -= len(cut) + 1
        if room < 0:
            shown.append("… and more in the picture")
            break
        shown.append(cut)
    return "\n".join(["```", *shown, "```"])


def _values(rows: pa.Table) -> alt.InlineData:
    return alt.InlineData(values=rows.to_pylist())


def _sized(chart: alt.Chart | alt.LayerChart, height: int = _HEIGHT) -> str:
    """The chart as JSON, with a white background and margin so that it is readable in dark mode."""
    sized: str = chart.properties(width=_WIDTH, height=height, background="white", padding=14).to_json()
    return sized
