"""The sample company, on which commands work where nobody has delivered anything yet."""

import filecmp
import json
import shutil
from datetime import datetime
from pathlib import Path

from reconciliation_assets.files import atomic_file
from reconciliation_assets.settings import SHIPPED_SAMPLE


def sample_home(data_dir: Path) -> Path:
    """The sample's data directory inside an installation's; in a checkout this is where it is committed."""
    return data_dir / "sample"


def sample_instant() -> datetime:
    """The instant the sample was made to be looked at; on any later day all of it would be old and mature."""
    return datetime.fromisoformat(json.loads((SHIPPED_SAMPLE / "truth.json").read_text("utf-8"))["as_of"])


def bring_sample(home: Path) -> None:
    """Copy the shipped sample's inbox into its data directory, but for files that are there as they are shipped.

    Raises:
        OSError: the data directory cannot be written.
    """
    (home / "inbox").mkdir(parents=True, exist_ok=True)
    for shipped in (SHIPPED_SAMPLE / "inbox").iterdir():
        own = home / "inbox" / shipped.name
        if not (own.is_file() and filecmp.cmp(shipped, own, shallow=False)):
            with atomic_file(own) as unfinished:
                shutil.copyfile(shipped, unfinished)
