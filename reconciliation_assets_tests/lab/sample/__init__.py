"""A made-up Gulf company of any size in the contract's input tables, with the truth about it beside them.

It runs a training institute (leads, a CRM, instalments) and a shop (cash on delivery, cards, returns) in the UAE, Saudi
Arabia and Kuwait, and advertises both on Meta. The modules beside this one plan what really happens (`campaigns`, `people`,
`shop`, `leads`, `service_line`, `payments`, `insights`), `tables/` writes what its systems export of that, `truth` says what
a reconciliation of the exports has to find.
"""

from reconciliation_assets_tests.lab.sample.campaigns import CAMPAIGNS, AdAccount, Campaign
from reconciliation_assets_tests.lab.sample.incidents import INCIDENTS, Incident, LateRemittance, LostTracking
from reconciliation_assets_tests.lab.sample.noise import Noise
from reconciliation_assets_tests.lab.sample.spec import CompanySpec
from reconciliation_assets_tests.lab.sample.writing import write_company

__all__ = [
    "CAMPAIGNS",
    "INCIDENTS",
    "AdAccount",
    "Campaign",
    "CompanySpec",
    "Incident",
    "LateRemittance",
    "LostTracking",
    "Noise",
    "write_company",
]
