"""Reading a written sample company back the way an outsider would: every cell is text, empty cells are None."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

Row = dict[str, str | None]

CENT = Decimal("0.01")
DIRHAMS = {
    "AED": Decimal(1),
    "SAR": Decimal("3.6725") / Decimal("3.75"),
    "KWD": Decimal("11.96"),
    "USD": Decimal("3.6725"),
}
KEYS = {
    "meta_insights": ("account_id", "ad_id", "date", "attribution_setting", "result_type"),
    "leads": ("lead_id",),
    "crm_records": ("crm_id",),
    "crm_stage_changes": ("crm_id", "stage", "entered_at"),
    "orders": ("order_id",),
    "invoices": ("invoice_id",),
    "payments": ("payment_id",),
    "fx_rates": ("date", "currency"),
    "manual_matches": ("link", "left_id", "right_id"),
    "manual_adjustments": ("adjustment_id",),
}


@dataclass(frozen=True)
class Extract:
    home: Path

    @cached_property
    def truth(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads((self.home / "truth.json").read_text())
        return answer

    def rows(self, table: str) -> list[Row]:
        with (self.home / "inbox" / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
            return [{name: value or None for name, value in row.items()} for row in csv.DictReader(lines)]

    def current(self, table: str) -> list[Row]:
        """The latest version of each key."""
        version = "pulled_at" if table == "meta_insights" else "updated_at"
        latest: dict[tuple[str | None, ...], Row] = {}
        for row in self.rows(table):
            key = tuple(row[name] for name in KEYS[table])
            if key not in latest or instant(row[version]) >= instant(latest[key][version]):
                latest[key] = row
        return list(latest.values())


def instant(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)


def dirhams(row: Row) -> Decimal:
    assert row["amount"] is not None
    assert row["currency"] is not None
    return (Decimal(row["amount"]) * DIRHAMS[row["currency"]]).quantize(CENT, ROUND_HALF_EVEN)


def total(amounts: Iterable[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), Decimal(0))
