"""The keys for those who match: apart from what all read, current, and without a contact in them."""

import stat
from pathlib import Path

import duckdb

from reconciliation_assets.publish.restricted import publish_contact_keys
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import lead, order


def test_rows_that_share_a_contact_share_a_key(build: Build, tmp_path: Path) -> None:
    built = build(
        {
            "leads": [lead("L1", email="Sara@Example.com"), lead("L2", email="omar@example.com", full_name="Omar Ali")],
            "orders": [order("O1", email="sara@example.com ")],
        }
    )
    path = tmp_path / "restricted" / "contacts.duckdb"
    assert publish_contact_keys(built.warehouse, path) == 5
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("select * from restricted.contact_keys").fetchall()
    (of_lead,) = (key for table, row, kind, key in rows if (table, row, kind) == ("leads", "L1", "email_key"))
    assert [row for _, row, _, key in rows if key == of_lead] == ["L1", "O1"]
    assert sum(kind == "name_key" for *_, kind, _ in rows) == 2
    assert "sara" not in str(rows).lower()


def test_the_folder_is_its_owners_until_somebody_opens_it_and_then_stays_so(build: Build, tmp_path: Path) -> None:
    built = build({"leads": [lead("L1", email="sara@example.com")]})
    path = tmp_path / "restricted" / "contacts.duckdb"
    publish_contact_keys(built.warehouse, path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.chmod(0o750)
    publish_contact_keys(built.warehouse, path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in path.parent.iterdir()] == ["contacts.duckdb"]
