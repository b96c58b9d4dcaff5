"""Damage done to a sample company on request, for measuring how well matching survives it. Off by default.

Noise never changes what really happened: the true links and the money totals stay, while the bridge is no longer promised.
Broken rows are extra rows with keys of their own, so that nothing true is lost in quarantine.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets_tests.lab.sample.arrays import Bools, Ints, Random, chance, indices
from reconciliation_assets_tests.lab.sample.text import NULL, join, words


@dataclass(frozen=True)
class Noise:
    """Rates of damage, each a share between 0 and 1.

    Attributes:
        name_typos: names with one letter dropped, doubled or swapped with its neighbour.
        phone_swaps: phone numbers with two of their last digits swapped.
        payments_without_ids: money rows that lost their order, invoice, CRM, waybill and customer numbers.
        contacts_missing: rows (leads, CRM records, orders, payments) without email and phone.
        family_phones: people whose phone number is a relative's.
        repeated_amounts: orders at one of a few popular prices.
        bad_rows: extra rows that cannot be read: words for amounts, impossible dates, missing required values.
        unknown_statuses: orders and CRM records whose status or stage nobody has agreed on.
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
        """Return the rates for measuring matching: a third of the payments name nothing, contacts are unreliable."""
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


# By table: its key, and columns with a value that makes their row unreadable; None empties a required column.
_BREAKS: dict[str, tuple[str, tuple[tuple[str, str | None], ...]]] = {
    "leads": ("lead_id", (("created_at", "2026-02-30T10:00:00+04:00"), ("created_at", None), ("stated_value", "tbd"))),
    "crm_records": ("crm_id", (("created_at", "yesterday"), ("stage", None), ("final_value", "-100.00"))),
    "orders": ("order_id", (("gross_value", "twelve"), ("gross_value", "-15.00"), ("created_at", "2026-13-01"))),
    "payments": ("payment_id", (("amount", "#REF!"), ("kind", "tip"), ("paid_at", None), ("amount", "-3.00"))),
}
_UNKNOWN_WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "crm_records": ("stage", ("nurture", "call back later", "قيد المتابعة")),
    "orders": ("status", ("on the moon", "awaiting stock", "مؤجل")),
}
_NAME_POSITIONS = 6


def damage(random: Random, noise: Noise, name: str, table: pa.Table) -> pa.Table:
    """Return a table with the noise asked for; one without contacts, statuses or breakable columns stays as it is.

    Args:
        random: the stream of the table.
        noise: what to do.
        name: the contract's name of the table.
        table: its rows, all columns text.
    """
    for column in ("full_name", "payer_name"):
        table = _changed(
            table, column, chance(random, noise.name_typos, table.num_rows), lambda old: _mistyped(random, old)
        )
    table = _changed(
        table, "phone", chance(random, noise.phone_swaps, table.num_rows), lambda old: _swapped(random, old)
    )
    silent = chance(random, noise.contacts_missing, table.num_rows)
    for column in ("email", "phone"):
        table = _changed(table, column, silent, lambda old: pa.nulls(len(old), pa.string()))
    if name in _UNKNOWN_WORDS:
        column, vocabulary = _UNKNOWN_WORDS[name]
        strange = chance(random, noise.unknown_statuses, table.num_rows)
        table = _changed(
            table, column, strange, lambda old: words(vocabulary, random.integers(0, len(vocabulary), len(old)))
        )
    if name in _BREAKS:
        table = pa.concat_tables([table, _broken(random, name, table, noise.bad_rows)])
    return table


def _changed(table: pa.Table, column: str, rows: Bools, change: Callable[[pa.Array], pa.Array]) -> pa.Table:
    if column not in table.column_names or not rows.any():
        return table
    values = table.column(column).combine_chunks()
    changed = pc.replace_with_mask(values, pa.array(rows), change(values.filter(pa.array(rows))))
    return table.set_column(table.column_names.index(column), column, changed)


def _mistyped(random: Random, names: pa.Array) -> pa.Array:
    """Drop, double or swap one letter near the beginning of each name."""
    case = random.integers(0, 3 * _NAME_POSITIONS, len(names))
    for number in range(3 * _NAME_POSITIONS):
        kind, at = number % 3, number // 3
        rows = pa.array(case == number)
        old = names.filter(rows)
        before, letter = pc.utf8_slice_codeunits(old, 0, at), pc.utf8_slice_codeunits(old, at, at + 1)
        following, after = pc.utf8_slice_codeunits(old, at + 1, at + 2), pc.utf8_slice_codeunits(old, at + 2)
        new = (
            join(before, following, after),
            join(before, letter, letter, following, after),
            join(before, following, letter, after),
        )[kind]
        names = pc.replace_with_mask(names, rows, new)
    return names


def _swapped(random: Random, phones: pa.Array) -> pa.Array:
    """Swap two neighbours among the last four digits of each number."""
    case = random.integers(0, 3, len(phones))
    for at in range(3):
        rows = pa.array(case == at)
        old = phones.filter(rows)
        head, tail = pc.utf8_slice_codeunits(old, 0, -4), pc.utf8_slice_codeunits(old, -4)
        digits = [pc.utf8_slice_codeunits(tail, place, place + 1) for place in range(4)]
        digits[at], digits[at + 1] = digits[at + 1], digits[at]
        phones = pc.replace_with_mask(phones, rows, join(head, *digits))
    return phones


def _broken(random: Random, name: str, table: pa.Table, share: float) -> pa.Table:
    """Return unreadable copies of some rows under keys of their own."""
    key, breaks = _BREAKS[name]
    rows = indices(chance(random, share, table.num_rows))
    copies = table.take(pa.array(rows))
    copies = _with_column(copies, key, join(copies.column(key).combine_chunks(), "-X"))
    way: Ints = random.integers(0, len(breaks), len(rows))
    for number, (column, value) in enumerate(breaks):
        old = copies.column(column).combine_chunks()
        new = NULL if value is None else pa.scalar(value, pa.string())
        copies = _with_column(copies, column, pc.if_else(pa.array(way == number), new, old))
    return copies


def _with_column(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)
