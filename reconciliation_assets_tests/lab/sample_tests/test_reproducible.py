"""The same spec gives the same bytes; another instant shows the same company earlier or later in its life."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from reconciliation_assets_tests.lab.sample import CompanySpec
from reconciliation_assets_tests.lab.sample_tests.conftest import SMALL, written
from reconciliation_assets_tests.lab.sample_tests.reading import Extract, instant

EARLIER = replace(SMALL, as_of=datetime.fromisoformat("2026-04-20T09:30:00+03:00"))


def files(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    return written(EARLIER, tmp_path_factory.mktemp("earlier"))


def test_same_spec_same_bytes(small: Extract, tmp_path: Path) -> None:
    assert files(written(SMALL, tmp_path).home) == files(small.home)


def test_another_seed_is_another_company(small: Extract, tmp_path: Path) -> None:
    other = files(written(replace(SMALL, seed=SMALL.seed + 1), tmp_path).home)
    for table in ("leads", "crm_records", "orders", "payments", "meta_insights"):
        assert other[f"inbox/{table}.csv"] != (small.home / "inbox" / f"{table}.csv").read_bytes()


@pytest.mark.parametrize(("table", "key"), [("leads", "lead_id"), ("crm_records", "crm_id"), ("orders", "order_id")])
def test_an_earlier_extract_holds_exactly_what_had_happened(
    small: Extract, earlier: Extract, table: str, key: str
) -> None:
    happened = {row[key] for row in small.rows(table) if instant(row["created_at"]) <= EARLIER.as_of}
    assert {row[key] for row in earlier.rows(table)} == happened
    assert 0 < len(happened) < len({row[key] for row in small.rows(table)})


def test_an_order_keeps_its_facts_while_it_moves_on(small: Extract, earlier: Extract) -> None:
    later = {row["order_id"]: row for row in small.current("orders")}
    before = earlier.current("orders")
    facts = ("created_at", "gross_value", "email", "phone", "full_name", "campaign_id", "lead_id")
    assert all(row[name] == later[row["order_id"]][name] for row in before for name in facts)
    assert any(row["status"] != later[row["order_id"]]["status"] for row in before)


def test_pending_money_settles_under_the_same_number(small: Extract, earlier: Extract) -> None:
    later = {row["payment_id"]: row["status"] for row in small.current("payments")}
    pending = {row["payment_id"] for row in earlier.current("payments") if row["status"] == "pending"}
    assert {later[number] for number in pending} >= {"settled"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"orders": 50}, "at least 100 orders"),
        ({"days": 3}, "at least 30 days"),
        ({"as_of": datetime(2026, 7, 1)}, "needs an offset"),  # noqa: DTZ001
    ],
)
def test_an_impossible_company_is_refused_in_plain_words(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CompanySpec(**{"orders": 500, **change})  # type: ignore[arg-type]
