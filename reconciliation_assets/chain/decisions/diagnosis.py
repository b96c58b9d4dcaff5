"""The diagnosis: per segment and step, whether it loses more records than its peers or its own past, and what that costs.

SQL counts the records. The counts are tested here, because SQL has no tails of overdispersed binomials and cannot search for
the segment that explains the others.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from reconciliation_assets.chain.decisions.bottlenecks import EXPLAINED, IN_LINE, LOW, NOT_ENOUGH, NOTHING_ALIKE, assess
from reconciliation_assets.chain.decisions.causes import CAUSES
from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.contracts.vocabulary import VOCABULARIES
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.warehouse.protocol import Ledger
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
# A reason given by fewer records is not shown: it says little, and the free text of one record may contain a person's name.
_FEWEST_OF_A_REASON = 5
# With fewer mature records that passed, their money per record is too uncertain.
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


def diagnose(context: LedgerContext) -> TableMetadata:
    """Assess every segment at every step and replace the table."""
    policy = context.loaded_policy.policy
    counts = _as_floats(
        context.warehouse.arrow("select * from decisions.step_counts order by step, segment_kind, segment")
    )
    if counts.empty:
        context.warehouse.load(_TARGET, _SCHEMA.empty_table())
        return TableMetadata({"findings": 0})
    windows = context.warehouse.arrow("select * from decisions.step_windows").to_pandas().set_index("step")
    assessed = assess(
        counts,
        windows["window_days"].to_dict(),
        policy.diagnosis,
        lambda step, segments: _counts_without(context.warehouse, step, segments),
    )
    assessed = assessed.join(windows, on="step")
    assessed = _with_value(assessed, policy)
    assessed = _with_reasons(assessed, context.warehouse)
    names = dict(context.warehouse.rows("select campaign_id, campaign_name from matching.campaigns"))
    rows = [
        _row(each, policy, names)
        for each in assessed.sort_values(["step_order", "segment_kind", "segment"]).to_dict("records")
    ]
    context.warehouse.load(_TARGET, pa.Table.from_pylist(rows, schema=_SCHEMA))
    low = assessed[assessed["verdict"] == LOW]
    return TableMetadata(
        {
            "segments and steps judged": int(assessed["is_enough"].sum()),
            "not enough yet": int((assessed["verdict"] == NOT_ENOUGH).sum()),
            "findings": len(low),
            f"value at stake, {policy.reporting_currency}": round(float(low["value_at_stake"].fillna(0).sum()), 2),
        }
    )


DIAGNOSIS = PythonTable(
    OutputTable(
        "diagnosis",
        "decisions",
        "kind of segment, segment and step",
        "data",
        ("segment_kind", "segment", "step"),
        description=(
            "Where records are lost: every segment's rate on every step against its peers and its own past at the same age, with what the "
            "gap costs, who acts and why. Made in Python: SQL has no such tails."
        ),
        required=(
            "segment_kind",
            "segment",
            "segment_name",
            "step",
            "bottleneck",
            "verdict",
            "is_main",
            "window_start",
            "window_end",
            "window_days",
            "entered",
            "passed",
            "owner",
            "finding",
            "currency",
            "policy_version",
        ),
        words={
            "segment_kind": VOCABULARIES["segments_of_views"],
            "step": VOCABULARIES["steps"],
            "verdict": ("not_enough_yet", "nothing_to_compare", "in_line", "bottleneck", "explained_by_another"),
        },
        at_least_zero=("entered", "passed", "value_low"),
        shares=(
            "rate",
            "rate_low",
            "rate_high",
            "expected_rate",
            "expected_low",
            "expected_high",
            "p_value",
            "peer_rate",
            "past_rate",
        ),
        published=True,
        old_names={"p_value": "chance", "compared_with": "held_against"},
        columns={
            "segment_name": Meaning("The segment as people call it"),
            "bottleneck": Meaning("What a low rate on this step is called"),
            "verdict": Meaning("What the rate comes to against what it is held against"),
            "is_main": Meaning("Whether it is the finding of its segment with the most at stake"),
            "rate": Meaning("Share of the records that passed the step in time", "share"),
            "rate_low": Meaning("Lower end of the 95 % interval of the rate", "share"),
            "rate_high": Meaning("Upper end of the 95 % interval of the rate", "share"),
            "compared_with": Meaning("What the rate is held against: peers, or its own past"),
            "expected_rate": Meaning("Rate of what it is held against, at the same age", "share"),
            "expected_low": Meaning("Lower end of the 95 % interval of that rate", "share"),
            "expected_high": Meaning("Upper end of the 95 % interval of that rate", "share"),
            "p_value": Meaning("Probability that a healthy segment comes out as low or lower", "share"),
            "peers": Meaning("Other segments of its kind on the same step", "count"),
            "peer_rate": Meaning("Rate of the peers", "share"),
            "past_rate": Meaning("Rate of its own past", "share"),
            "explained_by": Meaning("Segment without whose records this one is no longer low"),
            "records_short": Meaning("Records that passed less than at the expected rate", "count"),
            "value_at_stake": Meaning(
                "Money that the gap costs in the period judged, by the segment's own money per record",
                "reporting currency",
            ),
            "value_low": Meaning("Lower end of the 95 % interval of the value at stake", "reporting currency"),
            "value_high": Meaning("Upper end of the 95 % interval of the value at stake", "reporting currency"),
            "value_basis": Meaning("Which money per record the value rests on"),
            "leading_reason": Meaning("Reason that most of the lost records give, where at least five share it"),
            "leading_reason_share": Meaning("Share of the lost records that give it", "share"),
            "likely_causes": Meaning("What usually lies behind it"),
        },
    ),
    _READS,
    diagnose,
)


def _as_floats(counts: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = counts.to_pandas()
    return frame.astype({"mature_collected_value": float, "mature_lost_value": float, "stated_value": float})


def _counts_without(warehouse: Ledger, step: str, segments: list[tuple[str, str]]) -> pd.DataFrame:
    """Counts of a step without the records of the named segments."""
    left_out = pa.table(
        {"segment_kind": [kind for kind, _ in segments], "segment": [segment for _, segment in segments]}
    )
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


def _with_value(assessed: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Add the cost of the gap: the records missing to the expected rate, times the segment's own money per record that passed."""
    assessed = assessed.copy()
    is_low = assessed["verdict"].isin([LOW, EXPLAINED])
    collecting = assessed["step"].str.startswith("collected")
    passed = assessed["mature_passed"]
    # Money of one more record that passes: mean of those that passed less mean of those that did not.
    per_record = assessed["mature_collected_value"] / passed.replace(0, np.nan) - (
        assessed["mature_lost_value"] / assessed["mature_lost"].replace(0, np.nan)
    ).fillna(0)
    per_record = per_record.where((per_record > 0) & (collecting | (passed >= _FEWEST_TO_VALUE)))
    # At a collecting step where no mature record has paid, the stated value per record is used instead.
    unpaid = collecting & (passed == 0)
    per_record = per_record.where(~unpaid, assessed["stated_value"] / assessed["entered"].replace(0, np.nan))
    assessed["value_basis"] = pd.Series(np.where(unpaid, _STATED, _COLLECTED), index=assessed.index)
    # Newcombe's interval of the difference of two rates, from the interval of each rate.
    low = assessed["gap"] - np.hypot(
        assessed["expected"] - assessed["expected_low"], assessed["rate_high"] - assessed["rate"]
    )
    high = assessed["gap"] + np.hypot(
        assessed["expected_high"] - assessed["expected"], assessed["rate"] - assessed["rate_low"]
    )
    assessed["records_short"] = (assessed["gap"] * assessed["entered"]).where(is_low)
    for name, gap in (("value_at_stake", assessed["gap"]), ("value_low", low.clip(lower=0)), ("value_high", high)):
        assessed[name] = (gap * assessed["entered"] * per_record).where(is_low)
    assessed["value_basis"] = assessed["value_basis"].where(assessed["value_at_stake"].notna(), None)
    first = (
        assessed[assessed["verdict"] == LOW]
        .sort_values(["value_at_stake", "evidence", "step"], ascending=[False, False, True], na_position="last")
        .drop_duplicates(["segment_kind", "segment"])
        .index
    )
    assessed["is_main"] = assessed.index.isin(first)
    return assessed


def _with_reasons(assessed: pd.DataFrame, warehouse: Ledger) -> pd.DataFrame:
    """Add the most frequent reason of the lost records of each low segment, if enough records share it."""
    low = assessed.loc[assessed["verdict"].isin([LOW, EXPLAINED]), ["segment_kind", "segment", "step"]]
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
    return assessed.merge(reasons, how="left", on=["segment_kind", "segment", "step"])


def _row(each: dict[Any, Any], policy: Policy, names: dict[str, str]) -> dict[str, Any]:
    """One row of the table, with its texts."""
    cause = CAUSES[each["step"]]
    is_low = each["verdict"] in (LOW, EXPLAINED)
    name = names.get(each["segment"]) if each["segment_kind"] == "campaign" else None
    row = {column.name: _plain(each.get(column.name)) for column in _SCHEMA}
    row |= {
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
        row[money] = _money(row[money], policy.minor_digits)
    for number in ("peers", "past_entered", "entered", "passed"):
        row[number] = None if row[number] is None else int(row[number])
    return row | {"finding": _finding(row, policy)}


def _segment_label(row: dict[str, Any]) -> str:
    """The segment as the start of a sentence: kind and name, or the name alone if it begins with the kind."""
    if row["segment_kind"] == "all":
        return "All records"
    kind, name = row["segment_kind"].replace("_", " "), row["segment_name"]
    return name if name.lower().startswith(kind) else f"{kind.capitalize()} {name}"


def _finding(row: dict[str, Any], policy: Policy) -> str:
    """The finding as one or more sentences with its figures."""
    passed = CAUSES[row["step"]].passed.format(days=row["window_days"], minutes=policy.diagnosis.answer_within_minutes)
    verdict, currency = row["verdict"], policy.reporting_currency
    label = _segment_label(row)
    if verdict == NOT_ENOUGH:
        return (
            f"{label}: not enough yet. {row['entered']} records entered this step and have had {row['window_days']} days; "
            f"{policy.diagnosis.fewest_records} are needed."
        )
    seen = f"{row['rate']:.1%} of {row['entered']:,} {passed} (95 % interval {row['rate_low']:.1%} to {row['rate_high']:.1%})"
    if verdict == NOTHING_ALIKE:
        return f"{label}: {seen}. It has neither peers nor enough of a past to be held against, or its records name no segment."
    against = "its own past" if row["compared_with"] == "past" else f"its {row['peers']} peers"
    comparison = f"{label}: {seen}; {row['expected_rate']:.1%} in {against}."
    if verdict == IN_LINE:
        return f"{comparison} No more than chance and nature explain."
    if verdict == EXPLAINED:
        return f"{comparison} Without the records of {row['explained_by']} it is no longer low."
    why = (
        f" The reason most given for those lost: {row['leading_reason']} ({row['leading_reason_share']:.0%})."
        if row["leading_reason"]
        else ""
    )
    if row["value_at_stake"] is None:
        return f"{comparison}{why} About {row['records_short']:,.0f} records short; its own money puts no value on them yet."
    return (
        f"{comparison}{why} About {row['records_short']:,.0f} records short, worth about {row['value_at_stake']:,.0f} {currency} "
        f"({row['value_low']:,.0f} to {row['value_high']:,.0f}) at the {row['value_basis']}."
    )


def _plain(value: Any) -> Any:
    """A value for Arrow: None in place of pandas' NaN."""
    return None if value is None or (not isinstance(value, str) and pd.isna(value)) else value


def _money(value: float | None, digits: int) -> Decimal | None:
    return None if value is None else Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
