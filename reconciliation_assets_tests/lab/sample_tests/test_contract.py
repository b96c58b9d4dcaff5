"""The files are extracts of the contract's input tables: its columns, its keys, its required values."""

import pytest

from reconciliation_assets_tests.lab.sample_tests.reading import KEYS, Extract, instant

# The contract's list; * marks what every row must have.
COLUMNS = {
    "meta_insights": "account_id* account_currency* campaign_id* campaign_name adset_id* adset_name ad_id* ad_name date* "
    "attribution_setting* spend* impressions clicks result_type results* attributed_value* pulled_at",
    "leads": "lead_id* created_at* updated_at meta_lead_id campaign_id adset_id ad_id click_id session_id source medium "
    "utm_campaign utm_content landing_page form_id event_type market language email phone full_name offer stated_value "
    "currency consent is_test",
    "crm_records": "crm_id* created_at* updated_at* stage* lead_id meta_lead_id merged_into qualification_status "
    "qualification_reason owner first_response_at won_at lost_at loss_reason final_value currency email phone full_name",
    "crm_stage_changes": "crm_id* stage* entered_at*",
    "orders": "order_id* created_at* updated_at* status* gross_value* currency* lead_id crm_id customer_id campaign_id "
    "adset_id ad_id click_id session_id source medium utm_campaign utm_content landing_page market language email phone "
    "full_name offer payment_method tax shipping confirmed_at shipped_at delivered_at cancelled_at returned_at "
    "reason waybill",
    "invoices": "invoice_id* issued_at* amount* currency* crm_id order_id customer_id status",
    "payments": "payment_id* kind* status* paid_at* amount* currency* tax fee order_id invoice_id crm_id lead_id customer_id "
    "waybill reference settlement_id email phone payer_name method updated_at",
    "fx_rates": "date* currency* rate*",
    "manual_matches": "link* left_id* right_id* verdict* verified_by* reason* verified_at*",
    "manual_adjustments": "adjustment_id* campaign_id cohort_date* line* amount* currency* reason* adjusted_by* adjusted_at*",
}
VERSIONED = {"leads", "crm_records", "orders", "payments"}


def test_every_input_table_of_the_contract_is_written_and_no_other(small: Extract) -> None:
    assert {path.name for path in (small.home / "inbox").iterdir()} == {f"{table}.csv" for table in COLUMNS}


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_are_the_contracts(small: Extract, table: str) -> None:
    listed = {name.rstrip("*") for name in COLUMNS[table].split()}
    assert set(small.rows(table)[0]) <= listed


@pytest.mark.parametrize("table", COLUMNS)
def test_required_values_are_there_without_noise(small: Extract, table: str) -> None:
    required = [name.rstrip("*") for name in COLUMNS[table].split() if name.endswith("*")]
    rows = small.rows(table)
    assert rows
    assert not [(number, name) for number, row in enumerate(rows) for name in required if row[name] is None]


@pytest.mark.parametrize("table", sorted(set(COLUMNS) - VERSIONED - {"meta_insights"}))
def test_keys_without_versions_come_once(small: Extract, table: str) -> None:
    keys = [tuple(row[name] for name in KEYS[table]) for row in small.rows(table)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("table", sorted(VERSIONED))
def test_older_versions_come_after_the_current_row(larger: Extract, table: str) -> None:
    first = {row[KEYS[table][0]]: row for row in reversed(larger.rows(table))}
    older = [row for row in larger.rows(table) if row != first[row[KEYS[table][0]]]]
    assert older
    assert all(instant(row["updated_at"]) < instant(first[row[KEYS[table][0]]]["updated_at"]) for row in older)


@pytest.mark.parametrize("table", sorted(VERSIONED))
def test_some_rows_are_written_twice(larger: Extract, table: str) -> None:
    rows = [tuple(row.values()) for row in larger.rows(table)]
    assert len(set(rows)) < len(rows)


def test_superseded_insights_carry_no_spend(larger: Extract) -> None:
    """So that the spend of all rows is the spend of the current ones."""
    current = {id(row) for row in larger.current("meta_insights")}
    rows = larger.rows("meta_insights")
    assert len(rows) > len(current)
    spent = sum(float(row["spend"] or 0) for row in rows)
    assert spent == pytest.approx(sum(float(row["spend"] or 0) for row in larger.current("meta_insights")))


def test_meta_identifiers_have_15_to_17_digits(small: Extract) -> None:
    rows = small.rows("meta_insights")
    for name in ("account_id", "campaign_id", "adset_id", "ad_id"):
        assert all(row[name] is not None and row[name].isdigit() and 15 <= len(row[name]) <= 17 for row in rows)


def test_kuwait_advertises_in_dollars_and_sells_in_dinars_of_three_decimals(small: Extract) -> None:
    account = {
        row["account_currency"] for row in small.rows("meta_insights") if str(row["campaign_name"]).startswith("KWT")
    }
    orders = [row for row in small.rows("orders") if row["market"] == "KW"]
    assert account == {"USD"}
    assert {row["currency"] for row in orders} == {"KWD"}
    assert {len(str(row["gross_value"]).partition(".")[2]) for row in orders} == {3}


def test_timestamps_carry_several_offsets_and_no_instant_after_the_extract(small: Extract) -> None:
    as_of = instant(small.truth["as_of"])
    created = [row["created_at"] for row in small.rows("orders")]
    assert {str(text)[-6:] for text in created} == {"+00:00", "+03:00", "+04:00"}
    for table, name in (
        ("leads", "updated_at"),
        ("orders", "updated_at"),
        ("crm_records", "updated_at"),
        ("payments", "paid_at"),
    ):
        assert max(instant(row[name]) for row in small.rows(table)) <= as_of
