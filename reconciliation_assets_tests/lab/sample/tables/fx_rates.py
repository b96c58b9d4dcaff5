"""The table `fx_rates`: the dinar's rate on working days; the pegged currencies need none."""

from datetime import timedelta

import pyarrow as pa

from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.money import KWD_RATE


def fx_rates(company: Company) -> pa.Table:
    """Return the rates from a week before the opening until the extract."""
    spec = company.spec
    first = spec.opened - timedelta(days=7)
    days = [first + timedelta(days=number) for number in range((spec.as_of.date() - first).days + 1)]
    quoted = [str(day) for day in days if day.weekday() < 5]
    return pa.table({"date": quoted, "currency": ["KWD"] * len(quoted), "rate": [KWD_RATE] * len(quoted)})
