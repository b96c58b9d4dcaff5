"""What checks and plots ask of computed tables is as portable as the queries: an engine other than DuckDB answers it too."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciliation_assets.chain.plots import PLOTS
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.chain.tables import output_tables
from reconciliation_assets.checks.catalog import checks_by_table
from reconciliation_assets.warehouse.duckdb import DuckDB
from reconciliation_assets.warehouse.spark_sql import NotPortableError, to_spark
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import crm, insight, lead, lock, order, payment

COMPANY = {
    "meta_insights": [insight()],
    "leads": [lead("L1")],
    "crm_records": [crm("C1", lead_id="L1")],
    "orders": [order("O1", lead_id="L1")],
    "payments": [payment("P1", order_id="O1")],
    "period_locks": [lock()],
}


@pytest.fixture
def asked(build: Build, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every question of a check of a computed table, and of a plot."""
    built = build(COMPANY).make_all()
    questions: list[str] = []

    def listening(answer: Callable[..., Any]) -> Callable[..., Any]:
        def asked_and_answered(warehouse: DuckDB, sql: str, *rest: Any) -> Any:
            questions.append(sql)
            return answer(warehouse, sql, *rest)

        return asked_and_answered

    for method in ("arrow", "batches"):
        monkeypatch.setattr(DuckDB, method, listening(getattr(DuckDB, method)))
    answer_rows = DuckDB.rows
    # DuckDB answers some of its own methods by statements of its own; those are not the chain's.
    monkeypatch.setattr(DuckDB, "columns", lambda warehouse, table: _columns(answer_rows, warehouse, table))
    monkeypatch.setattr(DuckDB, "exists", lambda *_: True)
    monkeypatch.setattr(DuckDB, "rows", listening(answer_rows))
    context = RunContext(built.warehouse, built.loaded, built.as_of)
    for table, checks in checks_by_table().items():
        if table in output_tables() and table != "policy_versions":
            for check in checks:
                check.ask(context)
    for plot in PLOTS.values():
        plot(built.warehouse)
    return questions


def _columns(rows: Callable[..., Any], warehouse: DuckDB, table: Any) -> dict[str, str]:
    return {name: kind for name, kind, *_ in rows(warehouse, f"describe {table}")}


def test_every_construct_asked_with_is_known_to_mean_the_same_on_spark(asked: list[str]) -> None:
    assert len(asked) > len(output_tables())
    unknown = set()
    for question in asked:
        try:
            to_spark(question)
        except NotPortableError as problem:
            unknown.add(str(problem))
    assert unknown == set()
