"""Plots of tables, shown in the metadata of the assets that make them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import pyarrow as pa
import vl_convert as vlc

from reconciliation_assets.warehouse.duckdb import Warehouse

_WIDTH, _HEIGHT = 620, 300
_BLUE, _GREEN, _RED, _GREY = "#4c78a8", "#2e8b57", "#c44e52", "#b8b8b8"
_METHOD_COLOURS = alt.Scale(
    domain=["exact_id", "manual_verified", "exact_contact", "crm_relationship", "inferred", "unmatched"],
    range=[_GREEN, "#1b5e3a", "#76b58c", "#b5d8a7", "#e6c35c", _RED],
)
_LEGEND_BELOW = alt.Legend(orient="bottom", titleLimit=0)


def bridge_waterfall(warehouse: Warehouse) -> bytes:
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
          case when line_order = 10 then 0 else sum(amount) over (order by line_order) - amount end as start,
          case when line_order = 10 then amount else sum(amount) over (order by line_order) end as stop,
          case when line_order in (0, 10) then 'total' when amount < 0 then 'loss' else 'gain' end as kind
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
    return _drawn(
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
    )


def match_weights(weights: Sequence[Mapping[str, Any]]) -> bytes:
    """What each outcome of each comparison adds to a pair's weight, in powers of two: for to the right, against to the left."""
    rows = [
        {**row, "order": place, "what": f"{row['comparison']}: {row['outcome']}"} for place, row in enumerate(weights)
    ]
    return _drawn(
        alt.Chart(_values(pa.Table.from_pylist(rows)))
        .mark_bar()
        .encode(
            y=alt.Y("what:N", sort=alt.SortField("order"), title=None, axis=alt.Axis(labelLimit=360)),
            x=alt.X("weight:Q", title="weight (powers of two)"),
            color=alt.condition("datum.weight > 0", alt.value(_GREEN), alt.value(_RED)),
        )
    )


def coverage_by_method(warehouse: Warehouse) -> bytes:
    """Share of what is expected to match, by link and method."""
    shares = warehouse.arrow(
        """
        select replace(link, '_', ' to ') as link, match_method, cast(record_rate as double) as record_rate
        from governance.match_coverage where is_applicable order by link, match_method
        """
    )
    return _drawn(
        alt.Chart(_values(shares))
        .mark_bar()
        .encode(
            y=alt.Y("link:N", title=None),
            x=alt.X(
                "record_rate:Q", title="share of records", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
            ),
            color=alt.Color("match_method:N", scale=_METHOD_COLOURS, title="method"),
        )
    )


def coverage_over_time(warehouse: Warehouse) -> bytes:
    """Share of what is expected to match by method, week by week, a panel for each link."""
    shares = warehouse.arrow(
        """
        with weeks as (
          select link, date_trunc('week', day) as week, match_method, sum(records) as records
          from governance.coverage_daily where segment_kind = 'all' group by 1, 2, 3
        )
        select replace(link, '_', ' to ') as link, strftime(week, '%Y-%m-%d') as week, match_method,
               cast(records / nullif(sum(records) over (partition by link, week), 0) as double) as record_rate
        from weeks order by 1, 2, 3
        """
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
    return _drawn(panel, height=70)


def two_numbers_by_campaign(warehouse: Warehouse) -> bytes:
    """Meta's number beside the collected one, by campaign."""
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
    return _drawn(
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
    )


def cohort_curves(warehouse: Warehouse) -> bytes:
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
    return _drawn(base.mark_line() + mature + immature)


PLOTS: dict[str, Callable[[Warehouse], bytes]] = {
    "bridge": bridge_waterfall,
    "match_coverage": coverage_by_method,
    "coverage_daily": coverage_over_time,
    "two_numbers": two_numbers_by_campaign,
    "cohort_snapshots": cohort_curves,
}


def _values(rows: pa.Table) -> alt.InlineData:
    return alt.InlineData(values=rows.to_pylist())


def _drawn(chart: alt.Chart | alt.LayerChart, height: int = _HEIGHT) -> bytes:
    """The chart as a picture on white with a margin, which reads in the UI's dark mode too."""
    sized = chart.properties(width=_WIDTH, height=height, background="white", padding=14)
    png: bytes = vlc.vegalite_to_png(sized.to_json(), scale=1.5)
    return png
