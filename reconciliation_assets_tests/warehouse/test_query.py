"""What a query reads, takes and says comes from its own text."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp

from reconciliation_assets.chain.queries import queries
from reconciliation_assets.warehouse.macros import written_out
from reconciliation_assets.warehouse.query import Query, TableName

SQL = """-- Orders with their money,
-- one by one.
with paid as (
  select order_id, sum(amount) as amount from canonical.payments where paid_at < $as_of group by order_id
)
-- not part of the description
select o.order_id, p.amount, r.rate * p.amount as value, 'from canonical.leads' as words
from canonical.orders o
left join paid p on p.order_id = o.order_id
left join (select rate from policy.pegged_rates where currency = $reporting_currency) r on true
"""


def query() -> Query:
    return Query(TableName("outcomes", "order_money"), SQL)


def test_it_reads_the_tables_of_its_text_and_not_its_own_parts() -> None:
    assert query().reads == (
        TableName("canonical", "orders"),
        TableName("canonical", "payments"),
        TableName("policy", "pegged_rates"),
    )


@pytest.mark.parametrize("table", queries(), ids=str)
def test_the_tables_it_reads_are_those_that_the_parser_finds(table: TableName) -> None:
    read = queries()[table]
    assert read.reads == tuple(
        sorted({TableName(each.db, each.name) for each in read.tree.find_all(exp.Table) if each.db})
    )


def test_its_parameters_are_those_it_names() -> None:
    assert query().parameters == {"as_of", "reporting_currency"}


def test_its_description_is_the_comment_at_its_head() -> None:
    assert query().description == "Orders with their money, one by one."


def test_a_macro_of_a_file_is_written_out_for_every_engine(tmp_path: Path) -> None:
    path = tmp_path / "matching" / "links.sql"
    path.parent.mkdir()
    path.write_text("select k.confidence * share_of_candidates(k.candidates) as match_confidence from canonical.k k")
    assert Query.read(path).sql == (
        "select k.confidence * (0.5 + 0.5 / k.candidates) as match_confidence from canonical.k k"
    )


def test_the_parameters_of_a_macro_are_those_of_the_query(tmp_path: Path) -> None:
    path = tmp_path / "views" / "texts.sql"
    path.parent.mkdir()
    path.write_text("select amount_text(p.amount, $reporting_currency) as written from canonical.payments p")
    assert Query.read(path).parameters == {"reporting_currency", "three_decimal_currencies"}


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("12.345", "KWD", "12.345"),
        ("12.300", "KWD", "12.300"),
        ("12.345", "AED", "12.35"),
        ("-0.500", "AED", "-0.50"),
        ("12.3", None, "12.30"),
        (None, "KWD", None),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency(
    amount: str | None, currency: str | None, written: str | None
) -> None:
    sql = written_out(
        "select amount_text(a.amount, a.currency) from (select $amount as amount, $currency as currency) a"
    )
    given = {"amount": amount and Decimal(amount), "currency": currency, "three_decimal_currencies": "BHD KWD"}
    assert duckdb.execute(sql, given).fetchall() == [(written,)]


def test_a_file_is_named_for_the_table_it_makes(tmp_path: Path) -> None:
    path = tmp_path / "views" / "cash_view.sql"
    path.parent.mkdir()
    path.write_text("select 1 as one")
    assert Query.read(path).target == TableName("views", "cash_view")
    assert str(Query.read(path).target) == "views.cash_view"
