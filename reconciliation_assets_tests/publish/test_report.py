"""The report: it says what was published, holds nothing else, and opens without a network."""

import base64
import hashlib
import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.details import embedded
from reconciliation_assets.publish.figures import Anomaly, Bottleneck, BridgeLine, Published
from reconciliation_assets.publish.geometry import waterfall
from reconciliation_assets.publish.report import render_report, write_report
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import AS_OF
from reconciliation_assets_tests.publish.tags import Tags
from reconciliation_assets_tests.rows import insight, order, payment


def render(path: Path, locale: str = "en_AE", as_of: datetime = AS_OF) -> str:
    with Published(path) as published:
        return render_report(published, as_of, locale)


def test_it_needs_no_network_and_runs_no_script_but_its_own(published_path: Path) -> None:
    html = render(published_path)
    tags = Tags()
    tags.feed(html)
    assert {"table", "svg"} <= tags.names
    assert not tags.names & {"link", "iframe", "img", "object"}
    assert tags.pointers == []
    assert not re.search(r"url\(|@import|https?://", html)
    data, script = re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL)
    json.loads(data)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'\""
        in html
    )


def test_the_numbers_are_those_published(published_path: Path) -> None:
    html = render(published_path)
    with Published(published_path) as published:
        for line in published.bridge():
            assert f">{FigureFormatter('AED', 'en_AE').money(line.amount)}<" in html, line
    assert "950.00" in html, "what Meta attributes"
    assert "430.05" in html, "what was collected of campaigns: 400 - 30 + 60.05"


def test_findings_and_budgets_are_those_published(published_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Bottleneck(
        "low win rate", "Owner <sara>: 10 % were won.", "price", "Ask.", "sales-operations", Decimal("1234.5")
    )
    assert "No segment loses significantly more records" in render(published_path)
    monkeypatch.setattr(Published, "findings", lambda _: [found])
    html = render(published_path)
    assert "Owner &lt;sara&gt;: 10 % were won." in html
    assert "1,234.50" in html
    with Published(published_path) as published:
        actions = published.budget_actions()
    assert actions
    assert all(each.reason.replace("'", "&#39;") in html for each in actions)


def test_a_name_is_text_whatever_it_looks_like(published_path: Path) -> None:
    html = render(published_path)
    assert "=1+1 &lt;b&gt;Eid&lt;/b&gt;" in html
    assert "<b>Eid" not in html


def test_a_name_in_the_details_ends_no_script() -> None:
    name = "</script><!--<script>alert(1)</script>"
    text = str(embedded({"name": name}))
    assert "<" not in text
    assert json.loads(text) == {"name": name}


def test_the_page_that_finance_signs_says_whose_figures_of_when_and_under_which_policy(published_path: Path) -> None:
    with Published(published_path) as published:
        html = render_report(published, AS_OF, "en_AE", "Oud <House>")
        version = published.policy_version()
    facts = " ".join(re.sub(r"<[^>]+>", " ", html.partition("</header>")[0].rpartition("<dl")[2]).split())
    assert "Company Oud &lt;House&gt; Cohort months March 2026 to June 2026 Reporting currency AED" in facts
    assert f"Policy {version}, approved by product defaults" in facts
    assert "Company" not in render(published_path).partition("</header>")[0]


def test_tables_of_campaigns_and_months_end_with_their_totals(published_path: Path) -> None:
    html = render(published_path)
    for heading, totals in {
        "Attributed and collected by campaign": ["All campaigns", "300.00", "950.00", "430.05", "3.17", "1.43"],
        "By cohort month": ["All", "300.00", "950.00", "430.05"],
        "What Meta reports (an estimate)": ["All", "300.00", "4", "950.00"],
        "What the CRM and the shop record (records)": ["All", "4", "4", "3", "3", "3"],
        "What finance collected (cash)": ["All", "507.05", "30.00", "3"],
    }.items():
        table = html.partition(f">{heading}</h")[2].partition("</table>")[0]
        last = table.rpartition('<tr class="end">')[2]
        assert [cell for cell in re.sub(r"<[^>]+>", "|", last).split("|") if cell.strip()] == totals, heading


def test_a_cohort_that_is_not_old_enough_is_marked(published_path: Path) -> None:
    with Published(published_path) as published:
        snapshots = published.snapshots()
    assert [(each.start.month, each.is_complete) for each in snapshots if each.maturity_day == 90] == [
        (3, True),
        (6, False),
    ]
    assert render(published_path).count("<span>immature</span></td>") == sum(not each.is_complete for each in snapshots)


def test_cash_ties_and_every_month_has_its_own(published_path: Path) -> None:
    html = render(published_path)
    assert "507.05 = 430.05 from campaigns + 77.00 from records without a campaign + 0.00 without a record" in html
    with Published(published_path) as published:
        months = published.cash()
    assert [(each.total, each.of_campaigns, each.without_campaign, each.cohort) for each in months] == [
        (Decimal("507.05"), Decimal("430.05"), Decimal(77), Decimal("430.05")),
        (0, 0, 0, 0),
    ]


def test_a_tile_shows_the_mature_months_beside_the_whole(published_path: Path) -> None:
    html = render(published_path)
    assert "Mature months only" in html
    assert "430.05 collected of 200.00 spent" in html
    assert "March 2026, with 66.7% of the spend. Other months will still change" in html


def test_every_closed_month_is_listed_and_no_open_one(build: Build, tmp_path: Path) -> None:
    built = build(
        {
            "meta_insights": [
                insight(f"2026-0{month}-01", attributed_value=value, pulled_at=f"2026-{pulled}T06:00:00+04:00")
                for month, value, pulled in [
                    (3, 1000, "03-02"),
                    (3, 900, "06-02"),
                    (4, 500, "04-02"),
                    (6, 100, "06-02"),
                    (6, 300, "06-09"),
                ]
            ],
            "orders": [order("O1")],
            "payments": [payment("P1", order_id="O1")],
        }
    ).make_all()
    path = tmp_path / "reconciliation.duckdb"
    publish(built.warehouse, published_tables(), path)
    with Published(path) as published:
        moved = {each.month.month: each.moved_since_close for each in published.closed_months()}
    assert moved == {3: -100, 4: 0}
    _, _, section = render(path).partition("Closed months")
    assert "April 2026" in section.partition("</section>")[0]
    assert "June 2026" not in section.partition("</section>")[0]


def test_what_stands_out_is_told(published_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Anomalies" not in render(published_path)
    found = Anomaly("tracking_lost", "Form <7> lost its tracking.", "Look.", "marketing", Decimal("1234.5"))
    monkeypatch.setattr(Published, "anomalies", lambda _: [found])
    html = render(published_path)
    assert "Form &lt;7&gt; lost its tracking." in html
    assert "1,234.50" in html


def test_it_says_what_meta_could_be_told_and_why_the_rest_not(published_path: Path) -> None:
    _, _, section = render(published_path).partition("Outcomes for Meta")
    assert "no consent is recorded, and the policy asks for it" in section
    assert "<code>capi_outbox</code>" in section


def test_the_same_copy_and_instant_give_the_same_bytes(published_path: Path, tmp_path: Path) -> None:
    for name in ("one.html", "other.html"):
        write_report(published_path, tmp_path / name, AS_OF, "en_AE")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "other.html"]


@pytest.mark.parametrize(
    ("currency", "locale", "written"),
    [
        ("AED", "en_AE", "-1,234.57"),
        ("KWD", "en_AE", "-1,234.568"),
        ("BHD", "en_GB", "-1,234.568"),
        ("OMR", "en", "-1,234.568"),
        ("AED", "de_DE", "-1.234,57"),
        ("AED", "ar_AE", "\u200e-1,234.57"),
    ],
)
def test_an_amount_has_its_currencys_decimals_and_its_locales_marks(currency: str, locale: str, written: str) -> None:
    assert FigureFormatter(currency, locale).money(Decimal("-1234.5678")) == written


def test_a_step_of_the_waterfall_begins_where_the_one_before_ended() -> None:
    lines = [
        BridgeLine("platform_attributed", Decimal(100), 1),
        BridgeLine("valuation", Decimal(100), 1),
        BridgeLine("open", Decimal(-150), 1),
        BridgeLine("collected", Decimal(50), 1),
    ]
    assert [(bar.left, bar.left + bar.width, bar.kind) for bar in waterfall(lines)] == [
        (0, 0.5, "total"),
        (0.5, 1, "gain"),
        (0.25, 1, "loss"),
        (0, 0.25, "total"),
    ]


def test_a_waterfall_that_falls_below_zero_stays_in_its_frame() -> None:
    lines = [BridgeLine("platform_attributed", Decimal(100), 1), BridgeLine("open", Decimal(-150), 1)]
    assert [(bar.left, bar.left + bar.width) for bar in waterfall(lines)] == [
        (pytest.approx(1 / 3), pytest.approx(1)),
        (0, pytest.approx(1)),
    ]
