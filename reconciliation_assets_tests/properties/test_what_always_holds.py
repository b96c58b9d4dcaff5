"""What always holds, of any company: the contract's invariants, asked of the outputs and of the rows that went in."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets_tests.harness import Bench, Built, write_csv
from reconciliation_assets_tests.properties.companies import BAD_ROWS, OPENED, VERSIONED_BY, Company, Row, companies

A_FEW = settings(deadline=None, max_examples=12, derandomize=True, suppress_health_check=list(HealthCheck))
FEWER = settings(A_FEW, max_examples=4)


# What went in


def is_good(table: str, row: Row) -> bool:
    spoilt = BAD_ROWS.get(table)
    return spoilt is None or {**row, **spoilt(row)} != row


def current(company: Company, table: str) -> list[Row]:
    """The latest version of each key among the good rows."""
    version = VERSIONED_BY[table]
    latest: dict[tuple[str, ...], Row] = {}
    for row in sorted((row for row in company[table] if is_good(table, row)), key=lambda row: str(row[version])):
        latest[tuple(row[name] for name in INPUT_TABLE[table].key)] = row
    return list(latest.values())


def counting(company: Company, table: str) -> list[Row]:
    """The current rows less tests and what the source deleted."""
    return [row for row in current(company, table) if not row.get("is_deleted") and not row.get("is_test")]


SIGNS = {
    "payment": 1,
    "refund_reversal": 1,
    "chargeback_reversal": 1,
    "refund": -1,
    "chargeback": -1,
    "fee": 0,
    "credit": 0,
}


def total(rows: list[Row], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


# What must hold of what came out


def settled_money_is_linked_or_unmatched(company: Company, built: Built) -> None:
    """1. Per currency: settled money in the source = money linked to records + unmatched money, exactly."""
    source: dict[str, Decimal] = defaultdict(Decimal)
    for row in current(company, "payments"):
        if row["status"].lower() == "settled":
            source[row["currency"]] += Decimal(row["amount"]) * SIGNS[row["kind"]]
    told: dict[str, Decimal] = defaultdict(Decimal)
    for row in built.rows("cash_view"):
        told[row["currency"]] += row["matched_value"] + row["unmatched_value"]
    assert {currency: amount for currency, amount in told.items() if amount} == {
        currency: amount for currency, amount in source.items() if amount
    }
    collected = total(built.rows("matched_chain"), "collected_value") + total(built.rows("unmatched_revenue"), "amount")
    assert collected == total(built.rows("cash_view"), "collected_value_reporting")


def every_group_closes(_: Company, built: Built) -> None:
    """2. Every bridge group closes exactly."""
    groups: dict[tuple[Any, ...], dict[int, Decimal]] = defaultdict(dict)
    for row in built.rows("bridge"):
        groups[row["period_start"], row["campaign_id"]][row["line_order"]] = row["amount"]
    for group, lines in groups.items():
        assert sorted(lines) == list(range(11)), group
        assert sum(amount for line, amount in lines.items() if line < 10) == lines[10], group


def lines_are_sums_of_entries(_: Company, built: Built) -> None:
    entries: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in built.rows("bridge_entries"):
        entries[row["cohort_date"].replace(day=1), row["campaign_id"], row["line"]] += row["amount"]
    lines = {
        (row["period_start"], row["campaign_id"], row["line"]): row["amount"]
        for row in built.rows("bridge")
        if 4 <= row["line_order"] <= 8
    }
    assert {key: amount for key, amount in entries.items() if amount} == {
        key: amount for key, amount in lines.items() if amount
    }


def the_last_line_is_the_money_of_its_records(_: Company, built: Built) -> None:
    bridge = built.rows("bridge")
    adjusted = total([row for row in bridge if row["line"] == "manual_adjustment"], "amount")
    collected = total([row for row in bridge if row["line"] == "collected"], "amount")
    assert collected == total(built.rows("matched_chain"), "collected_value") + adjusted


def entries_explain_every_record(_: Company, built: Built) -> None:
    """2. The entries of every record sum to collected less stated."""
    entries: dict[str, Decimal] = defaultdict(Decimal)
    for row in built.rows("bridge_entries"):
        entries[row["record_id"]] += row["amount"]
    for record in built.rows("matched_chain"):
        shortfall = record["collected_value"] - record["stated_value"]
        assert entries.pop(record["record_id"], Decimal(0)) == shortfall, record["record_id"]
    assert entries == {}


def nothing_is_counted_twice(company: Company, built: Built) -> None:
    """3. No payment, order or CRM record is counted twice, however its keys repeat."""
    links = [row for row in built.rows("match_links") if row["link"] != "record_ad"]
    ends = Counter((row["link"].replace("crm_payment", "order_payment"), row["right_id"]) for row in links)
    assert [end for end, count in ends.items() if count > 1] == []
    records = Counter(row["record_id"] for row in built.rows("matched_chain"))
    claimed = {row["right_id"] for row in links if row["link"] == "lead_order"}
    wanted = {f"lead:{row['lead_id']}" for row in current(company, "leads")}
    wanted |= {f"order:{row['order_id']}" for row in counting(company, "orders") if row["order_id"] not in claimed}
    assert records == Counter(wanted)


def every_row_is_accounted_for(company: Company, built: Built) -> None:
    """4. Rows in = current + superseded + quarantined + set aside, per table."""
    for table in VERSIONED_BY:
        if not company[table]:
            continue
        row = built.one("source_totals", source_table=table, measure="rows")
        assert row["source_total"] == len(company[table])
        assert row["accepted"] == len(current(company, table))
        assert row["quarantined"] == sum(not is_good(table, each) for each in company[table])
        assert row["source_total"] == row["accepted"] + row["superseded"] + row["quarantined"]
        assert row["difference"] == 0


def metas_figures_are_the_sources(company: Company, built: Built) -> None:
    """8. Spend, results and attributed value per account and day equal the source's."""
    measures = ("spend", "results", "attributed_value")
    source: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for row in current(company, "meta_insights"):
        sums = source[row["account_id"], row["date"]]
        source[row["account_id"], row["date"]] = [
            one + Decimal(row[name]) for one, name in zip(sums, measures, strict=True)
        ]
    told: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for row in built.rows("platform_performance"):
        sums = told[row["account_id"], str(row["date"])]
        told[row["account_id"], str(row["date"])] = [one + row[name] for one, name in zip(sums, measures, strict=True)]
    assert told == source


def rates_are_shares_or_not_applicable(_: Company, built: Built) -> None:
    """9. A link with nothing to match is not applicable: never 100 %, never a division by zero."""
    by_link: dict[str, list[Row]] = defaultdict(list)
    for row in built.rows("match_coverage"):
        by_link[row["link"]].append(row)
    assert set(by_link) == {"record_ad", "lead_crm", "lead_order", "order_payment", "crm_payment"}
    for link, rows in by_link.items():
        expected = sum(row["records"] for row in rows)
        missed = sum(row["records"] for row in rows if row["match_method"] == "unmatched")
        assert missed == len(built.rows("unmatched_records", link=link))
        if expected:
            assert sum(row["record_rate"] for row in rows) == pytest.approx(1)
        else:
            assert [(row["is_applicable"], row["record_rate"], row["value_rate"]) for row in rows] == [
                (False, None, None)
            ]


def all_cash_is_of_campaigns_of_none_or_of_no_record(_: Company, built: Built) -> None:
    """What the page ties to the bank, by month and over all."""
    rows = built.rows("cash_view")
    for row in rows:
        parts = ("campaign_value_reporting", "no_campaign_value_reporting", "unmatched_value_reporting")
        assert row["collected_value_reporting"] == sum(row[part] for part in parts)
    chain = built.rows("matched_chain")
    assert sum(row["campaign_value_reporting"] for row in rows) == sum(
        row["collected_value"] for row in chain if row["campaign_id"]
    )
    assert sum(row["no_campaign_value_reporting"] for row in rows) == sum(
        row["collected_value"] for row in chain if not row["campaign_id"]
    )
    assert sum(row["unmatched_value_reporting"] for row in rows) == sum(
        row["amount"] for row in built.rows("unmatched_revenue")
    )
    unmatched = {row["source_id"] for row in built.rows("unmatched_records", source_table="payments")}
    assert unmatched == {row["payment_id"] for row in built.rows("payment_money") if row["record_id"] is None}


def rungs_imply_those_below(_: Company, built: Built) -> None:
    for row in built.rows("funnel_performance"):
        counts = [row[rung] for rung in ("captured", "valid", "qualified", "won", "collected")]
        assert counts == sorted(counts, reverse=True)
    for row in built.rows("matched_chain"):
        assert (row["rung"] == "collected") == (row["collected_value"] > 0)


def duplicates_point_to_valid_originals(_: Company, built: Built) -> None:
    repeats = {
        (row["source_table"], row["source_id"]): row["duplicate_of"]
        for row in built.rows("duplicate_records")
        if row["source_table"] != "crm_records"
    }
    for (table, _), original in repeats.items():
        assert (table, original) not in repeats


def checks_of_the_product_agree(_: Company, built: Built) -> None:
    """No blocking check fails, beside those that say what an inbox lacks or that it holds bad rows."""
    about_inputs = ("not_empty", "leads_or_orders", "few_rows_in_quarantine")
    assert [line for line in built.blocked_by() if not any(name in line for name in about_inputs)] == []


ALWAYS: tuple[Callable[[Company, Built], None], ...] = (
    all_cash_is_of_campaigns_of_none_or_of_no_record,
    settled_money_is_linked_or_unmatched,
    every_group_closes,
    lines_are_sums_of_entries,
    the_last_line_is_the_money_of_its_records,
    entries_explain_every_record,
    nothing_is_counted_twice,
    every_row_is_accounted_for,
    metas_figures_are_the_sources,
    rates_are_shares_or_not_applicable,
    rungs_imply_those_below,
    duplicates_point_to_valid_originals,
    checks_of_the_product_agree,
)
POLICIES: tuple[dict[str, Any] | None, ...] = (
    None,
    {"basis": {"include_tax": False, "include_shipping": False}},
    {"reporting_currency": "USD"},
)


def dropped_into(inbox: Path, company: Company) -> None:
    for table, rows in company.items():
        write_csv(inbox / f"{table}.csv", table, rows)


@A_FEW
@given(company=companies(), policy=st.sampled_from(POLICIES))
def test_the_invariants_hold(company: Company, policy: dict[str, Any] | None) -> None:
    if policy and "reporting_currency" in policy:
        company = {**company, "fx_rates": [{**row, "rate": "3.11"} for row in company["fx_rates"]]}
    with TemporaryDirectory() as home:
        bench = Bench(Path(home), policy)
        dropped_into(bench.inbox, company)
        built = bench.build().make_all()
        for holds in ALWAYS:
            holds(company, built)
        bench.close()


LOOKING_BACK: tuple[Callable[[Company, Built], None], ...] = (
    every_group_closes,
    lines_are_sums_of_entries,
    the_last_line_is_the_money_of_its_records,
    entries_explain_every_record,
    checks_of_the_product_agree,
)


@A_FEW
@given(company=companies(), day=st.integers(5, 175))
def test_the_invariants_hold_at_an_instant_in_the_past_and_nothing_after_it_is_there(
    company: Company, day: int
) -> None:
    as_of = OPENED + timedelta(days=day)
    with TemporaryDirectory() as home:
        bench = Bench(Path(home), as_of=as_of)
        dropped_into(bench.inbox, company)
        built = bench.build().make_all()
        for holds in LOOKING_BACK:
            holds(company, built)
        for row in built.rows("source_totals"):
            assert row["difference"] == 0, row
        times = [
            *(
                row[name]
                for row in built.rows("matched_chain")
                for name in ("created_at", "qualified_at", "won_at", "first_paid_at")
            ),
            *(row["opened_at"] for row in built.rows("exceptions")),
            *(row["created_at"] for row in built.rows("unmatched_records")),
        ]
        assert [each for each in times if each and each > as_of] == []
        bench.close()


def without_places(published: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """The published tables without what tells of files; of bad rows their table, column and reason are kept."""
    bad = sorted((row[0], *map(str, row[3:])) for row in published["quarantined_rows"])
    told = [row for row in published["exceptions"] if row[1] != "money_in_quarantine"]
    in_quarantine = [
        (line,) for line in sorted(str(row[4:-1]) for row in published["exceptions"] if row[1] == "money_in_quarantine")
    ]
    return {table: rows for table, rows in published.items() if table != "source_inventory"} | {
        "quarantined_rows": bad,
        "exceptions": [*told, *in_quarantine],
    }


@FEWER
@given(company=companies(), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_and_files_does_not_matter(company: Company, order: Any) -> None:
    """5. Same inputs, policy and as_of give the same published tables, row for row, whatever the file order."""
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        straight, shuffled = Bench(Path(one)), Bench(Path(other))
        dropped_into(straight.inbox, company)
        for table, rows in company.items():
            mixed = order.sample(rows, len(rows))
            cut = order.randint(0, len(rows))
            for name, part in ((f"{table}-b", mixed[:cut]), (f"{table}-a", mixed[cut:])):
                write_csv(shuffled.inbox / f"{name}.csv", table, part)
        expected, found = without_places(straight.build().published()), without_places(shuffled.build().published())
        for table, content in expected.items():
            assert found[table] == content, table
        straight.close()
        shuffled.close()


@FEWER
@given(company=companies())
def test_landing_the_same_again_changes_nothing(company: Company) -> None:
    """6. A second run on the same inputs changes nothing."""
    with TemporaryDirectory() as home:
        bench = Bench(Path(home))
        dropped_into(bench.inbox, company)
        first = bench.build().published()
        again = bench.build()
        assert not any(again.landed.values())
        assert again.published() == first
        bench.close()
