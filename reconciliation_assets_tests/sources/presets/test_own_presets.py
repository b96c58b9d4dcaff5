"""What a company says about its own files holds, and what nobody said is not guessed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets.sources.presets.load import shipped_presets
from reconciliation_assets_tests.harness import Bench
from reconciliation_assets_tests.sources.presets.conftest import Dropped

PAGE = (PROJECT_ROOT / "docs/sources/files.md").read_text("utf-8")

STATEMENT = """
title: our provider's statement
{more}
columns:
  id: {{headings: [Ref], holds: id, required: true}}
  day: {{headings: [Day], holds: date, required: true}}
  amount: {{headings: [Sum], holds: amount, required: true}}
tables:
  - table: payments
    columns:
      payment_id: {{key: {{prefix: "own:", of: id}}}}
      kind: {{constant: payment}}
      status: {{constant: settled}}
      paid_at: day
      amount: amount
      currency: {{currency_of: amount}}
"""

Own = Callable[[str, dict[str, str]], Dropped]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """`own(preset, files)`: the files dropped in an installation with that preset."""

    def dropped(preset: str, files: dict[str, str]) -> Dropped:
        (tmp_path / "presets").mkdir(exist_ok=True)
        (tmp_path / "presets" / "mine.yaml").write_text(preset, encoding="utf-8")
        bench = Bench(tmp_path)
        for name, text in files.items():
            (bench.inbox / name).write_text(text, encoding="utf-8")
        return Dropped(bench.build())

    return dropped


def test_owners_of_hubspot_are_kept_as_ids_and_never_by_name(tmp_path: Path) -> None:
    export = (
        "Record ID,Deal Stage,Deal owner,Create Date\n901,Closed Won,S. Someone,2026-04-01 10:00\n"
        "902,New,Another Person,2026-04-01 10:00\n903,New,41298766,2026-04-01 10:00\n"
    )
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "hubspot_deals.yaml").write_text(
        'extends: hubspot_deals\ncolumns: {owner: {words: {s. someone: "41298765"}}}\n'
    )
    bench = Bench(tmp_path)
    (bench.inbox / "deals.csv").write_text(export)
    assert Dropped(bench.build()).rows("crm_records", "crm_id", "owner") == [
        ("901", "41298765"),
        ("902", None),
        ("903", "41298766"),
    ]


def test_a_date_that_can_be_two_waits_for_a_row_or_a_preset_that_shows_its_order(own: Own) -> None:
    file = {"x.csv": "Ref;Day;Sum\n1;03/04/2026;AED 5\n3;2026-04-05;7 KWD\n4;soon;8 KWD\n"}
    dropped = own(STATEMENT.format(more=""), file)
    assert dropped.rows("payments", "payment_id", "paid_at", "currency") == [
        ("own:3", "2026-04-04 20:00:00+00", "KWD"),
    ]
    assert dropped.bad() == [
        (
            2,
            "Day",
            "the date can be read with the day or the month first, and no row shows which; say day_order in a preset",
        ),
        (4, "Day", "not a date"),
    ]
    dropped = own(STATEMENT.format(more="day_order: month_first"), file)
    assert ("own:1", "2026-03-03 20:00:00+00") in dropped.rows("payments", "payment_id", "paid_at")
    proved = {"x.csv": file["x.csv"] + "2;25/04/2026;SAR 6\n"}
    for order in ("", "day_order: month_first"):
        dropped = own(STATEMENT.format(more=order), proved)
        assert ("own:1", "2026-04-02 20:00:00+00") in dropped.rows("payments", "payment_id", "paid_at")


def test_a_preset_says_where_decimals_stand_if_no_row_shows_it(own: Own) -> None:
    file = {"x.csv": "Ref;Day;Sum\n1;2026-04-05;AED 1.234\n2;2026-04-05;AED 12\n"}
    assert own(STATEMENT.format(more=""), file).rows("payments", "amount") == []
    for mark, amount in ((",", "1234.000000"), (".", "1.234000")):
        dropped = own(STATEMENT.format(more=f"decimal_point: '{mark}'"), file)
        assert dropped.rows("payments", "payment_id", "amount") == [("own:1", amount), ("own:2", "12.000000")]


def test_a_file_is_read_anew_under_a_changed_preset(own: Own) -> None:
    file = {"x.csv": "Ref,Day,Sum\n1,03/04/2026,AED 5\n"}
    for order, day in (("day_first", "2026-04-02"), ("month_first", "2026-03-03")):
        dropped = own(STATEMENT.format(more=f"day_order: {order}"), file)
        assert [paid_at[:10] for (paid_at,) in dropped.rows("payments", "paid_at")] == [day]


def test_a_currency_that_no_file_says_is_the_companys_default(own: Own) -> None:
    file = {"x.csv": "Ref,Day,Sum\n1,2026-04-05,5\n2,2026-04-05,USD 5\n"}
    dropped = own(STATEMENT.format(more="defaults: {currency: KWD}"), file)
    assert dropped.rows("payments", "payment_id", "currency") == [("own:1", "KWD"), ("own:2", "USD")]


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in a language, in order."""
    return [part.partition("```")[0] for part in PAGE.split(f"```{language}\n")[1:]]


def test_the_worked_example_of_the_page(own: Own) -> None:
    (example,) = (block for block in blocks("yaml") if "bookings" in block)
    (export,) = blocks("csv")
    dropped = own(example, {"bookings 2026-04.csv": export})
    (told,) = blocks("text")
    cells = ("order_id", "status", "gross_value", "currency", "created_at", "market")
    rows = ["  ".join(str(cell) for cell in row) for row in dropped.rows("orders", *cells)]
    bad = [f"row {row}, column {column}: {reason}" for row, column, reason in dropped.bad()]
    assert [*rows, *bad, *dropped.passed_over()] == told.strip().splitlines()


def test_the_page_names_every_shipped_preset_and_what_it_feeds() -> None:
    told = re.findall(r"^\| `(\w+)` \| .* \| `(\w+)` \| .* \|$", PAGE, flags=re.MULTILINE)
    assert sorted(told) == [(preset.name, preset.tables[0].table) for preset in shipped_presets()]


def test_the_page_extends_presets_that_are_there() -> None:
    extending = [yaml.safe_load(block) for block in blocks("yaml") if block.startswith("extends")]
    assert [content["extends"] for content in extending] == ["courier_cod"]
