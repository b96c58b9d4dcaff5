"""Zoho CRM: what a lead and a deal become, empty answers, and how a refused grant is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import ExpiredCredentials, MissingPermission, SchemaDrift
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.standin.company import AS_OF, Deal, Lead, Person, Stage
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

MORNING = datetime(2026, 7, 1, 8, tzinfo=UTC)
DEAL, LEAD = "600000000200001", "600000000100001"


def one_deal(standin: Standin, *stages: str) -> None:
    person = Person("Invented", "Somebody", "somebody@example.com", "+96560000001", "KW")
    lead = Lead("178414000000001", MORNING, person, None, "fb", consents=True)
    entered = [Stage(name, MORNING + timedelta(hours=1 + n)) for n, name in enumerate(stages)]
    reason = "price" if stages[-1] == "lost" else None
    deal = Deal(1, lead, entered[0].entered, entered[-1].entered, entered, "101", Decimal("190.685"), reason)
    standin.company.leads[:], standin.company.deals[:] = [lead], [deal]


def records_of(connect: Connect, **changed: object) -> dict[str | None, Row]:
    return {row["crm_id"]: row for row in rows_of(connect("zoho", **changed))["crm_records"]}


def test_a_won_deal_becomes_a_record(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "qualified", "won")
    assert {column: value for column, value in records_of(connect)[DEAL].items() if value is not None} == {
        "crm_id": DEAL,
        "created_at": "2026-07-01T09:00:00+00:00",
        "updated_at": "2026-07-01T11:00:00+00:00",
        "stage": "closed_won",
        "owner": "600000000000101",
        "won_at": "2026-07-01T11:00:00+00:00",
        "final_value": "190.685",
        "currency": "KWD",
        "email": "somebody@example.com",
        "phone": "+96560000001",
        "full_name": "Invented Somebody",
    }


def test_a_converted_lead_is_merged_into_its_deal(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new")
    lead = records_of(connect)[LEAD]
    assert (lead["merged_into"], lead["meta_lead_id"], lead["stage"]) == (DEAL, "178414000000001", "Contacted")


def test_a_lead_without_a_status_is_new(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new")
    standin.company.deals.clear()
    assert records_of(connect)[LEAD]["stage"] == "new"


def test_a_lost_deal_says_when_and_why(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "lost")
    record = records_of(connect)[DEAL]
    assert (record["stage"], record["lost_at"], record["loss_reason"]) == (
        "closed_lost",
        "2026-07-01T10:00:00+00:00",
        "price",
    )


def test_which_stages_mean_won_is_a_setting(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "proposal")
    assert records_of(connect, won_stages=["Proposal"])[DEAL]["stage"] == "closed_won"


def test_stages_keep_the_times_they_were_entered(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "lost")
    changes = rows_of(connect("zoho"))["crm_stage_changes"]
    assert sorted((row["entered_at"], row["stage"]) for row in changes) == [
        ("2026-07-01T09:00:00+00:00", "Qualification"),
        ("2026-07-01T10:00:00+00:00", "Closed Lost"),
    ]


def test_only_what_changed_since_is_pulled(standin: Standin, connect: Connect) -> None:
    deals = standin.company.deals_in("KW")
    since = sorted(deal.updated for deal in deals)[3]
    rows = rows_of(connect("zoho"), Window(since, AS_OF))["crm_records"]
    pulled = {
        row["updated_at"] for row in rows if row["final_value" if "final_value" in row else "stage"] and "won_at" in row
    }
    assert pulled == {deal.updated.isoformat() for deal in deals if deal.updated >= since}


def test_nothing_new_is_no_error(connect: Connect) -> None:
    assert not any(rows_of(connect("zoho"), Window(AS_OF + timedelta(days=1), AS_OF + timedelta(days=2))).values())


def test_a_field_that_was_deleted_is_named(connect: Connect) -> None:
    with pytest.raises(SchemaDrift, match=r"Leads\.Old_Field"):
        rows_of(connect("zoho", lead_id_field="Old_Field"))


def test_a_field_that_changes_its_type_is_named(standin: Standin, connect: Connect) -> None:
    def as_text(body: dict[str, list[dict[str, object]]]) -> object:
        for record in body["data"]:
            record["Amount"] = "190,685"
        return body

    standin.plan(Fault("drift", "zoho.deals", times=100, change=as_text))
    with pytest.raises(SchemaDrift, match=r"Deals\.Amount"):
        rows_of(connect("zoho"))


def test_missing_scopes_are_no_expired_token(standin: Standin, connect: Connect) -> None:
    standin.plan(Fault("missing_permission", "zoho.deals", times=9))
    with pytest.raises(MissingPermission, match="fewer scopes"):
        rows_of(connect("zoho"))


def test_a_refresh_token_refused_with_status_200_is_told(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_REFRESH_TOKEN", "revoked")
    with pytest.raises(ExpiredCredentials, match="refresh token"):
        connect("zoho").probe()
