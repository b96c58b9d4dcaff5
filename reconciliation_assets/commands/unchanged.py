"""A run that would make again what is there: known by what it would read, and by what the last one left.

The instant a run speaks for is among what it reads, so a daily run is always made; what is spared is running again on the
same files for the same instant, which a fixed `RECON_AS_OF` asks for.
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
    """What the last successful run of the command line read and left.

    Attributes:
        run_id: its ID in Dagster.
        ended_at: when it ended.
        read: a fingerprint of all that it read.
        left: size and time of change of each file that it left.
        warned: table, name and words of each check that did not hold and stopped nothing.
    """

    run_id: str
    ended_at: str
    read: str
    left: dict[str, list[int]]
    warned: list[list[str]]


def same_as_last_run(settings: Settings) -> LastRun | None:
    """The last run, where another one now would read the same and its results lie as it left them; else none.

    Where outside systems are configured nobody knows before pulling whether they have news, so there is none.
    """
    try:
        last = LastRun(**json.loads(_memory(settings).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if settings.sources_path is not None or last.left != _left(settings) or last.read != reads(settings):
        return None
    return last


def forget(settings: Settings) -> None:
    """A run begins: until it succeeded, nothing is known of what is there."""
    _memory(settings).unlink(missing_ok=True)


def remember(settings: Settings, read: str, run_id: str, ended_at: datetime, warned: list[list[str]]) -> None:
    """A run succeeded.

    Args:
        read: what `reads` said before it began, so that a file dropped meanwhile counts as news.
    """
    if settings.sources_path is not None:
        return
    last = LastRun(run_id, ended_at.isoformat(timespec="seconds"), read, _left(settings), warned)
    with atomic_file(_memory(settings)) as file:
        file.write_text(json.dumps(asdict(last), ensure_ascii=False), "utf-8")


def reads(settings: Settings) -> str:
    """A fingerprint of all that a run reads: instant, policy, presets, the inbox byte for byte, the secret, the code.

    Raises:
        PolicyError: the policy file cannot be used.
        PresetError: a preset of the company's own cannot be used.
    """
    known, unknown = discover(settings.inbox, load_presets(settings.presets_dir))
    secret = settings.contact_key.get_secret_value() if settings.contact_key else ""
    told = [
        settings.as_of.isoformat(),
        load_policy(settings.policy_path).policy.model_dump_json(),
        *(f"{file.table} {file.name} {file.fingerprint(_content(file.path))}" for file in known),
        *(f"{file.path.name} {file.reason}" for file in unknown),
        hashlib.sha256(f"reads {secret}".encode()).hexdigest(),
        _code(),
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _content(path: Path) -> str:
    try:
        return fingerprint_of(path)
    except FileSetAsideError as problem:
        return f"not read: {problem}"


@cache
def _code() -> str:
    """This package file by file, and the libraries that are installed, by name and version."""
    code = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            code.update(str(path.relative_to(_PACKAGE)).encode() + path.read_bytes())
    for library in sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info")):
        code.update(library.encode())
    return code.hexdigest()


def _left(settings: Settings) -> dict[str, list[int]]:
    """What a run leaves, as it lies there; a warehouse that anybody wrote since, a run of the UI say, is another."""
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


def _memory(settings: Settings) -> Path:
    return settings.dagster_home / "last_run.json"
