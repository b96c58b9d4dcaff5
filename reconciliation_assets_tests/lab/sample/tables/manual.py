"""The tables `manual_matches` and `manual_adjustments`: what people decided by hand."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.adjustments import DECIDED_AFTER, known_adjustments
from reconciliation_assets_tests.lab.sample.arrays import filled, indices
from reconciliation_assets_tests.lab.sample.clock import DAY, iso, midnight
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.leads import BY_HAND
from reconciliation_assets_tests.lab.sample.tables.identifiers import campaign_ids, lead_ids, order_ids, payment_ids
from reconciliation_assets_tests.lab.sample.text import words

_DUBAI_OFFSET = 2


def manual_adjustments(company: Company) -> pa.Table:
    """Return the adjustments made until the extract."""
    spec = company.spec
    rows = known_adjustments(spec)
    ids = campaign_ids(spec.campaigns)
    opening = midnight(spec.opened)
    decided = np.array([opening + row.day * DAY + DECIDED_AFTER for row in rows], dtype=np.int64)
    text = pa.string()
    return pa.table(
        {
            "adjustment_id": pa.array([f"ADJ-{row.number:03d}" for row in rows], text),
            "campaign_id": pa.array([ids[row.campaign] for row in rows], text),
            "cohort_date": pa.array([str(spec.opened + timedelta(days=row.day)) for row in rows], text),
            "line": pa.array(["manual_adjustment"] * len(rows), text),
            "amount": pa.array([f"{row.fils / 100:.2f}" for row in rows], text),
            "currency": pa.array(["AED"] * len(rows), text),
            "reason": pa.array([row.reason for row in rows], text),
            "adjusted_by": pa.array(["finance.lead"] * len(rows), text),
            "adjusted_at": iso(decided, filled(len(rows), _DUBAI_OFFSET)),
        }
    )


def manual_matches(company: Company) -> pa.Table:
    """Return the pairs accepted and rejected until the extract."""
    claims, money, as_of = company.claims, company.money, company.as_of
    decided = claims.verified <= as_of
    accepted = indices(decided & (claims.how == BY_HAND))
    rejected = indices(decided & (claims.rejected >= 0))
    paid = indices(money.verified <= as_of)
    verified = np.concatenate([claims.verified[accepted], claims.verified[rejected], money.verified[paid]])
    kind = np.repeat([0, 1, 2], [len(accepted), len(rejected), len(paid)])
    return pa.table(
        {
            "link": words(("lead_order", "lead_order", "order_payment"), kind),
            "left_id": pa.concat_arrays(
                [lead_ids(claims.lead[accepted]), lead_ids(claims.rejected[rejected]), order_ids(money.order[paid])]
            ),
            "right_id": pa.concat_arrays([order_ids(accepted), order_ids(rejected), payment_ids(paid)]),
            "verdict": words(("accept", "reject", "accept"), kind),
            "verified_by": words(("sales.desk", "sales.desk", "finance.desk"), kind),
            "reason": words(
                (
                    "caller confirmed the order by phone",
                    "a relative ordered with the same phone",
                    "bank advice names the order",
                ),
                kind,
            ),
            "verified_at": iso(verified, filled(len(verified), _DUBAI_OFFSET)),
        }
    )
