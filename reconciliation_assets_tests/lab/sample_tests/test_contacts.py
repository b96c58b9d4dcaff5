"""Contacts are written in many ways, and every way leads back to the one person."""

import phonenumbers
import pytest

from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.people import e164
from reconciliation_assets_tests.lab.sample_tests.reading import Extract

REGIONS = {"AE": "971", "SA": "966", "KW": "965"}


def parsed(phone: str, region: str | None) -> str:
    number = phonenumbers.parse(phone.removeprefix("p:"), region)
    assert phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def test_phones_of_leads_and_orders_are_read_by_the_rows_market(larger: Extract, larger_company: Company) -> None:
    for table, plan in (("leads", larger_company.leads), ("orders", larger_company.orders)):
        planned = e164(larger_company.people, plan.person).to_pylist()
        key = f"{table[:-1]}_id"
        rows = [row for row in larger.rows(table) if row["phone"]]
        assert len(rows) > 1_000
        for row in rows:
            number = int(str(row[key]).rpartition("-")[2])
            assert parsed(str(row["phone"]), row["market"]) == planned[number]


@pytest.mark.parametrize("table", ["crm_records", "payments"])
def test_phones_of_tables_without_a_market_name_their_country(larger: Extract, table: str) -> None:
    phones = [str(row["phone"]) for row in larger.rows(table) if row["phone"]]
    assert len(phones) > 1_000
    assert all(parsed(phone, None)[1:4] in REGIONS.values() for phone in phones)


def test_phones_come_in_all_their_forms(larger: Extract) -> None:
    phones = [str(row["phone"]) for row in larger.rows("leads")]
    for mark in ("05", "+971 5", "00971", "p:+966", "(0)", "٠٥", "+٩٧١", "+965 "):
        assert any(phone.startswith(mark) or (mark == "(0)" and mark in phone) for phone in phones), mark


def test_emails_come_in_mixed_case_and_with_stray_blanks(larger: Extract) -> None:
    emails = [str(row["email"]) for row in larger.rows("leads") if row["email"]]
    assert any(email.isupper() for email in emails)
    assert any(email != email.strip() for email in emails)
    assert all(email.strip().lower().endswith(("@example.com", "@example.net", "@example.org")) for email in emails)


def test_two_people_never_share_a_phone_or_an_email(larger: Extract, larger_company: Company) -> None:
    people, leads = larger_company.people, larger_company.leads
    numbers = set(zip(people.market.tolist(), people.phone.tolist(), strict=True))
    assert len(numbers) == len(people.phone)
    owners: dict[str, set[int]] = {}
    for row in larger.rows("leads"):
        if row["email"]:
            person = int(leads.person[int(str(row["lead_id"]).rpartition("-")[2])])
            owners.setdefault(row["email"].strip().lower(), set()).add(person)
    assert max(len(people) for people in owners.values()) == 1


def test_a_person_is_arabic_in_one_table_and_transliterated_in_another(larger: Extract) -> None:
    crm = {row["crm_id"]: row["full_name"] for row in larger.rows("crm_records") if row["full_name"]}
    leads = {row["lead_id"]: str(row["full_name"]) for row in larger.rows("leads")}
    pairs = [(leads[lead], crm[record]) for lead, record, _ in larger.truth["links"]["lead_crm"] if record in crm]
    assert any(not lead.isascii() and str(record).isascii() for lead, record in pairs)


def test_no_phone_number_hides_in_an_identifier(larger: Extract) -> None:
    identifiers = "\n".join(
        str(row[name])
        for table, names in (
            ("leads", ("lead_id", "meta_lead_id", "click_id", "session_id", "form_id", "campaign_id")),
            ("orders", ("order_id", "waybill", "customer_id", "click_id")),
            ("payments", ("payment_id", "reference", "invoice_id")),
        )
        for row in larger.rows(table)
        for name in names
    )
    local = [str(row["phone"]) for row in larger.rows("orders") if row["phone"] and str(row["phone"]).isdigit()]
    assert len(local) > 1_000
    assert not [phone for phone in local if phone in identifiers]
