"""The table `leads`."""

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.arrays import Ints, random_stream
from reconciliation_assets_tests.lab.sample.clock import iso
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.leads import TEST_LEAD
from reconciliation_assets_tests.lab.sample.money import CURRENCIES, MARKETS, amount_text
from reconciliation_assets_tests.lab.sample.people import ARABIC, LATIN, email_text, name_text, phone_text
from reconciliation_assets_tests.lab.sample.tables.identifiers import lead_ids, meta_lead_ids
from reconciliation_assets_tests.lab.sample.tables.traffic import traffic, written_offsets
from reconciliation_assets_tests.lab.sample.tables.versions import Columns, export
from reconciliation_assets_tests.lab.sample.text import where, words

_COMPLETED_WITHIN = 1_800  # seconds


def leads(company: Company) -> pa.Table:
    """Return the leads; an older version of one lacks what the website filled in some minutes later."""
    plan, campaigns, people = company.leads, company.spec.campaigns, company.people
    random = random_stream(company.spec.seed, "leads table")
    size = plan.size
    lead = np.arange(size)
    campaign = company.ads.campaign[plan.slot]
    offsets = written_offsets(random, plan.market)
    arabic = np.array([row.language == "ar" for row in campaigns])[campaign] & (random.random(size) < 0.7)
    instant = np.array([row.instant_form for row in campaigns])[campaign]
    forms = [
        f"8350000{number:09d}" if row.instant_form else f"web-{row.offer}" for number, row in enumerate(campaigns, 1)
    ]
    consent = words(("true", "false"), (random.random(size) < 0.12).astype(np.int64))
    completed = plan.created + random.integers(60, _COMPLETED_WITHIN, size)
    facts = {
        "lead_id": lead_ids(lead),
        "created_at": iso(plan.created, offsets),
        "meta_lead_id": meta_lead_ids(company, lead),
        **traffic(
            random, company, plan.slot, visit="l", tracked=np.ones(size, dtype=bool), identified=~plan.untracked,
            ad_only=plan.ad_only,
        ),
        "form_id": words(forms, campaign),
        "event_type": words(("website_form", "instant_form"), instant.astype(np.int64)),
        "market": words(MARKETS, plan.market),
        "language": words([row.language for row in campaigns], campaign),
        "email": email_text(random, people, plan.person),
        "phone": phone_text(random, people, plan.person, local=True),
        "full_name": name_text(people, plan.person, np.where(arabic, ARABIC, LATIN)),
        "offer": words([row.offer for row in campaigns], campaign),
        "stated_value": amount_text(np.where(plan.states_value, plan.list_price, -1), plan.market),
        "currency": where(plan.states_value, words(CURRENCIES, plan.market)),
        "is_test": words(("false", "true"), (plan.kind == TEST_LEAD).astype(np.int64)),
    }  # fmt: skip

    def last_change(seen: Ints) -> Ints:
        return np.where(completed <= seen, completed, plan.created)

    def state(seen: Ints) -> Columns:
        return {"updated_at": iso(last_change(seen), offsets), "consent": where(completed <= seen, consent)}

    return export(
        random,
        as_of=company.as_of,
        created=plan.created,
        life=_COMPLETED_WITHIN,
        facts=facts,
        state=state,
        last_change=last_change,
    )
