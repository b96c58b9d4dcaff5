"""Run storage and event log on SQLite with persistent connections.

Dagster's own storage opens the file again for every event, waits for the disk at every commit and compiles every statement
again, which takes half of a small run. Here the same files, tables and statements are used through one connection pool per
file. Committed events survive the death of the process, as before; after a power failure the files are consistent, but may
lack the last moments (https://sqlite.org/pragma.html#pragma_synchronous). The events inside a step are committed together, at
the latest when the step ends.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as db
from dagster import AssetKey, DagsterEventType, EventLogEntry, EventLogRecord
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine

# Every run has its own file; at most this many stay open while the history is read.
_FILES_KEPT_OPEN = 8
# Dagster stores related events, such as the plan of a run, in batches of this size.
_EVENTS_IN_A_BATCH = "1000"
# Events between the start of a step and the events after its end.
_INSIDE_A_STEP = frozenset(
    {
        DagsterEventType.STEP_OUTPUT,
        DagsterEventType.ASSET_MATERIALIZATION,
        DagsterEventType.ASSET_CHECK_EVALUATION,
        DagsterEventType.STEP_SUCCESS,
    }
)


def _open(address: str) -> Engine:
    engine = db.create_engine(address, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})

    @db.event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        connection.execute("pragma synchronous = normal")

    return engine


class RunStorage(SqliteRunStorage):
    """Dagster's run storage on SQLite, with persistent connections."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = _open(conn_string)
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection inside a transaction."""
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close the file."""
        self._engine.dispose()
        super().dispose()


class EventLogStorage(SqliteEventLogStorage):
    """Dagster's event log on SQLite, with persistent connections; events inside a step are stored together.

    They wait for the next event outside the step, such as the start of the next step, or for the next read of this storage.
    A process that dies in between loses them, and its run counts as failed.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._batch = threading.local()
        self._waiting: list[EventLogEntry] = []
        self._waiting_lock = threading.RLock()
        self._latest: dict[str, tuple[str, EventLogRecord]] = {}
        self._tables: set[str] = set()
        self._migrations: set[str] = set()
        self._asset_key_columns: set[str] = set()
        super().__init__(base_dir, inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, or let it wait for the end of its step."""
        if self._is_in_batch:
            super().store_event(event)
            return
        with self._waiting_lock:
            self._waiting.append(event)
            if not (event.step_key and event.dagster_event_type in _INSIDE_A_STEP):
                self._store_waiting()

    def _store_waiting(self) -> None:
        with self._waiting_lock:
            events, self._waiting = self._waiting, []
            if events:
                self.store_event_batch(events)

    @property
    def _is_in_batch(self) -> bool:
        return getattr(self._batch, "open", None) is not None

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction per file."""
        with ExitStack() as stack:
            self._batch.open = {}
            stack.callback(delattr, self._batch, "open")
            stack.enter_context(self._db_lock)
            self._batch.stack = stack
            super().store_event_batch(events)

    def has_table(self, table_name: str) -> bool:
        """Whether the index database has a table; cached, because Dagster asks for every event."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def has_secondary_index(self, name: str) -> bool:
        """Whether a migration of Dagster's took place; asked twice for every lookup of assets, and never undone."""
        if name not in self._migrations and super().has_secondary_index(name):
            self._migrations.add(name)
        return name in self._migrations

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        if column_name not in self._asset_key_columns and super()._has_asset_key_col_on_connection(conn, column_name):
            self._asset_key_columns.add(column_name)
        return column_name in self._asset_key_columns

    def _get_asset_entry_values(
        self, event: EventLogEntry, event_id: int, has_asset_key_index_cols: bool
    ) -> dict[str, Any]:
        values = super()._get_asset_entry_values(event, event_id, has_asset_key_index_cols)
        if "last_materialization" in values and event.dagster_event and event.dagster_event.asset_key:
            self._latest[event.dagster_event.asset_key.to_string()] = (
                values["last_materialization"],
                EventLogRecord(storage_id=event_id, event_log_entry=event),
            )
        return values

    def _get_latest_materialization_records(
        self, raw_asset_rows: Sequence[Mapping[str, Any]]
    ) -> Mapping[AssetKey, EventLogRecord | None]:
        """The last materialisations; each step asks for those of all it reads, and parsing them takes longer than most steps."""
        found: dict[AssetKey, EventLogRecord | None] = {}
        others = []
        for row in raw_asset_rows:
            key = AssetKey.from_db_string(row["asset_key"])
            text, record = self._latest.get(row["asset_key"], ("", None))
            if key and record and text == row["last_materialization"] and row["asset_details"] is None:
                found[key] = record
            else:
                others.append(row)
        if others:
            found |= super()._get_latest_materialization_records(others)
        return found

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        if not self._is_in_batch:
            self._store_waiting()
            with self._db_lock, self._engine(shard).begin() as connection:
                yield connection
            return
        batch: dict[str, Connection] = self._batch.open
        if shard not in batch:
            batch[shard] = self._batch.stack.enter_context(self._engine(shard).begin())
        yield batch[shard]

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None) or _open(self.conn_string_for_shard(shard))
        self._engines[shard] = engine
        while len(self._engines) > _FILES_KEPT_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        return engine

    def wipe(self) -> None:
        """Delete the files of all runs and the index database."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close the files."""
        self._store_waiting()
        self._close()
        super().dispose()

    def _close(self) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose()


class Storage(DagsterSqliteStorage):
    """Storage of an instance, in the same folder and files as Dagster's own SQLite storage."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", _EVENTS_IN_A_BATCH)
        self._run_storage = RunStorage.from_local(str(Path(base_dir) / "history"))
        self._event_log_storage = EventLogStorage(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "Storage":
        """The storage configured by a section of `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)
