"""What DuckDB's words become on Spark, and what is refused because it could mean something else there."""

import pytest

from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets.warehouse.spark_sql import NotPortableError, spark_text, tables_of


def on_spark(expression: str) -> str:
    return spark_text(f"select {expression} as x from canonical.orders", lambda table: f"c_{table.layer}.{table.name}")


@pytest.mark.parametrize(
    ("in_duckdb", "in_spark"),
    [
        pytest.param("round_even(a, 2)", "BROUND(a, 2)", id="exact halves go to the even digit"),
        pytest.param("a / b", "CAST(a AS DOUBLE) / CAST(b AS DOUBLE)", id="a quotient is a double"),
        pytest.param("avg(a)", "AVG(CAST(a AS DOUBLE))", id="a mean is a double"),
        pytest.param("cast(a as bigint)", "CAST(ROUND(a) AS BIGINT)", id="a cast to whole numbers rounds"),
        pytest.param(
            "date_diff('day', a, b)",
            "CAST(DATEDIFF(CAST(b AS DATE), CAST(a AS DATE)) AS BIGINT)",
            id="days are the midnights between two instants",
        ),
        pytest.param("date_diff('second', a, b)", "(UNIX_SECONDS(b) - UNIX_SECONDS(a))", id="whole seconds"),
        pytest.param("a - to_days(3)", "a - MAKE_DT_INTERVAL(3)", id="a number of days"),
        pytest.param("epoch(a)", "(CAST(UNIX_MICROS(a) AS DOUBLE) / 1000000.0D)", id="seconds keep their fraction"),
        pytest.param("epoch_ms(a)", "UNIX_MILLIS(a)", id="milliseconds of an instant"),
        pytest.param("a at time zone 'Asia/Dubai'", "FROM_UTC_TIMESTAMP(a, 'Asia/Dubai')", id="a local clock"),
        pytest.param(
            "timezone('Asia/Dubai', a)", "TO_UTC_TIMESTAMP(a, 'Asia/Dubai')", id="an instant of a local clock"
        ),
        pytest.param("array_length(list_distinct(a))", "SIZE(ARRAY_DISTINCT(a))", id="elements of a list"),
        pytest.param("a[1]", "GET(a, 0)", id="an element that is not there is nothing"),
        pytest.param("strftime(a, '%Y-%m')", "DATE_FORMAT(a, 'yyyy-MM')", id="a month"),
        pytest.param("lower(a)", "LOWER(REPLACE(a, 'İ', 'i'))", id="one letter stays one letter"),
    ],
)
def test_it_says_the_same_in_other_words(in_duckdb: str, in_spark: str) -> None:
    assert on_spark(in_duckdb) == f"SELECT {in_spark} AS x FROM c_canonical.orders"


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("date_part('year', a)", id="a function of which no rule says anything"),
        pytest.param("strftime(a, '%H')", id="a clock time, written otherwise"),
        pytest.param("some_new_function(a)", id="a function that nobody knows"),
        pytest.param("cast(created_at as varchar)", id="an instant as a text"),
        pytest.param("date_diff('month', a, b)", id="months, counted otherwise"),
        pytest.param(r"regexp_replace(a, '(x)', '\1', 'g')", id="a back reference"),
        pytest.param("len(list_distinct(a))", id="the length of a list, which is taken for that of a text"),
        pytest.param("a[b]", id="an element at a place that is not written out"),
    ],
)
def test_what_could_mean_something_else_is_an_error(expression: str) -> None:
    with pytest.raises(NotPortableError):
        on_spark(expression)


def test_it_knows_the_tables_that_a_statement_reads() -> None:
    sql = "with c as (select 1 as n) select n from c join canonical.orders using (n) join policy.links using (n)"
    assert tables_of(sql) == {TableName("canonical", "orders"), TableName("policy", "links")}
