"""Inspection: how a run would read a file. The file is landed in a temporary warehouse."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciliation_assets.chain.raw.landing import QUARANTINE, Landed, land_inbox
from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.sources.files import InboxFile, take_for
from reconciliation_assets.sources.presets.draft import FILL_IN, Draft, draft_preset
from reconciliation_assets.sources.presets.model import Preset
from reconciliation_assets.sources.presets.recognition import Recognised, Unrecognised
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.sources.text_rows import private_engine
from reconciliation_assets.warehouse.duckdb import DuckDB
from reconciliation_assets.warehouse.protocol import Ledger

_PROBLEMS_TOLD = 10


@dataclass(frozen=True)
class InspectedPart:
    """The content of a file for one table.

    Attributes:
        landed: counts of its rows, the rows in quarantine and the ignored rows.
        problems: the first problems, as row, column and reason.
    """

    table: str
    landed: Landed
    problems: list[tuple[int | None, str | None, str]]


@dataclass(frozen=True)
class Inspection:
    """How a run would read a file.

    Attributes:
        kind: the preset that reads it, with its known headings; None if its name gives the table.
        mapped: every heading with the contract columns that it fills.
        refusal: why it is not read; None if it is.
    """

    path: Path
    kind: Recognised | None
    mapped: list[tuple[str, str]]
    parts: list[InspectedPart]
    refusal: str | None

    @property
    def is_taken(self) -> bool:
        """Whether a run would read the file."""
        return self.refusal is None and all(part.landed.set_aside_reason is None for part in self.parts)


def inspect_file(path: Path, presets: Sequence[Preset], zone_of: Callable[[str], str]) -> Inspection:
    """Read a file as a run would.

    Args:
        path: the file, in any folder.
        presets: the kinds of file that are recognised by their headings.
        zone_of: zone of a table's timestamps without an offset.
    """
    if not path.exists() and not path.is_symlink():
        return Inspection(path, None, [], [], "there is no such file")
    found = take_for(path, presets)
    if isinstance(found, Unrecognised):
        return Inspection(path, None, [], [], found.reason)
    kind = found[0].kind
    with private_engine() as connection:
        warehouse = DuckDB(connection)
        # A random secret is enough: its keys are discarded with the warehouse.
        protector = ContactProtector(secrets.token_bytes())
        parts = [_landed_part(warehouse, file, protector, zone_of(file.table)) for file in found]
    return Inspection(path, kind, _filled_columns(kind) if kind else [], parts, None)


def draft_for(inspection: Inspection, presets: Sequence[Preset], currency: str | None) -> Draft | None:
    """A draft of the preset that a file needs: one that describes it, or one that adds its currency; None if it needs none.

    Args:
        inspection: the inspection of the file.
        presets: the kinds of file that are recognised by their headings.
        currency: currency of its amounts, if given.
    """
    if inspection.refusal is not None:
        return draft_preset(inspection.path, tuple(presets), currency) if inspection.path.is_file() else None
    lacks_currency = any(column == "currency" for part in inspection.parts for _, column, _ in part.problems)
    if inspection.kind is None or not (
        lacks_currency or (currency and any(part.landed.notes for part in inspection.parts))
    ):
        return None
    name = inspection.kind.preset.name
    return Draft(
        name, f"extends: {name}\ndefaults: {{currency: {currency or FILL_IN}}}\n", needs_currency=currency is None
    )


def _landed_part(warehouse: Ledger, file: InboxFile, protector: ContactProtector, zone: str) -> InspectedPart:
    (landed,) = land_inbox(warehouse, INPUT_TABLE[file.table], [file], protector, zone, datetime.now(UTC))
    problems = warehouse.rows(
        f"""
        select row_number, column_name, reason from {QUARANTINE}
        where landing_id = $id order by row_number, column_name limit {_PROBLEMS_TOLD}
        """,
        {"id": landed.landing_id},
    )
    return InspectedPart(file.table, landed, [(row, column, reason) for row, column, reason in problems])


def _filled_columns(kind: Recognised) -> list[tuple[str, str]]:
    """Headings in the file's order, with the columns they fill; a heading may only decide which rows count."""
    fills = {
        name: list(
            dict.fromkeys(
                f"{part.table}.{column}"
                for part in kind.preset.tables
                for column, cell in part.columns.items()
                if name in cell.reads
            )
        )
        for name in kind.positions
    }
    return [
        (kind.headings[name], ", ".join(fills[name]) or "tells which rows count")
        for name in sorted(kind.positions, key=lambda name: kind.positions[name])
    ]
