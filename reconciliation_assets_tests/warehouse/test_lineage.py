"""Which columns a column's values come from."""

from reconciliation_assets.warehouse.lineage import column_lineage
from reconciliation_assets.warehouse.query import Query, TableName

ORDERS, PAYMENTS = TableName("canonical", "orders"), TableName("canonical", "payments")
SCHEMA = (
    (ORDERS, (("order_id", "VARCHAR"), ("rate", "DECIMAL(18,8)"))),
    (PAYMENTS, (("order_id", "VARCHAR"), ("amount", "DECIMAL(18,6)"), ("kind", "VARCHAR"))),
)
SQL = """
with money as (
  select order_id, sum(case when kind = 'payment' then amount else -amount end) as amount
  from canonical.payments group by order_id
)
select o.order_id, m.amount * o.rate as value, 'AED' as currency
from canonical.orders o left join money m on m.order_id = o.order_id
"""


def test_values_are_followed_through_parts_of_the_query() -> None:
    lineage = column_lineage(Query(TableName("outcomes", "x"), SQL), SCHEMA)
    assert lineage["order_id"] == [(ORDERS, "order_id")]
    assert lineage["value"] == [(ORDERS, "rate"), (PAYMENTS, "amount"), (PAYMENTS, "kind")]
    assert lineage["currency"] == []


def test_both_sides_of_a_union_count() -> None:
    sql = "select order_id from canonical.orders union all select order_id from canonical.payments"
    assert column_lineage(Query(TableName("outcomes", "x"), sql), SCHEMA)["order_id"] == [
        (ORDERS, "order_id"),
        (PAYMENTS, "order_id"),
    ]
