"""Zoho CRM: what a lead and a deal become, empty answers, and how a refused grant is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import ExpiredCredentials, MissingPermission, SchemaDrift
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.sources.openapi import violations
from reconciliation_assets_tests.sources.shared_bodies import recorded, shared_json, unlike
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


def test_what_an_organisation_does_not_have_stops_nothing(standin: Standin, connect: Connect) -> None:
    standin.systems["zoho"].lacks = ("Reason_For_Loss__s", "Converted_Deal", "Mobile")
    one_deal(standin, "new", "lost")
    records = records_of(connect)
    assert (records[DEAL]["stage"], records[DEAL]["loss_reason"]) == ("closed_lost", None)
    assert records[LEAD]["merged_into"] is None


def test_a_deal_has_its_own_currency(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new")
    assert records_of(connect)[DEAL]["currency"] == "KWD"
    standin.systems["zoho"].has_currencies = True
    assert records_of(connect)[DEAL]["currency"] == "USD"


def test_a_deal_without_a_stage_is_new(standin: Standin, connect: Connect) -> None:
    def without_stage(body: dict[str, list[dict[str, object]]]) -> object:
        for record in body["data"]:
            record["Stage"] = None
        return body

    one_deal(standin, "won")
    standin.plan(Fault("drift", "zoho.deals", times=9, change=without_stage))
    assert (records_of(connect)[DEAL]["stage"], records_of(connect)[DEAL]["won_at"]) == ("new", None)


def test_a_deleted_deal_says_so(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "won")
    standin.company.deals[0].deleted = MORNING + timedelta(days=2)
    record = records_of(connect)[DEAL]
    assert (record["is_deleted"], record["updated_at"]) == ("true", "2026-07-03T08:00:00+00:00")
    since = Window(MORNING + timedelta(days=3), AS_OF)
    assert rows_of(connect("zoho"), since)["crm_records"] == []


def test_one_odd_deal_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, list[dict[str, object]]]) -> object:
        body["data"][0]["Created_Time"] = "long ago"
        return body

    before = records_of(connect)
    standin.plan(Fault("drift", "zoho.deals", times=1, change=harm))
    after = records_of(connect)
    (odd,) = [row for row in after.values() if row.get("unread")]
    assert (odd["unread_column"], odd["final_value"]) == ("Deals.Created_Time", before[odd["crm_id"]]["final_value"])
    assert set(after) == set(before)


def test_a_recorded_lead_is_read(standin: Standin, connect: Connect) -> None:
    (real,) = recorded("zoho", "incremental_leads_zoho_crm_stream")
    answer = {"data": [real], "info": {"more_records": False}}
    standin.plan(Fault("drift", "zoho.leads", times=1, change=lambda _: answer))
    lead = records_of(connect, meta_lead_id_field=None)[real["id"]]
    assert (lead["stage"], lead["created_at"], lead["owner"]) == (
        "new",
        "2021-08-04T11:08:39+00:00",
        real["Owner"]["id"],
    )


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/crm/v8/Leads", "Response_Wrapper"),
        ("/crm/v8/Deals", "Response_Wrapper"),
        ("/crm/v8/Deals/deleted", "Deleted_Records_Wrapper"),
    ],
)
def test_requests_and_answers_keep_to_the_official_spec(
    standin: Standin, connect: Connect, path: str, schema: str
) -> None:
    spec = without_links(shared_json("zoho/crm_v8_records_openapi.json"))
    standin.company.deals_in("KW")[0].deleted = MORNING
    rows_of(connect("zoho"))
    template = spec["paths"][path.replace("Leads", "{module_api_name}").replace("Deals", "{module_api_name}")]
    known = {parameter["$ref"].rpartition("/")[2] for parameter in template["get"]["parameters"]}
    asked = [request for request in standin.requests if request.path == path]
    assert asked
    for request in asked:
        assert set(request.query) <= known
        _, answer = standin.systems["zoho"].find(request)
        body = answer().body
        assert body is None or violations(spec, schema, body) == []


def test_the_stand_in_answers_as_a_recorded_organisation_does(standin: Standin, connect: Connect) -> None:
    (real,) = recorded("zoho", "incremental_leads_zoho_crm_stream")
    rows_of(connect("zoho"))
    asked = next(request for request in standin.requests if request.path == "/crm/v8/Leads")
    _, answer = standin.systems["zoho"].find(asked)
    for lead in answer().body["data"]:
        # A company's own field, and one that leads have once they are converted.
        assert set(unlike(real, lead)) <= {"Meta_Lead_ID is not there", "Converted_Deal is not there"}


def without_links(document: Any) -> Any:
    """The document without references to other files, which are not here."""
    if isinstance(document, dict):
        return {
            name: without_links(value)
            for name, value in document.items()
            if not (isinstance(value, dict) and str(value.get("$ref", "")).startswith("https:"))
        }
    return [without_links(each) for each in document] if isinstance(document, list) else document


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
