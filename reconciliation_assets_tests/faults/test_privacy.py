"""No e-mail address, phone number or name is anywhere but in the inbox: not in a database, a log, or the run storage."""

import csv
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from reconciliation_assets_tests.faults.baits import BAITS, E164, EMAIL
from reconciliation_assets_tests.installation import Installation

pytestmark = pytest.mark.slow
PERSONAL = ("email", "phone", "full_name", "payer_name")


def contacts(inbox: Path) -> set[str]:
    """Every contact of the inbox that is long enough to be one, in lower case."""
    found = set()
    for path in inbox.glob("*.csv"):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            for row in csv.DictReader(file):
                found |= {str(row[name]).strip().lower() for name in PERSONAL if row.get(name)}
    return {contact for contact in found if len(contact) > 6}


def at_rest(home: Path) -> Iterator[Path]:
    yield from (path for path in home.rglob("*") if path.is_file() and "inbox" not in path.parts)


def test_the_company_has_contacts_to_look_for(finished: Installation) -> None:
    assert len(contacts(finished.inbox)) > 500
    assert EMAIL in contacts(finished.inbox)


def test_no_file_holds_a_contact(finished: Installation) -> None:
    needles = [needle.encode() for needle in (*sorted(contacts(finished.inbox))[::25], *BAITS)]
    held = {}
    for path in at_rest(finished.home):
        content = path.read_bytes().lower()
        found = [needle.decode() for needle in needles if needle in content]
        if found:
            held[str(path.relative_to(finished.home))] = found[:3]
    assert held == {}


@pytest.mark.parametrize("database", ["warehouse.duckdb", "published/reconciliation.duckdb"])
def test_no_cell_of_a_database_holds_a_contact(finished: Installation, database: str) -> None:
    """Databases compress their text, so a look at their bytes is not enough."""
    needles = sorted({*contacts(finished.inbox), *BAITS})
    with duckdb.connect(str(finished.home / database), read_only=True) as connection:
        columns = connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns where data_type like '%VARCHAR%'"
        ).fetchall()
        assert len(columns) > 50
        held = set()
        for schema, table, column in columns:
            texts = connection.execute(
                f'select distinct lower(cast("{column}" as varchar)) from {schema}.{table} where "{column}" is not null'
            ).fetchall()
            everything = "\n".join(text for (text,) in texts)
            held |= {(table, column, needle) for needle in needles if needle in everything}
    assert held == set()


def test_nobody_can_find_a_contact_by_hashing_all_numbers(finished: Installation) -> None:
    hashes = {hashlib.sha256(value.encode()).hexdigest() for value in (E164, f"+{E164}", EMAIL)}
    with duckdb.connect(str(finished.home / "warehouse.duckdb"), read_only=True) as connection:
        keys = connection.execute("select email_key, phone_key from raw.raw_crm_leads").fetchall()
    assert any(email and phone for email, phone in keys)
    assert not hashes & {key for row in keys for key in row}


def test_what_the_run_says_holds_no_contact(finished: Installation) -> None:
    said = (finished.home / "first-run.log").read_text("utf-8").lower()
    assert "raw_crm_leads" in said
    assert [bait for bait in BAITS if bait in said] == []


def test_the_secret_is_the_owners_alone(finished: Installation) -> None:
    path = finished.home / "contact.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_bytes()
    assert [other.name for other in at_rest(finished.home) if other != path and secret in other.read_bytes()] == []


def test_every_bad_row_was_told_with_its_place(finished: Installation) -> None:
    told = finished.rows(
        "select file, row_number, column_name, reason from reporting.quarantined_rows where file like '%bait%' order by 1, 2"
    )
    places = {(file, row_number): column for file, row_number, column, _ in told}
    assert places == {
        ("leads-baits.csv", 4): "created_at",
        ("leads-baits.csv", 5): None,
        ("leads-baits.csv", 6): "created_at",
        ("payments-baits.csv", 3): "amount",
        ("payments-baits.csv", 4): "amount",
        ("orders-baits.csv", None): None,
        ("crm_records-baits.jsonl", None): None,
        ("crm_stage_changes-baits.csv", None): None,
    }
