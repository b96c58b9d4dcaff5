"""A settings file that nests or unfolds without an end is refused in a sentence, and never takes the machine with it."""

import pytest

from reconciliation_assets.policy.problems import yaml_of

UNFOLDING = b"a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + step, 98 + step, b", ".join([b"*%c" % (97 + step)] * 10)) for step in range(9)
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[" * 5000, "line 1, column 21: it is nested more than 20 deep"),
        (b"- " * 5000, "it is nested more than 20 deep"),
        (b"a: &a [*a]\n", "line 1, column 8: a value refers to itself"),
        (UNFOLDING, "with all references (*) written out it holds more than 100,000 values"),
    ],
)
def test_nesting_and_references_end_in_a_sentence(content: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=r"^line \d+, column \d+: ") as caught:
        yaml_of(content)
    assert says in str(caught.value)


def test_references_are_understood() -> None:
    assert yaml_of(b"a: &a {x: 1}\nb: &b {y: *a}\nc: *b\n")["c"] == {"y": {"x": 1}}
