"""The graph: exactly these assets, checks, jobs, schedules and sensors, each described; a typo would load in silence."""

import re
from pathlib import Path

import dagster as dg
import pytest

from reconciliation_assets import chain
from reconciliation_assets.chain.python_tables import python_tables
from reconciliation_assets.chain.tables import output_tables, published_tables
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets.warehouse.query import Query
from reconciliation_assets_tests.docs.markdown import anchors
from reconciliation_assets_tests.harness import policy_file
from reconciliation_assets_tests.operations.asset_groups import GROUPS

RAW = {
    *("raw_meta_insights", "raw_crm_leads", "raw_crm_records", "raw_crm_stage_changes", "raw_orders", "raw_invoices"),
    *("raw_payments", "raw_transfers", "raw_fx_rates", "raw_manual_matches", "raw_manual_adjustments"),
    *("raw_validation_verdicts", "raw_method_sign_offs", "raw_period_locks"),
}
PUBLISH = {"published_copy", "reports", "restricted_contacts"}
# Tables without a file of their name: kept beside the policy, or made by the query of another table.
WITHOUT_A_FILE = {
    "policy_versions": "governance",
    "lead_order_proposals": "matching",
    "lead_order_links": "matching",
}
CONTRACT = "matched_chain match_links match_coverage unmatched_records duplicate_records platform_performance funnel_performance "
CONTRACT += "collected_performance two_numbers bridge bridge_entries cohort_snapshots cash_view unmatched_revenue "
CONTRACT += "source_totals quarantined_rows exceptions policy_versions"

NAMED_CHECKS = {
    *((asset, "few_rows_in_quarantine") for asset in RAW),
    *(
        (f"raw_{name}", "newest_row_is_recent")
        for name in ("meta_insights", "crm_leads", "crm_records", "orders", "payments")
    ),
    ("raw_meta_insights", "not_empty"),
    ("raw_payments", "not_empty"),
    ("inbox_files", "files_recognised"),
    ("captured_records", "leads_or_orders"),
    ("daily_rates", "rates_known"),
    ("policy_versions", "version_names_its_definitions"),
    ("match_links", "linked_once"),
    ("match_standing", "methods_hold"),
    ("validation_results", "reviewers_agree"),
    ("meta_restatements", "believed_now"),
    ("locked_differences", "locked_months_hold"),
    ("duplicate_records", "one_valid_original"),
    ("duplicate_records", "merges_resolved"),
    ("source_totals", "rows_as_in_source"),
    ("source_totals", "spend_as_in_source"),
    ("source_totals", "orders_as_in_source"),
    ("source_totals", "money_as_in_source"),
    ("platform_performance", "totals_tie_by_account_and_day"),
    ("payment_money", "money_conserved"),
    ("matched_chain", "collected_conserved"),
    *((f"segment_{view}", "adds_up_by_segment") for view in ("funnel", "collected", "cohorts")),
    ("bridge", "closes"),
    ("bridge_entries", "adds_up_by_record"),
    *(
        (table, f"{link}_{holds}")
        for table, holds in (("match_coverage", "above_floor"), ("coverage_daily", "has_not_fallen"))
        for link in ("record_ad", "lead_crm", "lead_order", "order_payment", "crm_payment")
    ),
}
TOLD_ONLY = {
    "files_recognised",
    "newest_row_is_recent",
    "merges_resolved",
    "methods_hold",
    "reviewers_agree",
    *(name for _, name in NAMED_CHECKS if name.endswith("_has_not_fallen")),
}


def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def check_specs(defs: dg.Definitions) -> dict[tuple[str, str], dg.AssetCheckSpec]:
    graph = defs.resolve_asset_graph()
    found = (graph.get_check_spec(key) for key in graph.asset_check_keys)
    return {(spec.asset_key.to_user_string(), spec.name): spec for spec in found}


def test_every_file_of_a_layer_is_an_asset_and_nothing_else_is(defs: dg.Definitions) -> None:
    folder = Path(chain.__path__[0])
    queries = {path.stem: path.parent.name for path in folder.glob("*/*.sql")}
    made_in_python = {table.name: table.layer for table in python_tables()}
    assert {name: spec.tags["layer"] for name, spec in specs(defs).items()} == {
        **queries,
        **WITHOUT_A_FILE,
        **made_in_python,
        "inbox_files": "raw",
        **dict.fromkeys(RAW, "raw"),
        **dict.fromkeys(PUBLISH, "publish"),
    }
    assert defs.resolve_asset_graph().external_asset_keys == set()


def test_no_group_is_too_large_to_read_and_none_is_called_what_it_was_not_named(defs: dg.Definitions) -> None:
    groups: dict[str, int] = {}
    for spec in specs(defs).values():
        assert spec.group_name
        groups[spec.group_name] = groups.get(spec.group_name, 0) + 1
    assert set(groups) == GROUPS
    assert {name: size for name, size in groups.items() if size > 20} == {}


def test_exactly_these_checks(defs: dg.Definitions) -> None:
    tables = output_tables().values()
    wanted = {
        *NAMED_CHECKS,
        *((table.name, "one_row_per_key") for table in tables if table.key),
        *((asset, "rows_keep_their_contract") for asset in RAW),
        *((table.name, "rows_keep_their_contract") for table in tables if table.required or table.words),
    }
    assert set(check_specs(defs)) == wanted


def test_rows_without_a_key_are_told_apart_by_nothing() -> None:
    without = {table.name for table in output_tables().values() if not table.key}
    assert without == {"duplicate_candidates", "contact_owners", "quarantined_rows"}


def test_every_check_blocks_except_those_that_only_tell(defs: dg.Definitions) -> None:
    assert {name for (_, name), spec in check_specs(defs).items() if not spec.blocking} == TOLD_ONLY


def test_every_check_says_what_must_hold(defs: dg.Definitions) -> None:
    assert [key for key, spec in check_specs(defs).items() if not (spec.description or "").endswith(".")] == []


def test_exactly_these_jobs_schedules_and_sensors(defs: dg.Definitions) -> None:
    jobs = {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert jobs == {"daily_reconciliation", "meta_insights_history"}
    assert {schedule.name for schedule in defs.schedules or ()} == {"daily"}
    assert {sensor.name for sensor in defs.sensors or ()} == {
        "new_files_in_inbox",
        "exception_digests",
        "match_rate_alerts",
        "source_alerts",
        "check_alerts",
        "run_alerts",
        "stale_copy_alerts",
    }


def test_the_daily_job_is_everything(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("daily_reconciliation")
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == specs(defs).keys()
    assert job.executor_def is dg.in_process_executor


def test_the_history_job_is_metas_figures_alone(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("meta_insights_history")
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {"raw_meta_insights"}


def test_nothing_is_made_that_the_published_copy_does_not_wait_for(defs: dg.Definitions) -> None:
    """So a blocking check anywhere keeps the published copy as it was."""
    graph = defs.resolve_asset_graph()
    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey("published_copy"))
    assert {key.to_user_string() for key in ancestors} | PUBLISH == specs(defs).keys()


def test_every_asset_says_what_it_is_and_who_answers_for_it(defs: dg.Definitions) -> None:
    for name, spec in specs(defs).items():
        assert spec.description, name
        assert spec.owners, name
        assert all(re.fullmatch(r"team:[a-z-]+", owner) for owner in spec.owners), name
        assert spec.kinds, name


def test_every_asset_names_the_page_that_defines_it(defs: dg.Definitions) -> None:
    for name, spec in specs(defs).items():
        pages = [spec.metadata["definition"].value]
        if spec.tags.get("published"):
            pages.append(spec.metadata["columns explained"].value)
        for page in pages:
            path, _, anchor = page.partition("#")
            assert (PROJECT_ROOT / path).is_file(), (name, page)
            assert not anchor or anchor in anchors(PROJECT_ROOT / path), (name, page)


def test_pages_and_owners_are_links_where_the_installation_says_where_they_are(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciliation_assets.build import build_defs

    monkeypatch.setenv("RECON_DOCS_URL", "https://git.example.com/recon/blob/main/")
    policy_file(home, {"owners": {"contacts": {"finance": "mailto:finance@example.com"}}})
    metadata = specs(build_defs())["bridge"].metadata
    assert metadata["definition"].url == "https://git.example.com/recon/blob/main/docs/definitions/bridge.md"
    assert metadata["ask finance"].url == "mailto:finance@example.com"


@pytest.mark.parametrize(
    "query",
    [Query.read(path) for path in sorted(Path(chain.__path__[0]).glob("*/*.sql"))],
    ids=lambda query: query.target.name,
)
def test_upstream_is_what_the_sql_reads(defs: dg.Definitions, query: Query) -> None:
    raw_of = {table.name: table.raw_asset for table in INPUT_TABLES}
    wanted = set()
    for table in query.reads:
        if table.layer == "current":
            wanted.add(raw_of[table.name])
        elif table.layer == "policy":
            wanted.add("policy_versions")
        elif table.layer == "raw" and not table.name.startswith("raw_"):
            wanted |= RAW
        else:
            wanted.add(table.name)
    assert {dep.asset_key.to_user_string() for dep in specs(defs)[query.target.name].deps} == wanted


def test_the_tables_of_the_contract_are_published() -> None:
    assert set(CONTRACT.split()) <= {table.name for table in published_tables()}


def test_every_asset_promises_to_be_fresh(defs: dg.Definitions) -> None:
    promised = {name for name, spec in specs(defs).items() if spec.freshness_policy}
    assert promised == specs(defs).keys()


def test_reporting_days_are_partitions_filled_in_one_run(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    partitioned = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).is_partitioned}
    assert partitioned == {"raw_meta_insights"}
    raw = graph.get(dg.AssetKey("raw_meta_insights"))
    assert isinstance(raw.partitions_def, dg.DailyPartitionsDefinition)
    assert raw.backfill_policy is not None
    assert raw.backfill_policy.max_partitions_per_run is None, "any number of days in a single run"
