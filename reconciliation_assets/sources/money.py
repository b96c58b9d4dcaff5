"""Minor units: decimals of a currency, for systems that write amounts as integers."""

from decimal import Decimal

from reconciliation_assets.policy.model import minor_digits

# Stripe's list of currencies that it writes in major units; reports have only two or three decimals. Stripe's currencies with
# three decimals are the policy's without IQD and LYD, which it does not accept. Their last digit must be 0: 1.230 KWD is 1230.
WITHOUT_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
)

COUNTRY_OF = {"AED": "AE", "BHD": "BH", "KWD": "KW", "OMR": "OM", "QAR": "QA", "SAR": "SA"}
"""The country of a currency, for payment systems that give local phone numbers without a country."""


def from_minor(amount: int, currency: str) -> Decimal:
    """An amount in major units, from an integer of minor units.

    Args:
        amount: of the currency's smallest unit.
        currency: ISO 4217, in any case.
    """
    code = currency.upper()
    return Decimal(amount).scaleb(0 if code in WITHOUT_DECIMALS else -minor_digits(code))
