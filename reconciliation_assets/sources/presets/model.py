"""The schema of a preset: a file's columns with their headings, the rows to skip, and the tables it feeds."""

import re
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.sources.presets.headings import folded


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as problem:
        raise ValueError(f"not a regular expression: {problem}") from None
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError):
        raise ValueError(f"there is no time zone {name!r}") from None
    return name


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Names = Annotated[tuple[Name, ...], BeforeValidator(_listed)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Zone = Annotated[str, AfterValidator(_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Part):
    """A column of the file.

    Attributes:
        headings: possible headings in any language; case, blanks and vowel marks do not matter. `*` is the placeholder of a
            currency code, as in `Amount spent (*)`.
        holds: how its cells are read. `code` is an ID in which case and blanks do not matter, such as a waybill.
        required: without this column, the preset does not fit the file.
        above: it is above the header, as a heading followed by its value, and is the same for every row.
        strip: a pattern removed from the beginning of every cell.
        zone: time zone of instants without an offset, if it is not the policy's.
        words: meanings of the file's words, applied before a table uses them; words not listed stay unchanged.
    """

    headings: tuple[str, ...] = Field(min_length=1)
    holds: Literal["text", "id", "code", "amount", "date", "instant", "phone"] = "text"
    required: bool = False
    above: bool = False
    strip: Pattern | None = None
    zone: Zone | None = None
    words: dict[str, str] = Field(default_factory=dict)

    @cached_property
    def folded_headings(self) -> tuple[str, ...]:
        """The headings as they compare."""
        return tuple(dict.fromkeys(map(folded, self.headings)))


class Condition(_Part):
    """A condition on a row: one test of one column, or of any of several.

    Attributes:
        columns: the columns to test; one that passes is enough. `row` is all cells of the row together.
        state: `present`, `blank`, or for amounts `positive`, `negative` and `not_zero`.
        one_of: allowed words of the cell; case, blanks and hyphens do not matter.
        matches: a pattern to find in the cell, ignoring case.
    """

    columns: Names = Field(alias="column", min_length=1)
    state: Literal["present", "blank", "positive", "negative", "not_zero"] | None = Field(default=None, alias="is")
    one_of: tuple[str, ...] | None = None
    matches: Pattern | None = None

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if sum(part is not None for part in (self.state, self.one_of, self.matches)) != 1:
            raise ValueError("a condition needs exactly one of: is, one_of, matches")
        return self


class WordRule(Condition):
    """A word for the rows that meet a condition."""

    then: str


class PassedOver(_Part):
    """Rows that are not data; they are skipped and counted by reason."""

    because: str
    where: tuple[Condition, ...] = Field(min_length=1)


class Refused(_Part):
    """Rows that must not be loaded; they go to quarantine with the reason.

    Attributes:
        differ: two columns that should be equal.
        where: the rows that are tested; all rows if empty.
    """

    because: str
    where: tuple[Condition, ...] = ()
    differ: tuple[Name, Name]


class Key(_Part):
    """An ID made from the row's own values, so that the same row has the same ID in every export.

    Attributes:
        prefix: keeps IDs of this kind of file distinct from others.
        of: the columns that identify the row.
        within: the first of these that is not blank identifies the delivery; the same row in another delivery gets another ID.
        hashed: hash the ID to one short code; for rows that only many columns together identify.
        numbered: number rows that agree in all of these, in the file's order, from the second on.
    """

    prefix: str
    of: Names = Field(min_length=1)
    within: Names = ()
    hashed: bool = False
    numbered: bool = False


class Movement(_Part):
    """How a statement distinguishes money in from money out.

    A file has two columns, one amount with a word for its direction, or one signed amount. A preset with a movement has two
    more columns for its conditions and tables: `moved`, positive for money in and negative for money out, and `taken_back`,
    filled where the row reverses an earlier one (money in written as a negative credit or as a reversed debit, and the other
    way round). The meaning of the sign is decided from all rows of a file, by its running balance if it has one.

    Attributes:
        money_in: the column of money in; filled from `amount` if the file has only one amount.
        money_out: the column of money out, likewise.
        amount: the single amount.
        mark: the column of the direction; it is ignored unless most of its cells are among `marks`.
        balance: the running balance.
        marks: the words of each direction: `in`, `out`, and `in_reversed` and `out_reversed` for reversals.
        description: the column that names a reversal in words.
        reversal: the pattern of those words, for files without a balance whose debits are all negative.
    """

    money_in: Name
    money_out: Name
    amount: Name
    mark: Name
    balance: Name
    marks: dict[Literal["in", "out", "in_reversed", "out_reversed"], tuple[str, ...]]
    description: Name
    reversal: Pattern

    @property
    def names(self) -> tuple[Name, ...]:
        """The columns it reads, amounts first."""
        return (self.money_in, self.money_out, self.amount, self.mark, self.balance, self.description)


class Parts(_Part):
    """Rows that are parts of one item, such as an ad's day by country; a total row among them is skipped.

    Attributes:
        by: the columns that identify the item.
        of: the columns that add up to the total.
    """

    by: Names = Field(min_length=1)
    of: Names = Field(min_length=1)


_WAYS = ("take", "constant", "join", "key", "latest", "largest", "cases", "first_of", "all_of", "difference")
# The whole row, for conditions.
ROW = "row"
# Columns that a movement adds.
MOVED, TAKEN_BACK = "moved", "taken_back"
# Column of a row's kind, one of the preset's `kinds`.
KIND = "kind"


class Cell(_Part):
    """How a contract column is filled: one of the ways in the first group, then changes to its text.

    Attributes:
        take: the first of these columns that is not blank.
        constant: the same text in every row.
        join: these columns, separated by blanks.
        key: an ID made from the row.
        latest: the latest of these instants.
        largest: the largest number of a list such as `12;7`.
        cases: the word of the first case that holds.
        difference: the first of two amounts less the second, both without their signs.
        first_of: the first of these cells that is not blank, each filled in its own way.
        all_of: all of these cells, separated by blanks.
        where: the conditions under which it is filled at all.
        currency_of: if the text is still blank, the currency that one of these columns has in its heading or next to
            its number.
        extract: the part of the text that the pattern's first group (or the whole pattern) finds.
        every: all parts that `extract` finds, separated by blanks, instead of the first only.
        words: meanings of the file's words; words not listed stay unchanged.
        absolute: an amount without its sign, if another column has the direction.
        negated: an amount with the opposite sign.
        default: value of a blank.
    """

    take: Names | None = None
    constant: str | None = None
    join: Names | None = None
    key: Key | None = None
    latest: Names | None = None
    largest: Name | None = None
    cases: tuple[WordRule, ...] | None = None
    difference: tuple[Name, Name] | None = None
    first_of: tuple["Cell", ...] | None = None
    all_of: tuple["Cell", ...] | None = None
    where: tuple[Condition, ...] = ()
    currency_of: Names = ()
    extract: Pattern | None = None
    every: bool = False
    words: dict[str, str] = Field(default_factory=dict)
    absolute: bool = False
    negated: bool = False
    default: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"take": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _filled_one_way(self) -> Self:
        ways = sum(getattr(self, way) is not None for way in _WAYS)
        if ways > 1 or (ways == 0 and not self.currency_of):
            raise ValueError(f"a column is filled in exactly one way: {', '.join(_WAYS)}")
        if self.every and self.extract is None:
            raise ValueError("every needs a pattern to extract")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the file that it reads, the most important first."""
        single = (self.largest,) if self.largest else ()
        several = (
            self.take,
            self.join,
            (*self.key.of, *self.key.within) if self.key else None,
            self.latest,
            self.difference,
            self.currency_of,
        )
        asked = (name for condition in (*(self.cases or ()), *self.where) for name in condition.columns)
        inner = (name for cell in (*(self.first_of or ()), *(self.all_of or ())) for name in cell.reads)
        return tuple(dict.fromkeys([*single, *(name for names in several for name in names or ()), *asked, *inner]))


class TablePart(_Part):
    """Rows of one contract table that the file gives.

    Attributes:
        table: the contract table.
        where: the file's rows it takes; all rows if empty.
        unless: rows that meet any of these are left out.
        columns: contract columns and how each is filled.
    """

    table: str
    where: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    columns: dict[str, Cell] = Field(min_length=1)


class Preset(_Part):
    """One kind of file.

    Attributes:
        name: the YAML file's name.
        title: the file's usual name.
        instead: why such a file is not accepted, and what to export instead; None if it is accepted.
        also_export: what to export in addition, for data that such a file never contains.
        columns: the file's columns, by a name used within the preset.
        day_order: order of day and month for dates such as 03/04/2026 if no date in the file shows it. If not given either,
            ambiguous dates are refused.
        decimal_point: the decimal mark if no amount in the file shows it; the other mark separates thousands.
        defaults: contract columns and the value of a blank in this company's files, such as `currency: AED`.
        assumed_currency: currency of files that name none; the policy's reporting currency unless set otherwise. It is
            reported with every such file.
        needs: groups of columns; a file must have all columns of one group, such as debit and credit, or one amount.
        movement: how a statement distinguishes money in from money out.
        kinds: possible kinds of a row, each with conditions that must all hold; the first that fits counts. Conditions of tables
            and skipped rows can use it as the column `kind`.
        parts: which rows are parts of one item.
        one_row_per: columns that identify an item; further rows of the same item are skipped.
        passed_over: rows that are not data.
        refused: rows that must not be loaded.
        otherwise: description of rows that no table takes.
        tables: the contract tables that the file feeds.
    """

    name: Name
    title: str
    instead: str | None = None
    also_export: str | None = None
    columns: dict[Name, Column] = Field(min_length=1)
    day_order: Literal["day_first", "month_first"] | None = None
    decimal_point: Literal[".", ","] = "."
    defaults: dict[str, str] = Field(default_factory=dict)
    assumed_currency: str | None = None
    needs: tuple[Names, ...] = ()
    movement: Movement | None = None
    kinds: dict[Name, tuple[Condition, ...]] = Field(default_factory=dict)
    parts: Parts | None = None
    one_row_per: Names = ()
    passed_over: tuple[PassedOver, ...] = ()
    refused: tuple[Refused, ...] = ()
    otherwise: str = "rows with nothing to take"
    tables: tuple[TablePart, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        for problem in (*self._unknown_columns(), *self._contract_problems(), *self._twice_named()):
            raise ValueError(problem)
        return self

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        return tuple(name for name, column in self.columns.items() if column.required)

    def _unknown_columns(self) -> list[str]:
        conditions = [
            condition
            for group in (
                *(passed.where for passed in self.passed_over),
                *(refused.where for refused in self.refused),
                *(part.where for part in self.tables),
                *(part.unless for part in self.tables),
                *self.kinds.values(),
            )
            for condition in group
        ]
        used = [
            *self.one_row_per,
            *(name for group in self.needs for name in group),
            *(self.movement.names if self.movement else ()),
            *((*self.parts.by, *self.parts.of) if self.parts else ()),
            *(name for condition in conditions for name in condition.columns),
            *(name for refused in self.refused for name in refused.differ),
            *(name for part in self.tables for cell in part.columns.values() for name in cell.reads),
        ]
        made = (ROW, *((MOVED, TAKEN_BACK) if self.movement else ()), *((KIND,) if self.kinds else ()))
        reserved = [
            f"the name {name} has a meaning of its own; give the column another"
            for name in made
            if name in self.columns
        ]
        return reserved + [
            f"the column {name} is used but not described" for name in used if name not in (*self.columns, *made)
        ]

    def _contract_problems(self) -> list[str]:
        unknown = [f"there is no table {part.table}" for part in self.tables if part.table not in INPUT_TABLE]
        if unknown:
            return unknown
        problems = []
        for part in self.tables:
            table = INPUT_TABLE[part.table]
            known = {column.name for column in table}
            problems += [f"{table.name} has no column {name}" for name in part.columns if name not in known]
            filled = {*part.columns, *self.defaults}
            problems += [f"{table.name} needs the column {name}" for name in table.required if name not in filled]
        tables = [INPUT_TABLE[part.table] for part in self.tables]
        problems += [
            f"defaults: none of its tables has a column {name}"
            for name in self.defaults
            if not any(name == column.name for table in tables for column in table)
        ]
        return problems

    def _twice_named(self) -> list[str]:
        seen: dict[str, str] = {}
        problems = []
        for name, column in self.columns.items():
            for heading in () if column.above else column.folded_headings:
                if heading in seen:
                    problems.append(f"the heading {heading!r} is given to {seen[heading]} and to {name}")
                seen[heading] = name
        return problems
