"""A match rate that falls is told in words that name day, segment, lost identifiers and what is at stake."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Row
from reconciliation_assets_tests.rows import AD, ADSET, CAMPAIGN, crm, insight, lead, order, payment

FIRST = datetime.fromisoformat("2026-05-02T10:00:00+04:00")
JUNE = range(30, 60)
LAST = 59


def on(day: int, number: int) -> str:
    return (FIRST + timedelta(days=day, minutes=number)).isoformat()


def leads_of(form: str, days: range, per_day: int = 12, **cells: Any) -> list[Row]:
    """Leads of a form, day after day of May and June."""
    return [
        lead(f"{form}-{day}-{number}", on(day, number), form_id=form, stated_value="500", currency="AED", **cells)
        for day in days
        for number in range(per_day)
    ]


def crm_of(leads: list[Row], **cells: Any) -> list[Row]:
    return [crm(f"C-{row['lead_id']}", row["created_at"], lead_id=row["lead_id"], **cells) for row in leads]


def test_yesterdays_break_is_told_with_form_lost_column_records_and_value(build: Build) -> None:
    tracked = {"source": "facebook", "campaign_id": CAMPAIGN, "adset_id": ADSET, "ad_id": AD}
    built = build(
        {
            "meta_insights": [insight("2026-06-01")],
            "leads": [
                *leads_of("dubai-ar-3", range(LAST), **tracked),
                *leads_of("dubai-ar-3", range(LAST, LAST + 1), source="facebook"),
                *leads_of("riyadh-en-1", range(LAST + 1), **tracked),
            ],
        }
    )
    answer = built.ask("coverage_daily", "record_ad_has_not_fallen")
    assert (answer.passed, answer.severity) == (False, "WARN")
    assert answer.message.startswith(
        "record to ad fell from 100.0% to 50.0% on 30 June 2026; 100% of the fall is form dubai-ar-3, whose records lost "
        "ad_id (100% filled before, 0% now) and adset_id (100% filled before, 0% now); 12 records, 6,000.00 AED unmatched. "
        "Look at unmatched_records where link = 'record_ad'"
    )
    assert answer.figures["segment"] == "form dubai-ar-3"
    assert answer.figures["since"] == "2026-06-30"


def test_a_crm_sync_that_loses_lead_ids_is_told_as_what_the_crm_lost(build: Build) -> None:
    leads = leads_of("en-1", range(LAST + 1))
    before = [row for row in leads if row["created_at"] < on(LAST - 1, 0)]
    after = [row for row in leads if row["created_at"] >= on(LAST - 1, 0)]
    unlinked = [{**row, "lead_id": ""} for row in crm_of(after)]
    answer = build({"leads": leads, "crm_records": [*crm_of(before), *unlinked]}).ask(
        "coverage_daily", "lead_crm_has_not_fallen"
    )
    assert not answer.passed
    assert answer.message.startswith("lead to CRM fell from")
    assert "since 29 June 2026" in answer.message
    assert "CRM records lost lead_id (100% filled before, 0% now)" in answer.message


def paid(method: str, days: range, *, names_order: bool = True) -> list[Row]:
    return [
        payment(
            f"{method}-{day}-{number}", on(day, number), method=method, **({"order_id": "SO1"} if names_order else {})
        )
        for day in days
        for number in range(12)
    ]


def test_payments_of_one_method_that_lose_their_order_are_told_by_method(build: Build) -> None:
    payments = [
        *paid("card", range(LAST + 1)),
        *paid("tabby", range(LAST)),
        *paid("tabby", range(LAST, LAST + 1), names_order=False),
    ]
    company = {"orders": [order("SO1", "2026-05-01", value="200000")], "payments": payments}
    answer = build(company).ask("coverage_daily", "order_payment_has_not_fallen")
    assert "100% of the fall is payment method tabby, whose payments lost order_id" in answer.message
    assert "12 records, 1,200.00 AED" in answer.message


def test_a_quiet_link_holds_and_says_its_rate(build: Build) -> None:
    leads = leads_of("en-1", range(LAST + 1))
    answer = build({"leads": leads, "crm_records": crm_of(leads)}).ask("coverage_daily", "lead_crm_has_not_fallen")
    assert (answer.passed, answer.message) == (True, "100.0% in the last week, as usual.")


def test_a_crm_that_always_takes_a_day_is_no_fall_on_the_very_first_run(build: Build) -> None:
    """No morning was kept yet: when the CRM records were created tells how complete a day was the morning after."""
    leads = leads_of("en-1", range(LAST + 1))
    late = [
        {**row, "created_at": on(day + 2, 0), "updated_at": on(day + 2, 0)}
        for row, day in zip(crm_of(leads), (day for day in range(LAST + 1) for _ in range(12)), strict=True)
        if day + 2 <= LAST
    ]
    assert build({"leads": leads, "crm_records": late}).ask("coverage_daily", "lead_crm_has_not_fallen").passed


@pytest.mark.parametrize("known_of_yesterday", [True, False])
def test_young_days_are_held_against_what_was_kept_of_mornings(build: Build, *, known_of_yesterday: bool) -> None:
    """On every morning the CRM knew half of yesterday's leads and all older ones; today half of yesterday's or none."""
    leads = leads_of("en-1", range(LAST + 1), per_day=24)
    known = [
        row
        for number, row in enumerate(leads)
        if row["created_at"] < on(LAST, 0) or (known_of_yesterday and number % 2)
    ]
    built = build({"leads": leads, "crm_records": crm_of(known)})
    built.make(TableName("governance", "coverage_daily"))
    built.warehouse.execute(
        """
        create table governance.coverage_history as
        select d.day + cast(a.age as integer) as observed_on, d.link, d.day, d.segment_kind, d.segment, m.match_method,
          case when a.age > 1 then 24 else 12 end as records, d.value / case when a.age > 1 then 1 else 2 end as value,
          d.value_squares / case when a.age > 1 then 1 else 2 end as value_squares, d.currency
        from governance.coverage_daily d
        cross join (select unnest(range(1, 8)) as age) a
        cross join (values ('exact_id'), ('unmatched')) m(match_method)
        where d.link = 'lead_crm' and d.match_method = 'exact_id' and (a.age = 1 or m.match_method = 'exact_id')
          and d.day + cast(a.age as integer) < date '2026-07-01'
        """
    )
    answer = built.ask("coverage_daily", "lead_crm_has_not_fallen")
    assert answer.passed is known_of_yesterday
    if not known_of_yesterday:
        assert "lead to CRM fell from 50.0% to 0.0% on 30 June 2026" in answer.message
