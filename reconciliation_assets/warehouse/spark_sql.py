"""The chain's SQL on Apache Spark: written once in DuckDB's dialect, translated by sqlglot and by the rules below.

sqlglot passes on what it does not know, and another engine may give the same name another meaning. A translation that runs can
still be wrong. So only constructs that were compared on both engines are allowed; everything else is an error.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import cast

import sqlglot
from sqlglot import exp

from reconciliation_assets.warehouse.query import DIALECT, TableName

SPARK = "spark"

# Functions that sqlglot translates correctly; all were compared on both engines, with edge cases.
_EQUAL_ON_BOTH = frozenset(
    {
        *(
            exp.Abs,
            exp.And,
            exp.ArrayContains,
            exp.ArrayDistinct,
            exp.ArraySize,
            exp.Case,
            exp.Coalesce,
            exp.Count,
            exp.Exists,
        ),
        *(
            exp.Explode,
            exp.FirstValue,
            exp.GenerateSeries,
            exp.Greatest,
            exp.If,
            exp.Lag,
            exp.LastValue,
            exp.Lead,
            exp.Least,
            exp.Left,
            exp.Length,
        ),
        *(exp.Ln, exp.LogicalAnd, exp.LogicalOr, exp.MD5, exp.Max, exp.Median, exp.Min, exp.Nullif, exp.Or, exp.Rank),
        *(exp.RegexpReplace, exp.Replace, exp.Round, exp.RowNumber, exp.Split, exp.SplitPart, exp.Sqrt, exp.Sum),
        *(exp.TimestampTrunc, exp.Trim, exp.Upper, exp.ConcatWs),
    }
)
_WHOLE_NUMBERS = (exp.DType.INT, exp.DType.BIGINT)
_ONE_LETTER_THAT_BECOMES_TWO = "\u0130"


class NotPortableError(ValueError):
    """A statement uses a construct that may mean something else on Spark; the message names it."""


@cache
def to_spark(sql: str) -> exp.Expr:
    """The statement in Spark's dialect, with unchanged table names. The tree is cached: copy it before changing it.

    Args:
        sql: one SELECT in DuckDB's dialect, parameters by name.

    Raises:
        NotPortableError: it uses a construct without a rule.
    """
    tree = sqlglot.parse_one(sql, dialect=DIALECT)
    # From the leaves up, so that a rule gets arguments that are already translated.
    for node in reversed(list(tree.walk(bfs=True))):
        if (rule := _RULES.get(type(node))) is not None:
            made = rule(node)
            if made is node:
                continue
            if node is tree:
                tree = made
            else:
                node.replace(made)
        elif isinstance(node, exp.Func) and type(node) not in _EQUAL_ON_BOTH:
            raise NotPortableError(
                f"{node.sql(dialect=DIALECT)}: no rule says what {node.sql_name().lower()} is on Spark"
            )
    return tree


def tables_of(sql: str) -> frozenset[TableName]:
    """The tables with a schema that a statement reads."""
    return frozenset(TableName(table.db, table.name) for table in to_spark(sql).find_all(exp.Table) if table.db)


def spark_text(sql: str, names: Callable[[TableName], str]) -> str:
    """The statement as Spark runs it.

    Args:
        sql: one SELECT in DuckDB's dialect.
        names: a table's name in Spark.
    """
    tree = to_spark(sql).copy()
    for table in list(tree.find_all(exp.Table)):
        if table.db:
            found = exp.to_table(names(TableName(table.db, table.name)), dialect=SPARK)
            for part in ("this", "db", "catalog"):
                table.set(part, found.args.get(part))
    return tree.sql(dialect=SPARK, unsupported_level=sqlglot.ErrorLevel.RAISE)


def _call(name: str, *arguments: exp.Expr | None) -> exp.Expr:
    """A call by Spark's own function name, which sqlglot does not translate."""
    return exp.Anonymous(this=name, expressions=[argument for argument in arguments if argument is not None])


def _named(node: exp.Expr) -> exp.Expr:
    """Functions that sqlglot does not know by name."""
    function = cast(exp.Anonymous, node)
    name, given = function.name.lower(), function.expressions
    match name:
        case "round_even":
            return _call("bround", *given)
        case "timezone":
            zone, local = given
            return _call("to_utc_timestamp", local, zone)
        case "list_intersect":
            one, other = given
            # DuckDB's intersection never contains null.
            return _call("array_compact", _call("array_intersect", one, _call("coalesce", other, _call("array"))))
        case "array_length":
            return _call("size", *given)
    raise NotPortableError(f"{function.sql(dialect=DIALECT)}: no rule says what {name} is on Spark")


def _division(node: exp.Expr) -> exp.Expr:
    """DuckDB always divides as doubles; Spark would divide decimals as decimals."""
    return exp.Div(this=_double(node.this), expression=_double(node.args["expression"]), typed=True, safe=False)


def _double(value: exp.Expr) -> exp.Expr:
    return exp.cast(value.copy(), exp.DType.DOUBLE)


def _average(node: exp.Expr) -> exp.Expr:
    return exp.Avg(this=_double(node.this))


def _cast(node: exp.Expr) -> exp.Expr:
    kind = node.args["to"].this
    if kind in _WHOLE_NUMBERS and not isinstance(node.this, exp.Null | exp.Round | exp.Count | exp.Literal):
        # DuckDB rounds, Spark truncates.
        return exp.Cast(this=_call("round", node.this.copy()), to=node.args["to"].copy())
    if kind in exp.DataType.TEXT_TYPES and isinstance(node.this, exp.Column) and node.this.name.endswith("_at"):
        raise NotPortableError(f"{node.sql(dialect=DIALECT)}: an instant is written otherwise on Spark; format it")
    return node


def _difference(node: exp.Expr) -> exp.Expr:
    later, earlier = node.this, node.args["expression"]
    match node.text("unit").lower():
        case "day":
            days = _call("datediff", exp.cast(later.copy(), exp.DType.DATE), exp.cast(earlier.copy(), exp.DType.DATE))
            return exp.cast(days, exp.DType.BIGINT)
        case "second":
            return exp.paren(
                exp.Sub(this=_call("unix_seconds", later.copy()), expression=_call("unix_seconds", earlier.copy()))
            )
    raise NotPortableError(f"{node.sql(dialect=DIALECT)}: only days and seconds are counted alike on Spark")


def _days(node: exp.Expr) -> exp.Expr:
    return _call("make_dt_interval", node.this.copy())


def _seconds_since_1970(node: exp.Expr) -> exp.Expr:
    micros = exp.cast(_call("unix_micros", node.this.copy()), exp.DType.DOUBLE)
    return exp.paren(exp.Div(this=micros, expression=exp.Literal.number("1000000.0D"), typed=True, safe=False))


def _milliseconds_since_1970(node: exp.Expr) -> exp.Expr:
    if node.args.get("scale") is None or node.args["scale"].name != "3":
        raise NotPortableError(f"{node.sql(dialect=DIALECT)}: only epoch_ms is known on Spark")
    return _call("unix_millis", node.this.copy())


def _lower(node: exp.Expr) -> exp.Expr:
    """Java lower-cases the dotted capital I to two characters."""
    plain = _call(
        "replace", node.this.copy(), exp.Literal.string(_ONE_LETTER_THAT_BECOMES_TWO), exp.Literal.string("i")
    )
    return _call("lower", plain)


def _element(node: exp.Expr) -> exp.Expr:
    """A missing element is null in DuckDB and an error in Spark."""
    if len(node.expressions) != 1 or not node.expressions[0].is_int:
        raise NotPortableError(f"{node.sql(dialect=DIALECT)}: only elements at a written place are known on Spark")
    # The parser has already made the index start at 0.
    return _call("get", node.this.copy(), node.expressions[0].copy())


def _length(node: exp.Expr) -> exp.Expr:
    if isinstance(node.this, exp.Anonymous | exp.ArrayDistinct | exp.Split):
        raise NotPortableError(
            f"{node.sql(dialect=DIALECT)}: say array_length of a list, which Spark does not count as a text"
        )
    return node


def _day_text(node: exp.Expr) -> exp.Expr:
    if re.sub("%[Ymd]|-", "", node.text("format")):
        raise NotPortableError(f"{node.sql(dialect=DIALECT)}: only years, months and days are written alike on Spark")
    return node


def _replacement(node: exp.Expr) -> exp.Expr:
    replacement = node.args.get("replacement")
    if replacement is not None and "\\" in replacement.name:
        raise NotPortableError(f"{node.sql(dialect=DIALECT)}: back references are written otherwise on Spark")
    return node


_RULES: Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Anonymous: _named,
    exp.Div: _division,
    exp.Avg: _average,
    exp.Cast: _cast,
    exp.TryCast: lambda node: node,
    exp.DateDiff: _difference,
    exp.ToDays: _days,
    exp.TimeToUnix: _seconds_since_1970,
    exp.UnixToTime: _milliseconds_since_1970,
    exp.Bracket: _element,
    exp.Length: _length,
    exp.Lower: _lower,
    exp.RegexpReplace: _replacement,
    exp.TimeToStr: _day_text,
}
