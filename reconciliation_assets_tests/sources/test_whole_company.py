"""All systems out of one sources file, under faults: the tables equal a faultless run's and their IDs meet."""

from pathlib import Path

import yaml

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.connector import Row
from reconciliation_assets.sources.registry import load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets_tests.sources.conftest import rows_of
from reconciliation_assets_tests.standin.faults import Fault, FaultKind
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import sources_yaml

Tables = dict[str, list[Row]]


def pulled(tmp_path: Path, text: str) -> Tables:
    file = tmp_path / "sources.yaml"
    file.write_text(text, encoding="utf-8")
    tables: Tables = {}
    for connector in load_connectors(file, FileTokenStore(tmp_path / "tokens"), load_policy(None).policy):
        for table, rows in rows_of(connector).items():
            tables.setdefault(table, []).extend({**row, "pulled_at": None} for row in rows)
    return tables


def ids(rows: list[Row], column: str) -> set[str]:
    return {value for row in rows if (value := row.get(column)) is not None}


def test_every_table_of_the_chain_comes_from_live_sources(standin: Standin, tmp_path: Path) -> None:
    tables = pulled(tmp_path, sources_yaml(standin))
    assert {table: len(rows) > 0 for table, rows in tables.items()} == dict.fromkeys(
        ("meta_insights", "leads", "crm_records", "crm_stage_changes", "orders", "payments"), True
    )


def test_the_ids_of_different_systems_meet(standin: Standin, tmp_path: Path) -> None:
    tables = pulled(tmp_path, sources_yaml(standin))
    assert ids(tables["payments"], "order_id") <= ids(tables["orders"], "order_id")
    assert ids(tables["crm_records"], "meta_lead_id") <= ids(tables["leads"], "meta_lead_id")
    assert ids(tables["crm_records"], "merged_into") <= ids(tables["crm_records"], "crm_id")
    assert ids(tables["crm_stage_changes"], "crm_id") <= ids(tables["crm_records"], "crm_id")
    assert ids(tables["leads"], "ad_id") <= ids(tables["meta_insights"], "ad_id")


def test_the_money_that_arrives_is_the_money_the_company_moved(standin: Standin, tmp_path: Path) -> None:
    payments = pulled(tmp_path, sources_yaml(standin))["payments"]
    told = {(row["order_id"], row["kind"]) for row in payments if row["status"] == "settled"}
    kinds = {"captured": "payment", "refunded": "refund", "disputed": "chargeback", "credited": "credit"}
    moved = {
        (str(order.number), kinds[money.kind])
        for order in standin.company.orders
        for money in order.money
        # Only Stripe tells disputes; an authorisation moves nothing.
        if money.kind in kinds and (money.kind != "disputed" or money.provider == "stripe")
    }
    assert told == moved


def test_a_run_under_faults_equals_a_faultless_one(standin: Standin, tmp_path: Path) -> None:
    faultless = pulled(tmp_path, sources_yaml(standin))
    kinds: tuple[FaultKind, ...] = ("rate_limited", "server_error", "cut_body", "wrong_json", "repeated_page")
    standin.plan(*(Fault(kinds[n % len(kinds)], nth=3 + 7 * n) for n in range(25)))
    assert pulled(tmp_path, sources_yaml(standin)) == faultless


def test_two_shops_of_a_kind_are_kept_apart_by_a_prefix(standin: Standin, tmp_path: Path) -> None:
    (entry,) = yaml.safe_load(sources_yaml(standin, "woocommerce"))["sources"]
    two = [entry, {**entry, "name": "second", "id_prefix": "kw2-"}]
    orders = pulled(tmp_path, yaml.safe_dump({"sources": two}))["orders"]
    first = {order_id for order_id in ids(orders, "order_id") if not order_id.startswith("kw2-")}
    assert ids(orders, "order_id") == first | {f"kw2-{order_id}" for order_id in first}
    assert {bool(str(row["customer_id"]).startswith("kw2-")) for row in orders if row["customer_id"]} == {True, False}
