"""The table `crm_stage_changes`: when each CRM record entered each of its stages."""

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.clock import iso
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.service_line import STAGE_WORDS, STAGES
from reconciliation_assets_tests.lab.sample.tables.identifiers import crm_ids
from reconciliation_assets_tests.lab.sample.text import words


def crm_stage_changes(company: Company) -> pa.Table:
    """Return the stages entered until the extract, stage by stage."""
    parts = []
    for stage in STAGES:
        entered = company.crm.entered[stage]
        record = np.flatnonzero(entered <= company.as_of)
        parts.append(
            pa.table(
                {
                    "crm_id": crm_ids(record),
                    "stage": words([STAGE_WORDS[stage][0]], np.zeros(len(record), dtype=np.int64)),
                    "entered_at": iso(entered[record], np.zeros(len(record), dtype=np.int64)),
                }
            )
        )
    return pa.concat_tables(parts)
