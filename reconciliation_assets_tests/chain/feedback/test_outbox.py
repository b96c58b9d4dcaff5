"""The outbox: what may be told to Meta, and the first reason why anything may not."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.chain.queries import queries
from reconciliation_assets.policy.load import PolicyError
from reconciliation_assets.policy.tables import policy_parameters
from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import AS_OF, Built, Row
from reconciliation_assets_tests.rows import crm, lead, order, payment

META_LEAD = "120345678901234"
NO_CONSENT_NEEDED = {"capi": {"consent_needed": {"lead": False, "order": False}}}


def days_ago(days: float) -> str:
    return (AS_OF - timedelta(days=days)).isoformat()


def told_of(lead_id: str = "L1", created: float = 6, **cells: Any) -> Row:
    return lead(lead_id, days_ago(created), **{"meta_lead_id": META_LEAD, "consent": "true", **cells})


def won_lead(build: Build, *, won: float = 2, policy: dict[str, Any] | None = None, **cells: Any) -> Row:
    """What becomes of the win of a lead."""
    record = crm("D1", days_ago(5), "won", lead_id="L1", won_at=days_ago(won), final_value=500, currency="AED")
    return build({"leads": [told_of(**cells)], "crm_records": [record]}, policy).one("capi_outbox", outcome="won")


@pytest.fixture(scope="module")
def collected(build_once: Build) -> Built:
    """A lead won and paid in full four days ago, a part of it refunded yesterday."""
    return build_once(
        {
            "leads": [told_of(created=9)],
            "crm_records": [
                crm("D1", days_ago(8), "won", lead_id="L1", won_at=days_ago(5), final_value=500, currency="AED")
            ],
            "payments": [
                payment("P1", days_ago(4), 500, crm_id="D1"),
                payment("P2", days_ago(1), 100, kind="refund", crm_id="D1"),
            ],
        }
    )


def test_every_outcome_the_policy_names_is_a_row(collected: Built) -> None:
    events = {row["outcome"]: (row["event_name"], row["value"], row["status"]) for row in collected.rows("capi_outbox")}
    assert events == {
        "qualified": ("qualified", None, "ready"),
        "won": ("won", Decimal(500), "ready"),
        "collected": ("collected", Decimal(400), "ready"),
    }


def test_an_event_is_dated_when_its_outcome_was_reached(collected: Built) -> None:
    times = {row["outcome"]: row["event_time"] for row in collected.rows("capi_outbox")}
    assert times["won"] == AS_OF - timedelta(days=5)
    assert times["collected"] == AS_OF - timedelta(days=4)


def test_an_event_keeps_its_id_from_run_to_run_and_shares_it_with_none(collected: Built, build: Build) -> None:
    ids = {row["outcome"]: row["event_id"] for row in collected.rows("capi_outbox")}
    assert len(set(ids.values())) == 3
    assert won_lead(build)["event_id"] == ids["won"], "though value, times and policy differ"


def test_money_waits_until_it_has_stood(build: Build) -> None:
    company = {
        "leads": [told_of()],
        "crm_records": [crm("D1", days_ago(5), "won", lead_id="L1", won_at=days_ago(3), final_value=500)],
        "payments": [payment("P1", days_ago(2.9), 500, crm_id="D1")],
    }
    assert build(company).one("capi_outbox", outcome="collected")["status"] == "waiting"
    later = build(company, as_of=AS_OF + timedelta(days=1)).one("capi_outbox", outcome="collected")
    assert later["status"] == "ready"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"consent": None}, "no consent is recorded, and the policy asks for it"),
        ({"consent": "false"}, "the recorded consent does not grant it"),
        ({"meta_lead_id": None}, "no lead ID, click ID or browser ID of Meta is known"),
        ({"meta_lead_id": "1203"}, "no lead ID, click ID or browser ID of Meta is known"),
        ({"meta_lead_id": "l:12034567890123"}, "no lead ID, click ID or browser ID of Meta is known"),
        ({"created": 1}, "the outcome is dated before the record itself"),
        ({"won": 7}, "it is older than Meta accepts"),
    ],
)
def test_what_may_not_be_told_says_why(build: Build, cells: dict[str, Any], reason: str) -> None:
    row = won_lead(build, **{"created": 30 if "won" in cells else 6, **cells})
    assert (row["status"], row["reason"]) == ("refused", reason)


def test_money_of_an_invalid_record_is_not_told(build: Build) -> None:
    built = build(
        {
            "leads": [told_of()],
            "crm_records": [crm("D1", days_ago(5), "spam", lead_id="L1")],
            "payments": [payment("P1", days_ago(4), 500, crm_id="D1")],
        }
    )
    assert {row["reason"] for row in built.rows("capi_outbox")} == {"the record is not valid"}


def test_consent_is_any_word_of_the_policy_in_any_case(build: Build) -> None:
    assert won_lead(build, consent="Opt-In")["status"] == "ready"
    own = {"capi": {"consent_words": ["نعم"]}}
    assert won_lead(build, consent="نعم", policy=own)["status"] == "ready"


def test_a_link_weaker_or_less_sure_than_the_policy_asks_tells_nothing(build: Build) -> None:
    company = {
        "leads": [told_of(phone="+971501112233", market="AE")],
        "crm_records": [crm("D1", days_ago(5), "won", phone="+971501112233", won_at=days_ago(2), final_value=500)],
    }
    (won,) = (row for row in build(company).rows("capi_outbox") if row["outcome"] == "won")
    assert (won["match_method"], won["match_confidence"], won["status"]) == ("exact_contact", 0.95, "ready")
    strict = {"weakest_method": "exact_id"}, {"confidence_from": 0.96}
    reasons = [build(company, {"capi": part}).one("capi_outbox", outcome="won")["reason"] for part in strict]
    assert reasons == [
        "a link it rests on is weaker than the policy allows",
        "its links are less sure than the policy asks",
    ]


def test_a_win_that_was_lost_again_is_not_told_though_its_qualification_is(build: Build) -> None:
    company = {
        "leads": [told_of()],
        "crm_records": [crm("D1", days_ago(5), "lost", lead_id="L1", updated_at=days_ago(1))],
        "crm_stage_changes": [
            {"crm_id": "D1", "stage": stage, "entered_at": days_ago(day)}
            for stage, day in (("qualified", 4), ("won", 3))
        ],
    }
    built = build(company)
    assert built.one("capi_outbox", outcome="won")["reason"] == "it was won, but lost, cancelled or returned since"
    assert built.one("capi_outbox", outcome="qualified")["status"] == "ready"


def test_an_order_without_lead_is_told_by_click_and_browser(build: Build) -> None:
    clicked = "fb.1.1782000000000.IwAR0abc"
    built = build(
        {
            "orders": [
                order("O1", days_ago(5), click_id=clicked, browser_id="fb.1.1782000000000.1234567890"),
                order("O2", days_ago(5), click_id="IwAR0abc"),
                order("O3", days_ago(5), click_id="Cj0KCQ-google"),
            ]
        },
        NO_CONSENT_NEEDED,
    )
    rows = {row["record_id"]: (row["identifiers"], row["event_name"]) for row in built.rows("capi_outbox")}
    assert rows == {
        "order:O1": ("fbc, fbp", "OrderDelivered"),
        "order:O2": ("fbc", "OrderDelivered"),
        "order:O3": (None, "OrderDelivered"),
    }
    events = {row["record_id"]: row["click_id"] for row in built.rows("outcome_events")}
    seen = int(datetime.fromisoformat(days_ago(5)).timestamp() * 1000)
    assert events == {"order:O1": clicked, "order:O2": f"fb.1.{seen}.IwAR0abc", "order:O3": None}


def test_an_order_records_no_consent_so_nothing_of_it_is_told_by_default(build: Build) -> None:
    row = build({"orders": [order("O1", days_ago(5), click_id="IwAR0abc")]}).one("capi_outbox")
    assert (row["status"], row["reason"]) == ("refused", "no consent is recorded, and the policy asks for it")


def test_a_contact_identifies_only_where_the_policy_allows_it(build: Build) -> None:
    cells = {"meta_lead_id": None, "email": "somebody@example.com"}
    assert won_lead(build, **cells)["status"] == "refused"
    allowed = won_lead(build, policy={"capi": {"hashed_contacts": True}}, **cells)
    assert (allowed["status"], allowed["identifiers"]) == ("ready", "hashed contact")
    both = won_lead(build, policy={"capi": {"hashed_contacts": True}}, email="somebody@example.com")
    assert both["identifiers"] == "lead_id", "what Meta knows itself goes first"


def test_no_identifier_of_a_person_is_published(collected: Built) -> None:
    assert META_LEAD not in str(collected.published()["capi_outbox"])


def with_log(collected: Built, answer: str, sent: timedelta, value: int) -> Row:
    """What becomes of the collected outcome once the log holds a sending of it."""
    row = collected.one("capi_outbox", outcome="collected")
    collected.warehouse.execute(
        """
        insert or replace into feedback.capi_deliveries
        values ($event_id, 'lead:L1', 'collected', 'collected', $event_time, $value, 'AED', 'lead_id', $sent, 1, $answer,
                null, false)
        """,
        {
            "event_id": row["event_id"],
            "event_time": row["event_time"],
            "value": value,
            "sent": AS_OF - sent,
            "answer": answer,
        },
    )
    outbox = TableName("feedback", "capi_outbox")
    collected.warehouse.materialise(queries()[outbox], policy_parameters(collected.loaded, collected.as_of))
    return collected.one("capi_outbox", outcome="collected")


def test_what_was_told_stays_told_and_its_later_value_shows_as_a_change(collected: Built) -> None:
    row = with_log(collected, "taken", timedelta(hours=70), 500)
    assert (row["status"], row["value"], row["told_value"], row["value_change"]) == ("delivered", 400, 500, -100)


def test_a_sending_without_an_answer_is_repeated_only_while_meta_counts_it_once(collected: Built) -> None:
    assert with_log(collected, "none", timedelta(hours=47), 400)["status"] == "ready"
    assert with_log(collected, "none", timedelta(hours=49), 400)["status"] == "unanswered"


def test_a_maturity_that_reaches_metas_age_is_no_policy(build: Build) -> None:
    with pytest.raises(PolicyError, match="nothing could ever be told"):
        build({}, {"capi": {"maturity_days": {"collected": 7}}})
