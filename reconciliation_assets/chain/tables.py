"""Metadata of every computed table: from the header of its SQL file, or from its Python module."""

from collections.abc import Mapping
from functools import cache
from itertools import chain

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from reconciliation_assets.chain.governance.policy_versions import POLICY_VERSIONS
from reconciliation_assets.chain.layers import LAYERS
from reconciliation_assets.chain.python_table import PythonTable
from reconciliation_assets.chain.python_tables import python_tables
from reconciliation_assets.chain.queries import queries
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.contracts.vocabulary import VOCABULARIES
from reconciliation_assets.warehouse.query import Query, TableName


class HeadError(ValueError):
    """The header of an SQL file is missing or cannot be read."""


class _Head(BaseModel):
    """The header of an SQL file; `OutputTable` explains its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grain: str
    owner: str
    key: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    words: dict[str, str | tuple[str, ...]] = {}
    at_least_zero: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    published: bool = False
    group: str | None = None
    page: str | None = None
    columns: dict[str, str] = {}


@cache
def output_tables() -> Mapping[str, OutputTable]:
    """Every computed table by name, ordered by layer, then by name."""
    places = {layer: place for place, layer in enumerate(LAYERS)}
    found = chain(
        map(table_of, queries().values()),
        (made.table for made in python_tables().values()),
        [POLICY_VERSIONS],
    )
    return {table.name: table for table in sorted(found, key=lambda each: (places[each.layer], each.name))}


@cache
def published_tables() -> tuple[OutputTable, ...]:
    """The tables of the published copy."""
    return tuple(table for table in output_tables().values() if table.published)


@cache
def tables_read() -> Mapping[TableName, tuple[TableName, ...]]:
    """The tables that each computed table reads; `policy_versions` is left out."""
    made: list[Query | PythonTable] = [*queries().values(), *python_tables().values()]
    return {each.target: each.reads for each in made}


def table_of(query: Query) -> OutputTable:
    """The metadata in the header of a query's file.

    Raises:
        HeadError: there is no header, or it cannot be read; the message names the file and what is wrong.
    """
    where = f"{query.target.layer}/{query.target.name}.sql"
    try:
        # SafeLoader in C, which is faster: a header is a few names and lines of text.
        head = _Head.model_validate(yaml.load(query.head, yaml.CSafeLoader) or {})
        words = {
            column: VOCABULARIES[named] if isinstance(named, str) else named for column, named in head.words.items()
        }
    except KeyError as error:
        raise HeadError(
            f"{where}: there is no vocabulary {error}; name one of {', '.join(VOCABULARIES)}, or list the words."
        ) from None
    except (yaml.YAMLError, ValidationError) as error:
        raise HeadError(f"{where}: its head, between `/* table` and `*/`, cannot be read: {error}") from None
    return OutputTable(
        query.target.name,
        query.target.layer,
        head.grain,
        head.owner,
        head.key,
        query.description,
        required=head.required,
        words=words,
        at_least_zero=head.at_least_zero,
        shares=head.shares,
        published=head.published,
        group=head.group,
        page=head.page,
        columns={name: Meaning.parsed(text) for name, text in head.columns.items()},
    )
