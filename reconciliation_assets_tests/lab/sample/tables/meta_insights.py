"""The table `meta_insights`: Meta's report by ad and day."""

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.arrays import Ints, chance, filled, indices, random_stream
from reconciliation_assets_tests.lab.sample.clock import DAY, HOUR, day_names, iso, midnight
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.money import CURRENCIES, amount_text
from reconciliation_assets_tests.lab.sample.tables.identifiers import ad_sets_of, ads_of, campaigns_of
from reconciliation_assets_tests.lab.sample.text import numbered, words

_RESTATED_FOR = 28 * DAY
_EMPTY_PULLS = 0.01
_DUBAI_OFFSET = 2


def meta_insights(company: Company) -> pa.Table:
    """Return the days that are over, and of some an earlier pull, made just after midnight and still empty."""
    spec, plan = company.spec, company.insights
    random = random_stream(spec.seed, "meta_insights table")
    empty = chance(random, _EMPTY_PULLS, len(plan.slot))
    begins = midnight(spec.opened) + plan.day * DAY
    over = begins + DAY <= company.as_of
    last_pull = np.minimum(begins + DAY + _RESTATED_FOR + 2 * HOUR, company.as_of)
    zero = filled(len(plan.slot), 0)
    figures = (plan.spend, plan.impressions, plan.clicks, plan.results, plan.value)
    return pa.concat_tables(
        [
            _rows(company, indices(over), last_pull, figures),
            _rows(company, indices(over & empty), begins + HOUR // 2, (zero,) * 5),
        ]
    )


def _rows(company: Company, rows: Ints, pulled: Ints, figures: tuple[Ints, ...]) -> pa.Table:
    campaigns, plan = company.spec.campaigns, company.insights
    slot, currency = plan.slot[rows], plan.currency[rows]
    campaign, ad_set = company.ads.campaign[slot], company.ads.ad_set[slot]
    spend, impressions, clicks, results, value = (figure[rows] for figure in figures)
    service = np.array([row.line == "service" for row in campaigns])[campaign]
    return pa.table(
        {
            "account_id": words([row.account.account_id if row.account else None for row in campaigns], campaign),
            "account_currency": words(CURRENCIES, currency),
            "campaign_id": campaigns_of(company, slot),
            "campaign_name": words([row.name for row in campaigns], campaign),
            "adset_id": ad_sets_of(company, slot),
            "adset_name": words([f"{row.market} {row.language.upper()} 25-44" for row in campaigns], campaign),
            "ad_id": ads_of(company, slot),
            "ad_name": numbered("ad-", company.ads.number[slot], 4),
            "date": day_names(company.spec.opened, plan.day[rows]),
            # One ad set in five is set to clicks alone.
            "attribution_setting": words(("7d_click_1d_view", "1d_click"), ad_set % 5 // 4),
            "spend": amount_text(spend, currency),
            "impressions": pa.array(impressions).cast(pa.string()),
            "clicks": pa.array(clicks).cast(pa.string()),
            "result_type": words(("purchase", "lead"), service.astype(np.int64)),
            "results": pa.array(results).cast(pa.string()),
            "attributed_value": amount_text(value, currency),
            "pulled_at": iso(pulled[rows], filled(len(rows), _DUBAI_OFFSET)),
        }
    )
