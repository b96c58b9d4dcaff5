"""Where the UI shows each asset and which page explains it: as its table says, else as its layer does."""

from collections.abc import Mapping
from typing import Final

from reconciliation_assets.chain.layers import LAYERS
from reconciliation_assets.chain.tables import output_tables
from reconciliation_assets.contracts.inputs import INPUT_TABLES

_DEFINITIONS = "docs/definitions"
# Assets that are no computed tables.
_PAGES: Final[Mapping[str, str]] = {
    **{table.raw_asset: f"{_DEFINITIONS}/input-tables.md#{table.name}" for table in INPUT_TABLES},
    "inbox_files": "docs/sources/files.md",
    "reports": "docs/reports.md",
    "restricted_contacts": "docs/decisions/20-contact-keys-in-a-file-of-their-own.md",
}


def group_of(asset: str, layer: str) -> str:
    """The group in which the UI shows an asset that is made in a layer."""
    table = output_tables().get(asset)
    return (table.group if table else None) or LAYERS[layer].group


def definition_of(asset: str, layer: str) -> str:
    """The page that defines what an asset holds, as a path in the project."""
    table = output_tables().get(asset)
    return (table.page if table else _PAGES.get(asset)) or LAYERS[layer].page


def columns_of(asset: str) -> str | None:
    """The section that explains a published table column by column; none for what people do not read."""
    table = output_tables().get(asset)
    return f"{_DEFINITIONS}/published-tables.md#{asset}" if table and table.published else None
