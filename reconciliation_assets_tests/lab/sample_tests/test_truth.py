"""The truth closes, conserves the money that the tables hold, and names only rows that the tables hold."""

from collections import Counter
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest

from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.truth import true_links, true_records
from reconciliation_assets_tests.lab.sample.writing import MOST_ORDERS_WITH_LINKS_IN_JSON
from reconciliation_assets_tests.lab.sample_tests.reading import Extract, dirhams, instant, total

LINES = (
    "platform_attributed",
    "claimed_not_captured",
    "captured_not_claimed",
    "valuation",
    "invalid_or_duplicate",
    "lost_or_cancelled",
    "returned_refunded_failed",
    "open",
    "value_and_basis",
    "manual_adjustment",
)


@pytest.fixture(params=["small", "larger"])
def extract(request: pytest.FixtureRequest) -> Extract:
    value: Extract = request.getfixturevalue(request.param)
    return value


def test_every_group_closes(extract: Extract) -> None:
    gaps = [
        (row["month"], row["campaign_id"])
        for row in extract.truth["bridge"]
        if total(row[line] for line in LINES) != Decimal(row["collected"])
    ]
    assert not gaps


def test_every_line_is_in_use(extract: Extract) -> None:
    for line in (*LINES, "collected", "spend"):
        assert any(Decimal(row[line]) for row in extract.truth["bridge"]), line


def test_a_group_is_a_month_and_a_campaign_once(extract: Extract) -> None:
    groups = Counter((row["month"], row["campaign_id"]) for row in extract.truth["bridge"])
    assert max(groups.values()) == 1
    assert any(campaign is None for _, campaign in groups)


def test_settled_money_of_the_table_is_linked_or_unmatched(extract: Extract) -> None:
    settled = [row for row in extract.current("payments") if row["status"] == "settled" and row["kind"] != "fee"]
    net = sum(dirhams(row) if row["kind"] == "payment" else -dirhams(row) for row in settled)
    truth = extract.truth
    linked = total(row["collected"] for row in truth["bridge"]) - total(
        row["manual_adjustment"] for row in truth["bridge"]
    )
    assert net == Decimal(truth["settled_net"])
    assert linked + total(truth["unmatched"].values()) == net


def test_meta_figures_are_those_of_the_table(extract: Extract) -> None:
    reported: dict[tuple[str, str], Decimal] = {}
    for row in extract.current("meta_insights"):
        key = str(row["date"])[:7], str(row["campaign_id"])
        value = dirhams({"amount": row["attributed_value"], "currency": row["account_currency"]})
        reported[key] = reported.get(key, Decimal(0)) + value
    truth = {(row["month"], row["campaign_id"]): Decimal(row["platform_attributed"]) for row in extract.truth["bridge"]}
    assert {key: value for key, value in truth.items() if value} == {
        key: value for key, value in reported.items() if value
    }


def test_records_are_the_leads_and_the_orders_no_lead_claims(extract: Extract) -> None:
    claimed = {order for _, order, _ in extract.truth["links"]["lead_order"]}
    orders = {row["order_id"] for row in extract.rows("orders")}
    assert claimed <= orders
    leads = {row["lead_id"] for row in extract.rows("leads")}
    assert extract.truth["records"] == len(leads) + len(orders - claimed)
    assert sum(row["records"] for row in extract.truth["bridge"]) == extract.truth["records"]
    assert sum(extract.truth["rungs"].values()) == extract.truth["records"]


def test_links_name_rows_of_the_tables_and_no_right_end_twice(extract: Extract) -> None:
    ends = {"lead": "leads", "crm": "crm_records", "order": "orders", "payment": "payments"}
    keys = {end: {row[f"{end}_id"] for row in extract.rows(table)} for end, table in ends.items()}
    for link, pairs in extract.truth["links"].items():
        left, right = link.split("_")
        assert {pair[0] for pair in pairs} <= keys[left]
        assert {pair[1] for pair in pairs} <= keys[right]
        assert max(Counter(pair[1] for pair in pairs).values()) == 1


def test_no_payment_belongs_to_an_order_and_to_a_crm_record(extract: Extract) -> None:
    of_orders, of_crm = (
        {pair[1] for pair in extract.truth["links"][link]} for link in ("order_payment", "crm_payment")
    )
    assert of_orders
    assert of_crm
    assert not of_orders & of_crm


def test_every_exact_method_finds_something(larger: Extract) -> None:
    found = {link: {pair[2] for pair in pairs} for link, pairs in larger.truth["links"].items()}
    assert found == {
        "lead_crm": {"exact_id", "exact_contact", "crm_relationship"},
        "lead_order": {"exact_id", "exact_contact", "crm_relationship", "manual_verified"},
        "order_payment": {"exact_id", "exact_contact", "manual_verified"},
        "crm_payment": {"exact_id"},
    }
    counted = Counter(pair[2] for pair in larger.truth["links"]["lead_order"])
    assert larger.truth["lead_order"] == dict(counted)


def test_orders_follow_their_lead_within_its_contact_window(larger: Extract) -> None:
    leads = {row["lead_id"]: instant(row["created_at"]) for row in larger.rows("leads")}
    orders = {row["order_id"]: instant(row["created_at"]) for row in larger.rows("orders")}
    waits = [
        (orders[order] - leads[lead]).total_seconds() / 86_400 for lead, order, _ in larger.truth["links"]["lead_order"]
    ]
    assert min(waits) > 0
    assert max(waits) < 85


def test_entries_of_every_record_explain_collected_less_stated(larger_company: Company) -> None:
    records = true_records(larger_company)
    assert np.array_equal(records.entries.sum(axis=0), records.collected - records.stated)


def test_a_large_company_keeps_its_links_in_parquet(
    larger_company: Company, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from reconciliation_assets_tests.lab.sample import write_company, writing

    assert MOST_ORDERS_WITH_LINKS_IN_JSON == 50_000
    monkeypatch.setattr(writing, "MOST_ORDERS_WITH_LINKS_IN_JSON", 100)
    home = tmp_path_factory.mktemp("parquet")
    write_company(larger_company.spec, home)
    assert "links" not in Extract(home).truth
    links = pq.read_table(home / "truth_links.parquet")
    assert links.column_names == ["link", "left_id", "right_id", "true_method"]
    assert links.num_rows == true_links(larger_company).num_rows
