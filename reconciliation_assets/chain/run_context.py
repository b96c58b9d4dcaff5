"""What a run works with: its warehouse, its policy and the instant it speaks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from reconciliation_assets.policy.load import LoadedPolicy
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.policy.tables import policy_parameters
from reconciliation_assets.warehouse.duckdb import Warehouse


@dataclass(frozen=True)
class RunContext:
    """What tables are made with and checks are asked with; fixed at the start of a run."""

    warehouse: Warehouse
    loaded_policy: LoadedPolicy
    as_of: datetime

    @property
    def policy(self) -> Policy:
        """The definitions in force."""
        return self.loaded_policy.policy

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The policy's single values, as SQL names them."""
        return policy_parameters(self.loaded_policy, self.as_of)
