"""How much is pulled again: as the settings say, which matters where a system lists by creation and tells no time of change."""

from datetime import timedelta

import pytest

from reconciliation_assets.sources.connector import Window
from reconciliation_assets.sources.errors import Misconfigured
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.standin.company import AS_OF, Order
from reconciliation_assets_tests.standin.server import Standin

LISTED_BY_CREATION = {"salla": "SA", "tap": "KW", "tabby": "AE", "tamara": "SA"}
NEXT_DAY = AS_OF + timedelta(days=1)


def bought_long_ago(standin: Standin, source_type: str) -> Order:
    """A paid order of the source's market, made a hundred days ago."""
    orders = standin.company.orders_in(LISTED_BY_CREATION[source_type])
    order = next(order for order in orders if order.money and source_type in {"salla", order.money[0].provider})
    order.created -= timedelta(days=100)
    for money in order.money:
        money.at -= timedelta(days=100)
    return order


@pytest.mark.parametrize("source_type", LISTED_BY_CREATION)
def test_a_late_change_is_seen_as_far_back_as_the_settings_say(
    standin: Standin, connect: Connect, source_type: str
) -> None:
    order = bought_long_ago(standin, source_type)
    settings = {"orders_from": "salla"} if source_type == "tamara" else {}
    for days, seen in ((None, False), (180, True)):
        connector = connect(source_type, overlap_days=days, **settings)
        (rows,) = rows_of(connector, Window(AS_OF - connector.overlap, NEXT_DAY)).values()
        assert (str(order.number) in {row["order_id"] for row in rows}) is seen


def test_meta_is_never_pulled_again_for_less_than_it_restates(connect: Connect) -> None:
    with pytest.raises(Misconfigured, match="overlap_days"):
        connect("meta_insights", overlap_days=7)
    assert connect("meta_insights", overlap_days=35).overlap == timedelta(days=35)
