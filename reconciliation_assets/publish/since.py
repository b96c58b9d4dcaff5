"""What changed between two published copies, as a bridge from the earlier figures to the later ones."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from reconciliation_assets.publish.copy import escaped
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.warehouse.duckdb import EngineError, in_memory


@dataclass(frozen=True)
class ChangeStep:
    """One step of the bridge between two copies.

    Attributes:
        kind: cause of the change, or `before` and `now`; `words.STEPS` has the text.
        amount: the change, in the reporting currency; for `before` and `now` the figure itself.
        things: number of campaign days, or of records.
    """

    kind: str
    amount: Decimal
    things: int


@dataclass(frozen=True)
class ChangesSince:
    """What changed over all campaigns: `before` plus the steps equals `now`, to the minor unit.

    Attributes:
        platform: value attributed by Meta: before, steps, now.
        collected: collected money of campaigns, adjustments included: before, steps, now.
        policy_before: policy version of the earlier copy.
        policy_now: policy version of the later copy; if they differ, the steps include the effect of the policy.
    """

    platform: tuple[ChangeStep, ...]
    collected: tuple[ChangeStep, ...]
    policy_before: str
    policy_now: str


def since(published: Published, earlier: Path) -> ChangesSince | None:
    """What changed since an earlier copy; None if there is none, or if it is of an older version or another currency.

    Args:
        published: the later copy.
        earlier: the earlier one.
    """
    if not earlier.is_file():
        return None
    with in_memory() as connection:
        try:
            connection.execute(f"attach '{escaped(published.path)}' as later (read_only)")
            connection.execute(f"attach '{escaped(earlier)}' as earlier (read_only)")
            ends = connection.execute(_ENDS).fetchall()
            platform = connection.execute(_PLATFORM).fetchall()
            collected = connection.execute(_COLLECTED).fetchall()
        except EngineError:
            return None
    (before, now) = ends
    if before[1] != now[1]:
        return None
    return ChangesSince(
        _steps(before[3], _OF_PLATFORM, platform, now[3]),
        _steps(before[4], _OF_COLLECTED, [*collected, ("adjusted", now[5] - before[5], now[6])], now[4]),
        before[2],
        now[2],
    )


def _steps(
    before: Decimal, kinds: Sequence[str], found: list[tuple[str, Decimal, int]], now: Decimal
) -> tuple[ChangeStep, ...]:
    by_kind = {step.kind: step for step in itertools.starmap(ChangeStep, found)}
    moved = [by_kind[kind] for kind in kinds if kind in by_kind and by_kind[kind].amount]
    return (ChangeStep("before", before, 0), *moved, ChangeStep("now", now, 0))


_OF_PLATFORM = ("new_days", "restated_days", "gone_days")
_OF_COLLECTED = ("new", "matched", "moved", "unmatched", "gone", "adjusted")
_ENDS = (
    " union all ".join(
        f"""
    select {place}, any_value(currency), any_value(policy_version),
           coalesce(sum(amount) filter (line = 'platform_attributed' and campaign_id is not null), 0),
           coalesce(sum(amount) filter (line = 'collected' and campaign_id is not null), 0),
           coalesce(sum(amount) filter (line = 'manual_adjustment' and campaign_id is not null), 0),
           coalesce(sum(records) filter (line = 'manual_adjustment' and campaign_id is not null), 0)
    from {copy}.reporting.bridge
    """
        for place, copy in enumerate(("earlier", "later"))
    )
    + " order by 1"
)
_PLATFORM = """
with before as (
  select campaign_id, date, sum(attributed_value_reporting) as value from earlier.reporting.platform_performance group by 1, 2
),
now as (
  select campaign_id, date, sum(attributed_value_reporting) as value from later.reporting.platform_performance group by 1, 2
)
select case when b.campaign_id is null then 'new_days' when n.campaign_id is null then 'gone_days'
         else 'restated_days' end as kind,
       sum(coalesce(n.value, 0) - coalesce(b.value, 0)),
       count(*) filter (coalesce(n.value, 0) <> coalesce(b.value, 0))
from before b full join now n on n.campaign_id = b.campaign_id and n.date = b.date
group by 1
"""
_COLLECTED = """
with records as (
  select coalesce(n.record_id, b.record_id) as record_id, b.record_id is not null as was_there,
         n.record_id is not null as is_there, b.campaign_id is not null as counted, n.campaign_id is not null as counts,
         coalesce(case when b.campaign_id is not null then b.collected_value end, 0) as before,
         coalesce(case when n.campaign_id is not null then n.collected_value end, 0) as now
  from earlier.reporting.matched_chain b full join later.reporting.matched_chain n on n.record_id = b.record_id
)
select case when not was_there then 'new' when not is_there then 'gone' when counts and not counted then 'matched'
         when counted and not counts then 'unmatched' else 'moved' end as kind,
       sum(now - before), count(*) filter (now <> before)
from records group by 1
"""
