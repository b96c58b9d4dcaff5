"""A source that is empty or old is told by its own rhythm, so that a quiet day warns nobody and a broken filter does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from reconciliation_assets.chain.raw.landing import land_pull
from reconciliation_assets.chain.raw.pull_cadence import pull_cadence, why_empty_is_suspicious, why_stale
from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.sources.connector import Batch, Window
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.warehouse.duckdb import DuckDB

START = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LEADS = [INPUT_TABLE["leads"]]


@pytest.fixture
def warehouse() -> Iterator[DuckDB]:
    with duckdb.connect() as connection:
        yield DuckDB(connection)


def land(warehouse: DuckDB, source: str, days: list[float]) -> None:
    rows = [{"lead_id": f"{source}{day}", "created_at": (START + day * DAY).isoformat()} for day in days]
    protector = ContactProtector(b"a key for tests")
    land_pull(warehouse, source, [Batch("leads", rows)], LEADS, START + 30 * DAY, protector, lambda _: "UTC")


def judged(warehouse: DuckDB, since: float, until: float) -> str | None:
    window = Window(START + since * DAY, START + until * DAY)
    return why_empty_is_suspicious(pull_cadence(warehouse, "forms", LEADS, window), window)


EVERY_DAY_BUT_ONE_WEEKEND = [float(day) for day in range(30) if day not in (12, 13)]


def test_an_empty_window_no_longer_than_usual_pauses_is_quiet(warehouse: DuckDB) -> None:
    land(warehouse, "forms", EVERY_DAY_BUT_ONE_WEEKEND)
    assert judged(warehouse, since=29.5, until=32) is None


def test_a_pause_longer_than_any_before_is_strange(warehouse: DuckDB) -> None:
    land(warehouse, "forms", EVERY_DAY_BUT_ONE_WEEKEND)
    assert judged(warehouse, since=29.5, until=33) == (
        "it has been quiet for 4.0 days, and never paused for longer than 3.0 days"
    )


def test_an_answer_without_rows_that_were_there_before_is_strange(warehouse: DuckDB) -> None:
    land(warehouse, "forms", EVERY_DAY_BUT_ONE_WEEKEND)
    assert judged(warehouse, since=28, until=30) == "earlier pulls brought records of 2 moments of the same window"


def test_a_source_with_little_past_is_not_judged_by_it(warehouse: DuckDB) -> None:
    land(warehouse, "forms", [0.0, 1.0, 2.0])
    assert judged(warehouse, since=2.5, until=20) is None


def test_one_source_is_not_judged_by_the_records_of_another(warehouse: DuckDB) -> None:
    land(warehouse, "forms", EVERY_DAY_BUT_ONE_WEEKEND)
    land(warehouse, "forms_too", [29.9])
    assert pull_cadence(warehouse, "forms", LEADS, Window(None, START + 30 * DAY)).newest == START + 29 * DAY


def test_a_source_is_fresh_up_to_its_limit_and_stale_past_it(warehouse: DuckDB) -> None:
    land(warehouse, "forms", [0.0])
    known = pull_cadence(warehouse, "forms", LEADS, Window(None, START + 3 * DAY))
    assert why_stale(known, START + 3 * DAY, 3 * DAY) is None
    assert why_stale(known, START + 4 * DAY, 3 * DAY) == (
        "its newest record is of 2026-06-01 00:00 UTC, 4.0 days old, and the limit is 3.0 days"
    )


def test_a_source_that_never_delivered_is_not_fresh(warehouse: DuckDB) -> None:
    known = pull_cadence(warehouse, "forms", LEADS, Window(None, START))
    assert why_stale(known, START, 3 * DAY) == "it has never delivered a record"
