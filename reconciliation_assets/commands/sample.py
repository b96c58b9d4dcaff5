"""The sample company, used by commands until a company has its own data."""

import filecmp
import json
import shutil
from datetime import datetime
from pathlib import Path

from reconciliation_assets.files import atomic_file
from reconciliation_assets.settings import SHIPPED_SAMPLE


def sample_home(data_dir: Path) -> Path:
    """The sample's data directory inside the installation's; in a checkout it is committed there."""
    return data_dir / "sample"


def sample_instant() -> datetime:
    """The as-of time for which the sample was made; later, all of its cohorts would be mature."""
    return datetime.fromisoformat(json.loads((SHIPPED_SAMPLE / "truth.json").read_text("utf-8"))["as_of"])


def bring_sample(home: Path) -> None:
    """Copy the shipped sample's inbox into its data directory, except for files that are there unchanged.

    Raises:
        OSError: the data directory cannot be written.
    """
    (home / "inbox").mkdir(parents=True, exist_ok=True)
    for shipped in (SHIPPED_SAMPLE / "inbox").iterdir():
        own = home / "inbox" / shipped.name
        if not (own.is_file() and filecmp.cmp(shipped, own, shallow=False)):
            with atomic_file(own) as unfinished:
                shutil.copyfile(shipped, unfinished)
