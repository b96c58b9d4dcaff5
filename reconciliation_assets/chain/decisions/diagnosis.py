"""The diagnosis: per segment and step, whether it loses more records than its peers or its own past, and what that costs.

SQL counts; the counts are judged here, because the tails of binomials that vary by nature and the search for the segment that explains the others are
no matter of sums.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from reconciliation_assets.chain.decisions.bottlenecks import EXPLAINED, IN_LINE, LOW, NOT_ENOUGH, NOTHING_ALIKE, judge
from reconciliation_assets.chain.decisions.causes import CAUSES
from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.warehouse.duckdb import Warehouse
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("decisions", "diagnosis")
_READS = tuple(
    TableName(layer, name)
    for layer, name in (
        *(("decisions", name) for name in ("step_counts", "step_records", "step_windows")),
        ("matching", "campaigns"),
        ("views", "record_segments"),
    )
)
# A reason that fewer records share is not told: it says little, and free text of one record may name somebody.
_FEWEST_OF_A_REASON = 5
# With fewer records that passed and are mature, their money per record is anybody's guess.
_FEWEST_TO_VALUE = 20
_STATED = "stated value per record, for none of its records has paid yet"
_COLLECTED = "collected money that a record of its own brings more when it passes"

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("segment_kind", "segment", "segment_name", "step", "bottleneck", "verdict")),
        ("is_main", pa.bool_()),
        *((name, pa.date32()) for name in ("window_start", "window_end")),
        ("window_days", pa.int32()),
        *((name, pa.int64()) for name in ("entered", "passed")),
        *((name, pa.float64()) for name in ("rate", "rate_low", "rate_high")),
        ("compared_with", pa.string()),
        *((name, pa.float64()) for name in ("expected_rate", "expected_low", "expected_high", "p_value")),
        ("peers", pa.int64()),
        *((name, pa.float64()) for name in ("peer_rate", "past_rate")),
        ("past_entered", pa.int64()),
        ("explained_by", pa.string()),
        ("records_short", pa.float64()),
        *((name, pa.decimal128(18, 3)) for name in ("value_at_stake", "value_low", "value_high")),
        ("value_basis", pa.string()),
        ("leading_reason", pa.string()),
        ("leading_reason_share", pa.float64()),
        *(
            (name, pa.string())
            for name in ("owner", "likely_causes", "next_step", "finding", "currency", "policy_version")
        ),
    ]
)


def diagnose(context: RunContext) -> TableMetadata:
    """Judge every segment on every step."""
    policy = context.loaded_policy.policy
    counts = _counted(
        context.warehouse.arrow("select * from decisions.step_counts order by step, segment_kind, segment")
    )
    if counts.empty:
        context.warehouse.load(_TARGET, _SCHEMA.empty_table())
        return TableMetadata({"findings": 0})
    windows = context.warehouse.arrow("select * from decisions.step_windows").to_pandas().set_index("step")
    judged = judge(
        counts,
        windows["window_days"].to_dict(),
        policy.diagnosis,
        lambda step, named: _counts_without(context.warehouse, step, named),
    )
    judged = judged.join(windows, on="step")
    judged = _with_value(judged, policy)
    judged = _with_reasons(judged, context.warehouse)
    names = dict(context.warehouse.rows("select campaign_id, campaign_name from matching.campaigns"))
    rows = [
        _row(each, policy, names)
        for each in judged.sort_values(["step_order", "segment_kind", "segment"]).to_dict("records")
    ]
    context.warehouse.load(_TARGET, pa.Table.from_pylist(rows, schema=_SCHEMA))
    low = judged[judged["verdict"] == LOW]
    return TableMetadata(
        {
            "segments and steps judged": int(judged["is_enough"].sum()),
            "not enough yet": int((judged["verdict"] == NOT_ENOUGH).sum()),
            "findings": len(low),
            f"value at stake, {policy.reporting_currency}": round(float(low["value_at_stake"].fillna(0).sum()), 2),
        }
    )


DIAGNOSIS = PythonTable(
    _TARGET,
    _READS,
    "Where records are lost: every segment's rate on every step against its peers and its own past at the same age, with what the "
    "gap costs, who acts and why. Made in Python: SQL has no such tails.",
    diagnose,
)


def _counted(counts: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = counts.to_pandas()
    return frame.astype({"mature_collected_value": float, "mature_lost_value": float, "stated_value": float})


def _counts_without(warehouse: Warehouse, step: str, named: list[tuple[str, str]]) -> pd.DataFrame:
    """Counts of a step without the records of the named segments."""
    left_out = pa.table({"segment_kind": [kind for kind, _ in named], "segment": [segment for _, segment in named]})
    with warehouse.reading("_left_out", left_out):
        counts = warehouse.arrow(
            """
            with without as (
              select r.record_id, r.period, r.is_passed
              from decisions.step_records r
              where r.step = $step and r.record_id not in (
                select s.record_id from views.record_segments s
                join _left_out n on n.segment_kind = s.segment_kind and n.segment = s.segment
              )
            )
            select s.segment_kind, s.segment, $step as step,
                   count(*) filter (r.period = 'recent') as entered,
                   count(*) filter (r.period = 'recent' and r.is_passed) as passed,
                   count(*) filter (r.period = 'past') as past_entered,
                   count(*) filter (r.period = 'past' and r.is_passed) as past_passed
            from without r join views.record_segments s on s.record_id = r.record_id
            group by 1, 2 order by 1, 2
            """,
            {"step": step},
        )
    frame: pd.DataFrame = counts.to_pandas()
    return frame


def _with_value(judged: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """What the gap costs: the records short of the expected rate, at the segment's own money per record that passed."""
    judged = judged.copy()
    is_low = judged["verdict"].isin([LOW, EXPLAINED])
    collecting = judged["step"].str.startswith("collected")
    passed = judged["mature_passed"]
    # What one more record that passes brings: what those that passed brought, less what those that did not brought all the same.
    per_record = judged["mature_collected_value"] / passed.replace(0, np.nan) - (
        judged["mature_lost_value"] / judged["mature_lost"].replace(0, np.nan)
    ).fillna(0)
    per_record = per_record.where((per_record > 0) & (collecting | (passed >= _FEWEST_TO_VALUE)))
    # Where nothing was ever collected, collecting has no value of its own; what was sold has.
    unpaid = collecting & (passed == 0)
    per_record = per_record.where(~unpaid, judged["stated_value"] / judged["entered"].replace(0, np.nan))
    judged["value_basis"] = pd.Series(np.where(unpaid, _STATED, _COLLECTED), index=judged.index)
    # Newcombe's interval of a difference of two rates, from the interval of each.
    low = judged["gap"] - np.hypot(judged["expected"] - judged["expected_low"], judged["rate_high"] - judged["rate"])
    high = judged["gap"] + np.hypot(judged["expected_high"] - judged["expected"], judged["rate"] - judged["rate_low"])
    judged["records_short"] = (judged["gap"] * judged["entered"]).where(is_low)
    for name, gap in (("value_at_stake", judged["gap"]), ("value_low", low.clip(lower=0)), ("value_high", high)):
        judged[name] = (gap * judged["entered"] * per_record).where(is_low)
    judged["value_basis"] = judged["value_basis"].where(judged["value_at_stake"].notna(), None)
    first = (
        judged[judged["verdict"] == LOW]
        .sort_values(["value_at_stake", "evidence", "step"], ascending=[False, False, True], na_position="last")
        .drop_duplicates(["segment_kind", "segment"])
        .index
    )
    judged["is_main"] = judged.index.isin(first)
    return judged


def _with_reasons(judged: pd.DataFrame, warehouse: Warehouse) -> pd.DataFrame:
    """The reason that most of the lost records of each low segment give, where enough of them share it."""
    low = judged.loc[judged["verdict"].isin([LOW, EXPLAINED]), ["segment_kind", "segment", "step"]]
    with warehouse.reading("_low", pa.Table.from_pandas(low, preserve_index=False)):
        reasons = warehouse.arrow(
            """
            with given as (
              select l.segment_kind, l.segment, l.step, r.reason, count(*) as records
              from _low l
              join views.record_segments s on s.segment_kind = l.segment_kind and s.segment = l.segment
              join decisions.step_records r on r.record_id = s.record_id and r.step = l.step
              where r.period = 'recent' and not r.is_passed
              group by 1, 2, 3, 4
            ),
            placed as (
              select *, records / sum(records) over (partition by segment_kind, segment, step) as share,
                row_number() over (partition by segment_kind, segment, step order by records desc, reason) as place
              from given
            )
            select segment_kind, segment, step, reason as leading_reason, cast(share as double) as leading_reason_share
            from placed where place = 1 and records >= $fewest
            """,
            {"fewest": _FEWEST_OF_A_REASON},
        ).to_pandas()
    return judged.merge(reasons, how="left", on=["segment_kind", "segment", "step"])


def _row(each: dict[Any, Any], policy: Policy, names: dict[str, str]) -> dict[str, Any]:
    """One row of the table, in words where words are due."""
    cause = CAUSES[each["step"]]
    is_low = each["verdict"] in (LOW, EXPLAINED)
    name = names.get(each["segment"]) if each["segment_kind"] == "campaign" else None
    told = {column.name: _plain(each.get(column.name)) for column in _SCHEMA}
    told |= {
        "segment_name": name or each["segment"],
        "bottleneck": cause.bottleneck,
        "expected_rate": _plain(each["expected"]),
        "likely_causes": cause.likely_causes if is_low else None,
        "next_step": cause.next_step if is_low else None,
        "owner": policy.diagnosis.owners[each["step"]],
        "currency": policy.reporting_currency,
        "policy_version": policy.version,
    }
    for money in ("value_at_stake", "value_low", "value_high"):
        told[money] = _money(told[money], policy.minor_digits)
    for number in ("peers", "past_entered", "entered", "passed"):
        told[number] = None if told[number] is None else int(told[number])
    return told | {"finding": _finding(told, policy)}


def _called(row: dict[str, Any]) -> str:
    """The segment as a sentence begins with it; a name that says its kind is not told twice."""
    if row["segment_kind"] == "all":
        return "All records"
    kind, name = row["segment_kind"].replace("_", " "), row["segment_name"]
    return name if name.lower().startswith(kind) else f"{kind.capitalize()} {name}"


def _finding(row: dict[str, Any], policy: Policy) -> str:
    """The row as one or two sentences with its figures."""
    passed = CAUSES[row["step"]].passed.format(days=row["window_days"], minutes=policy.diagnosis.answer_within_minutes)
    verdict, currency = row["verdict"], policy.reporting_currency
    whose = _called(row)
    if verdict == NOT_ENOUGH:
        return (
            f"{whose}: not enough yet. {row['entered']} records entered this step and have had {row['window_days']} days; "
            f"{policy.diagnosis.fewest_records} are needed."
        )
    seen = f"{row['rate']:.1%} of {row['entered']:,} {passed} (95 % interval {row['rate_low']:.1%} to {row['rate_high']:.1%})"
    if verdict == NOTHING_ALIKE:
        return f"{whose}: {seen}. It has neither peers nor enough of a past to be held against, or its records name no segment."
    against = "its own past" if row["compared_with"] == "past" else f"its {row['peers']} peers"
    told = f"{whose}: {seen}; {row['expected_rate']:.1%} in {against}."
    if verdict == IN_LINE:
        return f"{told} No more than chance and nature explain."
    if verdict == EXPLAINED:
        return f"{told} Without the records of {row['explained_by']} it is no longer low."
    why = (
        f" The reason most given for those lost: {row['leading_reason']} ({row['leading_reason_share']:.0%})."
        if row["leading_reason"]
        else ""
    )
    if row["value_at_stake"] is None:
        return f"{told}{why} About {row['records_short']:,.0f} records short; its own money puts no value on them yet."
    return (
        f"{told}{why} About {row['records_short']:,.0f} records short, worth about {row['value_at_stake']:,.0f} {currency} "
        f"({row['value_low']:,.0f} to {row['value_high']:,.0f}) at the {row['value_basis']}."
    )


def _plain(value: Any) -> Any:
    """A value as Arrow takes it: nothing for what pandas writes as NaN."""
    return None if value is None or (not isinstance(value, str) and pd.isna(value)) else value


def _money(value: float | None, digits: int) -> Decimal | None:
    return None if value is None else Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
