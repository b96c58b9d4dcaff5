"""What a preset may say: a file's columns with their headings, the rows to pass over, and the tables it feeds."""

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
        headings: what it may be called, in any language, whatever the case, blanks and vowel marks; a `*` stands for a
            currency code, as in `Amount spent (*)`.
        holds: how its cells are read. `code` is an ID whose case and blanks mean nothing, such as a waybill.
        required: without it, the file is not of this kind.
        above: it stands above the header, as its heading with the value behind it, and is the same for every row.
        strip: a pattern taken away from the beginning of every cell.
        zone: of instants without an offset, where it is not the policy's.
        words: what the file's words mean, before a table takes them; words not listed stay as they are.
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
    """What a row must be like: one statement about one column, or about any of several.

    Attributes:
        columns: the columns asked; one of them is enough. `row` is all the cells of the row together.
        state: `present`, `blank`, or for amounts `positive`, `negative` and `not_zero`.
        one_of: words the cell may be; case, blanks and hyphens do not matter.
        matches: a pattern found in the cell, whatever the case.
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
    """Rows that are no data; they are counted under their reason."""

    because: str
    where: tuple[Condition, ...] = Field(min_length=1)


class Refused(_Part):
    """Rows that must not be taken as they are; they go to quarantine with the reason.

    Attributes:
        differ: two columns that should say the same.
        where: of which rows this is asked; of all where nothing is said.
    """

    because: str
    where: tuple[Condition, ...] = ()
    differ: tuple[Name, Name]


class Key(_Part):
    """An ID made of what the row itself says, so that the same row has it in every export.

    Attributes:
        prefix: keeps IDs of this kind of file apart from others.
        of: the columns that name the row.
        within: the first of these that is not blank names the delivery; what comes again in another delivery is another thing.
        hashed: make it one short code; for rows that only many columns together name.
        numbered: tell rows apart that agree in all of these, in the file's order, from the second on.
    """

    prefix: str
    of: Names = Field(min_length=1)
    within: Names = ()
    hashed: bool = False
    numbered: bool = False


class Movement(_Part):
    """How a statement tells money in from money out.

    A file has either two columns, one amount beside a word for its direction, or one signed amount. Where the preset says this,
    its conditions and tables know two columns more: `moved`, positive for money in and negative for money out, and
    `taken_back`, filled where the row reverses an earlier one (money in written as a negative credit or as a reversed debit, and
    the other way round). Which sign means what is decided from all the rows of a file, by its running balance where it has one.

    Attributes:
        money_in: the column of money in; filled from `amount` where the file has one amount only.
        money_out: the column of money out, likewise.
        amount: the one amount.
        mark: the column of its direction; one whose cells are none of these words is not read.
        balance: the running balance.
        marks: the words of a direction: `in`, `out`, and `in_reversed` and `out_reversed` for rows that reverse one.
        description: the column that tells a reversal in words.
        reversal: the pattern of those words, for a file whose debits are all negative and that has no balance.
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
        """The columns it reads, those that hold the money first."""
        return (self.money_in, self.money_out, self.amount, self.mark, self.balance, self.description)


class Parts(_Part):
    """Rows that tell one thing in parts, such as an ad's day by country, among which a total may stand; it is passed over.

    Attributes:
        by: the columns that name the thing.
        of: the columns whose total it is.
    """

    by: Names = Field(min_length=1)
    of: Names = Field(min_length=1)


_WAYS = ("take", "constant", "join", "key", "latest", "largest", "cases", "first_of", "all_of", "difference")
# The whole row, for conditions.
ROW = "row"
# What a statement's movement adds to its columns.
MOVED, TAKEN_BACK = "moved", "taken_back"
# What a row is, of a preset's kinds.
KIND = "kind"


class Cell(_Part):
    """How a contract column is filled: one of the ways in the first group, then what is done to its text.

    Attributes:
        take: the first of these columns that is not blank.
        constant: the same text in every row.
        join: these columns with a blank between them.
        key: an ID made of the row.
        latest: the latest of these instants.
        largest: the largest number of a list such as `12;7`.
        cases: the word of the first case that holds.
        difference: the first of two amounts less the second, both without their signs.
        first_of: the first of these cells that is not blank, each filled in its own way.
        all_of: all of these cells with a blank between them.
        where: the conditions under which it is filled at all.
        currency_of: where the text is still blank, the currency that one of these columns has in its heading or beside
            its number.
        extract: the part of the text that the pattern's first group finds (or the whole pattern).
        every: all parts that `extract` finds, with a blank between, and not the first only.
        words: what the file's words mean; words not listed stay as they are.
        absolute: an amount without its sign, where another column tells the direction.
        negated: an amount with the other sign.
        default: what a blank means.
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
        """The columns of the file it looks at, the one that matters most first."""
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
        where: which of the file's rows; all of them where nothing is said.
        unless: of those, rows that meet any of these are left out.
        columns: contract column to how it is filled.
    """

    table: str
    where: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    columns: dict[str, Cell] = Field(min_length=1)


class Preset(_Part):
    """One kind of file.

    Attributes:
        name: the YAML file's name.
        title: what people call the file.
        instead: why such a file is not taken in, and what to export instead; None for one that is.
        also_export: what to export beside it, for what such a file never says.
        columns: the file's columns, by a name used within the preset.
        day_order: of dates such as 03/04/2026 in a file none of whose dates shows it. Where it is not said either, dates that
            can be read both ways are refused.
        decimal_point: the mark before the decimals in a file none of whose amounts shows it; the other one groups thousands.
        defaults: contract columns to what a blank means in this company's files, such as `currency: AED`.
        assumed_currency: what files are in that name no currency anywhere; the policy's reporting currency, unless somebody says
            otherwise. It is told with every such file.
        needs: groups of columns, of which a file must have all of one group, such as debit and credit, or one amount.
        movement: how a statement tells money in from money out.
        kinds: what a row may be, each with the conditions that must all hold; it is the first that fits, and conditions of tables
            and of what is passed over may ask for it as the column `kind`.
        parts: which rows are parts of one thing.
        one_row_per: columns that name the thing; further rows of the same thing are passed over.
        passed_over: rows that are no data.
        refused: rows that must not be taken as they are.
        otherwise: what rows are that no table takes.
        tables: what the file feeds.
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
        """The columns without which a file is not of this kind."""
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
