"""Salesforce: what a lead and an opportunity become, and how its refusals are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import ExpiredCredentials, RateLimited, SchemaDrift
from reconciliation_assets.sources.http import HttpResponse
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.standin.company import AS_OF, Deal, Lead, Person, Stage
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

MORNING = datetime(2026, 7, 1, 8, tzinfo=UTC)
DEAL, LEAD = "006000000000001AAA", "00Q000000000001AAA"


def one_deal(standin: Standin, *stages: str, swallowed: int | None = None) -> None:
    person = Person("Invented", "Somebody", "somebody@example.com", "+966500000001", "SA")
    lead = Lead("178414000000001", MORNING, person, None, "fb", consents=True)
    entered = [Stage(name, MORNING + timedelta(hours=1 + n)) for n, name in enumerate(stages)]
    reason = "price" if stages[-1] == "lost" else None
    deal = Deal(1, lead, entered[0].entered, entered[-1].entered, entered, "101", Decimal("1990.68"), reason, swallowed)
    standin.company.leads[:], standin.company.deals[:] = [lead], [deal]


def records_of(connect: Connect, **changed: object) -> dict[str | None, Row]:
    return {row["crm_id"]: row for row in rows_of(connect("salesforce", **changed))["crm_records"]}


def test_a_won_opportunity_becomes_a_record(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "qualified", "won")
    assert {column: value for column, value in records_of(connect)[DEAL].items() if value is not None} == {
        "crm_id": DEAL,
        "created_at": "2026-07-01T09:00:00+00:00",
        "updated_at": "2026-07-01T11:00:00+00:00",
        "stage": "closed_won",
        "meta_lead_id": "178414000000001",
        "owner": "005000000000101AAA",
        "won_at": "2026-07-01T11:00:00+00:00",
        "final_value": "1990.68",
        "currency": "SAR",
        "email": "somebody@example.com",
        "phone": "+966500000001",
        "full_name": "Invented Somebody",
        "is_deleted": "false",
    }


def test_a_converted_lead_is_merged_into_its_opportunity(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new")
    lead = records_of(connect)[LEAD]
    assert (lead["merged_into"], lead["meta_lead_id"], lead["stage"]) == (DEAL, "178414000000001", "Closed - Converted")


def test_a_merged_lead_names_its_heir_and_a_deleted_one_says_so(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", swallowed=901)
    records = records_of(connect)
    assert {(row["crm_id"], row.get("merged_into"), row["is_deleted"]) for row in records.values()} == {
        (DEAL, None, "false"),
        (LEAD, DEAL, "false"),
        ("00Q000000000901AAA", LEAD, "false"),
        ("00Q000000009990AAA", None, "true"),
    }


def test_a_deleted_opportunity_says_so(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "won")
    standin.company.deals[0].deleted = MORNING + timedelta(days=2)
    record = records_of(connect)[DEAL]
    assert (record["is_deleted"], record["updated_at"]) == ("true", "2026-07-03T08:00:00+00:00")


def test_every_opportunity_of_a_contact_names_the_lead_that_became_it(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "won")
    later = replace(standin.company.deals[0], number=2, amount=Decimal("500.00"))
    standin.company.deals.append(later)
    records = records_of(connect)
    assert records[LEAD]["merged_into"] == DEAL
    second = records["006000000000002AAA"]
    assert (second["meta_lead_id"], second["final_value"]) == ("178414000000001", "500")


def test_a_stage_that_salesforce_calls_open_is_open_whatever_its_name(standin: Standin, connect: Connect) -> None:
    def reopened(body: dict[str, list[dict[str, object]]]) -> object:
        for record in body["records"]:
            record["StageName"] = "Closed Lost"
        return body

    one_deal(standin, "new")
    standin.plan(Fault("drift", "salesforce.query", times=9, change=reopened))
    assert (records_of(connect)[DEAL]["stage"], records_of(connect)[DEAL]["lost_at"]) == ("open", None)


def test_one_currency_that_is_not_named_is_asked_for_by_name(standin: Standin, connect: Connect) -> None:
    failure = connect("salesforce")._classify(
        HttpResponse(
            400,
            {},
            [{"errorCode": "INVALID_FIELD", "message": "No such column 'CurrencyIsoCode' on entity 'Opportunity'."}],
        )
    )
    assert failure is not None
    assert "name it as `currency`" in str(failure.error)


def test_one_odd_opportunity_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    before = rows_of(connect("salesforce"))["crm_records"]
    target = next(row for row in before if str(row["crm_id"]).startswith("006"))

    def harm_it(body: dict[str, list[dict[str, object]]]) -> object:
        for record in body["records"]:
            if record.get("Id") == target["crm_id"]:
                record["CreatedDate"] = "then"
        return body

    calls = ("salesforce.query", "salesforce.query_more")
    standin.plan(*(Fault("drift", call, times=99, change=harm_it) for call in calls))
    rows = rows_of(connect("salesforce"))["crm_records"]
    (odd,) = [row for row in rows if row.get("unread")]
    assert (odd["crm_id"], odd["final_value"]) == (target["crm_id"], target["final_value"])
    assert len(rows) == len(before)


def test_a_lost_opportunity_says_when_and_why(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "lost")
    record = records_of(connect)[DEAL]
    assert (record["stage"], record["lost_at"], record["loss_reason"]) == (
        "closed_lost",
        "2026-07-01T10:00:00+00:00",
        "price",
    )


def test_a_stage_is_entered_once_however_often_its_history_repeats_it(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "proposal", "lost")
    changes = rows_of(connect("salesforce"))["crm_stage_changes"]
    assert sorted((row["entered_at"], row["stage"]) for row in changes) == [
        ("2026-07-01T09:00:00+00:00", "Prospecting"),
        ("2026-07-01T10:00:00+00:00", "Proposal"),
        ("2026-07-01T11:00:00+00:00", "Walked Away"),
    ]


def test_one_currency_for_all_is_taken_from_the_settings(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new")
    assert records_of(connect, currency="KWD")[DEAL]["currency"] == "KWD"


def test_only_what_changed_since_is_pulled(standin: Standin, connect: Connect) -> None:
    deals = standin.company.deals_in("SA")
    since = sorted(deal.updated for deal in deals)[3]
    rows = rows_of(connect("salesforce"), Window(since, AS_OF))["crm_records"]
    pulled = {row["updated_at"] for row in rows if str(row["crm_id"]).startswith("006")}
    assert pulled == {deal.updated.isoformat() for deal in deals if deal.updated >= since}


def test_a_field_that_was_deleted_is_named(connect: Connect) -> None:
    with pytest.raises(SchemaDrift, match=r"Opportunity\.Old_Reason__c"):
        rows_of(connect("salesforce", loss_reason_field="Old_Reason__c"))


def test_a_field_that_changes_its_type_is_named(standin: Standin, connect: Connect) -> None:
    def as_text(body: dict[str, list[dict[str, object]]]) -> object:
        for record in body["records"]:
            if "Amount" in record:
                record["Amount"] = "1.990,68"
        return body

    calls = ("salesforce.query", "salesforce.query_more")
    standin.plan(*(Fault("drift", call, times=100, change=as_text) for call in calls))
    with pytest.raises(SchemaDrift, match=r"Opportunity\.Amount"):
        rows_of(connect("salesforce"))


def test_a_used_up_day_is_not_waited_for(standin: Standin, connect: Connect) -> None:
    standin.systems["salesforce"].used_up = True
    with pytest.raises(RateLimited, match="24 hours"):
        rows_of(connect("salesforce"))
    assert standin.calls["salesforce.query"] == 1


def test_a_wrong_secret_is_told(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", "revoked")
    with pytest.raises(ExpiredCredentials, match="client ID and secret"):
        connect("salesforce").probe()
