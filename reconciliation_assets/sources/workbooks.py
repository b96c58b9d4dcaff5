"""Excel workbooks, each read in its own process, because a small file can require more memory than the machine has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from reconciliation_assets.sources import workbook_process
from reconciliation_assets.sources.text_rows import FileSetAsideError

NO_WORKBOOK = "it is damaged, protected by a password or not really an Excel workbook; export it again"
_REFUSALS = {
    workbook_process.NO_WORKBOOK: NO_WORKBOOK,
    workbook_process.UNPACKS_TOO_FAR: (
        f"it unpacks to more than {workbook_process.MOST_UNPACKED >> 30} GB; export it as CSV, or in several files"
    ),
    workbook_process.REACHES_TOO_FAR: (
        f"a sheet of it reaches over more than {workbook_process.MOST_CELLS:,} cells, probably for a single cell far from the others; "
        "delete the empty rows and columns below and beside the table, or export it as CSV"
    ),
}
_NEEDED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
_DIED = "reading it takes more memory or time than a workbook may; export it as CSV"

Row = tuple[str | None, ...]


def heads_of_workbook(path: Path, rows: int) -> list[tuple[Row, ...]]:
    """The first rows of every sheet, as text.

    Raises:
        FileSetAsideError: it is not a workbook, or it is too large to read.
    """
    return [tuple(tuple(row) for row in sheet) for sheet in json.loads(_run_process(path, "heads", str(rows)))]


def rows_of_workbook(path: Path, sheet: int) -> pa.Table:
    """All rows of a sheet as text: the columns `c0`, `c1` and so on.

    Args:
        path: the workbook.
        sheet: index of the sheet, from 0.

    Raises:
        FileSetAsideError: it is not a workbook, or it is too large to read.
    """
    with pa.ipc.open_stream(_run_process(path, "rows", str(sheet))) as stream:
        return stream.read_all()


def _run_process(path: Path, *arguments: str) -> bytes:
    command = [sys.executable, "-P", "-m", workbook_process.__name__, *arguments]
    # The process needs no secrets, so it gets a minimal environment.
    environment = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    with path.open("rb") as workbook:
        answer = subprocess.run(  # noqa: S603
            command, stdin=workbook, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, check=False
        )
    if answer.returncode:
        raise FileSetAsideError(_REFUSALS.get(answer.returncode, _DIED))
    return answer.stdout
