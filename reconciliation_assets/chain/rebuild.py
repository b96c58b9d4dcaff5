"""Run the chain on one warehouse without Dagster: for benchmarks, tests and the comparison of policies."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from graphlib import TopologicalSorter

from reconciliation_assets.chain.check import TableCheck
from reconciliation_assets.chain.governance.policy_versions import use_policy
from reconciliation_assets.chain.python_tables import python_tables
from reconciliation_assets.chain.queries import queries
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.chain.tables import tables_read
from reconciliation_assets.warehouse.query import TableName


@cache
def in_order(wanted: TableName | None = None) -> list[TableName]:
    """Every computed table, after the tables it reads; for a given table, only itself and its upstream tables."""
    reads = tables_read()
    needed = set(reads) if wanted is None else set()
    found = [] if wanted is None else [wanted]
    while found:
        table = found.pop()
        if table in reads and table not in needed:
            needed.add(table)
            found += reads[table]
    return [table for table in TopologicalSorter(reads).static_order() if table in needed]


def make(context: RunContext, table: TableName) -> None:
    """Make one computed table; the tables it reads must exist."""
    if table in python_tables():
        python_tables()[table].make(context)
    else:
        context.warehouse.materialise(queries()[table], context.parameters)


def rebuild(context: RunContext, checks: Mapping[str, Sequence[TableCheck]]) -> Iterator[tuple[TableCheck, str]]:
    """Remake every table from the landed inputs, and yield the blocking checks that fail.

    The graph would stop at the first failure; here the whole chain is built, so that all failures are reported.

    Args:
        context: a run context with its own warehouse, in which the inputs have landed.
        checks: the checks of each table.

    Yields:
        Every failing blocking check with its message.
    """
    with context.warehouse.ledger([]) as ledger:
        answer = use_policy(ledger, context.loaded_policy, context.as_of)
    if not answer.passed:
        unchanged = TableCheck("version_names_its_definitions", "policy_versions", "", True, lambda _: answer)
        yield unchanged, answer.message
    for table in in_order():
        make(context, table)
        for check in checks.get(table.name, ()):
            if check.blocking and not (told := check.ask(context)).passed and told.severity == "ERROR":
                yield check, told.message
