"""Two policies side by side on the same inputs: what a new one would change, before anybody approves it.

Both run in folders that are thrown away, on a copy of the warehouse and the inbox as it lies. The installation itself, its
warehouse and its published copy are only read.
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
from reconciliation_assets.operations.instance import only_run
from reconciliation_assets.policy.load import LoadedPolicy, load_policy
from reconciliation_assets.policy.tables import policy_definitions
from reconciliation_assets.settings import Settings
from reconciliation_assets.sources.files import discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.protect import ContactProtector, load_contact_key
from reconciliation_assets.warehouse.duckdb import Warehouse, connect

_FIGURES = {
    "lines": """
        select strftime(period_start, '%Y-%m'), campaign_id, line_order, line, amount from bridge.bridge
    """,
    "rungs": "select '', '', 0, rung, count(*) from outcomes.matched_chain group by rung",
    "links": "select link, '', 0, match_method, count(*) from matching.match_links group by link, match_method",
}


@dataclass(frozen=True)
class Definition:
    """A definition that differs; of a list of words, one word added or taken away."""

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
        """Whether the two are not the same."""
        return self.before != self.after


@dataclass(frozen=True)
class PolicyDiff:
    """What the new policy changes.

    Attributes:
        old, new: the policies.
        definitions: what they define differently.
        lines: every line of the bridge, by month and campaign.
        rungs, links: every count of rungs and of links.
        stops: blocking checks that would stop a run under the new policy and not under the old one, with what they say.
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
        """Whether the amounts of both are in one currency."""
        return self.old.policy.reporting_currency == self.new.policy.reporting_currency

    @property
    def changes_figures(self) -> bool:
        """Whether anything that people read would differ, or no longer be published."""
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
        PresetError: a preset of the company's own cannot be used.
        AlreadyRunningError, WarehouseBusyError: a run works on the installation just now.
        ContactKeyError: the installation's contact key is gone.
    """
    old, new = load_policy(settings.policy_path), load_policy(new_path)
    with tempfile.TemporaryDirectory(prefix="reconcile-policy-diff-") as folder, only_run(settings):
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
    """What was pulled and landed before is only there; opening it first shows that no run of the UI holds it."""
    if path.is_file():
        connect(path).close()
        shutil.copyfile(path, copy)


def _run(settings: Settings, loaded: LoadedPolicy, inputs: Path, path: Path) -> _Side:
    if inputs.is_file():
        shutil.copyfile(inputs, path)
    connection = connect(path)
    try:
        warehouse = Warehouse(connection)
        _land(settings, loaded, warehouse, settings.as_of)
        context = RunContext(warehouse, loaded, settings.as_of)
        stops = {f"{check.table}, check {check.name}": said for check, said in rebuild(context, checks_by_table())}
        figures = {
            name: {tuple(key): Decimal(value) for *key, value in warehouse.rows(sql)} for name, sql in _FIGURES.items()
        }
    finally:
        connection.close()
        path.unlink()
    return _Side(figures, stops)


def _land(settings: Settings, loaded: LoadedPolicy, warehouse: Warehouse, as_of: datetime) -> None:
    """Land what lies in the inbox and has not landed yet, as the next run would."""
    landed_before = warehouse.exists(LANDINGS) and bool(warehouse.count(LANDINGS))
    # Before the first run there is no key, and one is not made just for looking: the copy is thrown away.
    key = (
        load_contact_key(settings.data_dir, settings.contact_key, is_new=False)
        if landed_before or settings.contact_key
        else secrets.token_bytes()
    )
    known, unknown = discover(settings.inbox, load_presets(settings.presets_dir))
    take_stock(warehouse, known, unknown)
    protector = ContactProtector(key, loaded.policy.reporting_currency)
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
