"""Decisions made in the page of `reconcile open`: about links, sampled links, and months to lock.

Every kind has one file in the inbox, `<input table>-decided.csv`. Its rows take effect with the next run.
"""

import csv
import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from phonenumbers import PhoneNumberMatcher
from pydantic import BaseModel, ConfigDict, StringConstraints

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.files import atomic_file
from reconciliation_assets.policy.model import Link, Method
from reconciliation_assets.publish.details import THOUSANDTHS
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.queues import as_text
from reconciliation_assets.settings import Settings

MATCHES, VERDICTS, LOCKS = "manual_matches", "validation_verdicts", "period_locks"
SHOWN = 200
"""Number of possible matches, unmatched payments and sampled links that the page shows at once, the largest first."""

_Written = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")
]


class DecisionError(ValueError):
    """A decision cannot be made or withdrawn; the message says why."""


class Pair(BaseModel):
    """The two records of a link, as in `manual_matches`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    link: Link
    left_id: _Written
    right_id: _Written


class Decision(Pair):
    """A person's decision about a link, with name and reason."""

    verdict: Literal["accept", "reject"]
    verified_by: _Written
    reason: _Written


class Verdict(Pair):
    """A reviewer's verdict about a sampled link, with name and note."""

    match_method: Method
    verdict: Literal["correct", "wrong", "unclear"]
    verified_by: _Written
    reason: _Written


class Lock(BaseModel):
    """A signature that locks or releases a cohort month.

    Attributes:
        period: the month, as 2026-03.
        signed_value: collected value of the month as shown in the page, in thousandths of the reporting currency.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    period: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}$")]
    action: Literal["lock", "release"]
    signed_value: int
    verified_by: _Written
    reason: _Written


AnyDecision = Decision | Verdict | Lock


def path_of(settings: Settings, table: str) -> Path:
    """The file with the decisions of an input table."""
    return settings.inbox / f"{table}-decided.csv"


def decide(settings: Settings, published: Published, decision: AnyDecision) -> None:
    """Write a decision and replace an earlier one about the same subject, atomically; entries about locks are always added.

    Raises:
        DecisionError: there is nothing of that kind to decide, or the file cannot be used.
    """
    if any(map(_has_a_contact, (decision.verified_by, decision.reason))):
        raise DecisionError("Name no e-mail address and no phone number: who decided and why is published.")
    # A run ignores everything after its as-of time, so if that is fixed, decisions must have the same time.
    at = (settings.as_of if settings.is_as_of_fixed else datetime.now(UTC)).isoformat(timespec="seconds")
    who, why = as_text(decision.verified_by), as_text(decision.reason)
    if isinstance(decision, Lock):
        _require_lockable(published, decision)
        table = LOCKS
        signed_value = str(Decimal(decision.signed_value) / 1000) if decision.action == "lock" else ""
        row = {"period": decision.period, "action": decision.action, "locked_by": who, "locked_at": at, "reason": why}
        row["signed_value"] = signed_value
    elif isinstance(decision, Verdict):
        table = VERDICTS
        row = {**decision.model_dump(exclude={"reason"}), "verified_by": who, "verified_at": at, "note": why}
        row |= _sample_of(published, decision)
    else:
        _require_possible(published, decision)
        table = MATCHES
        row = {**decision.model_dump(), "verified_by": who, "reason": why, "verified_at": at}
    path = path_of(settings, table)
    with _locked_inbox(settings.inbox):
        rows = _read(path, table)
        if isinstance(decision, Lock) and any(each["locked_at"] == at and _is_about(each, row, table) for each in rows):
            raise DecisionError(f"{decision.period} was decided at this very instant. Take that back first, or run.")
        others = [each for each in rows if table == LOCKS or not _is_about(each, row, table)]
        _write(path, table, [*others, row])


def take_back(settings: Settings, published: Published, table: str, about: Mapping[str, str]) -> None:
    """Remove a decision that no run has used yet.

    Args:
        settings: the installation.
        published: the published copy.
        table: input table of the decision.
        about: subject of the decision, by the columns of `KEYS`.

    Raises:
        DecisionError: there is no such pending decision, or the file cannot be used.
    """
    path = path_of(settings, table)
    with _locked_inbox(settings.inbox):
        rows = _read(path, table)
        waiting = [each for each in _pending(published, table, rows) if _is_about(each, about, table)]
        if not waiting:
            raise DecisionError("No decision about this waits for a run. Once it is in force, decide anew.")
        _write(path, table, [each for each in rows if each not in waiting])


def decisions(settings: Settings, published: Published) -> dict[str, Any]:
    """The open decisions, and the decisions that wait for the next run, as JSON values for the page."""
    columns = ("link", "left_id", "right_id", "match_method", "match_confidence", "evidence", "reason", "value")
    possible = published.rows(_POSSIBLE)
    unmatched = published.rows(
        f"""
        select source_id, {THOUSANDTHS.format("value")} as value, reason from reporting.unmatched_records
        where source_table = 'payments' order by value desc, source_id
        """
    )
    of_sample = ("link", "left_id", "right_id", "match_method", "evidence", "value")
    samples = published.rows(_SAMPLES)
    months = published.rows(_MONTHS)
    return {
        "possible": [dict(zip(columns, row, strict=True)) for row in possible[:SHOWN]],
        "unmatched": [dict(zip(("source_id", "value", "reason"), row, strict=True)) for row in unmatched[:SHOWN]],
        "samples": [dict(zip(of_sample, row, strict=True)) for row in samples[:SHOWN]],
        "months": [dict(zip(("period", "value", "is_locked"), row, strict=True)) for row in months],
        "left_out": sum(max(len(rows) - SHOWN, 0) for rows in (possible, unmatched, samples)),
        "pending": {
            table: _pending(published, table, _read(path_of(settings, table), table))
            for table in (MATCHES, VERDICTS, LOCKS)
        },
    }


def _has_a_contact(text: str) -> bool:
    return bool(re.search(r"\S@\S", text)) or PhoneNumberMatcher(text, None).has_next()


def _require_possible(published: Published, decision: Decision) -> None:
    """Check that a decision about a link has an effect."""
    ends = {"link": decision.link, "left": decision.left_id, "right": decision.right_id}
    is_possible, is_made, is_unmatched = published.rows(
        """
        select
          exists (from reporting.match_reviews where link = $link and left_id = $left and right_id = $right),
          exists (from reporting.match_links where link = $link and left_id = $left and right_id = $right),
          exists (from reporting.unmatched_records where source_table = 'payments' and source_id = $right)
        """,
        ends,
    )[0]
    if is_possible or (is_made and decision.verdict == "reject"):
        return
    known = _KNOWN.get(decision.link)
    if decision.verdict == "reject" or known is None or not is_unmatched:
        raise DecisionError(
            "The published copy holds no such possible match. Load the page again: a run may have changed what waits."
        )
    thing, query = known
    if not published.rows(query, {"left": decision.left_id})[0][0]:
        raise DecisionError(
            f"The published copy holds no {thing} {decision.left_id}. Look at its ID, or run once its export is in the inbox."
        )


def _sample_of(published: Published, verdict: Verdict) -> dict[str, str]:
    """The sample's columns that a review sheet would contain for a verdict."""
    columns = ("period", "value_band", "outcome", "stratum_links")
    found = published.rows(
        """
        select strftime(period, '%Y-%m'), value_band, outcome, cast(stratum_links as varchar)
        from reporting.validation_samples
        where link = $link and left_id = $left and right_id = $right and match_method = $method
        """,
        {"link": verdict.link, "left": verdict.left_id, "right": verdict.right_id, "method": verdict.match_method},
    )
    if not found:
        raise DecisionError("The published copy holds no such sampled link. Load the page again.")
    return dict(zip(columns, found[0], strict=True))


def _require_lockable(published: Published, lock: Lock) -> None:
    """Check that a month exists, is not yet in the requested state, and is signed with its current value."""
    months = {period: (value, is_locked) for period, value, is_locked in published.rows(_MONTHS)}
    if lock.period not in months:
        raise DecisionError(f"The published copy holds no cohort month {lock.period}.")
    value, is_locked = months[lock.period]
    if is_locked == (lock.action == "lock"):
        raise DecisionError(f"{lock.period} is {'locked' if is_locked else 'not locked'} already.")
    if lock.action == "lock" and value != lock.signed_value:
        raise DecisionError(f"What {lock.period} collected has changed since the page was loaded. Load it again.")


def _pending(published: Published, table: str, rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Decisions without effect in the published copy so far."""
    if not rows:
        return []
    query, names = _PENDING[table]
    places = {place for (place,) in published.rows(query, {f"{name}s": [row[name] for row in rows] for name in names})}
    return [row for place, row in enumerate(rows) if place in places]


@contextmanager
def _locked_inbox(inbox: Path) -> Iterator[None]:
    """Lock the inbox against decisions of other processes."""
    inbox.mkdir(parents=True, exist_ok=True)
    folder = os.open(inbox, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _read(path: Path, table: str) -> list[dict[str, str]]:
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (csv.Error, UnicodeError, OSError):
        rows = [{}]
    if any(tuple(row) != _columns(table) or None in row.values() for row in rows):
        raise DecisionError(f"{path} was changed and cannot be read any more. Correct it, or give it another name.")
    return rows


def _write(path: Path, table: str, rows: Sequence[dict[str, str]]) -> None:
    if not rows:
        path.unlink(missing_ok=True)
        return
    # With a byte order mark, so that Excel reads the file as UTF-8.
    with atomic_file(path) as unfinished, unfinished.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, _columns(table), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def _columns(table: str) -> tuple[str, ...]:
    return tuple(column.name for column in INPUT_TABLE[table].columns)


def _is_about(row: Mapping[str, str], other: Mapping[str, str], table: str) -> bool:
    return all(row[name] == other.get(name) for name in KEYS[table])


KEYS = {
    MATCHES: ("link", "left_id", "right_id"),
    VERDICTS: ("link", "left_id", "right_id", "match_method"),
    LOCKS: ("period",),
}
"""Columns that identify the subject of a decision, by input table."""

# By link of a payment: the kind of its left record, and a query whether the published copy has it.
_KNOWN: dict[str, tuple[str, str]] = {
    "order_payment": (
        "order",
        """
        select exists (from reporting.matched_chain where record_id = 'order:' || $left)
            or exists (from reporting.match_links where link = 'lead_order' and right_id = $left)
        """,
    ),
    "crm_payment": (
        "CRM record",
        """
        select exists (from reporting.match_links where link = 'lead_crm' and right_id = $left)
            or exists (from reporting.match_links where link = 'crm_payment' and left_id = $left)
        """,
    ),
}
_POSSIBLE = f"""
with at_stake as (
  select source_table, source_id, max(value) as value from reporting.exceptions where kind = 'possible_match' group by all
),
possible as (
  select *,
    case when link = 'lead_crm' then 'crm_records' when link = 'lead_order' or (link = 'record_ad' and left_id like 'order:%') then 'orders'
      when link = 'record_ad' then 'leads' else 'payments' end as source_table,
    case when link = 'record_ad' then substr(left_id, position(':' in left_id) + 1) else right_id end as source_id
  from reporting.match_reviews
)
select p.link, p.left_id, p.right_id, p.match_method, p.match_confidence, p.evidence, p.reason,
       {THOUSANDTHS.format("coalesce(s.value, 0)")} as value
from possible p left join at_stake s on s.source_table = p.source_table and s.source_id = p.source_id
order by value desc, p.match_confidence desc, p.link, p.left_id, p.right_id
"""
# Sampled links without a verdict, the largest first.
_SAMPLES = f"""
select link, left_id, right_id, match_method, evidence,
       {THOUSANDTHS.format("coalesce(right_value, left_value, 0)")} as value
from reporting.validation_samples where verdict is null order by value desc, link, left_id, right_id, match_method
"""
_MONTHS = f"""
select strftime(b.period_start, '%Y-%m'), {THOUSANDTHS.format("sum(b.amount)")},
       b.period_start in (select period_start from reporting.locked_differences)
from reporting.bridge b where b.line = 'collected' group by b.period_start order by b.period_start
"""
_PENDING_MATCHES = """
with decided as (
  select unnest(range(len($links))) as place, unnest($links) as link, unnest($left_ids) as left_id,
         unnest($right_ids) as right_id, unnest($verdicts) as verdict
)
select d.place from decided d
left join reporting.match_links k on k.link = d.link and k.left_id = d.left_id and k.right_id = d.right_id
left join reporting.match_reviews v on v.link = d.link and v.left_id = d.left_id and v.right_id = d.right_id
left join reporting.exceptions e
  on e.kind = 'manual_match_not_used' and e.source_id = d.link || ' ' || d.left_id || ' ' || d.right_id
  and starts_with(e.detail, case d.verdict when 'accept' then 'Accepted' else 'Rejected' end)
where e.exception_id is null
  and case d.verdict when 'accept' then k.match_method is distinct from 'manual_verified'
      else k.link is not null or v.link is not null end
"""
_PENDING_VERDICTS = """
with decided as (
  select unnest(range(len($links))) as place, unnest($links) as link, unnest($left_ids) as left_id,
         unnest($right_ids) as right_id, unnest($match_methods) as match_method, unnest($verdicts) as verdict
)
select d.place from decided d
join reporting.validation_samples s
  on s.link = d.link and s.left_id = d.left_id and s.right_id = d.right_id and s.match_method = d.match_method
where s.verdict is distinct from d.verdict
"""
_PENDING_LOCKS = """
with decided as (
  select unnest(range(len($periods))) as place, unnest($periods) as period, unnest($actions) as action,
         unnest($locked_ats) as locked_at
)
select d.place from decided d
where not exists (
  from reporting.change_log c
  where c.kind in ('period_lock', 'period_release') and strftime(c.period_start, '%Y-%m') = d.period
    and c.changed_at >= cast(d.locked_at as timestamptz)
)
"""
_PENDING = {
    MATCHES: (_PENDING_MATCHES, ("link", "left_id", "right_id", "verdict")),
    VERDICTS: (_PENDING_VERDICTS, ("link", "left_id", "right_id", "match_method", "verdict")),
    LOCKS: (_PENDING_LOCKS, ("period", "action", "locked_at")),
}
