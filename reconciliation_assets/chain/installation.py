"""One installation as the graph meets it: its warehouse, policy, inbox and the instant the run speaks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from reconciliation_assets.chain.raw.versions import LANDINGS
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.settings import Settings, load_settings
from reconciliation_assets.sources.files import InboxFile, discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.presets.recognition import Unrecognised
from reconciliation_assets.sources.protect import ContactProtector, load_contact_key
from reconciliation_assets.warehouse.duckdb import Warehouse, connect
from reconciliation_assets.warehouse.lineage import KnownLineage, Lineage
from reconciliation_assets.warehouse.query import Query, TableName


@dataclass(frozen=True)
class OpenInstallation(RunContext):
    """The context of a run of the graph: with the settings, the inbox and the secret of the installation."""

    settings: Settings
    _columns: dict[TableName, dict[str, str]] = field(default_factory=dict)

    @cached_property
    def inbox(self) -> tuple[list[InboxFile], list[Unrecognised]]:
        """What lies in the inbox, looked at once in a run: the files that are read and those that are not."""
        return discover(self.settings.inbox, load_presets(self.settings.presets_dir, self.policy.reporting_currency))

    def columns_made(self, table: TableName) -> dict[str, str]:
        """Names and types of the columns of a table that was made just now."""
        self._columns[table] = self.warehouse.columns(table)
        return self._columns[table]

    def lineage(self, query: Query) -> Lineage:
        """The lineage of a query's columns, in the tables as they are in this run."""
        read = ((table, self._columns.get(table) or self.columns_made(table)) for table in query.reads)
        return self._known_lineage.of(query, tuple((table, tuple(columns.items())) for table, columns in read))

    @cached_property
    def _known_lineage(self) -> KnownLineage:
        return KnownLineage(self.warehouse)

    @cached_property
    def protector(self) -> ContactProtector:
        """Protects contacts with the installation's secret."""
        is_new = not self.warehouse.exists(LANDINGS) or not self.warehouse.count(LANDINGS)
        key = load_contact_key(self.settings.data_dir, self.settings.contact_key, is_new=is_new)
        return ContactProtector(key, self.policy.reporting_currency)


class Installation(DuckDBResource):
    """The installation of the environment's settings; its warehouse is opened once for the length of a run."""

    _open: OpenInstallation | None = PrivateAttr(default=None)

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse's only connection, closed whatever happens; a busy file is an error at once, not a wait."""
        connection = connect(self.database)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Installation"]:
        """Open the installation for a run and close it at its end."""
        settings = load_settings()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        loaded = load_policy(settings.policy_path)
        with self.get_connection() as connection:
            warehouse = Warehouse(connection)
            warehouse.limit(settings.memory, settings.temp_dir)
            self._open = OpenInstallation(warehouse, loaded, settings.as_of, settings)
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
