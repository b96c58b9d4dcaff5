"""The register of policy versions: definitions may change only together with a new version name and its reason."""

from datetime import datetime

from reconciliation_assets.chain.check import CheckResult
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.policy.load import LoadedPolicy
from reconciliation_assets.policy.tables import policy_definitions, policy_tables
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import TableName

POLICY_VERSIONS = OutputTable(
    "policy_versions",
    "governance",
    "policy ever used",
    "data",
    ("policy_version",),
    description=(
        "Every policy ever used, with the fingerprint of its definitions; and the policy in force as tables of words, rates and owners, "
        "which is how SQL meets it."
    ),
    required=("policy_version", "content_hash", "effective_from", "first_used_at", "change_reason", "approved_by"),
    published=True,
    group="change_control",
    page="docs/definitions/policy.md",
    columns={
        "policy_version": Meaning("Name of the version"),
        "content_hash": Meaning("Fingerprint of the definitions"),
        "effective_from": Meaning("Day from which the version is meant to hold"),
        "first_used_at": Meaning("The instant spoken for by the first run under the version"),
        "change_reason": Meaning("Why the definitions changed"),
        "approved_by": Meaning("Who approved the version"),
    },
)

_PREPARE = """
create schema if not exists governance;
create table if not exists governance.policy_versions (
  policy_version VARCHAR primary key,
  content_hash VARCHAR not null,
  effective_from DATE not null,
  first_used_at TIMESTAMPTZ not null,
  change_reason VARCHAR not null,
  approved_by VARCHAR not null
);
create schema if not exists policy;
create table if not exists policy.definitions (
  policy_version VARCHAR not null,
  area VARCHAR not null,
  definition VARCHAR not null,
  element VARCHAR not null,
  value VARCHAR not null
);
"""


def use_policy(warehouse: Ledger, loaded: LoadedPolicy, as_of: datetime) -> CheckResult:
    """Put a policy in force: record its version and load its definitions as tables for SQL."""
    answer = record_policy_version(warehouse, loaded, as_of)
    for name, rows in policy_tables(loaded).items():
        warehouse.load(TableName("policy", name), rows)
    return answer


def record_policy_version(warehouse: Ledger, loaded: LoadedPolicy, as_of: datetime) -> CheckResult:
    """Record the version on its first use; afterwards check that the version name still has the same definitions.

    Args:
        as_of: the run's as-of time, recorded as the first use.
    """
    warehouse.execute(_PREPARE)
    policy = loaded.policy
    used = warehouse.rows(
        "select content_hash, first_used_at from governance.policy_versions where policy_version = $version",
        {"version": policy.version},
    )
    if not used:
        warehouse.execute(
            """
            insert into governance.policy_versions
            values ($version, $hash, $effective, $as_of, $reason, $approved)
            """,
            {
                "version": policy.version,
                "hash": loaded.content_hash,
                "effective": policy.effective_from,
                "as_of": as_of,
                "reason": policy.change_reason,
                "approved": policy.approved_by,
            },
        )
        _keep_definitions(warehouse, loaded)
        return CheckResult(True, f"Version {policy.version} is used for the first time: {policy.change_reason}")
    first_hash, first_used_at = used[0]
    if first_hash == loaded.content_hash:
        _keep_definitions(warehouse, loaded)
        return CheckResult(True, f"Version {policy.version} stands for the same definitions as ever.")
    return CheckResult(
        False,
        f"policy_versions: the definitions in {loaded.origin} changed, but they still call themselves version "
        f"{policy.version!r}, which was first used on {first_used_at:%Y-%m-%d} for others. Give the file a new version and a "
        "change_reason that says what changed and why, then run again; the published copy stays as it was.",
    )


def _keep_definitions(warehouse: Ledger, loaded: LoadedPolicy) -> None:
    """Store the version's definitions once, so that later versions can be compared with it."""
    with warehouse.reading("_definitions", policy_definitions(loaded)):
        warehouse.execute(
            """
            insert into policy.definitions
            select $version, area, definition, element, value from _definitions
            where not exists (select 1 from policy.definitions where policy_version = $version)
            """,
            {"version": loaded.policy.version},
        )
