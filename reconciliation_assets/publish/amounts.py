"""Formats of amounts, shares and dates in reports: with the currency's decimals, in the policy's locale."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from reconciliation_assets.policy.model import Numerals, minor_digits
from reconciliation_assets.publish.wording import wording

_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_LEFT_TO_RIGHT_MARK, _ARABIC_LETTER_MARK = "\u200e", "\u061c"
_ARABIC_MARKS = str.maketrans(",.%", "٬٫٪")


@dataclass(frozen=True)
class FigureFormatter:
    """Writes figures for people.

    Attributes:
        currency: ISO code of all amounts.
        locale: CLDR locale.
        numerals: `latn`, the digits that Gulf finance uses and spreadsheets accept, or `arab`; independent of the locale.
    """

    currency: str
    locale: str
    numerals: Numerals = "latn"

    def money(self, amount: Decimal | float | None) -> str:
        """An amount without its currency, which is in the heading."""
        pattern = f"#,##0.{'0' * minor_digits(self.currency)}"
        return "–" if amount is None else self._number(amount, pattern)

    def count(self, number: Decimal | int) -> str:
        """A whole number."""
        return self._number(number, "#,##0")

    def ratio(self, number: float | None) -> str:
        """A ratio such as a ROAS."""
        return "–" if number is None else self._number(number, "#,##0.00")

    def share(self, share: float | None) -> str:
        """A share as a percentage."""
        if share is None:
            say = wording(self.locale)
            return say("n/a")
        return self._figure(format_percent(share, "#,##0.0%", locale=self.locale))

    def month(self, day: date) -> str:
        """The month of a day."""
        return self._digits(format_date(day, "LLLL yyyy", locale=self.locale))

    def instant(self, instant: datetime) -> str:
        """An instant in the zone it carries."""
        return self._digits(
            format_datetime(instant, "d MMMM yyyy, HH:mm ZZZZ", tzinfo=instant.tzinfo, locale=self.locale)
        )

    def marks(self) -> dict[str, str | int]:
        """What a script needs to format amounts like `money`: the number of decimals and the marks of the locale."""
        one, others, nought = (self._digits(digits) for digits in ("1", "234", "0"))
        sign_and_one, _, rest = self.money(Decimal(-1234)).partition(one)
        group, _, after = rest.partition(others)
        return {
            "minus": sign_and_one,
            "group": group,
            "decimal": after.rstrip(nought),
            "nought": nought,
            "digits": minor_digits(self.currency),
        }

    def _number(self, number: Decimal | float, pattern: str) -> str:
        return self._figure(format_decimal(number, pattern, locale=self.locale))

    def _figure(self, latin: str) -> str:
        """A number in the chosen numerals with their own marks; in right-to-left text the minus stays before the number."""
        is_arabic = self.numerals == "arab"
        if "-" in latin and wording(self.locale).direction == "rtl":
            latin = f"{_ARABIC_LETTER_MARK if is_arabic else _LEFT_TO_RIGHT_MARK}{latin.lstrip(_LEFT_TO_RIGHT_MARK)}"
        return self._digits(latin.translate(_ARABIC_MARKS) if is_arabic else latin)

    def _digits(self, latin: str) -> str:
        return latin.translate(_ARABIC_DIGITS) if self.numerals == "arab" else latin
