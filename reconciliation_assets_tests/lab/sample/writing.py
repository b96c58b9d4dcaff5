"""Writing a sample company: its tables into an inbox, and the truth beside it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from reconciliation_assets_tests.lab.sample.arrays import random_stream
from reconciliation_assets_tests.lab.sample.company import Company, plan_company
from reconciliation_assets_tests.lab.sample.noise import damage
from reconciliation_assets_tests.lab.sample.spec import CompanySpec
from reconciliation_assets_tests.lab.sample.tables.crm_records import crm_records
from reconciliation_assets_tests.lab.sample.tables.crm_stage_changes import crm_stage_changes
from reconciliation_assets_tests.lab.sample.tables.fx_rates import fx_rates
from reconciliation_assets_tests.lab.sample.tables.invoices import invoices
from reconciliation_assets_tests.lab.sample.tables.leads import leads
from reconciliation_assets_tests.lab.sample.tables.manual import manual_adjustments, manual_matches
from reconciliation_assets_tests.lab.sample.tables.meta_insights import meta_insights
from reconciliation_assets_tests.lab.sample.tables.orders import orders
from reconciliation_assets_tests.lab.sample.tables.payments import payments
from reconciliation_assets_tests.lab.sample.truth import true_answer, true_links

TABLES: dict[str, Callable[[Company], pa.Table]] = {
    "meta_insights": meta_insights,
    "leads": leads,
    "crm_records": crm_records,
    "crm_stage_changes": crm_stage_changes,
    "orders": orders,
    "invoices": invoices,
    "payments": payments,
    "fx_rates": fx_rates,
    "manual_matches": manual_matches,
    "manual_adjustments": manual_adjustments,
}
MOST_ORDERS_WITH_LINKS_IN_JSON = 50_000

_PLAIN = csv.WriteOptions(quoting_style="none", quoting_header="none", batch_size=8_192)


def write_company(spec: CompanySpec, out: Path) -> None:
    """Write a company's extracts and its truth.

    Writes `out/inbox/<table>.csv` and `out/truth.json`; for more than 50,000 orders the true links go to
    `out/truth_links.parquet` (link, left_id, right_id, true_method) and stay out of the JSON.

    Args:
        spec: the company; equal specs give equal bytes.
        out: the folder; made where it is missing, files of the same names in it are replaced.

    Raises:
        OSError: the folder cannot be written.
    """
    company = plan_company(spec)
    noise = random_stream(spec.seed, "noise")
    inbox = out / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    for name, table in TABLES.items():
        rows = damage(noise, spec.noise, name, table(company))
        csv.write_csv(rows, inbox / f"{name}.csv", _PLAIN)
    answer, links = true_answer(company), true_links(company)
    if spec.orders > MOST_ORDERS_WITH_LINKS_IN_JSON:
        parquet.write_table(links, out / "truth_links.parquet")
    else:
        answer["links"] = _by_kind(links)
    (out / "truth.json").write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")


def _by_kind(links: pa.Table) -> dict[str, list[list[Any]]]:
    kinds: dict[str, list[list[Any]]] = {}
    for link, *pair in zip(*(column.to_pylist() for column in links.columns), strict=True):
        kinds.setdefault(link, []).append(pair)
    return kinds
