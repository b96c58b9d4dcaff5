"""Meta lead forms: whose answers they are, what the questions mean in any language, and what counts as consent."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import MissingPermission, SchemaDrift
from reconciliation_assets.sources.meta_leads import LEAD_FIELDS as ASKED
from reconciliation_assets_tests.sources.conftest import EVERYTHING, Connect, rows_of
from reconciliation_assets_tests.standin.company import AS_OF, FORMS, PAGE, Ad, Lead, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.meta import LEAD_FIELDS, PAGE_TOKEN
from reconciliation_assets_tests.standin.server import Standin

AD = Ad("120417936800000001", "120338005900000001", "120212694700000001", "GCC | Summer", "1d_click")


def one_lead(market: str = "AE", *, ad: Ad | None = AD, consents: bool = True, is_test: bool = False) -> Lead:
    person = Person("Invented", "Somebody", "somebody@example.com", "+971500000001", market)
    return Lead("178414000000001", datetime(2026, 7, 1, 8, 30, tzinfo=UTC), person, ad, "ig", consents, is_test)


def only_row(standin: Standin, connect: Connect, lead: Lead, **changed: object) -> Row:
    standin.company.leads[:] = [lead]
    (row,) = rows_of(connect("meta_leads", **changed))["leads"]
    return row


def test_a_lead_becomes_a_row(standin: Standin, connect: Connect) -> None:
    row = {column: value for column, value in only_row(standin, connect, one_lead()).items() if value is not None}
    assert row == {
        "lead_id": "178414000000001",
        "created_at": "2026-07-01T08:30:00+00:00",
        "updated_at": "2026-07-01T08:30:00+00:00",
        "meta_lead_id": "178414000000001",
        "campaign_id": "120212694700000001",
        "adset_id": "120338005900000001",
        "ad_id": "120417936800000001",
        "source": "instagram",
        "medium": "paid",
        "utm_campaign": "GCC | Summer",
        "form_id": FORMS["AE"],
        "event_type": "lead_form",
        "market": "AE",
        "language": "en",
        "email": "somebody@example.com",
        "phone": "+971500000001",
        "full_name": "Invented Somebody",
        "offer": "sofa",
        "consent": "true",
        "is_test": "false",
    }


@pytest.mark.parametrize("market", ["KW", "SA"])
def test_arabic_questions_are_understood_by_type_or_by_mapping(standin: Standin, connect: Connect, market: str) -> None:
    row = only_row(standin, connect, one_lead(market))
    assert (row["phone"], row["language"], row["market"]) == ("+971500000001", "ar", market)


def test_a_mapped_question_the_form_no_longer_asks_is_named(standin: Standin, connect: Connect) -> None:
    forms = {FORMS["SA"]: {"fields": {"phone": "رقم الهاتف القديم"}}}
    with pytest.raises(SchemaDrift, match="رقم الهاتف القديم"):
        rows_of(connect("meta_leads", forms=forms))


def test_an_organic_lead_has_no_ad_and_says_so(standin: Standin, connect: Connect) -> None:
    row = only_row(standin, connect, one_lead(ad=None))
    assert (row["medium"], row["ad_id"], row["campaign_id"]) == ("organic", None, None)


@pytest.mark.parametrize(("consents", "told"), [(True, "true"), (False, "false")])
def test_consent_is_the_state_of_the_box(standin: Standin, connect: Connect, consents: bool, told: str) -> None:
    assert only_row(standin, connect, one_lead(consents=consents))["consent"] == told
    assert only_row(standin, connect, one_lead(consents=consents), forms={})["consent"] == told


def test_a_form_without_a_box_tells_nothing_about_consent(standin: Standin, connect: Connect) -> None:
    assert only_row(standin, connect, one_lead("KW"))["consent"] is None


def test_metas_own_test_leads_are_marked(standin: Standin, connect: Connect) -> None:
    assert only_row(standin, connect, one_lead(is_test=True))["is_test"] == "true"


def test_only_leads_since_the_window_began_are_asked_for(standin: Standin, connect: Connect) -> None:
    created = sorted(lead.created for lead in standin.company.leads)
    since = created[20]
    rows = rows_of(connect("meta_leads"), Window(since, AS_OF))["leads"]
    assert sorted(str(row["created_at"]) for row in rows) == [
        moment.isoformat() for moment in created if moment >= since
    ]


def test_no_more_than_90_days_are_asked_for(standin: Standin, connect: Connect) -> None:
    standin.company.leads[0].created = AS_OF - timedelta(days=91)
    lost = standin.company.leads[0].lead_id
    assert lost not in {row["lead_id"] for row in rows_of(connect("meta_leads"))["leads"]}


def test_a_lead_that_arrives_while_paging_hides_no_other(standin: Standin, connect: Connect) -> None:
    before = rows_of(connect("meta_leads"))["leads"]
    newcomer = one_lead()
    standin.plan(Fault("world_changes", "meta.leads", change=lambda company: company.leads.append(newcomer)))
    during = rows_of(connect("meta_leads"))["leads"]
    assert [row for row in during if row["lead_id"] != newcomer.lead_id] == before


def test_every_field_asked_for_is_in_metas_list() -> None:
    assert set(ASKED.split(",")) <= LEAD_FIELDS


def test_an_unknown_form_in_the_sources_file_is_found_by_the_probe(connect: Connect) -> None:
    probe = connect("meta_leads", forms={"999": {"market": "AE"}}).probe()
    assert list(probe.findings) == ["form 999 is in the sources file, but on none of the pages"]


def test_forms_and_leads_are_asked_for_with_the_pages_own_token(standin: Standin, connect: Connect) -> None:
    rows_of(connect("meta_leads"))
    asked = {request.path.rpartition("/")[2]: request.headers["authorization"] for request in standin.requests}
    assert asked["leadgen_forms"] == asked["leads"] == f"Bearer {PAGE_TOKEN}"
    assert asked[PAGE] != asked["leads"]


def test_a_page_that_is_not_assigned_is_named(standin: Standin, connect: Connect) -> None:
    standin.systems["meta"].page_is_assigned = False
    with pytest.raises(MissingPermission, match=f"no access to page {PAGE}.*Assign the page"):
        rows_of(connect("meta_leads"))


def test_a_list_of_leads_too_large_for_meta_is_read_in_smaller_pages(standin: Standin, connect: Connect) -> None:
    whole = rows_of(connect("meta_leads"))
    standin.systems["meta"].largest_page = 25
    standin.systems["meta"].refuses_size_as = "unknown"
    assert rows_of(connect("meta_leads", page_limit=200)) == whole


def test_one_odd_lead_goes_to_quarantine_and_costs_no_other(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, list[dict[str, object]]]) -> object:
        body["data"][0]["created_time"] = "yesterday"
        return body

    before = rows_of(connect("meta_leads"))["leads"]
    standin.plan(Fault("drift", "meta.leads", times=1, change=harm))
    rows = rows_of(connect("meta_leads"))["leads"]
    (odd,) = [row for row in rows if row.get("unread")]
    assert (odd["unread_column"], odd["unread"]) == ("lead.created_time", "has an unexpected type or format")
    assert {row["lead_id"] for row in rows} == {row["lead_id"] for row in before}


def test_a_side_value_of_another_type_costs_no_lead(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, list[dict[str, object]]]) -> object:
        for lead in body["data"]:
            lead["platform"] = ["ig"]
        return body

    standin.plan(Fault("drift", "meta.leads", times=9, change=harm))
    batches = list(connect("meta_leads").pull(EVERYTHING))
    assert sum(len(batch.rows) for batch in batches) == len(standin.company.leads)
    told = {because for batch in batches for because in batch.passed_over}
    assert told == {"lead.platform has an unexpected type or format and is unknown"}


def test_an_unknown_error_of_a_question_that_cannot_be_smaller_is_asked_again(
    standin: Standin, connect: Connect
) -> None:
    whole = rows_of(connect("meta_leads"))
    unknown = {"error": {"code": 1, "error_subcode": 99, "message": "An unknown error occurred"}}
    for call in ("meta.page", "meta.leads"):
        standin.plan(Fault("drift", call, times=1, change=lambda _: unknown))
        assert rows_of(connect("meta_leads")) == whole
