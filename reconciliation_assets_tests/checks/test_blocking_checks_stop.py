"""Every blocking check stops what it is there to stop: a table of the sample company is broken, and the check says so.

The checks that judge what was delivered (`not_empty`, `quarantine`, `leads_or_orders`, `rates_known`, the floors, locked
months) are broken by deliveries in `faults/test_stopped_runs.py`, `checks/` and `chain/governance/test_locks.py`.
"""

import shutil
from collections.abc import Iterator
from typing import NoReturn

import pytest

from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.chain.tables import output_tables
from reconciliation_assets.checks.catalog import checks_by_table
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.harness import Bench, Built

CHECKS = {(table, check.name): check for table, checks in checks_by_table().items() for check in checks}
BLOCKING = {key for key, check in CHECKS.items() if check.blocking}

BROKEN_BY_DELIVERIES = {"not_empty", "few_rows_in_quarantine", "leads_or_orders", "rates_known", "locked_months_hold"}


def adding(table: str, *rows: str) -> str:
    """Rows put into a table whose own constraints, where it has any, are taken off first: the check is asked, not they."""
    freed = f"create or replace table {table} as select * from {table}"
    return ";".join([freed, *(f"insert into {table} by name select {row}" for row in rows)])


ANOTHER_LINK = (
    "insert into matching.match_links by name select * replace ('other' as left_id) from matching.match_links"
)
BREAKS = {
    ("bridge", "closes"): "update bridge.bridge set amount = amount + 0.01 where line = 'open'",
    ("bridge_entries", "adds_up_by_record"): "delete from bridge.bridge_entries where line = 'open'",
    ("match_links", "linked_once"): f"{ANOTHER_LINK} where link = 'order_payment' limit 1",
    ("duplicate_records", "one_valid_original"): """
        update governance.duplicate_records set duplicate_of = source_id where source_table = 'leads'
    """,
    ("payment_money", "money_conserved"): """
        delete from outcomes.payment_money where payment_id = (select min(payment_id) from outcomes.payment_money)
    """,
    ("matched_chain", "collected_conserved"): """
        update outcomes.matched_chain set collected_value = collected_value + 0.01 where rung = 'collected'
    """,
    ("source_totals", "rows_as_in_source"): "update governance.source_totals set difference = 1 where measure = 'rows'",
    ("source_totals", "spend_as_in_source"): """
        update governance.source_totals set difference = 0.000001 where source_table = 'meta_insights' and measure <> 'rows'
    """,
    ("source_totals", "orders_as_in_source"): """
        update governance.source_totals set difference = -0.01 where source_table = 'orders' and measure <> 'rows'
    """,
    ("source_totals", "money_as_in_source"): """
        update governance.source_totals set difference = 0.01 where source_table = 'payments' and measure <> 'rows'
    """,
    ("platform_performance", "totals_tie_by_account_and_day"): """
        update views.platform_performance set spend = spend + 0.01 where date = (select max(date) from current.meta_insights)
    """,
    ("meta_restatements", "believed_now"): """
        update governance.meta_restatements set results = results + 1 where period_kind = 'day'
    """,
    **{
        (table, "adds_up_by_segment"): f"update views.{table} set {column} = {column} + 1"
        for table, column in (
            ("segment_funnel", "captured"),
            ("segment_collected", "collected_value"),
            ("segment_cohorts", "captured"),
        )
    },
    **{
        (table.name, "one_row_per_key"): adding(f"{table.layer}.{table.name}", *2 * [f"null as {table.key[0]}"])
        for table in output_tables().values()
        if table.key
    },
    **{
        (table.raw_asset, "rows_keep_their_contract"): adding(f"raw.{table.raw_asset}", f"null as {table.required[0]}")
        for table in INPUT_TABLES
    },
    **{
        (table.name, "rows_keep_their_contract"): adding(
            f"{table.layer}.{table.name}",
            f"null as {table.required[0]}" if table.required else f"'no such word' as {next(iter(table.words))}",
        )
        for table in output_tables().values()
        if table.required or table.words
    },
}


class PutBackError(Exception):
    """Leaves the transaction in which a table was broken."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    home = tmp_path_factory.mktemp("sample")
    shutil.copytree(PROJECT_ROOT / "data/sample/inbox", home / "inbox")
    bench = Bench(home)
    yield bench.build().make_all()
    bench.close()


def test_every_blocking_check_is_broken_here_or_by_a_delivery() -> None:
    by_delivery = {key for key in BLOCKING if key[1] in BROKEN_BY_DELIVERIES or key[1].endswith("_above_floor")}
    assert set(BREAKS) | by_delivery == BLOCKING
    assert set(output_tables()) >= {table for table, _ in BREAKS if not table.startswith("raw_")}


def test_on_the_sample_every_blocking_check_holds(sample: Built) -> None:
    assert sample.blocked_by() == []


@pytest.mark.parametrize(
    ("table", "check"), sorted(BREAKS), ids=[f"{table}.{check}" for table, check in sorted(BREAKS)]
)
def test_a_broken_table_is_stopped(sample: Built, table: str, check: str) -> None:
    context = RunContext(sample.warehouse, sample.loaded, sample.as_of)

    def break_and_ask() -> NoReturn:
        with sample.warehouse.transaction():
            sample.warehouse.execute(BREAKS[table, check])
            answers.append(CHECKS[table, check].ask(context))
            raise PutBackError

    answers = []
    with pytest.raises(PutBackError):
        break_and_ask()
    (answer,) = answers
    assert (answer.passed, answer.severity) == (False, "ERROR")
    assert "report" in answer.message.lower() or table in answer.message or "duplicate" in answer.message.lower()
