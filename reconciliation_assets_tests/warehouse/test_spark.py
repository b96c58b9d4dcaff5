"""Spark as the warehouse, as far as it shows without a cluster: what is said where it cannot be used."""

import socket
import sys
from pathlib import Path

import pytest

from reconciliation_assets.warehouse.duckdb import DuckDB, in_memory
from reconciliation_assets.warehouse.spark import SparkUnreachableError, connect
from reconciliation_assets_tests.installation import Installation


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_where_pyspark_is_not_installed_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql.connect.session", None)
    with in_memory() as connection, pytest.raises(SparkUnreachableError, match=r"reconciliation-assets\[spark\]"):
        connect("sc://127.0.0.1:15002", DuckDB(connection), "company", frozenset())


def test_where_nothing_answers_it_names_the_address() -> None:
    pytest.importorskip("pyspark.sql.connect.session", reason="needs the extra [spark]")
    port = unused_port()
    with in_memory() as connection, pytest.raises(SparkUnreachableError, match=f"127.0.0.1:{port}"):
        connect(f"sc://127.0.0.1:{port}", DuckDB(connection), "company", frozenset())


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        pytest.param({"RECON_ENGINE": "hive"}, "RECON_ENGINE", id="an engine that is none"),
        pytest.param({"RECON_ENGINE": "spark"}, "RECON_SPARK_REMOTE", id="Spark without an address"),
        pytest.param(
            {"RECON_ENGINE": "spark", "RECON_SPARK_REMOTE": "host:15002"},
            "RECON_SPARK_REMOTE",
            id="no address of Spark",
        ),
        pytest.param({"RECON_SPARK_TABLES": "drop table x; --"}, "RECON_SPARK_TABLES", id="no name of schemas"),
    ],
)
def test_settings_that_cannot_be_used_are_named(environment: dict[str, str], named: str, tmp_path: Path) -> None:
    told = Installation(tmp_path, **environment).reconcile("run")
    assert told.status != 0
    assert named in told.text


def test_a_run_says_that_nothing_answers_and_changes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("pyspark.sql.connect.session", reason="needs the extra [spark]")
    address = f"127.0.0.1:{unused_port()}"
    told = Installation(tmp_path, RECON_ENGINE="spark", RECON_SPARK_REMOTE=f"sc://{address}").reconcile("run")
    assert told.status != 0
    assert f"No Spark Connect server answers at {address}" in told.text
    assert not (tmp_path / "warehouse.duckdb").exists()
