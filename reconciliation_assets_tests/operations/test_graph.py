"""The graph: exactly these assets, checks, jobs, schedules and sensors, each described; a typo would load in silence."""

import re
from pathlib import Path

import dagster as dg
import pytest

from reconciliation_assets import chain
from reconciliation_assets.chain.groups import GROUP_OF
from reconciliation_assets.contracts.glossary import GLOSSARY
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.contracts.outputs import OUTPUT_TABLES
from reconciliation_assets.publish.assets import PUBLISHED
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets.warehouse.query import Query, TableName
from reconciliation_assets_tests.docs.test_docs_match_the_code import anchors
from reconciliation_assets_tests.harness import AS_OF, Bench, drop, policy_file
from reconciliation_assets_tests.rows import lead

LAYERS = {
    "raw": {
        "inbox_files", "raw_meta_insights", "raw_crm_leads", "raw_crm_records", "raw_crm_stage_changes", "raw_orders", "raw_invoices",
        "raw_payments", "raw_transfers", "raw_fx_rates", "raw_manual_matches", "raw_manual_adjustments",
        "raw_validation_verdicts", "raw_method_sign_offs", "raw_period_locks",
    },
    "canonical": {
        "daily_rates", "meta_insights", "leads", "crm_records", "crm_stage_changes", "orders", "invoices", "payments", "transfers",
        "duplicate_payments", "returned_payments", "manual_matches", "manual_adjustments", "validation_verdicts", "method_sign_offs", "period_locks",
    },
    "matching": {
        "duplicate_candidates", "duplicates", "contact_owners", "lead_contact_pairs", "lead_crm_links", "lead_validity", "lead_order_links", "payment_links",
        "captured_records", "ads", "campaigns", "record_ad_links", "record_origins", "match_links", "known_lead_crm",
        "known_lead_order", "named_payments", "matchable_leads", "matchable_crm_records", "matchable_orders", "payables", "matchable_payments",
        "inferred_lead_crm", "inferred_lead_order", "assigned_payments", "backtest_links", "match_backtest", "lead_crm_proposals", "lead_order_proposals", "payment_proposals",
        "match_calibration", "match_standing", "match_reviews", "validation_results", "record_ad_proposals", "unused_decisions",
    },
    "outcomes": {
        "credits", "payment_money", "order_outcomes", "opportunity_outcomes", "record_parts", "record_outcomes", "matched_chain",
        "settlements", "settlement_transfers", "remittances", "remittance_lines",
    },
    "views": {
        "platform_performance", "funnel_performance", "payment_certainty", "collected_performance", "two_numbers",
        "cohort_snapshots", "cash_view", "unmatched_revenue", "record_snapshots", "record_segments", "record_steps",
        "segment_funnel", "segment_collected", "segment_cohorts",
    },
    "bridge": {"bridge_entries", "bridge_groups", "bridge"},
    "governance": {
        "expected_matches", "coverage_things", "match_coverage", "coverage_daily", "coverage_history", "unmatched_records", "duplicate_records", "excluded_records", "source_totals", "quarantined_rows",
        "source_inventory", "field_fill", "policy_choices", "exceptions", "exception_history",
        "lock_register", "locks_in_force", "policy_versions",
        "locked_bridge", "locked_differences", "change_log", "meta_beliefs", "meta_restatements", "validation_samples",
    },
    "decisions": {
        "step_windows", "step_records", "step_counts", "diagnosis", "campaign_weeks", "campaign_load", "budget_actions",
        "anomalies",
    },
    "feedback": {"outcome_events", "capi_deliveries", "capi_outbox"},
    "publish": {"published_copy", "reports", "restricted_contacts"},
}  # fmt: skip
# As the UI shows them; pulls of outside systems, where there are any, are `source_systems`.
GROUPS = {
    *("raw_inputs", "clean_inputs", "matching_candidates", "matching_inference", "matching_links", "matching_proof"),
    *("outcomes", "performance_views", "bridge", "coverage", "data_quality", "change_control", "decisions"),
    *("feedback_to_meta", "published"),
}
RAW = LAYERS["raw"] - {"inbox_files"}
ASSETS = set().union(*LAYERS.values())

CONTRACT = "matched_chain match_links match_coverage unmatched_records duplicate_records platform_performance funnel_performance "
CONTRACT += "collected_performance two_numbers bridge bridge_entries cohort_snapshots cash_view unmatched_revenue "
CONTRACT += "source_totals quarantined_rows exceptions policy_versions"

BESIDE_THE_CONTRACT = {
    *("coverage_daily", "coverage_history", "exception_history", "match_backtest", "match_standing", "match_reviews"),
    *("match_calibration", "segment_funnel", "segment_collected", "segment_cohorts", "diagnosis", "anomalies"),
    "budget_actions",
    *("meta_beliefs", "meta_restatements", "validation_samples", "validation_results"),
    *("locked_bridge", "locked_differences", "change_log"),
    *("capi_outbox", "capi_deliveries"),
    *("source_inventory", "field_fill", "policy_choices", "excluded_records"),
    *("remittances", "remittance_lines", "settlement_transfers"),
}

WITHOUT_A_KEY = {"duplicate_candidates", "contact_owners", "quarantined_rows", *LAYERS["publish"], *LAYERS["raw"]}
WITH_A_ROW_CONTRACT = {
    *RAW,
    *(LAYERS["canonical"] - {"daily_rates"}),
    *CONTRACT.split(),
    *BESIDE_THE_CONTRACT,
    "record_parts",
    "record_outcomes",
    "record_steps",
    "settlements",
    "step_windows",
    "unused_decisions",
}
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


def test_exactly_these_assets_in_these_layers(defs: dg.Definitions) -> None:
    assert {name: spec.tags["layer"] for name, spec in specs(defs).items()} == {
        name: layer for layer, names in LAYERS.items() for name in names
    }
    assert defs.resolve_asset_graph().external_asset_keys == set()


def test_no_group_is_too_large_to_read_and_none_is_called_what_it_was_not_named(defs: dg.Definitions) -> None:
    groups: dict[str, int] = {}
    for spec in specs(defs).values():
        assert spec.group_name
        groups[spec.group_name] = groups.get(spec.group_name, 0) + 1
    assert set(groups) == GROUPS
    assert {name: size for name, size in groups.items() if size > 20} == {}


def test_every_name_in_a_group_is_an_asset(defs: dg.Definitions) -> None:
    assert GROUP_OF.keys() - specs(defs).keys() == set()


def test_exactly_these_checks(defs: dg.Definitions) -> None:
    wanted = {
        *NAMED_CHECKS,
        *((asset, "one_row_per_key") for asset in ASSETS - WITHOUT_A_KEY),
        *((asset, "rows_keep_their_contract") for asset in WITH_A_ROW_CONTRACT),
    }
    assert set(check_specs(defs)) == wanted


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
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == ASSETS
    assert job.executor_def is dg.in_process_executor


def test_the_history_job_is_metas_figures_alone(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("meta_insights_history")
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {"raw_meta_insights"}


def test_nothing_is_made_that_the_published_copy_does_not_wait_for(defs: dg.Definitions) -> None:
    """So a blocking check anywhere keeps the published copy as it was."""
    graph = defs.resolve_asset_graph()
    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey("published_copy"))
    assert {key.to_user_string() for key in ancestors} | {"published_copy", "reports", "restricted_contacts"} == ASSETS


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


def test_the_published_tables_are_the_contracts_and_those_that_explain_them() -> None:
    assert {table.name for table in PUBLISHED} == {*CONTRACT.split(), *BESIDE_THE_CONTRACT}


def test_every_column_of_every_table_has_one_meaning(tmp_path_factory: pytest.TempPathFactory) -> None:
    bench = Bench(tmp_path_factory.mktemp("empty"), as_of=AS_OF)
    drop(bench.inbox, {"leads": [lead("L1")]})
    built = bench.build().make_all()
    names = [TableName(table.layer, table.name) for table in OUTPUT_TABLES]
    unknown = {
        f"{name}.{column}" for name in names for column in built.warehouse.columns(name) if column not in GLOSSARY
    }
    assert unknown == set()
    assert all(meaning.description for meaning in GLOSSARY.values())
    bench.close()


def test_every_asset_promises_to_be_fresh(defs: dg.Definitions) -> None:
    promised = {name for name, spec in specs(defs).items() if spec.freshness_policy}
    assert promised == ASSETS


def test_reporting_days_are_partitions_filled_in_one_run(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    partitioned = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).is_partitioned}
    assert partitioned == {"raw_meta_insights"}
    raw = graph.get(dg.AssetKey("raw_meta_insights"))
    assert isinstance(raw.partitions_def, dg.DailyPartitionsDefinition)
    assert raw.backfill_policy is not None
    assert raw.backfill_policy.max_partitions_per_run is None, "any number of days in a single run"
