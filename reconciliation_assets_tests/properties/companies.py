"""Small random companies as input rows: people who ask twice, IDs that lead nowhere, versions, refunds, five currencies.

Every key's versions differ in time, so that which one is current does not depend on the order of rows.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from reconciliation_assets.contracts.inputs import PAYMENT_KINDS
from reconciliation_assets_tests.rows import adjustment, crm, decision, insight, invoice, lead, order, payment

Row = dict[str, Any]
Company = dict[str, list[Row]]

DUBAI = timezone(timedelta(hours=4))
OPENED = datetime(2026, 1, 1, tzinfo=DUBAI)
CURRENCIES = ("AED", "SAR", "USD", "KWD", "EUR")
CAMPAIGNS = {"121": ("1211", "1212"), "122": ("1221",), "123": ()}

PEOPLE: tuple[Row, ...] = (
    {"email": "amal@example.com", "phone": "0501234567", "market": "AE"},
    {"email": "Amal@Example.com", "market": "AE"},
    {"phone": "+971 50 123 4567"},
    {"email": "badr@example.com", "phone": "50123456", "market": "KW"},
    {"phone": "٠٥٠١٢٣٤٥٦٧", "market": "SA"},
    {},
)

instants = st.integers(0, 180 * 24 * 60).map(lambda minutes: (OPENED + timedelta(minutes=minutes)).isoformat())
amounts = st.one_of(
    st.integers(0, 99_999).map(lambda cents: f"{cents / 100:.2f}"), st.sampled_from(["0", "100", "33.335", "0.005"])
)
people = st.sampled_from(PEOPLE)
currencies = st.sampled_from(CURRENCIES)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or an empty cell."""
    return st.one_of(st.just(""), values)


def ids(prefix: str, count: int) -> st.SearchStrategy[str]:
    """IDs of a table; the last of them never gets a row."""
    return st.integers(0, count).map(lambda number: f"{prefix}{number}")


def existing(prefix: str, count: int) -> st.SearchStrategy[str]:
    return st.integers(0, count - 1).map(lambda number: f"{prefix}{number}")


@st.composite
def origins(draw: st.DrawFn) -> Row:
    campaign = draw(st.sampled_from(["", *CAMPAIGNS, "199"]))
    ads = CAMPAIGNS.get(campaign, ())
    return {
        "campaign_id": campaign if draw(st.booleans()) else "",
        "ad_id": draw(maybe(st.sampled_from(ads))) if ads else "",
        "source": draw(st.sampled_from(["", "facebook", "google"])),
        "utm_campaign": draw(st.sampled_from(["", "Spring", "122"])),
    }


@st.composite
def leads(draw: st.DrawFn) -> Row:
    return lead(
        draw(existing("L", 5)),
        draw(instants),
        **draw(origins()),
        **draw(people),
        form_id=draw(st.sampled_from(["", "F1", "F2"])),
        offer=draw(st.sampled_from(["", "course"])),
        stated_value=draw(maybe(amounts)),
        currency=draw(currencies),
        is_test=draw(st.sampled_from(["", "", "", "true"])),
    )


@st.composite
def crm_records(draw: st.DrawFn) -> Row:
    stages = ["new", "qualified", "Closed Won", "lost", "spam", "unheard of"]
    return crm(
        draw(existing("D", 4)),
        draw(instants),
        draw(st.sampled_from(stages)),
        lead_id=draw(maybe(ids("L", 5))),
        merged_into=draw(st.one_of(st.just(""), st.just(""), ids("D", 4))),
        final_value=draw(maybe(amounts)),
        currency=draw(currencies),
        won_at=draw(maybe(instants)),
        is_deleted=draw(st.sampled_from(["", "", "", "", "true"])),
        **{name: value for name, value in draw(people).items() if name != "market"},
    )


@st.composite
def orders(draw: st.DrawFn) -> Row:
    statuses = ["placed", "Shipped", "delivered", "cancelled", "refused", "returned", "test", "قيد المراجعة"]
    return order(
        draw(existing("SO", 6)),
        draw(instants),
        draw(st.sampled_from(statuses)),
        draw(amounts),
        currency=draw(currencies),
        lead_id=draw(maybe(ids("L", 5))),
        crm_id=draw(maybe(ids("D", 4))),
        customer_id=draw(maybe(st.sampled_from(["C1", "C2"]))),
        waybill=draw(maybe(st.sampled_from(["W1", "W2"]))),
        offer=draw(st.sampled_from(["", "perfume"])),
        discount=draw(maybe(st.just("10"))),
        tax=draw(maybe(st.just("5"))),
        current_value=draw(maybe(amounts)),
        returned_value=draw(maybe(st.sampled_from(["0", "30", "90"]))),
        delivered_at=draw(maybe(instants)),
        cancelled_at=draw(maybe(instants)),
        is_test=draw(st.sampled_from(["", "", "", "", "true"])),
        is_deleted=draw(st.sampled_from(["", "", "", "", "true"])),
        **draw(origins()),
        **draw(people),
    )


@st.composite
def payments(draw: st.DrawFn) -> Row:
    return payment(
        draw(existing("P", 9)),
        draw(instants),
        draw(amounts),
        kind=draw(st.sampled_from(["payment", *PAYMENT_KINDS])),
        fee=draw(maybe(st.sampled_from(["3", "-3", "three"]))),
        order_amount=draw(maybe(amounts)),
        order_currency=draw(currencies),
        status=draw(st.sampled_from(["settled", "settled", "Settled", "pending", "failed", "bounced"])),
        currency=draw(currencies),
        order_id=draw(maybe(ids("SO", 6))),
        crm_id=draw(maybe(ids("D", 4))),
        lead_id=draw(maybe(ids("L", 5))),
        invoice_id=draw(maybe(ids("INV", 2))),
        customer_id=draw(maybe(st.sampled_from(["C1", "C2"]))),
        waybill=draw(maybe(st.sampled_from(["W1", "W2", "W3"]))),
        **{name: value for name, value in draw(people).items() if name != "market"},
    )


@st.composite
def insights(draw: st.DrawFn) -> Row:
    campaign = draw(st.sampled_from(["121", "122"]))
    return insight(
        draw(st.sampled_from(["2026-01-31", "2026-02-01", "2026-03-15"])),
        campaign_id=campaign,
        campaign_name=draw(st.sampled_from(["Spring", "Summer", ""])),
        ad_id=draw(st.sampled_from(CAMPAIGNS[campaign])),
        account_currency=draw(st.sampled_from(["AED", "USD"])),
        account_id=draw(st.sampled_from(["act_1", "act_2"])),
        spend=draw(amounts),
        results=draw(st.sampled_from(["0", "1", "3", "2.5"])),
        attributed_value=draw(amounts),
    )


@st.composite
def decisions(draw: st.DrawFn) -> Row:
    ends = {
        "record_ad": (ids("lead:L", 5), st.sampled_from(["1211", "1221"])),
        "lead_crm": (ids("L", 5), ids("D", 4)),
        "lead_order": (ids("L", 5), ids("SO", 6)),
        "order_payment": (ids("SO", 6), ids("P", 9)),
        "crm_payment": (ids("D", 4), ids("P", 9)),
    }
    link = draw(st.sampled_from(sorted(ends)))
    left, right = ends[link]
    return decision(link, draw(left), draw(right), draw(st.sampled_from(["accept", "reject"])))


@st.composite
def adjustments(draw: st.DrawFn) -> Row:
    return adjustment(
        draw(existing("A", 2)),
        draw(st.sampled_from(["-12.34", "5", "0.005"])),
        draw(st.sampled_from(["2026-01-05", "2026-02-01"])),
        campaign_id=draw(st.sampled_from(["", "121", "199"])),
        currency=draw(currencies),
    )


def bad(row: Row, column: str, text: str) -> Row:
    return {**row, column: text}


BAD_ROWS: dict[str, Callable[[Row], Row]] = {
    "leads": lambda row: bad(row, "created_at", "2026-02-30"),
    "crm_records": lambda row: bad(row, "stage", ""),
    "orders": lambda row: bad(row, "gross_value", "-1"),
    "payments": lambda row: bad(row, "kind", "gift"),
}
VERSIONED_BY = {
    "meta_insights": "pulled_at",
    "leads": "updated_at",
    "crm_records": "updated_at",
    "orders": "updated_at",
    "payments": "updated_at",
    "manual_matches": "verified_at",
    "manual_adjustments": "adjusted_at",
}
RATES = [
    {"date": "2025-12-01", "currency": "KWD", "rate": "11.96"},
    {"date": "2025-12-01", "currency": "EUR", "rate": "4.00"},
    {"date": "2026-03-01", "currency": "EUR", "rate": "4.31"},
]
INVOICES = [
    invoice("INV0", order_id="SO0"),
    invoice("INV1", crm_id="D0"),
]


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """A company: up to ten rows a table, some of them versions of one another and some of them bad."""
    rows: Company = {
        "meta_insights": draw(st.lists(insights(), max_size=4)),
        "leads": draw(st.lists(leads(), max_size=7)),
        "crm_records": draw(st.lists(crm_records(), max_size=6)),
        "orders": draw(st.lists(orders(), max_size=8)),
        "payments": draw(st.lists(payments(), max_size=12)),
        "manual_matches": draw(st.lists(decisions(), max_size=3)),
        "manual_adjustments": draw(st.lists(adjustments(), max_size=2)),
    }
    for table, spoil in BAD_ROWS.items():
        if rows[table] and draw(st.integers(0, 4)) == 0:
            rows[table] = [*rows[table], spoil(rows[table][0])]
    for table, column in VERSIONED_BY.items():
        rows[table] = [
            {**row, column: (OPENED + timedelta(days=180, minutes=number)).isoformat()}
            for number, row in enumerate(rows[table])
        ]
    return {**rows, "fx_rates": RATES, "invoices": INVOICES}
