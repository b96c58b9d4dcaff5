"""The columns that say where a lead or an order came from: all of Meta's, some of them, or somebody else's."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets_tests.lab.sample.arrays import Bools, Ints, Random
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.tables.identifiers import ad_sets_of, ads_of, campaigns_of
from reconciliation_assets_tests.lab.sample.tables.versions import Columns
from reconciliation_assets_tests.lab.sample.text import numbered, where, words

_META_SOURCES = ("facebook", "instagram", "fb", "ig", "Facebook")
_META_MEDIUMS = ("paid_social", "paid", "cpc")
_OTHER_SOURCES = ("google", "direct", "whatsapp", "newsletter", "google")
_OTHER_MEDIUMS = ("organic", "none", "referral", "email", "cpc")


def traffic(
    random: Random, company: Company, slot: Ints, *, visit: str, tracked: Bools, identified: Bools, ad_only: Bools
) -> Columns:
    """Return the traffic columns of leads or orders.

    Args:
        random: the stream of the table.
        company: the company.
        slot: the ad, or demand without ads, of each row.
        visit: prefix of the rows' visits, so that no two tables share one.
        tracked: whether source and medium are known.
        identified: whether the identifiers of the ad are known as well.
        ad_only: whether of those only the ad's is.
    """
    ads, campaigns = company.ads, company.spec.campaigns
    size = len(slot)
    campaign, meta = ads.campaign[slot], ads.number[slot] >= 0
    named = meta & tracked & identified
    instant = np.array([row.instant_form for row in campaigns])[campaign]
    website = tracked & ~instant & (identified | ~meta)
    other = random.integers(0, len(_OTHER_SOURCES), size)
    source, medium = random.integers(0, len(_META_SOURCES), size), random.integers(0, len(_META_MEDIUMS), size)
    slug = [row.name.lower().replace(" | ", "_").replace(" ", "-") for row in campaigns]
    landing = [f"https://www.example.com/{row.language}/{row.offer.replace('_', '-')}" for row in campaigns]
    number = np.arange(size)
    meta_rows = pa.array(meta)
    return {
        "campaign_id": where(named & ~ad_only, campaigns_of(company, slot)),
        "adset_id": where(named & ~ad_only, ad_sets_of(company, slot)),
        "ad_id": where(named, ads_of(company, slot)),
        "click_id": where(
            named & website & (random.random(size) < 0.8), numbered(f"fb.1.1770000000000.IwY2x{visit}", number, 8)
        ),
        "session_id": where(website, numbered(f"{visit}-", number, 9)),
        "source": where(tracked, pc.if_else(meta_rows, words(_META_SOURCES, source), words(_OTHER_SOURCES, other))),
        "medium": where(tracked, pc.if_else(meta_rows, words(_META_MEDIUMS, medium), words(_OTHER_MEDIUMS, other))),
        "utm_campaign": where(named & website, words(slug, campaign)),
        "utm_content": where(named & website, numbered("ad-", ads.number[slot], 4)),
        "landing_page": where(website, words(landing, campaign)),
    }


def written_offsets(random: Random, market: Ints) -> Ints:
    """Return the offset each row's system writes: mostly its market's, sometimes UTC (see `clock.iso`)."""
    return np.where(random.random(len(market)) < 0.25, 0, np.where(market == 0, 2, 1)).astype(np.int64)
