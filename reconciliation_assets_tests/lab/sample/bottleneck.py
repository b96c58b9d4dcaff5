"""A made-up company with at most one bottleneck planted in it: one step of one segment passes far fewer records than it should.

It is simpler than the company of the other modules, every link is by exact ID, so that only the diagnosis is tried. Its segments
differ by nature all the same: campaigns, forms, offers, markets, owners, devices and pages each have an effect of their own on
every step, which also drifts from month to month, and cash on delivery is collected less often than cards.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from reconciliation_assets_tests.lab.sample.arrays import Bools, Floats, Ints, Random, filled, random_stream
from reconciliation_assets_tests.lab.sample.clock import (
    DAY,
    DUBAI,
    HOUR,
    NEVER,
    as_instant,
    hours_after,
    iso,
    seconds_of_day,
)

AS_OF = datetime(2026, 7, 1, tzinfo=DUBAI)
_DAYS = 365
# What a healthy record of no particular segment passes each step with.
_BASE = {
    "valid_leads": 0.86,
    "answered": 0.88,
    "answered_in_time": 0.72,
    "qualified": 0.5,
    "won": 0.38,
    "collected_deals": 0.85,
    "valid_orders": 0.96,
    "collected_orders": 0.78,
}
# Days between entering and passing each step, at most, as the shipped policy has them.
_WINDOW = {
    "valid_leads": 7,
    "answered": 7,
    "answered_in_time": 7,
    "qualified": 30,
    "won": 60,
    "collected_deals": 60,
    "valid_orders": 7,
    "collected_orders": 60,
}
_LEAD_STEPS = ("valid_leads", "answered", "answered_in_time", "qualified", "won", "collected_deals")
# By how much segments of a kind differ by nature, as the standard deviation of log odds, and all of them from month to month.
_NATURE = {
    "campaign": 0.15,
    "form": 0.1,
    "offer": 0.1,
    "market": 0.1,
    "owner": 0.12,
    "device": 0.06,
    "language": 0.06,
    "landing_page": 0.1,
    "payment_method": 0.0,
}
_DRIFT = 0.06
_METHODS = ("card", "cod", "tabby")
_METHOD_EFFECT = np.array([0.5, -0.7, 0.2])
_RECENT_DAYS = 90
# A bottleneck is planted where that many records meet it within the recent period, and where no other segment holds the same ones.
_FEWEST_MET = 120
_MOST_ALIKE = 0.8
_LOSS_REASONS = ("price", "no answer", "chose a competitor", "timing")
_INVALID = ("spam", "wrong_number", "irrelevant")


@dataclass(frozen=True)
class Bottleneck:
    """What is planted.

    Attributes:
        step: the step, by the policy's name.
        segment_kind: the kind of segment.
        segment: the segment.
        log_odds: what is taken off the log odds of passing.
        is_recent: whether it began with the recent period; else it was always there.
    """

    step: str
    segment_kind: str
    segment: str
    log_odds: float
    is_recent: bool


@dataclass(frozen=True)
class _Records:
    """Records of one type: when each was captured and the segment of each kind it belongs to."""

    created: Ints
    segment: dict[str, Ints]
    names: dict[str, tuple[str, ...]]

    @property
    def size(self) -> int:
        return len(self.created)


def write_company_with_bottleneck(
    seed: int, out: Path, *, leads: int = 12_000, orders: int = 9_000, log_odds: float = 1.6, healthy: bool = False
) -> Bottleneck | None:
    """Write a company's extracts into `out/inbox`.

    Args:
        seed: what makes this company another one; the same seed gives the same company but for what is planted.
        out: the folder.
        leads: leads of the year.
        orders: orders of the year.
        log_odds: what the bottleneck takes off the log odds of passing: 1.6 makes 50 % into 17 %, and 86 % into 55 %.
        healthy: plant nothing.

    Returns:
        What was planted, or nothing.
    """
    random = random_stream(seed, "bottleneck")
    of_leads, of_orders = _lead_records(random, leads), _order_records(random, orders)
    effects = {step: _effects(random, of_leads if step in _LEAD_STEPS else of_orders) for step in _BASE}
    planted = _planted(random, of_leads, of_orders, log_odds)
    draws = {
        step: _passes(
            random, step, of_leads if step in _LEAD_STEPS else of_orders, effects[step], None if healthy else planted
        )
        for step in _BASE
    }
    inbox = out / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    tables = {**_lead_tables(random, of_leads, draws), **_insights(random, of_leads, of_orders)}
    order_rows, order_payments = _order_tables(random, of_orders, draws)
    tables["orders"] = order_rows
    tables["payments"] = pa.concat_tables([tables["payments"], order_payments])
    for name, rows in tables.items():
        csv.write_csv(rows, inbox / f"{name}.csv")
    return None if healthy else planted


def _lead_records(random: Random, size: int) -> _Records:
    campaigns = int(random.integers(6, 10))
    forms_of = random.integers(2, 4, campaigns)
    offers = int(random.integers(3, 5))
    campaign = _weighted(random, campaigns, size)
    form = np.cumsum(np.concatenate([[0], forms_of[:-1]]))[campaign] + (
        random.random(size) * forms_of[campaign]
    ).astype(np.int64)
    # Every offer is advertised by more than one campaign, or by some of a campaign's leads.
    offer = np.where(random.random(size) < 0.7, campaign % offers, _weighted(random, offers, size))
    market = _weighted(random, 3, size)
    names = {
        "campaign": tuple(f"7100000000000{number:02d}" for number in range(campaigns)),
        "form": tuple(f"form-{number + 1}" for number in range(int(forms_of.sum()))),
        "offer": tuple(f"course-{number + 1}" for number in range(offers)),
        "market": ("AE", "SA", "KW"),
        "language": ("ar", "en"),
        "owner": tuple(f"seller-{number + 1}" for number in range(6)),
        "device": ("mobile", "desktop", "tablet"),
    }
    segment = {
        "campaign": campaign,
        "form": form,
        "offer": offer,
        "market": market,
        "language": (random.random(size) < np.array([0.6, 0.15, 0.3])[market]).astype(np.int64),
        "owner": _weighted(random, 6, size),
        "device": np.searchsorted([0.72, 0.95], random.random(size)).astype(np.int64),
    }
    return _Records(_captured(random, size), segment, names)


def _order_records(random: Random, size: int) -> _Records:
    campaigns = int(random.integers(5, 8))
    offers, pages = int(random.integers(4, 6)), int(random.integers(4, 7))
    campaign = _weighted(random, campaigns, size)
    names = {
        "campaign": tuple(f"7200000000000{number:02d}" for number in range(campaigns)),
        "offer": tuple(f"product-{number + 1}" for number in range(offers)),
        "market": ("AE", "SA", "KW"),
        "language": ("ar", "en"),
        "device": ("mobile", "desktop", "tablet"),
        "landing_page": tuple(f"https://shop.example/p/{number + 1}" for number in range(pages)),
        "payment_method": _METHODS,
    }
    market = _weighted(random, 3, size)
    segment = {
        "campaign": campaign,
        "offer": np.where(random.random(size) < 0.5, campaign % offers, _weighted(random, offers, size)),
        "market": market,
        "language": (random.random(size) < np.array([0.6, 0.15, 0.3])[market]).astype(np.int64),
        "device": np.searchsorted([0.75, 0.95], random.random(size)).astype(np.int64),
        "landing_page": np.where(random.random(size) < 0.6, campaign % pages, _weighted(random, pages, size)),
        "payment_method": np.searchsorted([0.4, 0.85], random.random(size)).astype(np.int64),
    }
    return _Records(_captured(random, size), segment, names)


def _weighted(random: Random, many: int, size: int) -> Ints:
    """Draw codes of unlike sizes: the largest is about three times the smallest."""
    shares = random.uniform(0.5, 1.5, many)
    return np.searchsorted(np.cumsum(shares / shares.sum())[:-1], random.random(size), side="right").astype(np.int64)


def _captured(random: Random, size: int) -> Ints:
    days = random.integers(0, _DAYS, size)
    created: Ints = as_instant(AS_OF) - _DAYS * DAY + days * DAY + seconds_of_day(random, size)
    return np.sort(created)


def _effects(random: Random, records: _Records) -> Floats:
    """What the segments of each record add to its log odds on one step, month by month."""
    month = (records.created - records.created.min()) // (30 * DAY)
    total = np.zeros(records.size)
    for kind, codes in records.segment.items():
        many = len(records.names[kind])
        own = random.normal(0, _NATURE[kind], many)
        drift = random.normal(0, _DRIFT, (many, int(month.max()) + 1))
        total += own[codes] + drift[codes, month]
    return total


def _planted(random: Random, of_leads: _Records, of_orders: _Records, log_odds: float) -> Bottleneck:
    """Choose a step and a segment that enough records meet and whose records are not another segment's too."""
    possible: list[tuple[str, str, str]] = []
    reach = _reach()
    for step in _BASE:
        records = of_leads if step in _LEAD_STEPS else of_orders
        share = _RECENT_DAYS / _DAYS * reach[step]
        for kind, codes in records.segment.items():
            # Methods are held against their own past alone, so a bottleneck that was always there has nothing beside it.
            if kind == "payment_method" or (kind == "language" and len(set(codes.tolist())) < 2):
                continue
            sizes = np.bincount(codes, minlength=len(records.names[kind]))
            possible += [
                (step, kind, records.names[kind][code])
                for code in np.flatnonzero(sizes * share >= _FEWEST_MET)
                if not _has_a_twin(records, kind, int(code))
            ]
    step, kind, segment = possible[int(random.integers(len(possible)))]
    return Bottleneck(step, kind, segment, log_odds, bool(random.random() < 0.5))


def _reach() -> dict[str, float]:
    """Share of the captured records that come to each step."""
    reached = {
        "valid_leads": 1.0,
        "valid_orders": 1.0,
        "collected_orders": _BASE["valid_orders"],
        "answered": _BASE["valid_leads"],
    }
    reached["answered_in_time"] = reached["answered"] * _BASE["answered"]
    reached["qualified"] = reached["answered_in_time"]
    reached["won"] = reached["qualified"] * _BASE["qualified"]
    reached["collected_deals"] = reached["won"] * _BASE["won"]
    return reached


def _has_a_twin(records: _Records, kind: str, code: int) -> bool:
    mine = records.segment[kind] == code
    for other, codes in records.segment.items():
        if other == kind:
            continue
        both = np.bincount(codes[mine], minlength=len(records.names[other]))
        alone = np.bincount(codes, minlength=len(records.names[other]))
        if np.any(both / (alone + mine.sum() - both) > _MOST_ALIKE):
            return True
    return False


def _passes(random: Random, step: str, records: _Records, effects: Floats, planted: Bottleneck | None) -> Bools:
    """Whether each record passes the step, if it comes to it."""
    log_odds = np.log(_BASE[step] / (1 - _BASE[step])) + effects
    if step == "collected_orders":
        log_odds = log_odds + _METHOD_EFFECT[records.segment["payment_method"]]
    if planted and planted.step == step:
        hit = records.segment[planted.segment_kind] == records.names[planted.segment_kind].index(planted.segment)
        if planted.is_recent:
            # Later steps are entered later; those that enter this one within the recent period were captured before.
            lag = {"won": 25, "collected_deals": 45}.get(step, 1)
            hit &= records.created >= as_instant(AS_OF) - (_RECENT_DAYS + _WINDOW[step] + lag) * DAY
        log_odds = log_odds - np.where(hit, planted.log_odds, 0)
    passes: Bools = random.random(records.size) < 1 / (1 + np.exp(-log_odds))
    return passes


def _text(records: _Records, kind: str) -> pa.Array:
    return pa.array(records.names[kind]).take(pa.array(records.segment[kind]))


def _numbered(prefix: str, size: int) -> pa.Array:
    return pa.array([f"{prefix}{number + 1}" for number in range(size)])


def _when(instants: Ints) -> pa.Array:
    """Instants up to the extract, as text; later ones have not happened."""
    return iso(np.where(instants < as_instant(AS_OF), instants, NEVER), filled(len(instants), 2))


def _lead_tables(random: Random, leads: _Records, passes: dict[str, Bools]) -> dict[str, pa.Table]:
    """Leads, their CRM records with stages, and the payments of deals."""
    size, now = leads.size, as_instant(AS_OF)
    ids, created = _numbered("L", size), leads.created
    valid = passes["valid_leads"]
    answers = valid & passes["answered"]
    wait = np.where(
        passes["answered_in_time"], random.integers(5, 225, size) * 60, random.integers(5 * HOUR, 60 * HOUR, size)
    )
    answered = np.where(answers, created + wait, NEVER)
    qualifies = answers & passes["qualified"]
    qualified = np.where(qualifies, created + wait + hours_after(random, 40, 0.7, size), NEVER)
    wins = qualifies & passes["won"]
    won = np.where(wins, qualified + hours_after(random, 200, 0.6, size), NEVER)
    loses = valid & ~wins & (random.random(size) < 0.8)
    lost = np.where(loses, np.where(qualifies, qualified, created) + random.integers(5 * DAY, 25 * DAY, size), NEVER)
    found_out = np.where(valid, NEVER, created + hours_after(random, 10, 0.7, size))
    stage = np.select(
        [found_out < now, won < now, lost < now, qualified < now, answered < now], [0, 1, 2, 3, 4], default=5
    )
    invalid = np.array(_INVALID)[random.integers(0, len(_INVALID), size)]
    words = np.where(stage == 0, invalid, np.array(["", "won", "lost", "qualified", "contacted", "new"])[stage])
    seen = np.maximum.reduce(
        [np.where(each < now, each, 0) for each in (created, found_out, won, lost, qualified, answered)]
    )
    value = random.integers(1_500, 6_000, size)
    reason = pa.array(np.array(_LOSS_REASONS)[random.integers(0, len(_LOSS_REASONS), size)], mask=stage != 2)
    crm_ids = _numbered("D", size)
    crm = pa.table(
        {
            "crm_id": crm_ids,
            "created_at": _when(created + 60),
            "updated_at": _when(seen + 60),
            "stage": pa.array(words.tolist()),
            "lead_id": ids,
            "owner": _text(leads, "owner"),
            "first_response_at": _when(answered),
            "won_at": _when(won),
            "lost_at": _when(lost),
            "loss_reason": reason,
            "final_value": pa.array(value, mask=~(won < now)),
            "currency": pa.array(["AED"] * size),
        }
    )
    changed = pa.concat_tables(
        [
            pa.table({"crm_id": crm_ids, "stage": pa.array([word] * size), "entered_at": _when(when)}).filter(
                pa.array(when < now)
            )
            for word, when in (("qualified", qualified), ("won", won))
        ]
    )
    paid = np.where(wins & passes["collected_deals"], won + random.integers(1 * DAY, 30 * DAY, size), NEVER)
    pays = pa.array(paid < now)
    payments = _payments(_numbered("PD", size), paid, value, pa.array(["bank_transfer"] * size), crm_id=crm_ids).filter(
        pays
    )
    rows = pa.table(
        {
            "lead_id": ids,
            "created_at": _when(created),
            "campaign_id": _text(leads, "campaign"),
            "source": pa.array(["facebook"] * size),
            "device": _text(leads, "device"),
            "form_id": _text(leads, "form"),
            "market": _text(leads, "market"),
            "language": _text(leads, "language"),
            "offer": _text(leads, "offer"),
        }
    )
    return {"leads": rows, "crm_records": crm, "crm_stage_changes": changed, "payments": payments}


def _order_tables(random: Random, orders: _Records, passes: dict[str, Bools]) -> tuple[pa.Table, pa.Table]:
    """Orders and their payments."""
    size, now = orders.size, as_instant(AS_OF)
    created, ids = orders.created, _numbered("SO", size)
    valid = passes["valid_orders"]
    collects = valid & passes["collected_orders"]
    delivered = np.where(collects, created + random.integers(1 * DAY, 6 * DAY, size), NEVER)
    paid = np.where(collects, delivered + random.integers(1 * DAY, 20 * DAY, size), NEVER)
    ended = np.where(valid & ~collects, created + random.integers(2 * DAY, 9 * DAY, size), NEVER)
    flagged = np.where(valid, NEVER, created + random.integers(1 * HOUR, 30 * HOUR, size))
    refused = random.random(size) < 0.5
    status = np.select(
        [flagged < now, ended < now, delivered < now],
        [np.full(size, "fraud"), np.where(refused, "refused", "cancelled"), np.full(size, "delivered")],
        default="confirmed",
    )
    seen = np.maximum.reduce([np.where(each < now, each, 0) for each in (created, flagged, ended, delivered)])
    gross = random.integers(80, 600, size)
    rows = pa.table(
        {
            "order_id": ids,
            "created_at": _when(created),
            "updated_at": _when(seen),
            "status": pa.array(status.tolist()),
            "gross_value": pa.array(gross),
            "currency": pa.array(["AED"] * size),
            "campaign_id": _text(orders, "campaign"),
            "source": pa.array(["instagram"] * size),
            "landing_page": _text(orders, "landing_page"),
            "device": _text(orders, "device"),
            "market": _text(orders, "market"),
            "language": _text(orders, "language"),
            "offer": _text(orders, "offer"),
            "payment_method": _text(orders, "payment_method"),
            "delivered_at": _when(delivered),
            "cancelled_at": _when(np.where(refused, NEVER, ended)),
        }
    )
    return rows, _payments(_numbered("PO", size), paid, gross, _text(orders, "payment_method"), order_id=ids).filter(
        pa.array(paid < now)
    )


def _payments(  # the columns of a payment
    ids: pa.Array, paid: Ints, amount: Ints, method: pa.Array, *, crm_id: pa.Array = None, order_id: pa.Array = None
) -> pa.Table:
    size = len(ids)
    nothing = pa.nulls(size, pa.string())
    return pa.table(
        {
            "payment_id": ids,
            "kind": pa.array(["payment"] * size),
            "status": pa.array(["settled"] * size),
            "paid_at": _when(paid),
            "amount": pa.array(amount),
            "currency": pa.array(["AED"] * size),
            "order_id": nothing if order_id is None else order_id,
            "crm_id": nothing if crm_id is None else crm_id,
            "method": method,
        }
    )


def _insights(random: Random, of_leads: _Records, of_orders: _Records) -> dict[str, pa.Table]:
    """Meta's figures: one ad a campaign, every day."""
    ids = [*of_leads.names["campaign"], *of_orders.names["campaign"]]
    opened = np.datetime64(AS_OF.date()) - _DAYS
    days = [str(opened + number) for number in range(_DAYS)]
    size = len(ids) * _DAYS
    return {
        "meta_insights": pa.table(
            {
                "account_id": pa.array(["act_71"] * size),
                "account_currency": pa.array(["AED"] * size),
                "campaign_id": pa.array(np.repeat(ids, _DAYS).tolist()),
                "adset_id": pa.array([f"{each}1" for each in np.repeat(ids, _DAYS)]),
                "ad_id": pa.array([f"{each}11" for each in np.repeat(ids, _DAYS)]),
                "date": pa.array(days * len(ids)),
                "attribution_setting": pa.array(["7d_click_1d_view"] * size),
                "spend": pa.array(np.round(random.uniform(80, 160, size), 2)),
                "results": pa.array(random.integers(2, 9, size)),
                "attributed_value": pa.array(random.integers(500, 4_000, size)),
            }
        )
    }
