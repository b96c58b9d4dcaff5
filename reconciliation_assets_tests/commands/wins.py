"""A company with outcomes that Meta can be told of, and what its warehouse notes of the telling."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.copy import publish
from reconciliation_assets_tests.harness import KEY, Bench
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.rows import crm, insight, lead, payment

# By the real clock: Meta judges ages by its own, so the command does too.
NOW = datetime.now(UTC).replace(microsecond=0)
PHONE = "+971501234567"
WINS = 4
POLICY = {"capi": {"hashed_contacts": True, "events": {"qualified": {"lead": None}}}}


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def with_wins(home: Path) -> Installation:
    """A company with three wins Meta knows by lead ID and one that only a contact identifies, as a run leaves it."""
    installation = Installation(home, NOW.isoformat(), RECON_CONTACT_KEY=KEY.decode())
    ids = [f"12034567890123{number}" for number in range(3)]
    leads = [lead(f"L{n}", ago(6), meta_lead_id=ids[n], consent="true") for n in range(3)]
    leads.append(lead("L3", ago(6), phone=PHONE, market="AE", consent="true"))
    installation.drop(
        {
            "meta_insights": [insight(ago(5)[:10])],
            "leads": leads,
            "crm_records": [
                crm(f"D{n}", ago(5), "won", lead_id=f"L{n}", won_at=ago(2), final_value=100 * (n + 1)) for n in range(4)
            ],
            "payments": [payment("P1", ago(1), 50, crm_id="D0")],
        }
    )
    bench = Bench(home, POLICY, NOW)
    built = bench.build().make_all()
    built.warehouse.execute(f"attach '{home / 'warehouse.duckdb'}' as kept")
    built.warehouse.execute("copy from database memory to kept")
    publish(built.warehouse, published_tables(), installation.published_path)
    bench.close()
    return installation


def log(installation: Installation) -> dict[str, tuple[Any, ...]]:
    """What is noted of each event: answer, Meta's error and attempts."""
    with duckdb.connect(str(installation.home / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select record_id, answer, answer_code, attempts from feedback.capi_deliveries order by record_id"
        ).fetchall()
    return {record: rest for record, *rest in rows}
