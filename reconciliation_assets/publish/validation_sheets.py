"""Sheets for reviewers: the sampled links of each team, to be filled in and dropped into the inbox unchanged.

They are made only from the published copy, so they cannot contain contacts. A sheet's name starts with the input table that it
is read as. An existing sheet is never overwritten, because somebody may be filling it in.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import groupby
from pathlib import Path
from typing import Any

import xlsxwriter

from reconciliation_assets.files import atomic_file
from reconciliation_assets.publish.figures import Published

# Columns to fill in, then other columns that are read back; evidence for the verdict follows.
_TO_FILL_IN = ("verdict", "verified_by", "verified_at", "note")
_RETURNED = ("link", "left_id", "right_id", "match_method", "period", "value_band", "outcome", "stratum_links")
_TO_JUDGE_BY = (
    *("evidence", "match_confidence", "candidates", "campaign_id", "left_at", "right_at", "left_value", "right_value"),
    *("currency", "right_amount", "right_currency", "sample_id"),
)
_WIDTHS = {"left_id": 24, "right_id": 24, "evidence": 60, "note": 40, "verified_at": 18, "sample_id": 34}
_HOW_TO = (
    "Each row is a link between two records that the product made. Is it right?",
    "Look the two IDs up in the systems they come from; evidence, times and amounts say why they were linked.",
    "verdict: correct, wrong or unclear. verified_by: your name. verified_at: the day. note: what you saw.",
    "Rows without a verdict are not judged yet and do no harm. Leave the other columns as they are.",
    "Write no e-mail address, phone number or name of a customer into the note.",
    "When you are done, put the file into the inbox under the name it has.",
)


def write_validation_sheets(published_path: Path, folder: Path, zone: tzinfo) -> list[Path]:
    """Write the sheet of each team that does not have one yet for the sampled month.

    Args:
        published_path: the published database.
        folder: folder for the sheets, named `validation_verdicts-<team>-<month>.xlsx`.
        zone: time zone of all times.

    Returns:
        Paths of the new sheets.
    """
    columns = (*_RETURNED, *_TO_JUDGE_BY)
    with Published(published_path) as published:
        rows = published.rows(
            f"""
            select team, strftime(period, '%Y-%m'), {", ".join(columns)} from reporting.validation_samples
            order by team, link, match_method, value_band, outcome, sample_id
            """
        )
    written = []
    for (team, month), samples in groupby(rows, key=lambda row: (row[0], row[1])):
        path = folder / f"validation_verdicts-{team}-{month}.xlsx"
        if not path.exists():
            _write(path, columns, [row[2:] for row in samples], zone)
            written.append(path)
    return written


def _write(path: Path, columns: Sequence[str], samples: Sequence[Sequence[Any]], zone: tzinfo) -> None:
    with atomic_file(path) as unfinished, xlsxwriter.Workbook(str(unfinished)) as book:
        heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        to_fill = book.add_format({"bg_color": "#FFF2CC", "border": 1})
        day = book.add_format({"bg_color": "#FFF2CC", "border": 1, "num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("verdicts")
        sheet.freeze_panes(1, len(_TO_FILL_IN))
        for place, name in enumerate((*_TO_FILL_IN, *columns)):
            sheet.write_string(0, place, name, heading)
            sheet.set_column(place, place, _WIDTHS.get(name, 14))
        for row, sample in enumerate(samples, start=1):
            for place, name in enumerate(_TO_FILL_IN):
                sheet.write_blank(row, place, None, day if name == "verified_at" else to_fill)
            for place, value in enumerate(sample, start=len(_TO_FILL_IN)):
                # All cells are text: a spreadsheet would round IDs of 17 digits.
                sheet.write_string(row, place, _text(value, zone))
        last = max(len(samples), 1)
        sheet.data_validation(1, 0, last, 0, {"validate": "list", "source": ["correct", "wrong", "unclear"]})
        sheet.data_validation(
            1,
            2,
            last,
            2,
            {"validate": "date", "criteria": ">=", "value": datetime(2020, 1, 1)},  # noqa: DTZ001
        )
        how_to = book.add_worksheet("how to")
        how_to.set_column(0, 0, 110)
        for row, sentence in enumerate(_HOW_TO):
            how_to.write_string(row, 0, sentence)


def _text(value: Any, zone: tzinfo) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
