"""UI group and documentation page of each asset: from its table's metadata, else from its layer."""

from collections.abc import Mapping
from typing import Final

from reconciliation_assets.chain.layers import LAYERS
from reconciliation_assets.chain.tables import output_tables
from reconciliation_assets.contracts.inputs import INPUT_TABLES

_DEFINITIONS = "docs/definitions"
# Assets that are not computed tables.
_PAGES: Final[Mapping[str, str]] = {
    **{table.raw_asset: f"{_DEFINITIONS}/input-tables.md#{table.name}" for table in INPUT_TABLES},
    "inbox_files": "docs/sources/files.md",
    "reports": "docs/reports.md",
    "restricted_contacts": "docs/decisions/20-contact-keys-in-a-file-of-their-own.md",
}


def group_of(asset: str, layer: str) -> str:
    """The UI group of an asset in a layer."""
    table = output_tables().get(asset)
    return (table.group if table else None) or LAYERS[layer].group


def definition_of(asset: str, layer: str) -> str:
    """The page that defines an asset, as a path in the project."""
    table = output_tables().get(asset)
    return (table.page if table else _PAGES.get(asset)) or LAYERS[layer].page


def columns_of(asset: str) -> str | None:
    """The section of the docs that explains a published table's columns; None for other assets."""
    table = output_tables().get(asset)
    return f"{_DEFINITIONS}/published-tables.md#{asset}" if table and table.published else None
