"""Setting up says what it does while it does it, and ends where a package cannot be had."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from reconciliation_assets.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow


def locked(folder: Path, name: str) -> str:
    """Make the wheel of an empty package; the line of a lock that asks for it."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    meta = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in meta.items():
            archive.writestr(f"{name}-1.0.dist-info/{file}", text)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def set_up(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """`make run` in a folder with this lock, where pip finds what lies there and nothing else."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copyfile(PROJECT_ROOT / name, folder / name)
    (folder / "requirements.lock").write_text(lock)
    # Of a `make` around the tests this one knows nothing: it would print which folder it enters.
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environment = {**outside, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}
    command = ["make", "run", f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_counts_the_packages_that_it_fetches(tmp_path: Path) -> None:
    ended = set_up(tmp_path, "".join(locked(tmp_path, f"empty{number:02d}") for number in range(25)))
    assert ended.stdout.splitlines() == [
        "Setting up, once: 1 of 3, making .venv ...",
        "2 of 3, installing 25 packages, one to two minutes ...",
        "  10 fetched, now empty09-1.0-py3-none-any.whl",
        "  20 fetched, now empty19-1.0-py3-none-any.whl",
        "  all fetched, unpacking ...",
        "3 of 3, installing reconcile ...",
    ]
    assert ended.returncode != 0, "without the project itself nothing runs"
    assert not (tmp_path / ".venv/.ready").exists()


def test_a_package_that_cannot_be_had_ends_it_and_is_named(tmp_path: Path) -> None:
    ended = set_up(tmp_path, f"nowhere==1.0 --hash=sha256:{'0' * 64}\n")
    assert ended.returncode != 0
    assert "nowhere==1.0" in ended.stderr
    assert "3 of 3" not in ended.stdout
    assert not (tmp_path / ".venv/.ready").exists()
