"""The benchmark: the whole job on generated data, beside the time the engine needs just to copy the same inputs."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import duckdb

from reconciliation_assets.settings import SHIPPED_SAMPLE
from reconciliation_assets_tests.lab.sample import CompanySpec, write_company

_SAMPLE_AS_OF = "2026-07-01T00:00:00+04:00"
_LOAD = "import reconciliation_assets.definitions"


class Taken(NamedTuple):
    """What a process took: seconds on the wall, seconds of all processors, and the most memory it held."""

    seconds: float
    processor_seconds: float
    peak_gib: float


@dataclass(frozen=True)
class Measured:
    """One line of the benchmark.

    Attributes:
        what: what was done.
        seconds: from its start to its end, on the wall.
        processor_seconds: of all cores, with the system's share; on a busy machine the surer figure. None for steps inside
            a run.
        peak_gib: the most memory that its process held; None for steps inside a run.
        of_a_copy: `seconds` over those of the plain copy of the same files in the same minutes.
    """

    what: str
    seconds: float
    processor_seconds: float | None
    peak_gib: float | None
    of_a_copy: float


def measure(orders: int, seed: int) -> Iterator[Measured]:
    """Generate a company and measure every kind of run on it, each in a process of its own, and clean up.

    Yields:
        Each line when it is measured; the plain copy first.
    """
    spec = CompanySpec(orders=orders, seed=seed)
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        whole, daily, sample = (Path(folder) / name for name in ("whole", "daily", "sample"))
        write_company(spec, whole)
        rows, copy = _timed_copy(whole)
        yield Measured(f"plain copy of {rows:,} rows", *copy, 1.0)

        def line(what: str, home: Path, as_of: str) -> Measured:
            taken = run_alone(home, as_of)
            return Measured(what, *taken, taken.seconds / copy.seconds)

        instant = spec.as_of.isoformat()
        yield line("all tables, CSV to published copy", whole, instant)
        published = _publishing(whole)
        yield Measured("of it, what people read: copy and reports", published, None, None, published / copy.seconds)
        yield line("again, nothing changed", whole, instant)
        yesterday = replace(spec, as_of=spec.as_of - timedelta(days=1))
        write_company(yesterday, daily)
        yield line("all tables, a day earlier", daily, yesterday.as_of.isoformat())
        _add_what_came_since(daily, whole)
        yield line("the morning after: one new day of every table", daily, instant)
        shutil.copytree(SHIPPED_SAMPLE / "inbox", sample / "inbox")
        yield line("committed sample, first run", sample, _SAMPLE_AS_OF)
        yield line("committed sample, second run", sample, _SAMPLE_AS_OF)
        taken = _alone(["-c", _LOAD], {"RECON_DATA_DIR": str(sample)})
        yield Measured("loading the graph", *taken, taken.seconds / copy.seconds)


def run_alone(home: Path, as_of: str) -> Taken:
    """Run the whole job on a written company, in a process of its own and in silence; returns what it took."""
    return _alone(["-m", "reconciliation_assets.cli", "run"], {"RECON_DATA_DIR": str(home), "RECON_AS_OF": as_of})


def copied(home: Path) -> int:
    """Have the engine read a company's files and write them as tables, without a look at them; returns how many rows."""
    rows = 0
    with duckdb.connect(str(home / "copy.duckdb")) as connection:
        for file in sorted((home / "inbox").glob("*.csv")):
            connection.execute(
                f'create table "{file.stem}" as from read_csv($path, all_varchar = true)', {"path": str(file)}
            )
            rows += int(connection.execute(f'select count(*) from "{file.stem}"').fetchall()[0][0])
    (home / "copy.duckdb").unlink()
    return rows


def _timed_copy(home: Path) -> tuple[int, Taken]:
    began, before = time.perf_counter(), time.process_time()
    rows = copied(home)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return rows, Taken(time.perf_counter() - began, time.process_time() - before, peak)


def _alone(arguments: list[str], environment: dict[str, str]) -> Taken:
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.stderr.buffer.write(output.read())
            raise subprocess.CalledProcessError(process.returncode, arguments)
    return Taken(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20)


def _add_what_came_since(home: Path, later: Path) -> None:
    """Drop beside a company's files what a later export of it has that they have not: new rows, and new versions of old ones."""
    with duckdb.connect() as connection:
        for file in sorted((later / "inbox").glob("*.csv")):
            earlier = home / "inbox" / file.name
            connection.execute(
                f"""
                copy (
                  from read_csv('{file}', all_varchar = true) except all from read_csv('{earlier}', all_varchar = true)
                ) to '{earlier.with_stem(f"{file.stem}-next")}' (header)
                """
            )


def _publishing(home: Path) -> float:
    os.environ["DAGSTER_HOME"] = str(home / ".dagster")
    with dg.DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        steps = instance.get_run_step_stats(run.run_id, ["published_copy", "reports"])
    return sum(step.end_time - step.start_time for step in steps if step.start_time and step.end_time)
