"""Case arithmetic: how much of the gap between headline ratios the returns explain, without any data.

"Ads Manager says 4.1, delivered is 1.9, a third comes back" sounds like an explanation but is not: returns explain part of the
gap, and the rest is unexplained. Pure functions: ratios in, lines and a sentence out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from reconciliation_assets.errors import PlainError

# For each number: the allowed range, as a test and in words.
_ALLOWED: dict[str, tuple[Callable[[Decimal], bool], str]] = {
    "gross": (lambda ratio: 0 < ratio <= 1000, "above 0 and at most 1000, e.g. 4.1"),
    "delivered": (lambda ratio: 0 <= ratio <= 1000, "between 0 and 1000, e.g. 1.9"),
    "returns": (lambda share: 0 <= share <= 1, "between 0 and 1, e.g. 0.33"),
    "collected": (lambda ratio: 0 <= ratio <= 1000, "between 0 and 1000, e.g. 1.6"),
    "spend": (lambda amount: amount > 0, "above 0, e.g. 10000"),
}


class RatioError(PlainError):
    """A ratio is out of range or not a number; the message gives the range."""


def _refusal(name: str) -> RatioError:
    return RatioError(f"--{name} must be {_ALLOWED[name][1]}.")


@dataclass(frozen=True)
class Headline:
    """Ratios as people quote them. ROAS is value per spend.

    Attributes:
        gross: ROAS that the platform claims.
        delivered: ROAS of delivered and kept orders.
        returns: return rate, 0 to 1.
        collected: ROAS of collected money; None if not given.
        spend: ad spend, to show amounts as well; None if not given.
    """

    gross: Decimal
    delivered: Decimal
    returns: Decimal
    collected: Decimal | None = None
    spend: Decimal | None = None

    def __post_init__(self) -> None:
        for name, (is_allowed, _) in _ALLOWED.items():
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and is_allowed(value)):
                raise _refusal(name)
        if self.returns == 1 and self.delivered > 0:
            raise RatioError("With --returns 1 everything came back, so --delivered must be 0.")


@dataclass(frozen=True)
class WaterfallStep:
    """One line of the waterfall: its name, its ROAS points, and their share of the claim."""

    name: str
    roas: Decimal
    share: Decimal
    amount: Decimal | None
    is_total: bool = False


@dataclass(frozen=True)
class Case:
    """The gap between headline ratios, step by step.

    Attributes:
        steps: signed steps from the claim downwards; the steps between two totals sum to their difference.
        unexplained: ROAS points that no ratio explains if returns are a share of the claim; negative where more was delivered
            than the claim less returns.
        unexplained_if_of_shipped: the same if returns are a share of what was shipped.
    """

    headline: Headline
    steps: tuple[WaterfallStep, ...]
    unexplained: Decimal
    unexplained_if_of_shipped: Decimal

    @property
    def sentence(self) -> str:
        """What the ratios explain and what they leave unexplained, in words."""
        said = self.headline
        lost = said.gross - said.delivered
        # Both have the same sign, because the second is the first divided by (1 - returns).
        first, second = self.unexplained, self.unexplained_if_of_shipped
        if lost <= 0:
            return (
                f"More was delivered ({said.delivered:.2f}) than is claimed ({said.gross:.2f}): the platform does not see all "
                "that was sold, so its number explains nothing here."
            )
        if first < 0:
            return (
                f"The returns alone would take {said.gross:.2f} to {said.gross - _returned(said):.2f}, yet {said.delivered:.2f} "
                f"was delivered: the platform misses at least {-first:.2f}, or the share of returns is not this campaign's."
            )
        return (
            f"Of {lost:.2f} lost between claim and delivery, the returns explain {_returned(said):.2f}; {first:.2f} "
            f"({first / lost:.0%} of the loss, {first / said.gross:.0%} of the claim) is unexplained. If the returns are a share of "
            f"what was shipped, it is {second:.2f} ({second / lost:.0%})."
        )


def ratio(name: str, text: str) -> Decimal:
    """Parse a ratio as typed, 0.33 or 33%.

    Raises:
        RatioError: it is not a number.
    """
    number, percent, rest = text.partition("%")
    return number_of(name, number.strip()) / 100 if percent and not rest.strip() else number_of(name, text)


def number_of(name: str, text: str) -> Decimal:
    """Parse a number as typed.

    Raises:
        RatioError: it is not a number.
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _refusal(name) from None


def take_apart(headline: Headline) -> Case:
    """The waterfall from the claim to the money, with the unexplained part as a line of its own."""
    shipped = headline.delivered / (1 - headline.returns) if headline.returns < 1 else Decimal(0)
    unexplained = headline.gross - _returned(headline) - headline.delivered
    return Case(headline, tuple(_steps(headline, unexplained)), unexplained, headline.gross - shipped)


def _returned(headline: Headline) -> Decimal:
    return headline.gross * headline.returns


def _steps(headline: Headline, unexplained: Decimal) -> Iterator[WaterfallStep]:
    def step(name: str, roas: Decimal, *, is_total: bool = False) -> WaterfallStep:
        amount = None if headline.spend is None else roas * headline.spend
        return WaterfallStep(name, roas, roas / headline.gross, amount, is_total)

    yield step("claimed by the platform", headline.gross, is_total=True)
    yield step("returned", -_returned(headline))
    yield step("unexplained", -unexplained)
    yield step("delivered", headline.delivered, is_total=True)
    if headline.collected is not None:
        yield step("delivered, not collected", headline.collected - headline.delivered)
        yield step("collected", headline.collected, is_total=True)
