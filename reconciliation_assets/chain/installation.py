"""The installation as a Dagster resource: its warehouse, policy, inbox and the run's as-of time."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from reconciliation_assets.chain.queries import queries
from reconciliation_assets.chain.raw.versions import LANDINGS
from reconciliation_assets.chain.run_context import LedgerContext, RunContext
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.settings import Settings, load_settings, require_whole
from reconciliation_assets.sources.files import InboxFile, discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.presets.recognition import Unrecognised
from reconciliation_assets.sources.protect import ContactProtector, load_contact_key
from reconciliation_assets.warehouse import spark
from reconciliation_assets.warehouse.duckdb import Connection, DuckDB, connect
from reconciliation_assets.warehouse.lineage import KnownLineage, Lineage
from reconciliation_assets.warehouse.protocol import Ledger, Warehouse
from reconciliation_assets.warehouse.query import Query, TableName

if TYPE_CHECKING:
    from reconciliation_assets.chain.plots import KeptPictures


@dataclass(frozen=True)
class OpenInstallation(RunContext):
    """The run context of the graph, with the settings, the inbox and the contact secret of the installation.

    Attributes:
        ledger: stores deliveries and all state kept across runs; the same object as the warehouse if that is DuckDB.
    """

    settings: Settings
    ledger: Ledger
    _columns: dict[TableName, dict[str, str]] = field(default_factory=dict)

    @cached_property
    def at_landing(self) -> LedgerContext:
        """The context for landing data and for its checks."""
        return LedgerContext(self.ledger, self.loaded_policy, self.as_of)

    @cached_property
    def inbox(self) -> tuple[list[InboxFile], list[Unrecognised]]:
        """Recognised and unrecognised files of the inbox, listed once per run."""
        return discover(self.settings.inbox, load_presets(self.settings.presets_dir, self.policy.reporting_currency))

    def columns_made(self, table: TableName) -> dict[str, str]:
        """Names and types of the columns of a table that was just made."""
        self._columns[table] = self.warehouse.columns(table)
        return self._columns[table]

    def lineage(self, query: Query) -> Lineage:
        """The column lineage of a query, with the tables of this run."""
        read = ((table, self._columns.get(table) or self.columns_made(table)) for table in query.reads)
        return self._known_lineage.of(query, tuple((table, tuple(columns.items())) for table, columns in read))

    @cached_property
    def pictures(self) -> "KeptPictures":
        """The stored pictures of plots from earlier runs."""
        from reconciliation_assets.chain.plots import KeptPictures  # noqa: PLC0415 - the drawing library is slow to load

        return KeptPictures(self.ledger)

    @cached_property
    def _known_lineage(self) -> KnownLineage:
        return KnownLineage(self.ledger)

    @cached_property
    def protector(self) -> ContactProtector:
        """Protects contacts with the installation's secret."""
        is_new = not self.ledger.exists(LANDINGS) or not self.ledger.count(LANDINGS)
        key = load_contact_key(self.settings.data_dir, self.settings.contact_key, is_new=is_new)
        return ContactProtector(key, self.policy.reporting_currency, self.policy.kept_words)


class Installation(DuckDBResource):
    """The installation configured by the environment; its warehouse is opened once per run.

    Attributes:
        database: the file of the ledger.
    """

    _open: OpenInstallation | None = PrivateAttr(default=None)

    @contextmanager
    def get_connection(self) -> Iterator[Connection]:
        """The only connection to the ledger; a locked file is an immediate error, not a wait."""
        with closing(connect(self.database)) as connection:
            yield connection

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Installation"]:
        """Open the installation for a run and close it at its end."""
        settings = load_settings()
        require_whole(settings)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        loaded = load_policy(settings.policy_path)
        with self.get_connection() as connection:
            ledger = DuckDB(connection)
            ledger.limit(settings.memory, settings.temp_dir)
            with _warehouse(settings, ledger) as warehouse:
                self._open = OpenInstallation(warehouse, loaded, settings.as_of, settings, ledger)
                try:
                    yield self
                finally:
                    self._open = None

    @property
    def now(self) -> OpenInstallation:
        """The opened installation."""
        if self._open is None:
            raise RuntimeError("The installation is open only while a run executes.")
        return self._open


@contextmanager
def _warehouse(settings: Settings, ledger: DuckDB) -> Iterator[Warehouse]:
    """The engine named in the settings, open for one run."""
    if settings.cluster is None:
        yield ledger
        return
    with closing(spark.connect(settings.cluster, ledger, settings.spark_tables, frozenset(queries()))) as warehouse:
        yield warehouse
