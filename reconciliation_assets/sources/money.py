"""Minor units: decimals of a currency, for systems that write amounts as integers."""

from decimal import Decimal

WITHOUT_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
)
WITH_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Stripe and Checkout.com require the last of the three decimals to be 0, but include it: 1.230 KWD is 1230."""


COUNTRY_OF = {"AED": "AE", "BHD": "BH", "KWD": "KW", "OMR": "OM", "QAR": "QA", "SAR": "SA"}
"""The country of a currency, for payment systems that give local phone numbers without a country."""


def minor_digits(currency: str) -> int:
    """Decimals of a currency's minor unit, as used by payment systems.

    Args:
        currency: ISO 4217, in any case.
    """
    code = currency.upper()
    return 0 if code in WITHOUT_DECIMALS else 3 if code in WITH_THREE_DECIMALS else 2


def from_minor(amount: int, currency: str) -> Decimal:
    """An amount in major units, from an integer of minor units."""
    return Decimal(amount).scaleb(-minor_digits(currency))
