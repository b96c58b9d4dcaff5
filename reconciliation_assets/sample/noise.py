"""Damage done to a finished company on request, for measuring how well matching survives it. Off by default.

Noise never changes who paid what: the true links and the money totals stay, while the bridge is no longer promised.
Broken rows are extra rows, so that nothing true is lost in quarantine.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Noise:
    """Rates of damage, each a share between 0 and 1.

    Attributes:
        name_typos: names with one letter dropped, doubled or swapped with its neighbour.
        phone_swaps: phone numbers with two neighbouring digits swapped.
        payments_without_ids: payments that lost their order, invoice, CRM and waybill numbers.
        contacts_missing: rows (leads, CRM records, orders, payments) without email and phone.
        family_phones: people who give a relative's phone number.
        repeated_amounts: orders at one of a few popular prices.
        bad_rows: extra rows that cannot be read: words for amounts, impossible dates, missing required values.
        unknown_statuses: order statuses and CRM stages in words nobody agreed on.
    """

    name_typos: float = 0.0
    phone_swaps: float = 0.0
    payments_without_ids: float = 0.0
    contacts_missing: float = 0.0
    family_phones: float = 0.0
    repeated_amounts: float = 0.0
    bad_rows: float = 0.0
    unknown_statuses: float = 0.0

    @classmethod
    def benchmark(cls) -> "Noise":
        """Return the rates used to measure matching: a third of the payments name nothing, contacts are unreliable."""
        return cls(
            name_typos=0.08,
            phone_swaps=0.04,
            payments_without_ids=0.33,
            contacts_missing=0.08,
            family_phones=0.05,
            repeated_amounts=0.2,
            bad_rows=0.005,
            unknown_statuses=0.01,
        )
