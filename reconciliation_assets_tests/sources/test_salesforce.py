"""Salesforce: what a lead and an opportunity become, and how its refusals are told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import ExpiredCredentials, RateLimited, SchemaDrift
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
        "owner": "005000000000101AAA",
        "won_at": "2026-07-01T11:00:00+00:00",
        "final_value": "1990.68",
        "currency": "SAR",
        "email": "somebody@example.com",
        "phone": "+966500000001",
        "full_name": "Invented Somebody",
    }


def test_a_converted_lead_is_merged_into_its_opportunity(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new")
    lead = records_of(connect)[LEAD]
    assert (lead["merged_into"], lead["meta_lead_id"], lead["stage"]) == (DEAL, "178414000000001", "Closed - Converted")


def test_a_merged_lead_leaves_its_id_behind_and_a_deleted_one_nothing(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", swallowed=901)
    records = records_of(connect)
    assert records["00Q000000000901AAA"]["merged_into"] == LEAD
    assert set(records) == {DEAL, LEAD, "00Q000000000901AAA"}


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
            record["Amount"] = "1.990,68"
        return body

    standin.plan(Fault("drift", "salesforce.query", nth=3, times=100, change=as_text))
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
