"""Each owner's queue as a CSV: complete, in order, harmless to open, and gone when nobody owns it any more."""

import csv
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.queues import COLUMNS, queue_file, write_queues
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import insight, order, payment

DUBAI = ZoneInfo("Asia/Dubai")
OWNERS = ("finance", "operations", "data")


@pytest.fixture(scope="module")
def built(build_once: Build) -> Built:
    return build_once(
        {
            "meta_insights": [insight()],
            "orders": [
                order("O1", status="=HYPERLINK(evil)", value="250"),
                order("-O2", status="في الطريق", value="900.5"),
                order("O3", status="cancelled", value="40"),
            ],
            "payments": [payment("P1", order_id="O3", amount=40), payment("@P2", amount=7.25)],
        }
    ).make_all()


@pytest.fixture(scope="module")
def copy(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "reconciliation.duckdb"
    publish(built.warehouse, published_tables(), path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_exception_is_in_its_owners_file_the_most_at_stake_first(
    built: Built, copy: Path, tmp_path: Path
) -> None:
    counts = write_queues(copy, tmp_path, OWNERS, DUBAI)
    assert {path.name: count for path, count in counts.items()} == {
        "data.csv": 0,
        "finance.csv": 2,
        "operations.csv": 2,
    }
    found = [row for path in sorted(tmp_path.iterdir()) for row in read(path)]
    assert {row["exception_id"] for row in found} == {row["exception_id"] for row in built.rows("exceptions")}
    first = read(tmp_path / "operations.csv")[0]
    assert first == {
        "exception_id": first["exception_id"],
        "owner": "operations",
        "kind": "unknown_order_status",
        "what_to_do": "add the word to order_statuses",
        "source_table": "orders",
        "source_id": "'-O2",
        "value_at_stake": "900.50",
        "currency": "AED",
        "age_days": first["age_days"],
        "opened_at": "2026-03-05T12:00:00+04:00",
        "first_seen_on": "2026-07-01",
        "reopened": "0",
        "evidence": 'Status "في الطريق" is not in the policy; the order counts as open.',
    }


def test_no_cell_is_a_formula_to_a_spreadsheet(copy: Path, tmp_path: Path) -> None:
    write_queues(copy, tmp_path, OWNERS, DUBAI)
    cells = [cell for path in tmp_path.iterdir() for row in read(path) for cell in row.values()]
    assert {"'-O2", "'@P2"} <= set(cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_who_has_nothing_to_do_has_headings_and_who_is_nobody_has_no_file(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "a-team-of-last-year.csv").write_text("old")
    write_queues(copy, tmp_path, OWNERS, DUBAI)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "finance.csv", "operations.csv"]
    assert (tmp_path / "data.csv").read_text("utf-8-sig").splitlines() == [",".join(COLUMNS)]


def test_the_same_copy_gives_the_same_bytes(copy: Path, tmp_path: Path) -> None:
    for folder in ("one", "other"):
        write_queues(copy, tmp_path / folder, OWNERS, DUBAI)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("finance", "finance.csv"),
        ("Web Team", "web-team.csv"),
        ("../../etc/passwd", "etc-passwd.csv"),
        ("المالية", "المالية.csv"),
        ("...", "nobody.csv"),
    ],
)
def test_an_owners_file_stays_in_its_folder_whatever_the_owner_is_called(owner: str, name: str) -> None:
    assert queue_file(owner) == name
