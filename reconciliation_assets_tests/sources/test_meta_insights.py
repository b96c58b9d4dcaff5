"""Meta insights: which figure lands in which column, and how too much, too slow and restated are answered."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources import meta
from reconciliation_assets.sources.connector import Window
from reconciliation_assets.sources.errors import Misconfigured, RateLimited, SchemaDrift, SourceUnavailable
from reconciliation_assets.sources.http import HttpResponse
from reconciliation_assets.sources.meta_insights import FIELDS
from reconciliation_assets.sources.presets.load import shipped_presets
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.sources.shared_bodies import shared_json, unlike
from reconciliation_assets_tests.standin.company import Ad, AdDay
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.meta import INSIGHT_FIELDS
from reconciliation_assets_tests.standin.server import Standin

YESTERDAY = date(2026, 7, 9)
AD = Ad("120417936800000001", "120338005900000001", "120212694700000001", "GCC | Summer", "1d_click")


RECENT = Window(datetime(2026, 6, 20, tzinfo=UTC), datetime(2026, 7, 10, tzinfo=UTC))


def one_day(**figures: object) -> AdDay:
    known = {"spend": Decimal("54.09"), "impressions": 8224, "clicks": 57, "leads": 3, "purchases": 2}
    return AdDay(AD, YESTERDAY, **{**known, "purchase_value": Decimal("410.50"), **figures})  # type: ignore[arg-type]


def test_a_day_becomes_one_row_per_result_type_and_its_cost_counts_once(standin: Standin, connect: Connect) -> None:
    standin.company.ad_days[:] = [one_day()]
    lead, purchase = rows_of(connect("meta_insights"))["meta_insights"][::-1]
    both = {
        "account_id": "798000000000077",
        "account_currency": "AED",
        "campaign_id": "120212694700000001",
        "campaign_name": "GCC | Summer",
        "adset_id": "120338005900000001",
        "adset_name": "prospecting",
        "ad_id": "120417936800000001",
        "ad_name": "ad 01",
        "date": "2026-07-09",
        "attribution_setting": "1d_click",
        "pulled_at": "2026-07-10T12:00:05+00:00",
    }
    cost = {"spend": "54.09", "impressions": "8224", "clicks": "57"}
    no_cost = dict.fromkeys(cost, "0")
    rows = sorted([lead, purchase], key=lambda row: str(row["result_type"]))
    assert rows == [
        {**both, **cost, "result_type": "lead", "results": "3", "attributed_value": "0"},
        {**both, **no_cost, "result_type": "purchase", "results": "2", "attributed_value": "410.50"},
    ]


def listing(*action_types: str) -> Fault:
    """Every day lists these action types only, with 2, 3, ... of them, as a roll-up and its parts never differ in a test company."""

    def change(body: dict[str, list[dict[str, object]]]) -> object:
        for day in body["data"]:
            stats = [{"action_type": name, "value": str(2 + n)} for n, name in enumerate(action_types)]
            day.update(actions=stats, action_values=stats)
        return body

    return Fault("drift", "meta.insights", times=100, change=change)


@pytest.mark.parametrize(
    ("listed", "results"),
    [
        (("link_click", "lead", "onsite_conversion.lead_grouped", "offsite_conversion.fb_pixel_lead"), {"lead": "3", "purchase": "0"}),
        (("offsite_conversion.fb_pixel_purchase", "purchase", "omni_purchase"), {"lead": "0", "purchase": "4"}),
        (("offsite_conversion.fb_pixel_purchase", "web_in_store_purchase"), {"lead": "0", "purchase": "3"}),
        (("page_engagement", "post_engagement", "link_click"), {"lead": "0", "purchase": "0"}),
    ],
    ids=["the roll-up counts", "in any order", "the first part stands for a roll-up that is absent", "no result at all"],
)  # fmt: skip
def test_of_overlapping_action_types_one_counts_and_none_is_added(
    standin: Standin, connect: Connect, listed: tuple[str, ...], results: dict[str, str]
) -> None:
    standin.company.ad_days[:] = [one_day()]
    standin.plan(listing(*listed))
    rows = rows_of(connect("meta_insights"))["meta_insights"]
    assert {row["result_type"]: row["results"] for row in rows} == results
    assert {row["result_type"]: row["attributed_value"] for row in rows} == results


OTHER_PURCHASES = {"meta_results": {"pixel": {"counts": "offsite_conversion.fb_pixel_purchase"}}}


def test_which_action_type_counts_is_the_policys_choice(standin: Standin, connect: Connect) -> None:
    standin.company.ad_days[:] = [one_day()]
    standin.plan(listing("omni_purchase", "offsite_conversion.fb_pixel_purchase"))
    pixel = {"meta_results": {"purchase": {"counts": "offsite_conversion.fb_pixel_purchase"}}}
    rows = rows_of(connect("meta_insights", policy=pixel))["meta_insights"]
    assert {row["result_type"]: row["results"] for row in rows} == {"lead": "0", "purchase": "3"}
    (row,) = rows_of(connect("meta_insights", policy=OTHER_PURCHASES, results=["pixel"]))["meta_insights"]
    assert (row["result_type"], row["results"], row["spend"]) == ("pixel", "3", "54.09")


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ({"purchase": {"action_type": "purchase"}}, "agreed in the policy, under meta_results"),
        (["booking"], "the policy has no result 'booking'.*name one of: lead, purchase, pixel"),
        (["purchase", "pixel"], "purchase and pixel both contain the action type offsite_conversion.fb_pixel_purchase"),
        (None, "purchase and pixel both contain"),
    ],
)
def test_a_sources_file_that_contradicts_the_policy_is_told(connect: Connect, results: object, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        connect("meta_insights", policy=OTHER_PURCHASES, results=results)


def test_ads_manager_exports_name_results_as_the_policy_does() -> None:
    (preset,) = (preset for preset in shipped_presets() if preset.name == "meta_ads_manager")
    (table,) = preset.tables
    words = table.columns["result_type"].words
    for result_type, result in load_policy(None).policy.meta_results.items():
        assert {words.get(f"actions:{action_type}") for action_type in result.action_types} == {result_type}


def test_a_day_without_actions_has_zero_results(standin: Standin, connect: Connect) -> None:
    standin.company.ad_days[:] = [one_day(leads=0, purchases=0)]
    rows = rows_of(connect("meta_insights"))["meta_insights"]
    assert {(row["results"], row["attributed_value"]) for row in rows} == {("0", "0")}


def test_days_are_the_ad_accounts(standin: Standin, connect: Connect) -> None:
    connector = connect("meta_insights")
    late_evening = datetime(2026, 7, 8, 21, tzinfo=UTC)
    rows = rows_of(connector, Window(late_evening, late_evening + timedelta(hours=22)))["meta_insights"]
    assert {row["date"] for row in rows} == {"2026-07-09"}


def test_yesterday_is_restated_and_the_pull_overlaps_28_days(standin: Standin, connect: Connect) -> None:
    connector = connect("meta_insights")
    assert connector.overlap == timedelta(days=28)
    standin.company.ad_days[:] = [one_day()]
    before = rows_of(connector)["meta_insights"]
    standin.company.restate(YESTERDAY)
    after = rows_of(connector)["meta_insights"]
    assert sorted(str(row["results"]) for row in before) == ["2", "3"]
    assert sorted(str(row["results"]) for row in after) == ["3", "4"]


@pytest.mark.parametrize(("limit", "value"), [("longest_days", 1), ("longest_days", 5), ("largest_page", 25)])
def test_too_much_data_is_asked_for_in_smaller_parts(
    standin: Standin, connect: Connect, limit: str, value: int
) -> None:
    connector = connect("meta_insights")
    whole = rows_of(connector, RECENT)
    setattr(standin.systems["meta"], limit, value)
    standin.plan()
    assert rows_of(connector, RECENT) == whole
    assert standin.calls["meta.start_report"] == 0


def test_an_unknown_error_reduces_the_question_as_too_much_data_does(standin: Standin, connect: Connect) -> None:
    connector = connect("meta_insights")
    whole = rows_of(connector, RECENT)
    standin.systems["meta"].longest_days = 5
    standin.systems["meta"].refuses_size_as = "unknown"
    assert rows_of(connector, RECENT) == whole


def test_deleted_ads_keep_their_spend(standin: Standin, connect: Connect) -> None:
    rows = rows_of(connect("meta_insights"))["meta_insights"]
    spent = {
        ad_day.ad.ad_id: sum(other.spend for other in standin.company.ad_days if other.ad is ad_day.ad)
        for ad_day in standin.company.ad_days
        if ad_day.ad.is_deleted
    }
    assert spent
    assert {ad_id: sum(Decimal(row["spend"] or 0) for row in rows if row["ad_id"] == ad_id) for ad_id in spent} == spent


def doubts_of(connect: Connect) -> list[str]:
    return [doubt for batch in connect("meta_insights").pull(RECENT) for doubt in batch.doubts]


def test_the_ads_are_held_against_what_the_account_spent(standin: Standin, connect: Connect) -> None:
    assert doubts_of(connect) == []
    lost = standin.company.ads[2]
    standin.systems["meta"].loses = (lost.ad_id,)
    before_today = (date(2026, 6, 20), YESTERDAY)
    days = [d for d in standin.company.ad_days if d.ad is lost and before_today[0] <= d.day <= before_today[1]]
    missing = sum(ad_day.spend for ad_day in days)
    (doubt,) = doubts_of(connect)
    assert f"spent {missing} AED beyond what its ads spent together, on 20 days from 2026-06-20 to 2026-07-09" in doubt


def test_one_odd_row_of_insights_goes_to_quarantine_with_its_spend(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, list[dict[str, object]]]) -> object:
        body["data"][0]["actions"] = "none"
        return body

    before = len(rows_of(connect("meta_insights"), RECENT)["meta_insights"])
    standin.plan(Fault("drift", "meta.insights", times=1, change=harm))
    rows = rows_of(connect("meta_insights"), RECENT)["meta_insights"]
    (odd,) = [row for row in rows if row.get("unread")]
    first = next(ad_day for ad_day in standin.company.ad_days if ad_day.day == date(2026, 6, 20))
    assert (odd["unread_column"], odd["spend"]) == ("insights.actions", str(first.spend))
    assert len(rows) == before - 1


@pytest.mark.parametrize(
    ("subcode", "message", "said"),
    [
        (463, "Session has expired", "the access token expired"),
        (460, "The session was invalidated", "the password"),
        (458, "User has not authorized application", "the app was removed"),
        (492, "Invalid session", "no role on the page or ad account"),
        (None, "Error validating application. Application has been deleted.", "the app of the token is deleted"),
        (None, "Invalid OAuth access token - Cannot parse access token", "does not accept the access token"),
        (None, "(#190) This method must be called with a Page Access Token", "wants the token of the page"),
    ],
)
def test_a_refused_token_is_told_by_its_cause(subcode: int | None, message: str, said: str) -> None:
    error = {"code": 190, "error_subcode": subcode, "message": message}
    failure = meta.classify("meta", HttpResponse(400, {}, {"error": error}))
    assert failure is not None
    assert said in str(failure.error)


@pytest.mark.parametrize("failing_as", ["Job Failed", "Job Skipped", "Job Lost In A Way Nobody Told"])
def test_what_cannot_be_answered_at_once_comes_by_report_job_asked_for_again_when_it_fails(
    standin: Standin, connect: Connect, failing_as: str
) -> None:
    connector = connect("meta_insights", days_per_request=31)
    whole = rows_of(connector)
    standin.systems["meta"].answers_at_once = False
    standin.systems["meta"].failing_jobs = 2
    standin.systems["meta"].failing_as = failing_as
    standin.plan()
    assert rows_of(connector) == whole
    assert standin.calls["meta.report_insights"] >= 4


def test_silence_is_answered_by_a_report_job_too(standin: Standin, connect: Connect) -> None:
    connector = connect("meta_insights", timeout_seconds=0.2)
    whole = rows_of(connector, RECENT)
    standin.plan(Fault("slow", "meta.insights", times=8))
    assert rows_of(connector, RECENT) == whole
    assert standin.calls["meta.start_report"] == 1


def test_a_report_job_gets_over_faults_too(standin: Standin, connect: Connect) -> None:
    connector = connect("meta_insights", days_per_request=92)
    whole = rows_of(connector)
    standin.systems["meta"].answers_at_once = False
    for call in ("meta.start_report", "meta.report_status", "meta.report_insights"):
        for kind in ("rate_limited", "server_error", "cut_body", "wrong_json"):
            standin.plan(Fault(kind, call))
            assert rows_of(connector) == whole


def test_a_report_job_that_keeps_failing_is_told(standin: Standin, connect: Connect) -> None:
    standin.systems["meta"].answers_at_once = False
    standin.systems["meta"].failing_jobs = 100
    with pytest.raises(SourceUnavailable, match="report job 3 times, at last with Job Failed, error 2/1504044"):
        rows_of(connect("meta_insights"))


def test_a_report_job_that_is_stuck_is_asked_for_again(standin: Standin, connect: Connect) -> None:
    connector = connect("meta_insights", days_per_request=92, job_minutes=0.01)
    whole = rows_of(connector)
    standin.systems["meta"].answers_at_once = False
    standin.systems["meta"].stuck_jobs = 1
    assert rows_of(connector) == whole


def test_report_jobs_that_are_all_stuck_are_told(standin: Standin, connect: Connect) -> None:
    standin.systems["meta"].answers_at_once = False
    standin.systems["meta"].stuck_jobs = 100
    with pytest.raises(SourceUnavailable, match="at last with Job Running after"):
        rows_of(connect("meta_insights", job_minutes=0.001))
    with pytest.raises(SourceUnavailable, match="Meta's report job took longer than this run may wait"):
        rows_of(connect("meta_insights", max_wait_minutes=0.001))


@pytest.mark.parametrize(
    ("field", "value"),
    [("spend", None), ("spend", 54.09), ("spend", "about 54"), ("actions", {}), ("date_stop", "2026-07-10")],
)
def test_a_field_that_vanishes_or_changes_is_named(
    standin: Standin, connect: Connect, field: str, value: object
) -> None:
    def change(body: dict[str, list[dict[str, object]]]) -> object:
        for day in body["data"]:
            day.pop(field, None)
            day.update({} if value is None else {field: value})
        return body

    standin.plan(Fault("drift", "meta.insights", times=100, change=change))
    with pytest.raises(SchemaDrift, match=rf"insights\S*\.{field}"):
        rows_of(connect("meta_insights"))


def test_a_field_meta_no_longer_knows_is_named(
    standin: Standin, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciliation_assets.sources.meta_insights.FIELDS", (*FIELDS, "retired_metric"))
    with pytest.raises(SchemaDrift, match="retired_metric"):
        rows_of(connect("meta_insights"))


def test_every_field_asked_for_is_in_metas_list() -> None:
    assert set(FIELDS) <= INSIGHT_FIELDS


def test_a_real_answer_is_read(standin: Standin, connect: Connect) -> None:
    real = shared_json("meta/ads_insights_action_product_id.json")
    standin.plan(Fault("drift", "meta.insights", times=100, change=lambda _: real))
    rows = rows_of(connect("meta_insights"))["meta_insights"]
    spent = {(row["ad_id"], row["date"]): row["spend"] for row in rows if row["result_type"] == "lead"}
    assert spent == {(day["ad_id"], day["date_start"]): day["spend"] for day in real["data"]}


def test_the_stand_in_answers_as_a_real_account_does(standin: Standin, connect: Connect) -> None:
    (real, *_) = shared_json("meta/ads_insights_action_product_id.json")["data"]
    rows_of(connect("meta_insights"), RECENT)
    asked = next(r for r in standin.requests if r.path.endswith("/insights") and r.query["level"] == "ad")
    _, answer = standin.systems["meta"].find(asked)
    for day in answer().body["data"]:
        # The recording did not ask for values and attribution settings.
        assert set(unlike(real, day)) <= {"attribution_setting is not there", "action_values is not there"}


def test_the_token_never_travels_in_an_address(standin: Standin, connect: Connect) -> None:
    rows_of(connect("meta_insights"))
    assert all("access_token" not in request.query for request in standin.requests)


def test_a_limit_is_waited_out_as_long_as_meta_says(standin: Standin, connect: Connect) -> None:
    standin.systems["meta"].minutes_to_regain = 45
    whole = rows_of(connect("meta_insights"))
    standin.plan(Fault("rate_limited", "meta.insights"))
    assert rows_of(connect("meta_insights", max_wait_minutes=50)) == whole
    standin.plan(Fault("rate_limited", "meta.insights"))
    with pytest.raises(RateLimited, match="Run again after") as raised:
        rows_of(connect("meta_insights", max_wait_minutes=40))
    assert raised.value.back_at is not None
    assert timedelta(minutes=44) < raised.value.back_at - datetime.now(UTC) < timedelta(minutes=46)


@pytest.mark.parametrize("code", [4, 17, 32, 341, 613, 80000, 80004, 80014])
def test_every_rate_limit_code_is_one_even_with_status_200(code: int) -> None:
    failure = meta.classify("meta", HttpResponse(200, {}, {"error": {"code": code, "message": ""}}))
    assert failure is not None
    assert failure.is_transient
    assert isinstance(failure.error, RateLimited)


@pytest.mark.parametrize(
    ("header", "usage", "seconds"),
    [
        ("x-app-usage", {"call_count": 12, "total_time": 89}, 0),
        ("x-app-usage", {"call_count": 96}, 18),
        ("x-ad-account-usage", {"acc_id_util_pct": 100}, 30),
        ("x-fb-ads-insights-throttle", {"app_id_util_pct": 92.5}, 7.5),
        ("x-business-use-case-usage", {"7": [{"type": "ads_insights", "total_cputime": 91}]}, 3),
        ("x-app-usage", "nonsense", 0),
    ],
)
def test_the_nearer_the_quota_the_longer_the_rest(header: str, usage: object, seconds: float) -> None:
    assert meta.pace(HttpResponse(200, {header: json.dumps(usage)}, {})).total_seconds() == seconds
