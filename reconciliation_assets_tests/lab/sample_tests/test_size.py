"""A company has the size asked for, and a small one stays small enough to be committed."""

import pytest

from reconciliation_assets_tests.lab.sample_tests.conftest import LARGER, SMALL
from reconciliation_assets_tests.lab.sample_tests.reading import Extract


@pytest.mark.parametrize(("name", "orders"), [("small", SMALL.orders), ("larger", LARGER.orders)])
def test_sizes_follow_the_number_of_orders(request: pytest.FixtureRequest, name: str, orders: int) -> None:
    extract: Extract = request.getfixturevalue(name)
    leads = {row["lead_id"] for row in extract.rows("leads")}
    settled = {row["payment_id"] for row in extract.current("payments") if row["status"] == "settled"}
    assert len({row["order_id"] for row in extract.rows("orders")}) == orders
    assert 0.42 * orders < len(leads) < 0.58 * orders
    assert 0.95 * orders < len(settled) < 1.2 * orders


def test_a_small_company_takes_less_than_a_megabyte_and_a_half(small: Extract) -> None:
    assert sum(path.stat().st_size for path in small.home.rglob("*") if path.is_file()) < 1_500_000


def test_insights_grow_slowly(small: Extract, larger: Extract) -> None:
    orders = LARGER.orders / SMALL.orders
    assert 1 < len(larger.rows("meta_insights")) / len(small.rows("meta_insights")) < orders / 3
