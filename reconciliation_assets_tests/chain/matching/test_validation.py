"""Reviewers judge samples of links; a method they find wrong too often carries no money until it is signed again."""

from decimal import Decimal
from math import isclose
from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built, Row
from reconciliation_assets_tests.rows import CAMPAIGN, insight, lead, order, payment, sign_off, verdict

FEW = {"validation": {"fewest_verdicts": 4}}


def shop(orders: int = 12) -> dict[str, list[Row]]:
    numbers = range(1, orders + 1)
    return {
        "meta_insights": [insight()],
        "leads": [lead(f"L{n}", campaign_id=CAMPAIGN) for n in numbers],
        "orders": [order(f"SO{n}", "2026-05-05", lead_id=f"L{n}", value=100 * n) for n in numbers],
        "payments": [payment(f"P{n}", "2026-05-10", 100 * n, order_id=f"SO{n}") for n in numbers],
    }


def judged(*words: str, **cells: Any) -> list[Row]:
    return [verdict("order_payment", f"SO{n}", f"P{n}", word, **cells) for n, word in enumerate(words, start=1)]


def result(built: Built, **where: Any) -> Row:
    return built.one(
        "validation_results", **({"link": "order_payment", "match_method": "exact_id", "period": None} | where)
    )


def standing(built: Built, link: str = "order_payment") -> Row:
    return built.one("match_standing", link=link, match_method="exact_id")


def test_samples_are_a_few_of_each_stratum_and_the_same_in_every_run(build: Build) -> None:
    samples = [build(shop()).rows("validation_samples") for _ in range(2)]
    assert samples[0] == samples[1]
    payments = [row for row in samples[0] if row["link"] == "order_payment"]
    assert {row["value_band"]: row["stratum_links"] for row in payments} == {"0 to 500": 4, "500 to 5000": 8}
    assert len(payments) == 6
    assert {row["team"] for row in payments} == {"finance"}


def test_another_seed_draws_other_links(build: Build) -> None:
    def drawn(seed: str) -> set[str]:
        rows = build(shop(30), policy={"validation": {"seed": seed}}).rows("validation_samples", link="order_payment")
        return {row["right_id"] for row in rows}

    assert drawn("1") != drawn("2")


def test_samples_are_of_the_last_whole_month(build: Build) -> None:
    company = shop(2)
    company["payments"] += [payment("P9", "2026-06-10", order_id="SO1"), payment("P10", "2026-04-10", order_id="SO1")]
    rows = build(company).rows("validation_samples", link="order_payment")
    assert {row["right_id"] for row in rows} == {"P9"}


def test_the_error_rate_has_a_wilson_interval(build: Build) -> None:
    row = result(build({**shop(), "validation_verdicts": judged(*["correct"] * 8, "wrong", "wrong", "unclear")}))
    assert (row["verdicts"], row["correct"], row["wrong"], row["unclear"]) == (10, 8, 2, 1)
    assert isclose(row["error_rate"], 0.2)
    # Wilson's 95 % interval of 2 in 10, as in the textbooks
    assert isclose(row["error_low"], 0.0567, abs_tol=1e-4)
    assert isclose(row["error_high"], 0.5098, abs_tol=1e-4)


def test_a_verdict_weighs_as_many_links_as_it_stands_for(build: Build) -> None:
    sheet = [
        *judged("wrong", "correct", value_band="0 to 500", stratum_links="10"),
        *(row | {"value_band": "from 5000", "stratum_links": "90"} for row in judged(*["correct"] * 4)[2:]),
    ]
    row = result(build({**shop(), "validation_verdicts": sheet}))
    assert isclose(row["error_rate"], 0.05), "half of ten in a hundred, not one of four"
    assert row["stands_for"] == 100
    assert isclose(row["effective_verdicts"], 100**2 / (10**2 / 2 + 90**2 / 2))


def test_a_method_found_wrong_loses_confidence_and_money_until_signed_again(build: Build) -> None:
    sheet = judged("wrong", "wrong", "correct", "correct")
    built = build({**shop(), "validation_verdicts": sheet}, policy=FEW)
    assert standing(built)["may_carry_money"] is False
    assert built.rows("match_links", link="order_payment") == []
    reviews = built.rows("match_reviews", link="order_payment")
    assert len(reviews) == 12
    assert {row["match_confidence"] for row in reviews} == {0.5}
    assert sum(row["amount"] for row in built.rows("unmatched_revenue")) == sum(100 * n for n in range(1, 13))
    assert built.one("exceptions", kind="method_awaits_signature")["source_id"] == "order_payment, exact_id"
    assert not built.ask("validation_results", "reviewers_agree").passed
    assert built.blocked_by() == [], "money is unmatched, not lost"

    signed = build(
        {**shop(), "validation_verdicts": sheet, "method_sign_offs": [sign_off("order_payment", "exact_id")]},
        policy=FEW,
    )
    assert standing(signed)["may_carry_money"] is True
    assert len(signed.rows("match_links", link="order_payment")) == 12
    assert result(signed)["set_aside_verdicts"] == 4


def test_verdicts_after_the_signature_bar_it_again(build: Build) -> None:
    sheet = judged("wrong", "wrong", "wrong", "correct", verified_at="2026-06-25")
    company = {**shop(), "validation_verdicts": sheet, "method_sign_offs": [sign_off("order_payment", "exact_id")]}
    assert standing(build(company, policy=FEW))["may_carry_money"] is False


def test_verdicts_on_links_that_are_gone_still_count(build: Build) -> None:
    """Or a method that was barred would lose the ground on which it was, and come back the day after."""
    company = {**shop(), "validation_verdicts": judged("wrong", "wrong", "wrong", "wrong")}
    company["payments"] = company["payments"][4:]
    built = build(company, policy=FEW)
    assert standing(built)["may_carry_money"] is False
    assert result(built)["wrong"] == 4


def test_too_few_verdicts_judge_nobody(build: Build) -> None:
    built = build({**shop(), "validation_verdicts": judged("wrong", "wrong", "wrong")}, policy=FEW)
    assert result(built)["holds"] is None
    assert standing(built)["may_carry_money"] is True


def test_one_wrong_link_in_a_large_stratum_proves_little(build: Build) -> None:
    """Five verdicts, but worth little more than one: the rate is 100 in 104, and nothing is said yet."""
    sheet = [
        *judged("wrong", value_band="0 to 500", stratum_links="100"),
        *(row | {"value_band": "from 5000", "stratum_links": "4"} for row in judged(*["correct"] * 5)[1:]),
    ]
    built = build(
        {**shop(), "validation_verdicts": sheet},
        policy={"validation": {"fewest_verdicts": 4, "precision_floors": {"exact_id": 0.75}}},
    )
    assert result(built)["error_rate"] > 0.9
    assert result(built)["holds"] is None
    assert standing(built)["may_carry_money"] is True


def test_ads_are_judged_too(build: Build) -> None:
    right = f"campaign:{CAMPAIGN}"
    sheet = [verdict("record_ad", f"lead:L{n}", right, "wrong") for n in range(1, 5)]
    built = build({**shop(4), "validation_verdicts": sheet}, policy=FEW)
    assert built.rows("match_links", link="record_ad") == []
    assert len(built.rows("match_reviews", link="record_ad")) == 4
    waiting = built.rows("exceptions", kind="possible_match", source_table="leads")
    assert {row["source_id"] for row in waiting} == {"L1", "L2", "L3", "L4"}


@pytest.mark.parametrize("word", ["Correct", " YES ", "ok", "صحيح"])
def test_reviewers_may_use_their_own_words(build: Build, word: str) -> None:
    assert result(build({**shop(), "validation_verdicts": judged(word)}))["correct"] == 1


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"verdict": "looks fine to me"}, "its word is none of the policy's"),
        ({"verified_by": ""}, "nobody's name stands under it"),
        ({"verified_at": ""}, "it does not say when it was judged"),
        ({"match_method": "guesswork"}, "its method is none of the product's"),
    ],
)
def test_a_verdict_that_cannot_count_waits_for_somebody(build: Build, cells: Row, problem: str) -> None:
    faulty = verdict("order_payment", "SO9", "P9", "wrong") | cells
    built = build({**shop(), "validation_verdicts": [*judged("correct", "correct"), faulty]})
    waiting = built.one("exceptions", kind="unusable_verdict")
    assert problem in waiting["detail"]
    assert "looks fine" not in waiting["detail"], "what people write into a sheet is not repeated"
    assert result(built)["verdicts"] == 2


@pytest.mark.parametrize("links", [999, 1_000, 36_232, 50_000_000])
def test_a_stratum_may_be_as_large_as_a_company_makes_it(build: Build, links: int) -> None:
    sheet = [
        *judged("wrong", value_band="0 to 500", stratum_links=str(links)),
        *(
            row | {"value_band": "from 5000", "stratum_links": str(links)}
            for row in judged("", "correct", "correct")[1:]
        ),
    ]
    row = result(build({**shop(), "validation_verdicts": sheet}))
    assert row["stands_for"] == 2 * links
    assert row["error_rate"] == 0.5
    assert isclose(row["effective_verdicts"], 4 / (1 + 1 / 2))


def test_an_empty_sheet_does_no_harm(build: Build) -> None:
    built = build({**shop(), "validation_verdicts": judged("", "", verified_by="", verified_at="")})
    assert built.rows("validation_results") == []
    assert built.rows("exceptions", kind="unusable_verdict") == []
    assert built.blocked_by() == []


def test_rows_of_a_sheet_that_cannot_be_read_are_told_and_stop_nothing(build: Build) -> None:
    sheet = [*judged("correct"), *judged("correct", "wrong", verified_at="next week")[1:]]
    built = build({**shop(), "validation_verdicts": sheet})
    answer = built.ask("raw_validation_verdicts", "few_rows_in_quarantine")
    assert (answer.passed, answer.severity) == (False, "WARN")
    assert built.one("quarantined_rows")["column_name"] == "verified_at"


def test_the_month_sampled_has_its_own_rate(build: Build) -> None:
    sheet = [*judged("wrong", period="2026-05"), *judged("correct", "correct", period="2026-04")[1:]]
    built = build({**shop(), "validation_verdicts": sheet})
    rates = {str(row["period"]): row["error_rate"] for row in built.rows("validation_results")}
    assert rates == {"2026-05-01": 1.0, "2026-04-01": 0.0, "None": 0.5}
    assert Decimal(result(built)["stands_for"]) == 2
