"""Pandera schemas made from the data model: the row contracts of raw, canonical and published tables."""

import pandera.pyarrow as pap
import pyarrow as pa

from reconciliation_assets.contracts.columns import COMMON, meaning_of
from reconciliation_assets.contracts.model import CONTACT_KEYS, InputTable, Kind, OutputTable

_NOT_NEGATIVE = frozenset({Kind.AMOUNT, Kind.COUNT, Kind.RATE})


def raw_row_contract(table: InputTable) -> pap.DataFrameSchema:
    """The schema of every landed row of an input table; bad rows are in quarantine."""
    columns = {}
    for column in table:
        if column.kind in CONTACT_KEYS:
            continue
        checks = []
        if column.allowed:
            checks.append(pap.Check.isin(list(column.allowed)))
        if column.kind in _NOT_NEGATIVE and column.negative_where is None:
            checks.append(pap.Check.ge(0))
        columns[column.name] = pap.Column(
            None, checks, nullable=not column.required, description=column.description, name=column.name
        )
    keys = [name for column in table.contacts for name, _ in CONTACT_KEYS[column.kind]]
    columns |= {name: pap.Column(None, nullable=True, description=COMMON[name].description) for name in keys}
    return pap.DataFrameSchema(columns, name=table.raw_asset)


def row_contract(table: OutputTable, names: list[str]) -> pap.DataFrameSchema:
    """The schema of every row of a computed table.

    Args:
        table: the table with its rules.
        names: its columns in the warehouse.
    """
    columns = {}
    for name in names:
        checks = []
        if name in table.words:
            checks.append(pap.Check.isin(list(table.words[name])))
        if name in table.at_least_zero:
            checks.append(pap.Check.ge(0))
        if name in table.shares:
            checks.append(pap.Check.in_range(0, 1))
        columns[name] = pap.Column(
            None, checks, nullable=name not in table.required, description=meaning_of(table, name).description
        )
    return pap.DataFrameSchema(columns, name=table.name)


def checked_columns(schema: pap.DataFrameSchema) -> list[str]:
    """The columns for which a schema has a check or forbids nulls."""
    return [name for name, column in schema.columns.items() if column.checks or not column.nullable]


def broken_rules(schema: pap.DataFrameSchema, rows: pa.Table) -> list[str]:
    """The broken rules as `column: rule`, without values."""
    try:
        schema.validate(rows, lazy=True)
    except pap.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        pairs = set(zip(cases["column"].to_pylist(), cases["check"].to_pylist(), strict=True))
        return sorted(f"{column}: {check}" for column, check in pairs)
    return []
