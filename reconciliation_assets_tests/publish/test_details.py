"""What the report opens on a click adds up to the published bridge, and leads from a line to a record and its chain."""

import json
import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish import details
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.details import details_of_file, entries, records
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.report import render_report
from reconciliation_assets.publish.words import LINE_MEANINGS, LINES
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import AS_OF
from reconciliation_assets_tests.rows import adjustment, crm, insight, lead, order, payment, refund

WRITE = FigureFormatter("AED", "en_AE")


@pytest.fixture(scope="module")
def company(build_once: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two campaigns in two months with markets, offers, refunds, adjustments, lost and invalid records, and organic orders."""
    ads = {"campaign_id": "C1", "ad_id": "A1"}
    built = build_once(
        {
            "meta_insights": [
                insight(campaign_id="C1", campaign_name="</script>Eid", ad_id="A1", results=5, attributed_value=900),
                insight(
                    "2026-04-02", campaign_id="C2", campaign_name="Oud", ad_id="A2", results=1, attributed_value=70
                ),
            ],
            "leads": [
                lead("L1", **ads, stated_value="1000", market="AE", offer="course"),
                lead("L2", **ads, stated_value="300", market="SA", offer="course"),
            ],
            "crm_records": [
                crm("D1", stage="won", lead_id="L1", final_value="900", won_at="2026-03-09T10:00:00+04:00"),
                crm("D2", stage="lost", lead_id="L2"),
            ],
            "orders": [
                order("O1", value="400", **ads, market="AE"),
                order("O2", value="250", **ads, status="cancelled", market="SA"),
                order("O3", "2026-04-05", value="100.10", campaign_id="C2", ad_id="A2"),
                order("O4", value="77"),
            ],
            "payments": [
                payment("P1", order_id="O1", amount="400"),
                refund("P2", order_id="O1", amount="30"),
                payment("P3", "2026-04-09", order_id="O3", amount="60.05"),
                payment("P4", order_id="O4", amount="77"),
                payment("P5", crm_id="D1", amount="136.15", currency="USD", fee="2.5"),
            ],
            "manual_adjustments": [
                adjustment("J1", "-12.5", campaign_id="C1"),
                adjustment("J2", "4", "2026-04-15", campaign_id="C2"),
            ],
        }
    ).make_all()
    path = tmp_path_factory.mktemp("published") / "reconciliation.duckdb"
    publish(built.warehouse, published_tables(), path)
    return path


def in_page(path: Path) -> dict[str, Any]:
    """The details as the file carries them."""
    with Published(path) as published:
        html = render_report(published, AS_OF, "en_AE")
    found = re.search(r'<script type="application/json" id="details">(.*?)</script>', html)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def bridge(path: Path) -> dict[tuple[str, str | None, str], tuple[int, int]]:
    """Thousandths and records of every line of every month and campaign, from the published bridge."""
    with Published(path) as published:
        return {
            (f"{each.month:%Y-%m}", each.campaign_id, each.line): (int(each.amount * 1000), each.records)
            for each in published.bridge_by_month()
        }


def test_the_sums_in_the_page_are_the_published_bridge_line_by_line(company: Path) -> None:
    sums: dict[tuple[str, str | None, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for month, campaign, _, _, line, amount, number, _ in in_page(company)["sums"]:
        if line != "stated":
            before = sums[month, campaign, line]
            sums[month, campaign, line] = before[0] + amount, before[1] + number
    published = bridge(company)
    assert {key: sums[key] for key in published} == published
    assert {key for key, value in sums.items() if value != (0, 0)} <= set(published)


def test_the_entries_of_every_line_add_up_to_it(company: Path) -> None:
    lines: dict[str, int] = defaultdict(int)
    for (_, _, line), (amount, _) in bridge(company).items():
        lines[line] += amount
    shown = in_page(company)["entries"]
    assert {line: sum(row[6] for row in shown.get(line, [])) for line in LINES} == lines
    assert lines["manual_adjustment"] == -8_500
    assert all(abs(rows[at][6]) >= abs(rows[at + 1][6]) for rows in shown.values() for at in range(len(rows) - 1))


def test_what_is_left_of_a_market_goes_from_stated_to_its_records_money(company: Path) -> None:
    of_market: dict[str, int] = defaultdict(int)
    for _, _, market, _, line, amount, _, _ in in_page(company)["sums"]:
        if market == "AE":
            of_market[line] += amount
    with Published(company) as published:
        stated, collected = published.rows(
            "select sum(stated_value), sum(collected_value) from reporting.matched_chain where market = 'AE'"
        )[0]
    assert (of_market.pop("stated"), of_market.pop("collected")) == (stated * 1000, collected * 1000)
    assert stated * 1000 + sum(of_market.values()) == collected * 1000
    assert set(of_market) <= {"open", "returned_refunded_failed", "value_and_basis"}


def test_a_records_card_shows_its_chain_from_ad_to_cash_with_the_evidence_of_each_link(company: Path) -> None:
    found = in_page(company)["records"]
    assert [link[:4] for link in found["lead:L1"]["links"]] == [
        ["record_ad", "lead:L1", "A1", "exact_id"],
        ["lead_crm", "L1", "D1", "exact_id"],
        ["crm_payment", "D1", "P5", "exact_id"],
    ]
    assert found["lead:L1"]["links"][1][5] == "CRM record names lead L1"
    assert [link[:3] for link in found["order:O1"]["links"]] == [
        ["record_ad", "order:O1", "A1"],
        ["order_payment", "O1", "P1"],
        ["order_payment", "O1", "P2"],
    ]
    for record in found.values():
        explained = sum(entry[1] for entry in record["entries"])
        assert record["stated_value"] + explained == record["collected_value"]


def test_a_records_card_shows_each_payment_in_its_own_and_in_the_reporting_currency(company: Path) -> None:
    found = in_page(company)["records"]
    assert found["order:O1"]["payments"] == [
        ["P1", "payment", "2026-03-10", "400.00 AED", "", 400_000, "O1", "400.00 AED"],
        ["P2", "refund", "2026-03-20", "-30.00 AED", "", -30_000, "O1", "-30.00 AED"],
    ]
    assert found["lead:L1"]["payments"] == [
        ["P5", "payment", "2026-03-10", "136.15 USD", "2.50 USD", 500_010, "D1", ""],
    ]
    for record in found.values():
        assert sum(row[5] for row in record["payments"]) == record["collected_value"]


def test_a_large_company_gets_the_largest_entries_and_their_records_alone(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = in_page(company)
    monkeypatch.setattr(details, "ENTRIES_IN_FILE", 1)
    monkeypatch.setattr(details, "SUMS_IN_FILE", 1)
    cut = in_page(company)
    assert cut["entries"] == {line: rows[:1] for line, rows in whole["entries"].items()}
    assert set(cut["records"]) == {rows[0][0] for rows in cut["entries"].values()} - {None}
    assert not cut["by_segment"]
    assert {sum_[2] for sum_ in cut["sums"]} == {None}
    assert sum(sum_[5] for sum_ in cut["sums"]) == sum(sum_[5] for sum_ in whole["sums"])


def test_a_server_answers_page_by_page_what_the_file_holds_whole(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(details, "ENTRIES_PER_PAGE", 1)
    with Published(company) as published:
        whole = details_of_file(published, WRITE, AS_OF.tzinfo)
        for line, rows in whole["entries"].items():
            of_campaigns = [row for row in rows if row[3] is not None]
            assert [entries(published, line, {}, at) for at in range(len(of_campaigns))] == [
                [row] for row in of_campaigns
            ]
        assert [row[0] for row in entries(published, "collected", {"campaign": ""}, 0)] == ["order:O4"]
        assert [row[0] for row in entries(published, "collected", {"campaign": "C2", "month": "2026-04"}, 0)] == [
            "order:O3"
        ]
        assert [row[0] for row in entries(published, "collected", {"market": "AE", "offer": ""}, 0)] == ["order:O1"]
        assert entries(published, "collected", {"campaign": "' or 1=1 --"}, 0) == []
        assert records(published, ["lead:L1"], WRITE, AS_OF.tzinfo)["lead:L1"] == whole["records"]["lead:L1"]


@pytest.mark.parametrize(("currency", "locale"), [("AED", "en_AE"), ("KWD", "fr"), ("AED", "de_DE"), ("AED", "ar_AE")])
def test_the_script_has_the_marks_by_which_money_is_written(currency: str, locale: str) -> None:
    write = FigureFormatter(currency, locale)
    marks = write.marks()
    decimals = "568" if marks["digits"] == 3 else "57"
    assert write.money(Decimal("-1234.5678")) == f"{marks['minus']}1{marks['group']}234{marks['decimal']}{decimals}"


def test_every_line_is_defined_as_the_documentation_defines_it() -> None:
    text = (PROJECT_ROOT / "docs/definitions/bridge.md").read_text("utf-8")
    assert dict(re.findall(r"^\| \d+ \| `(\w+)` \| \S+ \| (.+) \|$", text, re.MULTILINE)) == LINE_MEANINGS
