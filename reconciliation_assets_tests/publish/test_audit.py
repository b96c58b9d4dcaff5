"""The audit: what is defined, delivered, tracked and linked, from the published copy alone, and nothing personal."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.publish.audit import System, render_audit, write_audit
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.figures import Anomaly, Published
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import AS_OF
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.publish.tags import Tags
from reconciliation_assets_tests.rows import insight, lead, order, payment

EMAIL, META_LEAD, CLICK = "somebody.private@example.com", "120345678901234", "IwAR0secretclick"


@pytest.fixture(scope="module")
def troubled(build_once: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with a renamed campaign, an unknown status, a repeated lead, payments of missing orders, and no CRM."""
    built = build_once(
        {
            "meta_insights": [
                insight(campaign_name="UAE | <b>Sofa</b> | AR"),
                insight("2026-03-02", campaign_name="UAE | Chair | AR"),
            ],
            "leads": [
                lead("L1", source="facebook", medium="paid", click_id=CLICK, email=EMAIL, offer="sofa"),
                lead(
                    "L2",
                    "2026-03-02",
                    source="facebook",
                    medium="paid",
                    meta_lead_id=META_LEAD,
                    email=EMAIL,
                    offer="sofa",
                ),
            ],
            "orders": [order("O1", status="Teleported", value=700)],
            "payments": [
                payment("P1", amount=300, order_id="O1"),
                *(payment(f"P{n}", amount=50, order_id=f"WEB-{n}") for n in (2, 3)),
                payment("P4", amount="twelve"),
            ],
        }
    ).make_all()
    path = tmp_path_factory.mktemp("audit") / "reconciliation.duckdb"
    publish(built.warehouse, published_tables(), path)
    return path


@pytest.fixture(scope="module")
def page(troubled: Path) -> str:
    with Published(troubled) as published:
        return render_audit(published, load_policy(None).policy, [System("crm", "hubspot")], AS_OF)


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of a section's table rows."""
    _, _, rest = page.partition(f">{heading}</h")
    section = re.split(r"<h[23]>", rest)[0]
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", section, re.DOTALL)
    cells = (
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
        for row in found
    )
    return list(cells)[1:]


def test_it_needs_no_network_and_no_script(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert not tags.names & {"script", "link", "iframe", "img", "object"}
    assert tags.pointers == []
    assert not re.search(r"url\(|@import|https?://", page)


def test_it_is_readable_in_the_dark_and_on_paper(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_nothing_personal_is_in_it(page: str) -> None:
    assert [secret for secret in (EMAIL, META_LEAD, CLICK) if secret in page] == []


def test_a_name_is_text_whatever_it_looks_like(page: str) -> None:
    assert "was renamed" in page
    assert "&lt;b&gt;Sofa&lt;/b&gt;" in page


def test_what_was_delivered_and_what_was_not_is_listed(page: str) -> None:
    rows = {row[0]: row[1:] for row in rows_of(page, "Systems and what they delivered")}
    assert rows["payments"] == ["file payments.csv", "4", "1", "2026-03-10"]
    assert rows["crm_records"] == ["nothing delivered", "–", "–", "–"]
    assert "fx_rates" not in rows, "rates may be pegged"
    assert "Configured: crm (hubspot)." in page


def test_tracking_is_counted_among_records_from_meta(page: str) -> None:
    tracked = {(row[0], row[1]): row[2:4] for row in rows_of(page, "Tracking of records that came from Meta")}
    assert tracked["leads", "click_id"] == ["2", "50.0%"]


def test_what_stands_out_is_listed_or_told_to_be_nothing(
    page: str, troubled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        "No campaign is overrated by Meta, no form or landing page lost its tracking, no settlement came late." in page
    )
    found = Anomaly("remittance_late", "Remittance S<8> came late.", "Hold the courier to it.", "finance", Decimal(100))
    monkeypatch.setattr(Published, "anomalies", lambda _: [found])
    with Published(troubled) as published:
        html = render_audit(published, load_policy(None).policy, [], AS_OF)
    assert "Remittance S&lt;8&gt; came late." in html


def test_missing_identifiers_are_grouped_without_the_ids(page: str) -> None:
    assert ["payment to order", "names order …, which is not in the orders", "finance", "2", "100.00"] in rows_of(
        page, "Missing identifiers"
    )


def test_rules_to_agree_on_are_unknown_words_and_weighed_choices(page: str) -> None:
    (word,) = rows_of(page, "Words missing from the policy")
    assert word[0].startswith("Status &#34;Teleported&#34;")
    assert word[1:] == ["operations", "1", "700.00"]
    assert {
        row[0]
        for row in rows_of(page, "What the policy&#39;s choices weigh") or rows_of(page, "Effect of each policy choice")
    } >= {
        "basis.include_tax",
        "cohorts.maturity_days",
    }


def test_the_next_steps_begin_with_what_all_rests_on(page: str) -> None:
    steps = rows_of(page, "Next steps")
    assert [row[2] for row in steps[:3]] == ["finance", "data", "data"]
    assert steps[2][1] == "Deliver what is missing: crm_records, crm_stage_changes, invoices"
    assert any(row[1].startswith("Put the unknown order statuses") for row in steps)


def test_a_company_with_nothing_wrong_in_it_is_told_so(published_path: Path) -> None:
    with Published(published_path) as published:
        page = render_audit(published, load_policy(None).policy, [], AS_OF)
    assert "None: the policy knows every stage and status." in page
    assert "No systems are configured" in page


def test_it_is_written_whole_and_the_same_every_time(troubled: Path, tmp_path: Path) -> None:
    for name in ("one.html", "other.html"):
        write_audit(troubled, tmp_path / name, load_policy(None).policy, [], AS_OF)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "other.html"]


def test_the_command_writes_it_or_says_what_is_missing(troubled: Path, tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    told = installation.reconcile("audit")
    assert (told.status, "run `reconcile run` first" in told.text) == (1, True)
    installation.published_path.parent.mkdir()
    installation.published_path.write_bytes(troubled.read_bytes())
    assert installation.reconcile("audit").status == 0
    assert (installation.home / "reports" / "audit.html").is_file()
