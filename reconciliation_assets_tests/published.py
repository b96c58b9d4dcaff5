"""A small company's published copy, with a campaign Meta claims, one that shares 15 digits with it, and organic orders."""

from pathlib import Path

import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.copy import publish
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import insight, order, payment

TWINS = ("120210000000000001", "120210000000000002")
NAME = "=1+1 <b>Eid</b>"


@pytest.fixture(scope="module")
def published_path(build_once: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    one, other = TWINS
    built = build_once(
        {
            "meta_insights": [
                insight(campaign_id=one, campaign_name=NAME, ad_id="A1", results=3, attributed_value=900),
                insight("2026-06-10", campaign_id=one, campaign_name=NAME, ad_id="A1", results=0, attributed_value=0),
                insight(campaign_id=other, campaign_name="Oud*", ad_id="A2", results=1, attributed_value=50),
            ],
            "orders": [
                order("O1", campaign_id=one, ad_id="A1", gross_value=400, status="delivered"),
                order("O2", campaign_id=one, ad_id="A1", gross_value=250, status="cancelled"),
                order("O3", campaign_id=other, ad_id="A2", gross_value=100.10, status="delivered"),
                order("O4", gross_value=77, status="delivered"),
            ],
            "payments": [
                payment("P1", order_id="O1", amount=400),
                payment("P2", order_id="O1", amount=30, kind="refund"),
                payment("P3", order_id="O3", amount=60.05),
                payment("P4", order_id="O4", amount=77),
            ],
        }
    ).make_all()
    path = tmp_path_factory.mktemp("published") / "reconciliation.duckdb"
    publish(built.warehouse, published_tables(), path)
    return path
