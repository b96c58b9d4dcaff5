"""HubSpot: what a deal and a contact become, and that we speak the API as HubSpot publishes it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import MissingPermission, RateLimited, SchemaDrift
from reconciliation_assets.sources.http import HttpResponse
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.sources.openapi import violations
from reconciliation_assets_tests.sources.shared_bodies import recorded, shared_json
from reconciliation_assets_tests.standin.company import AS_OF, Deal, Lead, Person, Stage
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

MORNING = datetime(2026, 7, 1, 8, tzinfo=UTC)


def one_deal(standin: Standin, *stages: str, swallowed: int | None = None) -> Deal:
    person = Person("Invented", "Somebody", "somebody@example.com", "+971500000001", "AE")
    lead = Lead("178414000000001", MORNING, person, None, "fb", consents=True)
    entered = [Stage(name, MORNING + timedelta(hours=1 + n)) for n, name in enumerate(stages)]
    reason = "price" if stages[-1] == "lost" else None
    deal = Deal(1, lead, entered[0].entered, entered[-1].entered, entered, "101", Decimal("1990.68"), reason, swallowed)
    standin.company.leads[:], standin.company.deals[:] = [lead], [deal]
    return deal


def records_of(connect: Connect) -> dict[str | None, Row]:
    return {row["crm_id"]: row for row in rows_of(connect("hubspot"))["crm_records"]}


def test_a_won_deal_becomes_a_record_with_its_contact(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "qualified", "won")
    record = records_of(connect)["31292000001"]
    assert {column: value for column, value in record.items() if value is not None} == {
        "crm_id": "31292000001",
        "created_at": "2026-07-01T09:00:00+00:00",
        "updated_at": "2026-07-01T11:00:00+00:00",
        "stage": "closed_won",
        "meta_lead_id": "178414000000001",
        "owner": "101",
        "won_at": "2026-07-01T11:00:00+00:00",
        "final_value": "1990.68",
        "currency": "AED",
        "email": "somebody@example.com",
        "phone": "+971500000001",
        "full_name": "Invented Somebody",
    }


def test_stages_keep_the_times_they_were_entered(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "proposal", "lost")
    changes = rows_of(connect("hubspot"))["crm_stage_changes"]
    assert sorted((row["entered_at"], row["stage"]) for row in changes) == [
        ("2026-07-01T09:00:00+00:00", "New"),
        ("2026-07-01T10:00:00+00:00", "Proposal"),
        ("2026-07-01T11:00:00+00:00", "closed_lost"),
    ]


def test_a_lost_deal_says_when_and_why(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", "lost")
    record = records_of(connect)["31292000001"]
    assert (record["lost_at"], record["loss_reason"], record["won_at"]) == ("2026-07-01T10:00:00+00:00", "price", None)


def test_a_contact_is_a_record_until_it_has_a_deal(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new")
    contact = records_of(connect)["contact-51001"]
    assert (contact["crm_id"], contact["stage"], contact["merged_into"]) == ("contact-51001", "lead", "31292000001")
    standin.company.deals.clear()
    (contact,) = records_of(connect).values()
    assert contact["merged_into"] is None


def test_a_merged_deal_leaves_its_id_behind(standin: Standin, connect: Connect) -> None:
    one_deal(standin, "new", swallowed=901)
    assert records_of(connect)["31292000901"]["merged_into"] == "31292000001"


def test_a_portal_with_one_currency_has_no_currency_of_deals(standin: Standin, connect: Connect) -> None:
    standin.systems["hubspot"].has_currencies = False
    one_deal(standin, "new", "won")
    assert records_of(connect)["31292000001"]["currency"] == "AED"


def test_every_deal_of_a_contact_names_its_lead_though_they_come_in_pages_of_numbers(
    standin: Standin, connect: Connect
) -> None:
    standin.systems["hubspot"].writes_ids_as_numbers = True
    standin.systems["hubspot"].association_page = 1
    first = one_deal(standin, "new", "won")
    standin.company.deals.append(replace(first, number=2, amount=Decimal("500.00")))
    records = records_of(connect)
    assert records["contact-51001"]["merged_into"] == "31292000002"
    assert {
        (records[deal]["meta_lead_id"], records[deal]["final_value"]) for deal in ("31292000001", "31292000002")
    } == {
        ("178414000000001", "1990.68"),
        ("178414000000001", "500.00"),
    }


def test_a_stage_that_the_pipeline_calls_open_is_open_whatever_its_label(standin: Standin, connect: Connect) -> None:
    standin.systems["hubspot"].open_label = "Closed Lost"
    one_deal(standin, "new")
    record = records_of(connect)["31292000001"]
    assert (record["stage"], record["lost_at"]) == ("open", None)
    (change,) = rows_of(connect("hubspot"))["crm_stage_changes"]
    assert change["stage"] == "open"


def test_a_deleted_deal_says_so_once_it_is_deleted(standin: Standin, connect: Connect) -> None:
    deal = one_deal(standin, "new", "won")
    deal.deleted = MORNING + timedelta(days=2)
    record = records_of(connect)["31292000001"]
    assert (record["is_deleted"], record["updated_at"]) == ("true", "2026-07-03T08:00:00+00:00")
    later = rows_of(connect("hubspot"), Window(MORNING + timedelta(days=3), AS_OF))["crm_records"]
    assert [row["crm_id"] for row in later] == []


def test_one_odd_deal_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, list[dict[str, object]]]) -> object:
        body["results"][0]["updatedAt"] = "recently"
        return body

    before = rows_of(connect("hubspot"))["crm_records"]
    standin.plan(Fault("drift", "hubspot.search_deals", times=1, change=harm))
    rows = rows_of(connect("hubspot"))["crm_records"]
    (odd,) = [row for row in rows if row.get("unread")]
    amount = next(row["final_value"] for row in before if row["crm_id"] == odd["crm_id"])
    assert (odd["unread_column"], odd["final_value"]) == ("deals.updatedAt", amount)


def test_real_deals_and_pipelines_are_read(standin: Standin, connect: Connect) -> None:
    deals = recorded("hubspot", "deals")
    (pipeline,) = recorded("hubspot", "deal_pipelines")
    stages = [{**stage, "id": stage["stageId"]} for stage in pipeline["stages"]]
    standin.plan(
        Fault("drift", "hubspot.search_deals", times=1, change=lambda _: {"results": deals}),
        Fault("drift", "hubspot.pipelines", times=1, change=lambda _: {"results": [{"stages": stages}]}),
        *(
            Fault("drift", f"hubspot.{call}", times=9, change=lambda _: {"results": []})
            for call in ("read_deals", "contacts_of_deals")
        ),
    )
    records = {row["crm_id"]: row for row in rows_of(connect("hubspot", page_limit=100))["crm_records"]}
    assert {(deal["id"], records[deal["id"]]["final_value"]) for deal in deals} == {
        ("3980651569", "60000"),
        ("3980673856", "60000"),
        ("3986867076", "6"),
    }
    assert not [row for row in records.values() if row.get("unread")]


def test_only_what_changed_since_is_pulled(standin: Standin, connect: Connect) -> None:
    deals = standin.company.deals_in("AE")
    since = sorted(deal.updated for deal in deals)[4]
    rows = rows_of(connect("hubspot"), Window(since, AS_OF))["crm_records"]
    pulled = {row["updated_at"] for row in rows if not str(row["crm_id"]).startswith("contact-")}
    assert pulled == {deal.updated.isoformat() for deal in deals if deal.updated >= since}


def test_a_deal_changed_while_paging_hides_no_other(standin: Standin, connect: Connect) -> None:
    before = {row["crm_id"] for row in rows_of(connect("hubspot"))["crm_records"]}

    def touch(company: object) -> None:
        standin.company.deals_in("AE")[0].updated = AS_OF

    standin.plan(Fault("world_changes", "hubspot.search_deals", change=touch))
    rows = rows_of(connect("hubspot"))["crm_records"]
    assert sorted(str(row["crm_id"]) for row in rows) == sorted(map(str, before))


def test_a_property_that_was_deleted_is_named(connect: Connect) -> None:
    with pytest.raises(SchemaDrift, match="lead_score_2024"):
        rows_of(connect("hubspot", properties={"qualification_status": "lead_score_2024"}))


@pytest.mark.parametrize("field", ["createdAt", "updatedAt", "properties"])
def test_a_field_that_vanishes_is_named(standin: Standin, connect: Connect, field: str) -> None:
    def drop(body: dict[str, list[dict[str, object]]]) -> object:
        for record in body["results"]:
            record.pop(field)
        return body

    standin.plan(Fault("drift", "hubspot.search_deals", times=100, change=drop))
    with pytest.raises(SchemaDrift, match=field):
        rows_of(connect("hubspot"))


def test_missing_scopes_are_named(standin: Standin, connect: Connect) -> None:
    standin.plan(Fault("missing_permission", "hubspot.search_deals"))
    with pytest.raises(MissingPermission, match=r"crm\.objects\.deals\.read"):
        rows_of(connect("hubspot"))


def test_a_used_up_day_is_not_waited_for(connect: Connect) -> None:
    failure = connect("hubspot")._classify(HttpResponse(429, {}, {"policyName": "DAILY"}))
    assert failure is not None
    assert isinstance(failure.error, RateLimited)
    assert not failure.is_transient
    assert failure.error.back_at == datetime(2026, 7, 11, tzinfo=UTC)


REQUESTS = {
    "/crm/v3/objects/0-3/search": ("Deals__Rollouts__424__v3__deals", "PublicObjectSearchRequest"),
    "/crm/v3/objects/contacts/search": ("Contacts__Rollouts__424__v3__contacts", "PublicObjectSearchRequest"),
    "/crm/v3/objects/0-3/batch/read": ("Deals__Rollouts__424__v3__deals", "BatchReadInputSimplePublicObjectId"),
    "/crm/v3/objects/contacts/batch/read": (
        "Contacts__Rollouts__424__v3__contacts",
        "BatchReadInputSimplePublicObjectId",
    ),
    "/crm/v4/associations/0-3/contacts/batch/read": (
        "Associations__Rollouts__130902__v4__associations",
        "BatchInputPublicFetchAssociationsBatchRequest",
    ),
}
ANSWERS = {
    "PublicObjectSearchRequest": "CollectionResponseWithTotalSimplePublicObject",
    "BatchReadInputSimplePublicObjectId": "BatchResponseSimplePublicObject",
    "BatchInputPublicFetchAssociationsBatchRequest": "BatchResponsePublicAssociationMultiWithLabel",
}


@pytest.mark.parametrize("path", REQUESTS)
def test_requests_and_answers_keep_to_the_official_spec(standin: Standin, connect: Connect, path: str) -> None:
    spec_file, schema = REQUESTS[path]
    spec = shared_json(f"hubspot/{spec_file}.json")
    rows_of(connect("hubspot"))
    asked = [request for request in standin.requests if request.path == path]
    assert asked
    for request in asked:
        assert violations(spec, schema, request.body) == []
        found = standin.systems["hubspot"].find(request)
        assert violations(spec, ANSWERS[schema], found[1]().body) == []


def test_the_list_of_what_was_archived_keeps_to_the_official_spec(standin: Standin, connect: Connect) -> None:
    spec = shared_json("hubspot/Deals__Rollouts__424__v3__deals.json")
    rows_of(connect("hubspot"))
    (asked,) = [request for request in standin.requests if request.path == "/crm/v3/objects/0-3"]
    known = {parameter["name"] for parameter in spec["paths"]["/crm/v3/objects/0-3"]["get"]["parameters"]}
    assert set(asked.query) <= known
    _, answer = standin.systems["hubspot"].find(asked)
    body = answer().body
    assert len(body["results"]) == len(standin.company.deleted_deals_in("AE")) == 2
    assert violations(spec, "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging", body) == []


def test_the_scopes_the_docs_name_are_those_of_the_spec() -> None:
    spec = shared_json("hubspot/Deals__Rollouts__424__v3__deals.json")
    assert spec["paths"]["/crm/v3/objects/0-3/search"]["post"]["security"] == [{"oauth2": ["crm.objects.deals.read"]}]
