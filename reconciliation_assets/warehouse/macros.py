"""Named SQL expressions shared by several queries. They are expanded when a query is read, so every engine gets plain SQL."""

import re
from collections.abc import Mapping

MACROS: Mapping[str, str] = {
    # Share of its method's confidence that a link keeps among competing pairs: 1 for a single pair, towards 0.5 for many.
    "share_of_candidates": "(0.5 + 0.5 / {0})",
    # An amount as text with the decimals of its currency.
    "amount_text": (
        "(case when list_contains(string_split($three_decimal_currencies, ' '), {1})"
        " then cast(cast({0} as decimal(18, 3)) as varchar) else cast(cast({0} as decimal(18, 2)) as varchar) end)"
    ),
}
_CALL = re.compile(rf"\b({'|'.join(MACROS)})\(([^()]*)\)")


def written_out(sql: str) -> str:
    """The text with every macro call replaced by its expression; arguments are columns or parameters."""
    return _CALL.sub(lambda call: MACROS[call[1]].format(*(each.strip() for each in call[2].split(","))), sql)
