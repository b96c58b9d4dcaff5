"""The whole graph from the stand-in platform: the same bridge as from files, pulled twice, with a source that fails."""

import csv
import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import duckdb
import pytest

from reconciliation_assets.sources.connector import Window
from reconciliation_assets.sources.registry import load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets_tests.standin.company import AS_OF
from reconciliation_assets_tests.standin.faults import PASSING, Fault
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import sources_yaml

pytestmark = pytest.mark.slow

RATES = "date,currency,rate\n2020-01-01,KWD,11.96\n2020-01-01,USD,3.6725\n"
COMPARED = ("bridge", "bridge_entries", "two_numbers", "match_coverage", "cash_view", "unmatched_revenue")


COMMAND = [sys.executable, "-m", "reconciliation_assets.cli", "run"]


def environment(home: Path) -> dict[str, str]:
    return os.environ | {"RECON_DATA_DIR": str(home), "RECON_AS_OF": AS_OF.isoformat()}


def reconcile(home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(COMMAND, env=environment(home), capture_output=True, text=True, check=False, timeout=300)


def reconcile_and_be_killed(home: Path, standin: Standin, call: str, nth: int) -> int:
    """Run until a source has given so many answers of a kind, then die as in a power cut; the exit status tells."""
    with subprocess.Popen(COMMAND, env=environment(home), stdout=DEVNULL, stderr=DEVNULL) as running:
        standin.plan(Fault("world_changes", call, nth, change=lambda _: running.kill()))
        return running.wait(timeout=300)


def published(home: Path, table: str) -> list[tuple[object, ...]]:
    path = home / "published" / "reconciliation.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(f"select * from reporting.{table} order by all").fetchall()


def installation(home: Path) -> Path:
    (home / "inbox").mkdir(parents=True)
    (home / "inbox" / "fx_rates.csv").write_text(RATES, "utf-8")
    return home


def from_sources(home: Path, standin: Standin) -> Path:
    installation(home)
    (home / "sources.yaml").write_text(sources_yaml(standin), "utf-8")
    return home


def from_files(home: Path, standin: Standin) -> Path:
    installation(home)
    sources = home / "elsewhere.yaml"
    sources.write_text(sources_yaml(standin), "utf-8")
    rows = defaultdict(list)
    for connector in load_connectors(sources, FileTokenStore(home / "their-tokens")):
        for batch in connector.pull(Window(None, AS_OF)):
            rows[batch.table].extend(batch.rows)
    for table, found in rows.items():
        columns = sorted({column for row in found for column in row})
        with (home / "inbox" / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(found)
    return home


def without_pagination(body: dict[str, Any]) -> dict[str, Any]:
    return {"payments": body["payments"]}


def test_the_graph_pulls_whole_and_repeats_nothing(tmp_path: Path) -> None:
    """Sources give the same bridge as files, through two kills and every passing fault.

    A second pull changes nothing, and a failing source stops no other.
    """
    with Standin() as standin:
        pulled = from_sources(tmp_path / "pulled", standin)
        assert reconcile_and_be_killed(pulled, standin, "meta.insights", nth=2) == -signal.SIGKILL
        assert reconcile_and_be_killed(pulled, standin, "stripe.balance_transactions", nth=2) == -signal.SIGKILL
        standin.plan(*(Fault(kind, nth=4 + 19 * n) for n, kind in enumerate(PASSING)))
        first = reconcile(pulled)
        assert first.returncode == 0, first.stderr
        warned = set(re.findall(r"pull_\w+, check (\w+)", first.stderr))
        assert warned <= {"not_empty", "fresh"}, "a fault was not got over"
        from_pulls = {table: published(pulled, table) for table in COMPARED}

        standin.plan(
            Fault("expired_token", "stripe.balance_transactions", times=50),
            Fault("drift", "tabby.payments", times=50, change=without_pagination),
        )
        again = reconcile(pulled)
        assert again.returncode == 0, again.stderr
        assert "pull_stripe, check credentials" in again.stderr
        assert "pull_tabby, check shape" in again.stderr
        assert {table: published(pulled, table) for table in COMPARED} == from_pulls
    with Standin() as standin:
        dropped = from_files(tmp_path / "dropped", standin)
    files = reconcile(dropped)
    assert files.returncode == 0, files.stderr
    assert {table: published(dropped, table) for table in COMPARED} == from_pulls
