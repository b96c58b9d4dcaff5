"""The table `crm_records`."""

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.arrays import NONE, Ints, random_stream
from reconciliation_assets_tests.lab.sample.clock import DAY, NEVER, iso
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.leads import REAL
from reconciliation_assets_tests.lab.sample.money import CURRENCIES, amount_text
from reconciliation_assets_tests.lab.sample.people import BANK, LATIN, email_text, name_text, phone_text
from reconciliation_assets_tests.lab.sample.service_line import (
    CONTACTED,
    LOSS_REASONS,
    LOST,
    NAMES_LEAD,
    NAMES_META_LEAD,
    OWNERS,
    QUALIFIED,
    SAME_CONTACT,
    STAGE_WORDS,
    TOOK_OVER,
    WON,
)
from reconciliation_assets_tests.lab.sample.tables.identifiers import crm_ids, lead_ids, meta_lead_ids
from reconciliation_assets_tests.lab.sample.tables.traffic import written_offsets
from reconciliation_assets_tests.lab.sample.tables.versions import Columns, export
from reconciliation_assets_tests.lab.sample.text import spellings, where, words

# By `leads.REAL`, `SPAM`, ...
_JUDGEMENTS = (
    ("qualified", "Qualified"),
    ("spam", "Spam"),
    ("wrong number", "wrong-number", "Wrong Number"),
    ("job inquiry", "job-inquiry"),
    ("irrelevant", "Irrelevant"),
)
_JUDGEMENT_REASONS = (
    "has budget and date",
    "nonsense in the form",
    "nobody of this name",
    "asked for work",
    "asked for something else",
)


def crm_records(company: Company) -> pa.Table:
    """Return the CRM records; an older version of one is the record in an earlier stage."""
    plan, leads, people = company.crm, company.leads, company.people
    random = random_stream(company.spec.seed, "crm_records table")
    size = plan.size
    offsets = written_offsets(random, company.crm_market)
    kind, known = leads.kind[plan.lead], leads.known[plan.lead]
    person, taste = leads.person[plan.lead], random.random(size)
    contact = (plan.ties != TOOK_OVER) & ((plan.ties == SAME_CONTACT) | (random.random(size) < 0.75))
    latin = np.where(random.random(size) < 0.5, LATIN, BANK)
    facts = {
        "crm_id": crm_ids(np.arange(size)),
        "created_at": iso(plan.created, offsets),
        "lead_id": lead_ids(np.where(plan.ties == NAMES_LEAD, plan.lead, NONE)),
        "meta_lead_id": where(plan.ties == NAMES_META_LEAD, meta_lead_ids(company, plan.lead)),
        "owner": words([name for name, _ in OWNERS], plan.owner),
        "email": where(contact, email_text(random, people, person)),
        "phone": where(contact, phone_text(random, people, person, local=False)),
        "full_name": where(contact, name_text(people, person, latin)),
    }

    def last_change(seen: Ints) -> Ints:
        changed = plan.created
        for instant in (*plan.entered, plan.merged, known):
            changed = np.where(instant <= seen, np.maximum(changed, instant), changed)
        return changed

    def happened(instant: Ints, seen: Ints) -> pa.Array:
        return iso(np.where(instant <= seen, instant, NEVER), offsets)

    def state(seen: Ints) -> Columns:
        qualified = (plan.entered[QUALIFIED] <= seen) & (kind == REAL)
        judgement = np.where(qualified, REAL, np.where(known <= seen, kind, NONE))
        won, lost = plan.entered[WON] <= seen, plan.entered[LOST] <= seen
        return {
            "updated_at": iso(last_change(seen), offsets),
            "stage": spellings(STAGE_WORDS, plan.stage(seen), taste),
            "merged_into": crm_ids(np.where(plan.merged <= seen, plan.merged_into, NONE)),
            "qualification_status": spellings(_JUDGEMENTS, judgement, taste),
            "qualification_reason": words(_JUDGEMENT_REASONS, judgement),
            "first_response_at": happened(plan.entered[CONTACTED], seen),
            "won_at": happened(plan.entered[WON], seen),
            "lost_at": happened(plan.entered[LOST], seen),
            "loss_reason": words(LOSS_REASONS, np.where(lost, plan.loss_reason, NONE)),
            "final_value": amount_text(np.where(won, plan.final, -1), company.crm_market),
            "currency": where(won, words(CURRENCIES, company.crm_market)),
        }

    return export(
        random,
        as_of=company.as_of,
        created=plan.created,
        life=20 * DAY,
        facts=facts,
        state=state,
        last_change=last_change,
    )
