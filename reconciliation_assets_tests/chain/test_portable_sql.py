"""Every query is in the portable subset of SQL: DuckDB runs it today, Spark can tomorrow (design decision 2)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from reconciliation_assets import chain
from reconciliation_assets.chain.tables import output_tables
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.tables import policy_parameters
from reconciliation_assets.warehouse.query import Query
from reconciliation_assets.warehouse.spark_sql import spark_text, tables_of

FILES = sorted(Path(str(chain.__file__)).parent.glob("*/*.sql"))

# The last word of every order of rows that are numbered: with the columns before it, no two rows of a window share it.
ENDS_A_TOTAL_ORDER = {
    *(
        "left_id",
        "right_id",
        "ad_id",
        "campaign_id",
        "campaign_name",
        "crm_id",
        "lead_id",
        "link",
        "order_id",
        "payment_id",
        "row_number",
    ),
    *("match_method", "locked_by"),
}
ORDERED_LIST_AGGREGATES = (exp.ArrayAgg, exp.GroupConcat)

pytestmark = pytest.mark.parametrize("query", [Query.read(path) for path in FILES], ids=lambda query: str(query.target))


def test_it_is_one_select_that_makes_a_table_of_the_contract(query: Query) -> None:
    assert len(sqlglot.parse(query.sql, dialect="duckdb")) == 1
    assert isinstance(query.tree, exp.Select | exp.SetOperation)
    assert output_tables()[query.target.name].layer == query.target.layer


def test_it_says_what_it_makes(query: Query) -> None:
    assert query.description.endswith((".", ":"))


def test_it_uses_nothing_that_only_duckdb_knows(query: Query) -> None:
    assert query.tree.find(exp.Qualify) is None
    for star in query.tree.find_all(exp.Star):
        assert not any(star.args.values()), "EXCLUDE or REPLACE"
    for aggregate in query.tree.find_all(*ORDERED_LIST_AGGREGATES):
        assert aggregate.find(exp.Order) is None, "an ordered list aggregate"


def test_its_numbered_rows_are_in_a_total_order(query: Query) -> None:
    for window in query.tree.find_all(exp.Window):
        if not isinstance(window.this, exp.RowNumber):
            continue
        order = window.args.get("order")
        assert order is not None, window.sql()
        last = order.expressions[-1].this
        assert isinstance(last, exp.Column), window.sql()
        assert last.name in ENDS_A_TOTAL_ORDER, window.sql()


def test_it_takes_only_parameters_that_the_policy_gives(query: Query) -> None:
    given = policy_parameters(load_policy(None), datetime.now(UTC))
    assert query.parameters <= given.keys()
    assert bool(query.parameters) == ("$" in query.sql)


def test_every_construct_of_it_is_known_to_mean_the_same_on_spark(query: Query) -> None:
    spark = spark_text(query.sql, lambda table: f"company_{table.layer}.{table.name}")
    assert isinstance(sqlglot.parse_one(spark, dialect="spark"), exp.Select | exp.SetOperation)
    assert tables_of(query.sql) == set(query.reads)
