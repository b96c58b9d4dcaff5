"""The benchmark: the whole job on generated data, beside the time the engine needs just to copy the same inputs."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb

from reconciliation_assets_tests.lab.sample import CompanySpec, write_company

_SECONDS_UNTIL_STOPPED = 3600


@dataclass(frozen=True)
class Measured:
    """What one run of the whole job took.

    Attributes:
        rows: rows of all inputs.
        seconds: from starting the command to the published copy and the page.
        copy_seconds: the engine reading the same files and writing them as tables, in the same minute.
        by_layer: seconds of the steps of each layer; the rest is loading the graph and Dagster's own work.
        peak_gib: the largest memory the process held.
    """

    rows: int
    seconds: float
    copy_seconds: float
    by_layer: dict[str, float]
    peak_gib: float


def measure(orders: int, seed: int) -> Measured:
    """Generate a company, run the whole job on it in a process of its own, and clean up."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        home = Path(folder)
        spec = CompanySpec(orders=orders, seed=seed)
        write_company(spec, home)
        rows, copy_seconds = _copied(home)
        began = time.perf_counter()
        run_alone(home, spec)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        return Measured(rows, seconds, copy_seconds, dict(_by_layer(home)), peak)


def run_alone(home: Path, spec: CompanySpec) -> None:
    """Run the whole job on a written company, in a process of its own and in silence."""
    subprocess.run(
        [sys.executable, "-m", "reconciliation_assets.cli", "run"],
        env=os.environ | {"RECON_DATA_DIR": str(home), "RECON_AS_OF": spec.as_of.isoformat()},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS_UNTIL_STOPPED,
    )


def _copied(home: Path) -> tuple[int, float]:
    began = time.perf_counter()
    rows = 0
    with duckdb.connect(str(home / "copy.duckdb")) as connection:
        for file in sorted((home / "inbox").glob("*.csv")):
            connection.execute(
                f'create table "{file.stem}" as from read_csv($path, all_varchar = true)', {"path": str(file)}
            )
            rows += int(connection.execute(f'select count(*) from "{file.stem}"').fetchall()[0][0])
    seconds = time.perf_counter() - began
    (home / "copy.duckdb").unlink()
    return rows, seconds


def _by_layer(home: Path) -> Iterator[tuple[str, float]]:
    from reconciliation_assets.definitions import defs  # loading the graph takes seconds

    layers = {spec.key.to_user_string(): spec.tags["layer"] for spec in defs.resolve_all_asset_specs()}
    seconds: dict[str, float] = defaultdict(float)
    os.environ["DAGSTER_HOME"] = str(home / ".dagster")
    with dg.DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        for step in instance.get_run_step_stats(run.run_id):
            if step.start_time and step.end_time:
                seconds[layers[step.step_key]] += step.end_time - step.start_time
    yield from sorted(seconds.items(), key=lambda each: -each[1])
