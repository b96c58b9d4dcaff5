"""The context of a run: its warehouse, its policy and its as-of time."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from reconciliation_assets.policy.load import LoadedPolicy
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.policy.tables import policy_parameters
from reconciliation_assets.warehouse.protocol import Ledger, Warehouse
from reconciliation_assets.warehouse.query import TableName


@dataclass(frozen=True)
class RunContext:
    """The inputs common to all tables and checks; fixed at the start of a run.

    Attributes:
        as_of: the as-of time of the run; later records do not count.
    """

    warehouse: Warehouse
    loaded_policy: LoadedPolicy
    as_of: datetime

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.loaded_policy.policy

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The policy's single values as named parameters of the SQL files."""
        return policy_parameters(self.loaded_policy, self.as_of)

    @contextmanager
    def in_ledger(self, reads: Collection[TableName]) -> Iterator["LedgerContext"]:
        """The same context with the ledger as its warehouse, inside the block; see `Warehouse.ledger`."""
        with self.warehouse.ledger(reads) as ledger:
            yield LedgerContext(ledger, self.loaded_policy, self.as_of)


@dataclass(frozen=True)
class LedgerContext(RunContext):
    """The context for landing data and for making tables in Python; its warehouse is the ledger."""

    warehouse: Ledger
