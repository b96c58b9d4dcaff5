"""Compare two policies on the same inputs: what a new policy would change, before it is approved.

Both run in temporary folders, on a copy of the warehouse and the current inbox. The installation, its warehouse and its
published copy are only read.
"""

import secrets
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from reconciliation_assets.chain.raw.landing import land_all
from reconciliation_assets.chain.raw.stocktaking import take_stock
from reconciliation_assets.chain.raw.versions import LANDINGS
from reconciliation_assets.chain.rebuild import rebuild
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.catalog import checks_by_table
from reconciliation_assets.operations.instance import run_lock
from reconciliation_assets.policy.load import LoadedPolicy, load_policy
from reconciliation_assets.policy.tables import policy_definitions
from reconciliation_assets.settings import Settings
from reconciliation_assets.sources.files import discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.protect import ContactProtector, load_contact_key
from reconciliation_assets.warehouse.duckdb import DuckDB, connect

_FIGURES = {
    "lines": """
        select strftime(period_start, '%Y-%m'), campaign_id, line_order, line, amount from bridge.bridge
    """,
    "rungs": "select '', '', 0, rung, count(*) from outcomes.matched_chain group by rung",
    "links": "select link, '', 0, match_method, count(*) from matching.match_links group by link, match_method",
}


@dataclass(frozen=True)
class Definition:
    """A definition that differs; for a list of words, one word added or removed."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ComparedFigure:
    """A figure under both policies: an amount of the bridge, or a count of rungs or links."""

    period: str
    campaign_id: str | None
    name: str
    before: Decimal
    after: Decimal

    @property
    def differs(self) -> bool:
        """Whether the two figures differ."""
        return self.before != self.after


@dataclass(frozen=True)
class PolicyDiff:
    """What the new policy changes.

    Attributes:
        old, new: the policies.
        definitions: the definitions that differ.
        lines: every line of the bridge, by month and campaign.
        rungs, links: all counts of rungs and links.
        stops: blocking checks, with messages, that would stop a run under the new policy but not under the old one.
    """

    old: LoadedPolicy
    new: LoadedPolicy
    definitions: list[Definition]
    lines: list[ComparedFigure]
    rungs: list[ComparedFigure]
    links: list[ComparedFigure]
    stops: list[tuple[str, str]]

    @property
    def is_comparable(self) -> bool:
        """Whether both policies have the same reporting currency."""
        return self.old.policy.reporting_currency == self.new.policy.reporting_currency

    @property
    def changes_figures(self) -> bool:
        """Whether any published figure would differ or no longer be published."""
        return (
            any(each.differs for each in (*self.lines, *self.rungs, *self.links))
            or bool(self.stops)
            or not self.is_comparable
        )


@dataclass(frozen=True)
class _Side:
    figures: dict[str, dict[tuple[Any, ...], Decimal]]
    stops: dict[str, str]


def compare_policies(settings: Settings, new_path: Path) -> PolicyDiff:
    """Run the installation's policy and another one on the same inputs.

    Args:
        settings: the installation.
        new_path: the other policy file.

    Raises:
        PolicyError: one of the policies cannot be used.
        PresetError: one of the company's own presets cannot be used.
        AlreadyRunningError, WarehouseBusyError: a run uses the installation.
        ContactKeyError: the installation's contact key is missing.
    """
    old, new = load_policy(settings.policy_path), load_policy(new_path)
    with tempfile.TemporaryDirectory(prefix="reconcile-policy-diff-") as folder, run_lock(settings):
        inputs = Path(folder) / "inputs.duckdb"
        _copy_warehouse(settings.warehouse_path, inputs)
        before = _run(settings, old, inputs, Path(folder) / "old.duckdb")
        after = _run(settings, new, inputs, Path(folder) / "new.duckdb")
    return PolicyDiff(
        old,
        new,
        _definitions(old, new),
        lines=_compared(before.figures["lines"], after.figures["lines"]),
        rungs=_compared(before.figures["rungs"], after.figures["rungs"]),
        links=_compared(before.figures["links"], after.figures["links"]),
        stops=[(name, message) for name, message in after.stops.items() if name not in before.stops],
    )


def _copy_warehouse(path: Path, copy: Path) -> None:
    """Copy the warehouse, which has earlier pulls and landings; connecting first ensures that no run of the UI has it open."""
    if path.is_file():
        connect(path).close()
        shutil.copyfile(path, copy)


def _run(settings: Settings, loaded: LoadedPolicy, inputs: Path, path: Path) -> _Side:
    if inputs.is_file():
        shutil.copyfile(inputs, path)
    connection = connect(path)
    try:
        warehouse = DuckDB(connection)
        _land(settings, loaded, warehouse, settings.as_of)
        context = RunContext(warehouse, loaded, settings.as_of)
        stops = {
            f"{check.table}, check {check.name}": message for check, message in rebuild(context, checks_by_table())
        }
        figures = {
            name: {tuple(key): Decimal(value) for *key, value in warehouse.rows(sql)} for name, sql in _FIGURES.items()
        }
    finally:
        connection.close()
        path.unlink()
    return _Side(figures, stops)


def _land(settings: Settings, loaded: LoadedPolicy, warehouse: DuckDB, as_of: datetime) -> None:
    """Land the new files of the inbox, as the next run would."""
    landed_before = warehouse.exists(LANDINGS) and bool(warehouse.count(LANDINGS))
    # Before the first run there is no key; a temporary one is enough, because the copy is discarded.
    key = (
        load_contact_key(settings.data_dir, settings.contact_key, is_new=False)
        if landed_before or settings.contact_key
        else secrets.token_bytes()
    )
    known, unknown = discover(settings.inbox, load_presets(settings.presets_dir))
    take_stock(warehouse, known, unknown)
    protector = ContactProtector(key, loaded.policy.reporting_currency, loaded.policy.kept_words)
    land_all(warehouse, known, protector, loaded.policy.zone_of, as_of)


def _definitions(old: LoadedPolicy, new: LoadedPolicy) -> list[Definition]:
    before, after = (
        {(row["definition"], row["element"]): row["value"] for row in policy_definitions(loaded).to_pylist()}
        for loaded in (old, new)
    )
    return [
        Definition(key[0], before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _compared(before: dict[tuple[Any, ...], Decimal], after: dict[tuple[Any, ...], Decimal]) -> list[ComparedFigure]:
    keys = sorted(before.keys() | after.keys(), key=lambda key: (key[0], key[1] or "", key[2], key[3]))
    nothing = Decimal(0)
    return [ComparedFigure(key[0], key[1], key[3], before.get(key, nothing), after.get(key, nothing)) for key in keys]
