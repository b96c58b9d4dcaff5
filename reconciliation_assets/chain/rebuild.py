"""The whole chain on one warehouse at once, without the graph: for trying what another policy would make of the same inputs."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter

from reconciliation_assets.chain.check import Ground, TableCheck
from reconciliation_assets.chain.governance.policy_versions import record_policy_version
from reconciliation_assets.chain.program import Workbench
from reconciliation_assets.chain.programs import PROGRAMS
from reconciliation_assets.chain.queries import queries
from reconciliation_assets.policy.tables import policy_tables
from reconciliation_assets.warehouse.query import TableName


def in_order() -> list[TableName]:
    """Every computed table behind those it reads."""
    reads: dict[TableName, Sequence[TableName]] = {
        **{program.target: program.reads for program in PROGRAMS},
        **{query.target: query.reads for query in queries().values()},
    }
    return [table for table in TopologicalSorter(reads).static_order() if table in reads]


def rebuild(bench: Workbench, checks: Mapping[str, Sequence[TableCheck]]) -> Iterator[tuple[TableCheck, str]]:
    """Make every table anew from what has landed, and tell the blocking checks that do not hold.

    The graph would stop at the first of them; here the chain is built to its end, so that everything can be told.

    Args:
        bench: a warehouse of its own, with the inputs landed.
        checks: the checks of each table.

    Yields:
        Each blocking check that does not hold, with what it says.
    """
    answer = record_policy_version(bench.warehouse, bench.loaded_policy, bench.as_of)
    if not answer.passed:
        unchanged = TableCheck("version_names_its_definitions", "policy_versions", "", True, lambda _: answer)
        yield unchanged, answer.message
    for name, rows in policy_tables(bench.loaded_policy).items():
        bench.warehouse.load(TableName("policy", name), rows)
    programs = {program.target: program for program in PROGRAMS}
    ground = Ground(bench.warehouse, bench.loaded_policy.policy, bench.as_of)
    for table in in_order():
        if table in programs:
            programs[table].make(bench)
        else:
            bench.warehouse.materialise(queries()[table], bench.parameters)
        for check in checks.get(table.name, ()):
            if check.blocking and not (told := check.ask(ground)).passed and told.severity == "ERROR":
                yield check, told.message
