"""Meta lead forms: whose answers they are, what the questions mean in any language, and what counts as consent."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import SchemaDrift
from reconciliation_assets.sources.meta_leads import LEAD_FIELDS as ASKED
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.standin.company import AS_OF, FORMS, Ad, Lead, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.meta import LEAD_FIELDS
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
