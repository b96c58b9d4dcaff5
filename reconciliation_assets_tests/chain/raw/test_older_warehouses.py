"""A warehouse of a former contract is carried over: its files are read anew under this one, its pulls stay."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from reconciliation_assets.chain.raw.landing import land_inbox, land_pull, last_pull
from reconciliation_assets.contracts.inputs import META_INSIGHTS, PAYMENTS
from reconciliation_assets.sources.connector import Batch
from reconciliation_assets.sources.files import InboxFile
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.sources.snapshot import fingerprint_of
from reconciliation_assets.warehouse.duckdb import DuckDB, connect

PROTECTOR = ContactProtector(b"a key for tests")
ZONE = "Asia/Dubai"
UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 1, tzinfo=UTC)

HEADER = "payment_id,kind,status,paid_at,amount,currency,fee,order_amount,order_currency\n"
DROPPED = (
    f"{HEADER}P1,payment,settled,2026-03-01,96,AED,-3,100,SAR\nP2,chargeback_reversal,settled,2026-03-02,50,AED,,,\n"
)
PULLED = {
    "payment_id": "P0",
    "kind": "payment",
    "status": "settled",
    "paid_at": "2026-02-01T00:00:00Z",
    "currency": "AED",
}

# The first release's tables, as it made them; its contract knew neither reversals nor what the customer paid.
FORMER = """
create schema raw;
create schema superseded;
create schema current;
create sequence raw.landing_ids;
create table raw.landings (
  landing_id BIGINT primary key, source_table VARCHAR not null, kind VARCHAR not null, file VARCHAR not null,
  place VARCHAR not null, fingerprint VARCHAR not null, present BOOLEAN not null, rows BIGINT not null,
  quarantined BIGINT not null, set_aside_reason VARCHAR, ignored_columns VARCHAR,
  landed_at TIMESTAMPTZ not null default current_timestamp, preset VARCHAR, passed_over VARCHAR
);
create table raw.quarantine (landing_id BIGINT not null, row_number BIGINT, column_name VARCHAR, reason VARCHAR not null);
create table raw.pulls (source VARCHAR not null, tables VARCHAR[] not null, pulled_until TIMESTAMPTZ not null, rows BIGINT not null);
create table raw.landing_totals (
  landing_id BIGINT not null, measure VARCHAR not null, currency VARCHAR not null, total DECIMAL(38,6) not null,
  quarantined DECIMAL(38,6) not null
);
create table raw.raw_payments (
  landing_id BIGINT not null, row_number BIGINT not null, payment_id VARCHAR, kind VARCHAR, status VARCHAR, paid_at TIMESTAMPTZ,
  amount DECIMAL(18,6), currency VARCHAR, tax DECIMAL(18,6), fee DECIMAL(18,6), order_id VARCHAR, invoice_id VARCHAR, crm_id VARCHAR,
  lead_id VARCHAR, customer_id VARCHAR, waybill VARCHAR, reference VARCHAR, settlement_id VARCHAR, method VARCHAR,
  updated_at TIMESTAMPTZ, email_key VARCHAR, phone_key VARCHAR, name_keys VARCHAR[], name_sound_keys VARCHAR[]
);
create table superseded.payments (landing_id BIGINT, row_number BIGINT);
create view current.payments as
  select r.payment_id from raw.raw_payments r join raw.landings l on l.landing_id = r.landing_id and l.present
  left join superseded.payments s on s.landing_id = r.landing_id and s.row_number = r.row_number where s.landing_id is null;
"""


@pytest.fixture
def former(tmp_path: Path) -> Iterator[DuckDB]:
    """A former warehouse: one pull, and a file of which the negative fee and the reversal were refused."""
    with connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute(FORMER)
        fingerprint = fingerprint_of(_dropped(tmp_path))
        connection.execute(
            """
            insert into raw.landings
            select nextval('raw.landing_ids'), 'payments', 'pull', 'stripe@2026-06-01', '1 2026-06-01T00:00:00+00:00 stripe', 'x', true,
                   1, 0, null, null, now(), null, null
            """
        )
        connection.execute(
            """
            insert into raw.raw_payments (landing_id, row_number, payment_id, kind, status, paid_at, amount, currency)
            values (1, 1, 'P0', 'payment', 'settled', '2026-02-01T00:00:00Z', 70, 'AED')
            """
        )
        connection.execute("insert into raw.pulls values ('stripe', ['payments'], '2026-06-01T00:00:00Z', 1)")
        connection.execute(
            """
            insert into raw.landings
            select nextval('raw.landing_ids'), 'payments', 'file', 'payments.csv', '0 payments.csv', $print, true, 2, 2, null, null, now(),
                   null, null
            """,
            {"print": fingerprint},
        )
        connection.execute(
            "insert into raw.quarantine values (2, 2, 'fee', 'a negative number'), (2, 3, 'kind', 'not one of')"
        )
        yield DuckDB(connection)


def _dropped(home: Path) -> Path:
    path = home / "payments.csv"
    path.write_text(DROPPED, "utf-8")
    return path


def test_files_are_read_anew_and_pulls_stay(former: DuckDB, tmp_path: Path) -> None:
    files = [InboxFile("payments", _dropped(tmp_path))]
    landed = land_inbox(former, PAYMENTS, files, PROTECTOR, ZONE, NOW)
    assert [(file.file, file.rows, file.quarantined) for file in landed] == [("payments.csv", 2, 0)]
    assert former.rows("select payment_id, kind, fee, order_amount from current.payments order by 1") == [
        ("P0", "payment", None, None),
        ("P1", "payment", Decimal(-3), Decimal(100)),
        ("P2", "chargeback_reversal", None, None),
    ]
    assert former.rows("select * from raw.quarantine") == []
    assert last_pull(former, "stripe") == (UNTIL, 1)
    assert land_inbox(former, PAYMENTS, files, PROTECTOR, ZONE, NOW) == [], "once is enough"


def test_a_pull_lands_beside_what_was_pulled_under_the_former_contract(former: DuckDB) -> None:
    later = Batch("payments", [{**PULLED, "amount": "90", "updated_at": "2026-06-20T00:00:00Z"}])
    land_pull(former, "stripe", [later], [PAYMENTS], NOW, PROTECTOR, lambda _: ZONE)
    assert former.rows("select payment_id, amount from current.payments") == [("P0", Decimal(90))]
    assert former.rows("select count(*) from raw.raw_payments where payment_id = 'P0'") == [(2,)]


def test_insights_of_a_former_key_become_versions_of_one_ad_and_day(tmp_path: Path) -> None:
    then = replace(META_INSIGHTS, key=("account_id", "ad_id", "date", "attribution_setting", "result_type"))
    row = {
        "account_id": "1",
        "account_currency": "AED",
        "campaign_id": "C",
        "adset_id": "S",
        "ad_id": "A",
        "date": "2026-03-05",
        "spend": "100",
        "results": "1",
        "result_type": "lead",
        "attributed_value": "5",
    }
    with connect(tmp_path / "warehouse.duckdb") as connection:
        warehouse = DuckDB(connection)
        for day, setting in ((6, "unreported"), (10, "7d_click")):
            pulled_at = datetime(2026, 3, day, tzinfo=UTC)
            cells = {"attribution_setting": setting, "pulled_at": pulled_at.isoformat()}
            land_pull(
                warehouse, "meta", [Batch("meta_insights", [row | cells])], [then], pulled_at, PROTECTOR, lambda _: ZONE
            )
        assert warehouse.rows("select sum(spend) from current.meta_insights") == [(200,)], "as it was counted before"
        land_inbox(warehouse, META_INSIGHTS, [], PROTECTOR, ZONE, NOW)
        assert warehouse.rows("select attribution_setting, spend from current.meta_insights") == [("7d_click", 100)]
