"""A query read from its file: text, description, tables it reads, parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import sqlglot
from sqlglot import exp

from reconciliation_assets.warehouse.macros import written_out

DIALECT = "duckdb"

_HEAD_BEGINS, _HEAD_ENDS = "/* table\n", "*/\n"

_SAID = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_READ = re.compile(r"(?<!distinct )\b(?:from|join)\s+(\w+)\.(\w+)", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class TableName:
    """A table of the warehouse, by layer and name."""

    layer: str
    name: str

    def __str__(self) -> str:
        return f"{self.layer}.{self.name}"


@dataclass(frozen=True)
class Query:
    """One SELECT that makes one table.

    Attributes:
        target: the table it makes; its layer is the folder of the file, its name the file's.
        sql: the text without the header, with macros expanded.
        head: the table's metadata in YAML, between `/* table` and `*/` at the top of the file.
    """

    target: TableName
    sql: str
    head: str = ""

    @classmethod
    def read(cls, path: Path) -> "Query":
        """The query of a file `<layer>/<name>.sql`."""
        text = path.read_text("utf-8")
        head = ""
        if text.startswith(_HEAD_BEGINS):
            head, _, text = text.removeprefix(_HEAD_BEGINS).partition(_HEAD_ENDS)
        return cls(TableName(path.parent.name, path.stem), written_out(text), head)

    @cached_property
    def tree(self) -> exp.Expr:
        """The parsed SELECT."""
        return sqlglot.parse_one(self.sql, dialect=DIALECT)

    @cached_property
    def description(self) -> str:
        """The comment before the SELECT."""
        said = []
        for line in self.sql.splitlines():
            if not line.startswith("--"):
                break
            said.append(line.removeprefix("--").strip())
        return " ".join(said)

    @cached_property
    def reads(self) -> tuple[TableName, ...]:
        """The tables it reads, taken from its text, so that the graph always agrees with the code.

        A regular expression, because parsing all queries would add a second to every command that loads the graph. A test
        checks that the parser finds the same tables.
        """
        return tuple(sorted({TableName(*table) for table in _READ.findall(_SAID.sub(" ", self.sql))}))

    @cached_property
    def parameters(self) -> frozenset[str]:
        """Names of the policy parameters it takes."""
        return frozenset(named.name for named in self.tree.find_all(exp.Placeholder))

    def moved(self, tables: Mapping[TableName, TableName]) -> "Query":
        """The same query with table names replaced, its target included; the new tables have the same columns."""
        names = {str(one): str(other) for one, other in tables.items()}
        text = re.sub(r"\b\w+\.\w+\b", lambda found: names.get(found[0], found[0]), self.sql)
        return Query(tables.get(self.target, self.target), text, self.head)
