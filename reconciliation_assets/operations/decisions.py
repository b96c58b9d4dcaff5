"""A person's decisions on links, taken in the page of `reconcile open`: rows of one file of the inbox, in force with the next run."""

import csv
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from phonenumbers import PhoneNumberMatcher
from pydantic import BaseModel, ConfigDict, StringConstraints

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.files import atomic_file
from reconciliation_assets.policy.model import Link
from reconciliation_assets.publish.details import THOUSANDTHS
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.queues import as_text
from reconciliation_assets.settings import Settings

FILE_NAME = "manual_matches-decided.csv"
SHOWN = 200
"""Possible matches and unmatched payments that the page shows at once, the largest first."""

_COLUMNS = tuple(column.name for column in INPUT_TABLE["manual_matches"].columns)
_Written = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")
]


class DecisionError(ValueError):
    """A decision cannot be taken or taken back; the message says why."""


class Pair(BaseModel):
    """The two ends of a link, as `manual_matches` names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    link: Link
    left_id: _Written
    right_id: _Written


class Decision(Pair):
    """What a person decided about a link, who and why."""

    verdict: Literal["accept", "reject"]
    verified_by: _Written
    reason: _Written


def decide(settings: Settings, published: Published, decision: Decision) -> None:
    """Write a decision, in place of an earlier one about the same two, whole or not at all.

    Raises:
        DecisionError: it is about a link that is neither made nor possible, or the file cannot be used.
    """
    if any(map(_has_a_contact, (decision.verified_by, decision.reason))):
        raise DecisionError("Name no e-mail address and no phone number: who decided and why is published.")
    problem = _why_not(published, decision)
    if problem:
        raise DecisionError(problem)
    # A run does not see what happened after the instant it speaks for, so under a fixed one decisions are of that instant.
    verified_at = settings.as_of if settings.is_as_of_fixed else datetime.now(UTC)
    row = {
        **decision.model_dump(),
        "verified_by": as_text(decision.verified_by),
        "reason": as_text(decision.reason),
        "verified_at": verified_at.isoformat(timespec="seconds"),
    }
    with _alone(settings.inbox):
        _write(settings.inbox, [*(each for each in _read(settings.inbox) if not _is_about(each, decision)), row])


def take_back(settings: Settings, published: Published, pair: Pair) -> None:
    """Remove a decision that no run has used yet.

    Raises:
        DecisionError: there is none that waits, or the file cannot be used.
    """
    with _alone(settings.inbox):
        rows = _read(settings.inbox)
        if not any(_is_about(each, pair) for each in _pending(published, rows)):
            raise DecisionError(
                "No decision about these two waits for a run. Reject a link to undo it once it is in force."
            )
        _write(settings.inbox, [each for each in rows if not _is_about(each, pair)])


def decisions(settings: Settings, published: Published) -> dict[str, Any]:
    """What there is to decide, and what was decided and waits for the next run."""
    columns = ("link", "left_id", "right_id", "match_method", "match_confidence", "evidence", "reason", "value")
    possible = published.rows(_POSSIBLE)
    unmatched = published.rows(
        f"""
        select source_id, {THOUSANDTHS.format("value")} as value, reason from reporting.unmatched_records
        where source_table = 'payments' order by value desc, source_id
        """
    )
    return {
        "possible": [dict(zip(columns, row, strict=True)) for row in possible[:SHOWN]],
        "unmatched": [dict(zip(("source_id", "value", "reason"), row, strict=True)) for row in unmatched[:SHOWN]],
        "left_out": max(len(possible) - SHOWN, 0) + max(len(unmatched) - SHOWN, 0),
        "pending": _pending(published, _read(settings.inbox)),
    }


def _has_a_contact(text: str) -> bool:
    return bool(re.search(r"\S@\S", text)) or PhoneNumberMatcher(text, None).has_next()


def _why_not(published: Published, decision: Decision) -> str | None:
    """Why a decision would have no effect; None where it has one."""
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
        return None
    known = _KNOWN.get(decision.link)
    if decision.verdict == "reject" or known is None or not is_unmatched:
        return (
            "The published copy holds no such possible match. Load the page again: a run may have changed what waits."
        )
    thing, query = known
    if not published.rows(query, {"left": decision.left_id})[0][0]:
        return f"The published copy holds no {thing} {decision.left_id}. Look at its ID, or run once its export is in the inbox."
    return None


def _pending(published: Published, rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Decisions that the published copy does not show the effect of."""
    if not rows:
        return []
    columns = {f"{name}s": [row[name] for row in rows] for name in ("link", "left_id", "right_id", "verdict")}
    places = {place for (place,) in published.rows(_PENDING, columns)}
    return [row for place, row in enumerate(rows) if place in places]


@contextmanager
def _alone(inbox: Path) -> Iterator[None]:
    """Nobody else decides meanwhile, in another server neither."""
    inbox.mkdir(parents=True, exist_ok=True)
    folder = os.open(inbox, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _read(inbox: Path) -> list[dict[str, str]]:
    path = inbox / FILE_NAME
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (csv.Error, UnicodeError, OSError):
        rows = [{}]
    if any(tuple(row) != _COLUMNS or None in row.values() for row in rows):
        raise DecisionError(f"{path} was changed and cannot be read any more. Correct it, or give it another name.")
    return rows


def _write(inbox: Path, rows: Sequence[dict[str, str]]) -> None:
    path = inbox / FILE_NAME
    if not rows:
        path.unlink(missing_ok=True)
        return
    # With a byte order mark, by which Excel knows that the text is UTF-8.
    with atomic_file(path) as unfinished, unfinished.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def _is_about(row: dict[str, str], pair: Pair) -> bool:
    return (row["link"], row["left_id"], row["right_id"]) == (pair.link, pair.left_id, pair.right_id)


# By the link of a payment: what its left end is, and whether the published copy knows one.
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
_PENDING = """
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
