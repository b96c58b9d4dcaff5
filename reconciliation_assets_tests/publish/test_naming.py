"""Names of campaigns: what leaves their common pattern, or is shared, is named in a sentence."""

from reconciliation_assets.publish.naming import naming_findings

PATTERN = [("1", "UAE | Sofa | AR"), ("2", "KSA | Sofa | AR"), ("3", "KWT | Sofa | EN")]


def test_names_of_one_pattern_leave_nothing_to_discuss() -> None:
    assert naming_findings(PATTERN) == []


def test_a_name_that_leaves_the_pattern_is_named() -> None:
    assert naming_findings([*PATTERN, ("4", "New campaign")]) == [
        "“New campaign” has 1 parts between “|”, where most names have 3."
    ]


def test_a_name_of_two_campaigns_is_named_in_any_case() -> None:
    (finding,) = naming_findings([*PATTERN, ("4", "uae | sofa | ar ")])
    assert finding.startswith("The name “uae | sofa | ar” is shared by 2 campaigns")
    assert finding.endswith(": 1, 4.")


def test_renamed_and_nameless_campaigns_are_told() -> None:
    assert naming_findings([*PATTERN, ("3", "KWT | Chair | EN"), ("5", None)]) == [
        "Campaign 5 has no name.",
        "Campaign 3 was renamed: “KWT | Chair | EN”, “KWT | Sofa | EN”.",
    ]


def test_names_without_any_pattern_ask_for_one() -> None:
    (finding,) = naming_findings([("1", "spring"), ("2", "Eid offer")])
    assert "follow no common pattern" in finding
