"""Building blocks of the data model: kinds of column, columns, tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """Kind of value in a column."""

    ID = "id"
    PERSON = "id of a person"
    TEXT = "text"
    NOTE = "free text"
    PAGE = "address of a page"
    CURRENCY = "currency"
    AMOUNT = "amount"
    SIGNED_AMOUNT = "signed amount"
    COUNT = "count"
    RATE = "rate"
    TIMESTAMP = "timestamp"
    DATE = "date"
    MONTH = "month"
    BOOLEAN = "boolean"
    EMAIL = "e-mail address"
    PHONE = "phone number"
    NAME = "name"


# Warehouse type by kind of column.
SQL_TYPE: dict[Kind, str] = {
    Kind.ID: "VARCHAR",
    Kind.PERSON: "VARCHAR",
    Kind.TEXT: "VARCHAR",
    Kind.NOTE: "VARCHAR",
    Kind.PAGE: "VARCHAR",
    Kind.CURRENCY: "VARCHAR",
    Kind.AMOUNT: "DECIMAL(18,6)",
    Kind.SIGNED_AMOUNT: "DECIMAL(18,6)",
    Kind.COUNT: "DECIMAL(18,6)",
    Kind.RATE: "DECIMAL(18,8)",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.DATE: "DATE",
    Kind.MONTH: "DATE",
    Kind.BOOLEAN: "BOOLEAN",
}

# Columns stored in place of a contact: one key; for a name, a key per word and a key per phonetic form of a word.
CONTACT_KEYS: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.EMAIL: (("email_key", "VARCHAR"),),
    Kind.PHONE: (("phone_key", "VARCHAR"),),
    Kind.NAME: (("name_keys", "VARCHAR[]"), ("name_sound_keys", "VARCHAR[]")),
}


@dataclass(frozen=True)
class InputColumn:
    """A column of an input table.

    Attributes:
        required: a file without the column is set aside, a row without a value is quarantined.
        allowed: the only words the column may hold, in lower case; empty for any.
        is_side: an optional value: if it cannot be read it becomes null and is reported, and the row is kept.
        negative_where: another column and its word for which a negative amount is valid.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    is_side: bool = False
    negative_where: tuple[str, str] | None = None


@dataclass(frozen=True)
class InputTable:
    """A table that people drop as a file or connectors deliver.

    Attributes:
        raw_asset: the asset that lands it, also the table's name in the warehouse's raw schema.
        key: columns that identify a record; a repeated key is a newer version of it.
        version: column that orders the versions of a key; where it is empty, `created` does.
        created: column with the record's own time, used as its date in exceptions and conversions.
        measures: amounts whose totals are taken on arrival and compared with the chain's, each with the column of its
            currency.
        adds_up: measures that are summed over rows of one file with the same key and version, because the rows are a
            breakdown by a column that is not read. Empty where the later row replaces the earlier one.
        one_per_key: a column in which such rows must agree; otherwise the file is set aside.
        may_stop_a_run: whether bad rows above the policy's share stop a run; False where it is right to publish without them.
    """

    name: str
    raw_asset: str
    description: str
    key: tuple[str, ...]
    columns: tuple[InputColumn, ...]
    created: str
    version: str | None = None
    measures: tuple[tuple[str, str], ...] = ()
    adds_up: tuple[str, ...] = ()
    one_per_key: str | None = None
    may_stop_a_run: bool = True

    def __iter__(self) -> Iterator[InputColumn]:
        return iter(self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that every file must have."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def contacts(self) -> tuple[InputColumn, ...]:
        """The personal columns, whose values are never stored."""
        return tuple(column for column in self.columns if column.kind in CONTACT_KEYS)

    @property
    def stored(self) -> tuple[tuple[str, str], ...]:
        """Name and warehouse type of every stored column, with contacts replaced by their protected keys."""
        plain = [(column.name, SQL_TYPE[column.kind]) for column in self.columns if column.kind not in CONTACT_KEYS]
        keys = [pair for column in self.contacts for pair in CONTACT_KEYS[column.kind]]
        return (*plain, *keys)


@dataclass(frozen=True)
class Meaning:
    """What a column means, and its unit, if any."""

    description: str
    unit: str | None = None

    @classmethod
    def parsed(cls, text: str) -> "Meaning":
        """Parse a meaning as written in a table's header: `Spend of the week [reporting currency]`."""
        description, _, unit = text.removesuffix("]").rpartition(" [") if text.endswith("]") else (text, "", None)
        return cls(description, unit)

    @property
    def text(self) -> str:
        """The description followed by the unit in brackets, as shown in the UI and in the published copy."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


@dataclass(frozen=True)
class OutputTable:
    """A computed table: what a row is, and the rules for its rows; from the header of its SQL file or from its Python module.

    Attributes:
        name: name of the asset, of its file and of the table.
        layer: its folder in the graph, also its schema in the warehouse.
        grain: what one row represents; completes "one row per ...".
        owner: the responsible team.
        key: columns that are unique together; null counts as a value.
        description: what a row is and why.
        required: columns that are never empty.
        words: the only words a column may hold.
        at_least_zero: numbers that are never negative.
        shares: numbers between 0 and 1.
        published: whether it is part of the published copy.
        columns: meanings of columns that the common ones in `columns.py` do not cover or that differ from them.
        old_names: former names of columns, under which they are also published until the next version.
        group: its UI group, if not the layer's.
        page: the page of the docs that defines it, as a path in the project, if not the layer's.
    """

    name: str
    layer: str
    grain: str
    owner: str
    key: tuple[str, ...]
    description: str
    required: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at_least_zero: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    published: bool = False
    columns: Mapping[str, Meaning] = field(default_factory=dict)
    old_names: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    page: str | None = None

    @property
    def meaning(self) -> str:
        """Its description and grain, as in the comment of the table in the published copy."""
        return f"{self.description} One row per {self.grain}."
