"""Noise damages what the tables show, never what really happened."""

from decimal import Decimal

import pytest

from reconciliation_assets_tests.lab.sample import CompanySpec, Noise
from reconciliation_assets_tests.lab.sample_tests.conftest import written
from reconciliation_assets_tests.lab.sample_tests.reading import Extract

ORDERS, SEED = 3_000, 4
IDENTIFIERS = ("order_id", "invoice_id", "crm_id", "waybill", "customer_id")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    return written(CompanySpec(ORDERS, SEED), tmp_path_factory.mktemp("clean"))


def damaged(tmp_path_factory: pytest.TempPathFactory, noise: Noise) -> Extract:
    return written(CompanySpec(ORDERS, SEED, noise=noise), tmp_path_factory.mktemp("noisy"))


def changed(before: Extract, after: Extract, table: str, column: str) -> float:
    """Share of the filled cells that are not what they were, row by row."""
    pairs = [
        (old[column], new[column])
        for old, new in zip(before.rows(table), after.rows(table), strict=False)
        if old[column] is not None
    ]
    return sum(old != new for old, new in pairs) / len(pairs)


@pytest.mark.parametrize(
    ("noise", "table", "column"),
    [
        (Noise(name_typos=0.3), "leads", "full_name"),
        (Noise(name_typos=0.3), "payments", "payer_name"),
        (Noise(contacts_missing=0.3), "orders", "phone"),
        (Noise(contacts_missing=0.3), "crm_records", "email"),
        (Noise(unknown_statuses=0.3), "orders", "status"),
        (Noise(unknown_statuses=0.3), "crm_records", "stage"),
        (Noise(payments_without_ids=0.3), "payments", "order_id"),
        (Noise(payments_without_ids=0.3), "payments", "waybill"),
    ],
)
def test_a_rate_is_the_share_of_the_rows_it_changes(
    tmp_path_factory: pytest.TempPathFactory, clean: Extract, noise: Noise, table: str, column: str
) -> None:
    assert 0.22 < changed(clean, damaged(tmp_path_factory, noise), table, column) < 0.38


def test_swapped_digits_keep_a_phones_digits(tmp_path_factory: pytest.TempPathFactory, clean: Extract) -> None:
    noisy = damaged(tmp_path_factory, Noise(phone_swaps=0.5))
    assert changed(clean, noisy, "leads", "phone") > 0.3
    for before, after in zip(clean.rows("leads"), noisy.rows("leads"), strict=True):
        assert sorted(str(before["phone"])) == sorted(str(after["phone"]))


def test_families_share_phones_and_prices_repeat(tmp_path_factory: pytest.TempPathFactory, clean: Extract) -> None:
    noisy = damaged(tmp_path_factory, Noise(family_phones=0.3, repeated_amounts=0.5))
    prices = [{row["gross_value"] for row in extract.current("orders")} for extract in (clean, noisy)]
    assert len(prices[1]) < 0.8 * len(prices[0])
    assert changed(clean, noisy, "leads", "phone") > 0.15


def test_money_without_identifiers_is_still_known_to_the_truth(
    tmp_path_factory: pytest.TempPathFactory, clean: Extract
) -> None:
    noisy = damaged(tmp_path_factory, Noise(payments_without_ids=1.0))
    assert not any(
        row[name] for row in noisy.rows("payments") for name in IDENTIFIERS if not str(row[name]).startswith("WEB-")
    )
    for link in ("order_payment", "crm_payment"):
        pairs = [[(left, right) for left, right, _ in extract.truth["links"][link]] for extract in (clean, noisy)]
        assert set(pairs[1]) >= set(pairs[0])
        assert {method for *_, method in noisy.truth["links"][link]} == {"inferred"}


def test_the_benchmark_keeps_the_true_links_and_the_money(
    tmp_path_factory: pytest.TempPathFactory, clean: Extract
) -> None:
    noise = Noise.benchmark()
    noisy = damaged(tmp_path_factory, noise)
    for link in ("lead_crm", "lead_order"):
        assert noisy.truth["links"][link] == clean.truth["links"][link]
    settled = Decimal(noisy.truth["settled_net"])
    unmatched = sum(Decimal(amount) for amount in noisy.truth["unmatched"].values())
    collected = sum(Decimal(row["collected"]) - Decimal(row["manual_adjustment"]) for row in noisy.truth["bridge"])
    assert collected + unmatched == settled


def test_broken_rows_are_extra_rows_with_keys_of_their_own(
    tmp_path_factory: pytest.TempPathFactory, clean: Extract
) -> None:
    noisy = damaged(tmp_path_factory, Noise(bad_rows=0.05))
    for table, key in (
        ("leads", "lead_id"),
        ("crm_records", "crm_id"),
        ("orders", "order_id"),
        ("payments", "payment_id"),
    ):
        before, after = clean.rows(table), noisy.rows(table)
        assert after[: len(before)] == before
        extra = after[len(before) :]
        assert 0.02 < len(extra) / len(before) < 0.09
        assert all(str(row[key]).endswith("-X") for row in extra)
    assert noisy.truth == clean.truth
