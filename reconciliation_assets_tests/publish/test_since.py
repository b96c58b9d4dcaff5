"""What changed between two runs is told as a bridge that adds up, step by step, from the earlier figures to the later."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.copy import previous_of, publish
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.report import render_report
from reconciliation_assets.publish.since import ChangesSince, since
from reconciliation_assets.publish.words import STEPS
from reconciliation_assets_tests.harness import AS_OF, Bench, Company, drop
from reconciliation_assets_tests.rows import adjustment, insight, order, payment

ADS: dict[str, Any] = {"campaign_id": "C1", "ad_id": "A1"}


def of_ads(day: str, value: str, pulled: str) -> dict[str, Any]:
    return insight(day, **ADS, attributed_value=value, pulled_at=f"2026-{pulled}T06:00:00+04:00")


FIRST: Company = {
    "meta_insights": [of_ads("2026-03-01", "900", "03-02"), of_ads("2026-03-02", "50", "03-03")],
    "orders": [order("O1", value="400", **ADS), order("O2", value="80"), order("O3", value="30", **ADS)],
    "payments": [payment("P1", order_id="O1", amount="100"), payment("P2", order_id="O2", amount="80")],
}
SECOND: Company = {
    "meta_insights": [
        *(
            of_ads("2026-03-01", "870", "04-02"),
            of_ads("2026-03-02", "50", "03-03"),
            of_ads("2026-03-03", "7", "04-02"),
        ),
    ],
    "orders": [
        *(order("O1", value="400", **ADS), order("O2", value="80", **ADS), order("O3", value="30", **ADS)),
        order("O4", value="60", **ADS),
    ],
    "payments": [
        *(payment("P1", order_id="O1", amount="100"), payment("P2", order_id="O2", amount="80")),
        *(payment("P3", order_id="O1", amount="20.5"), payment("P4", order_id="O4", amount="60")),
    ],
    "manual_adjustments": [adjustment("J1", "-12.5", campaign_id="C1")],
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy of the second run, with that of the first beside it."""
    home = tmp_path_factory.mktemp("company")
    bench = Bench(home)
    path = home / "published" / "reconciliation.duckdb"
    for company in (FIRST, SECOND):
        drop(bench.inbox, company)
        built = bench.build().make_all()
        publish(built.warehouse, published_tables(), path)
    bench.close()
    return path


def changes(path: Path) -> ChangesSince:
    with Published(path) as opened:
        found = since(opened, previous_of(path))
    assert found
    return found


def test_each_step_says_what_moved_and_by_how_much(published: Path) -> None:
    found = changes(published)
    assert [(STEPS[step.kind], step.amount, step.things) for step in found.platform] == [
        ("Previous run", Decimal(950), 0),
        ("days newly reported by Meta", Decimal(7), 1),
        ("days restated by Meta", Decimal(-30), 1),
        ("This run", Decimal(927), 0),
    ]
    assert [(STEPS[step.kind], step.amount, step.things) for step in found.collected] == [
        ("Previous run", Decimal(100), 0),
        ("new records", Decimal(60), 1),
        ("records now matched to a campaign", Decimal(80), 1),
        ("payments, refunds and new matches of known records", Decimal("20.5"), 1),
        ("manual adjustments", Decimal("-12.5"), 1),
        ("This run", Decimal(248), 0),
    ]


def test_the_steps_add_up_to_the_published_bridge(published: Path) -> None:
    with Published(published) as opened:
        bridge = {each.line: each.amount for each in opened.bridge()}
    found = changes(published)
    for steps, line in ((found.platform, "platform_attributed"), (found.collected, "collected")):
        assert sum(step.amount for step in steps[:-1]) == steps[-1].amount == bridge[line]


def test_the_page_tells_it_and_is_silent_where_there_was_no_run_before(published: Path, tmp_path: Path) -> None:
    with Published(published) as opened:
        html = render_report(opened, AS_OF, "en_AE")
    section = html.partition("What changed since the last run")[2].partition("</section>")[0]
    assert "days restated by Meta" in section
    assert ">-30.00<" in section
    alone = tmp_path / "reconciliation.duckdb"
    alone.write_bytes(published.read_bytes())
    with Published(alone) as opened:
        assert "What changed since" not in render_report(opened, AS_OF, "en_AE")


def test_a_copy_that_an_older_version_made_is_not_compared(published: Path, tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "old.duckdb")).close()
    with Published(published) as opened:
        assert since(opened, tmp_path / "old.duckdb") is None
