"""The chain on one warehouse without the graph: for benchmarks, tests and trying what another policy would make of the inputs."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from graphlib import TopologicalSorter

from reconciliation_assets.chain.check import TableCheck
from reconciliation_assets.chain.governance.policy_versions import use_policy
from reconciliation_assets.chain.python_tables import PYTHON_TABLES
from reconciliation_assets.chain.queries import queries
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.warehouse.query import TableName

_PYTHON_TABLES = {program.target: program for program in PYTHON_TABLES}


@cache
def in_order(wanted: TableName | None = None) -> list[TableName]:
    """Every computed table behind those it reads; of one table, only itself and what it rests on."""
    reads: dict[TableName, Sequence[TableName]] = {
        **{program.target: program.reads for program in PYTHON_TABLES},
        **{query.target: query.reads for query in queries().values()},
    }
    needed = set(reads) if wanted is None else set()
    found = [] if wanted is None else [wanted]
    while found:
        table = found.pop()
        if table in reads and table not in needed:
            needed.add(table)
            found += reads[table]
    return [table for table in TopologicalSorter(reads).static_order() if table in needed]


def make(context: RunContext, table: TableName) -> None:
    """Make one computed table; what it reads is there."""
    if table in _PYTHON_TABLES:
        _PYTHON_TABLES[table].make(context)
    else:
        context.warehouse.materialise(queries()[table], context.parameters)


def rebuild(context: RunContext, checks: Mapping[str, Sequence[TableCheck]]) -> Iterator[tuple[TableCheck, str]]:
    """Make every table anew from what has landed, and tell the blocking checks that do not hold.

    The graph would stop at the first of them; here the chain is built to its end, so that everything can be told.

    Args:
        context: a warehouse of its own, with the inputs landed.
        checks: the checks of each table.

    Yields:
        Each blocking check that does not hold, with what it says.
    """
    answer = use_policy(context.warehouse, context.loaded_policy, context.as_of)
    if not answer.passed:
        unchanged = TableCheck("version_names_its_definitions", "policy_versions", "", True, lambda _: answer)
        yield unchanged, answer.message
    for table in in_order():
        make(context, table)
        for check in checks.get(table.name, ()):
            if check.blocking and not (told := check.ask(context)).passed and told.severity == "ERROR":
                yield check, told.message
