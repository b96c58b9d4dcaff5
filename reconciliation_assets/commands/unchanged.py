"""Skip a run that would give the same results: its inputs and the last run's output files are unchanged.

The as-of time is one of the inputs, so a daily run is always made; only a second run on the same files with a fixed
`RECON_AS_OF` is skipped.
"""

import hashlib
import json
import sysconfig
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from reconciliation_assets.files import atomic_file
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.settings import Settings
from reconciliation_assets.sources.files import discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.protect import KEY_FILE
from reconciliation_assets.sources.snapshot import fingerprint_of
from reconciliation_assets.sources.text_rows import FileSetAsideError

_PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True)
class LastRun:
    """Inputs and outputs of the last successful run of the command line.

    Attributes:
        run_id: its ID in Dagster.
        ended_at: when it ended.
        read: a fingerprint of all its inputs.
        left: size and modification time of each output file.
        warned: table, name and message of each failed check that stopped nothing.
    """

    run_id: str
    ended_at: str
    read: str
    left: dict[str, list[int]]
    warned: list[list[str]]


def same_as_last_run(settings: Settings) -> LastRun | None:
    """The last run, if the inputs and its output files are unchanged; else None.

    Always None if outside systems are configured, because only a pull shows whether they have new records.
    """
    try:
        last = LastRun(**json.loads(_state_file(settings).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if settings.sources_path is not None or last.left != _output_files(settings) or last.read != reads(settings):
        return None
    return last


def forget(settings: Settings) -> None:
    """Forget the last run; called when a run begins, because the outputs are undefined until it succeeds."""
    _state_file(settings).unlink(missing_ok=True)


def remember(settings: Settings, read: str, run_id: str, ended_at: datetime, warned: list[list[str]]) -> None:
    """Record a successful run.

    Args:
        read: result of `reads` before the run began, so that a file dropped meanwhile counts as a change.
    """
    if settings.sources_path is not None:
        return
    last = LastRun(run_id, ended_at.isoformat(timespec="seconds"), read, _output_files(settings), warned)
    with atomic_file(_state_file(settings)) as file:
        file.write_text(json.dumps(asdict(last), ensure_ascii=False), "utf-8")


def reads(settings: Settings) -> str:
    """A fingerprint of all inputs of a run: as-of time, policy, presets, content of the inbox, contact secret, engine, code.

    Raises:
        PolicyError: the policy file cannot be used.
        PresetError: one of the company's own presets cannot be used.
    """
    known, unknown = discover(settings.inbox, load_presets(settings.presets_dir))
    secret = settings.contact_key.get_secret_value() if settings.contact_key else ""
    inputs = [
        settings.as_of.isoformat(),
        load_policy(settings.policy_path).policy.model_dump_json(),
        *(f"{file.table} {file.name} {file.fingerprint(_content(file.path))}" for file in known),
        *(f"{file.path.name} {file.reason}" for file in unknown),
        hashlib.sha256(f"reads {secret}".encode()).hexdigest(),
        f"{settings.engine} {settings.spark_remote} {settings.spark_tables}",
        _code(),
    ]
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()


def _content(path: Path) -> str:
    try:
        return fingerprint_of(path)
    except FileSetAsideError as problem:
        return f"not read: {problem}"


@cache
def _code() -> str:
    """A hash of this package's files and of the names and versions of the installed libraries."""
    code = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            code.update(str(path.relative_to(_PACKAGE)).encode() + path.read_bytes())
    for library in sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info")):
        code.update(library.encode())
    return code.hexdigest()


def _output_files(settings: Settings) -> dict[str, list[int]]:
    """Size and modification time of each output file; a run from the UI, for example, changes the warehouse."""
    return {
        str(path.relative_to(settings.data_dir)): [path.stat().st_size, path.stat().st_mtime_ns]
        for path in _results(settings)
        if path.is_file()
    }


def _results(settings: Settings) -> Iterator[Path]:
    warehouse = settings.warehouse_path
    yield from (warehouse, warehouse.with_name(f"{warehouse.name}.wal"))
    yield from (settings.data_dir / KEY_FILE, settings.published_path, settings.restricted_path)
    yield from (settings.reports_dir / f"reconciliation.{kind}" for kind in ("html", "xlsx"))
    yield from sorted(settings.queues_dir.glob("*.csv"))


def _state_file(settings: Settings) -> Path:
    return settings.dagster_home / "last_run.json"
