"""A sources file that names only the stand-in, with small pages so that every list has several."""

from typing import Any

import yaml

from reconciliation_assets_tests.standin.company import ACCOUNT, FORMS, PAGE
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.system import TOKEN

ENVIRONMENT = dict.fromkeys(
    (
        "META_ACCESS_TOKEN",
        "HUBSPOT_TOKEN",
        "SALESFORCE_CLIENT_ID",
        "SALESFORCE_CLIENT_SECRET",
        "ZOHO_CLIENT_ID",
        "ZOHO_CLIENT_SECRET",
        "ZOHO_REFRESH_TOKEN",
        "STRIPE_KEY",
        "TABBY_SECRET_KEY",
        "TAP_SECRET_KEY",
        "SHOPIFY_TOKEN",
        "WOOCOMMERCE_KEY",
        "WOOCOMMERCE_SECRET",
        "SALLA_CLIENT_ID",
        "SALLA_CLIENT_SECRET",
        "SALLA_REFRESH_TOKEN",
        "TAMARA_API_TOKEN",
    ),
    TOKEN,
)
"""The variables its entries name, for a test's environment."""

ENTRIES: dict[str, dict[str, Any]] = {
    "meta_insights": {
        "system": "meta",
        "account_ids": [f"act_{ACCOUNT}"],
        "page_limit": 60,
        "days_per_request": 92,
        "poll_seconds": 0.01,
    },
    "meta_leads": {
        "system": "meta",
        "page_ids": [PAGE],
        "page_limit": 5,
        "forms": {
            FORMS["AE"]: {"market": "AE", "offer": "sofa", "consent": "marketing"},
            FORMS["KW"]: {"market": "KW"},
            FORMS["SA"]: {"market": "SA", "fields": {"phone": "رقم الجوال للتواصل؟"}},
        },
    },
    "hubspot": {"system": "hubspot", "page_limit": 3, "properties": {"meta_lead_id": "facebook_lead_id"}},
    "salesforce": {
        "system": "salesforce",
        "meta_lead_id_field": "Meta_Lead_ID__c",
        "loss_reason_field": "Loss_Reason__c",
    },
    "zoho": {"system": "zoho", "page_limit": 4, "meta_lead_id_field": "Meta_Lead_ID"},
    "stripe": {"system": "stripe", "page_limit": 4},
    "tabby": {"system": "tabby", "page_limit": 2},
    "tap": {"system": "tap", "page_limit": 3},
    "shopify": {"system": "shopify", "page_limit": 4, "lead_id_attribute": "lead_id"},
    "woocommerce": {"system": "woocommerce", "page_limit": 4, "waybill_meta": "waybill"},
    "salla": {"system": "salla", "page_limit": 4},
    "tamara": {"system": "tamara", "orders_from": "salla"},
}
"""By source type: the stand-in system that answers, and the type's own settings."""


def entry(standin: Standin, source_type: str, **changed: object) -> dict[str, Any]:
    """One entry as the sources file would hold it."""
    settings = dict(ENTRIES[source_type])
    base_url = standin.url(settings.pop("system"))
    common = {"name": source_type, "type": source_type, "base_url": base_url, "timeout_seconds": 0.5}
    # A system that grants tokens at another address does so at the same one here.
    accounts = {"accounts_url": base_url} if source_type in {"zoho", "salla"} else {}
    return {**common, **accounts, **settings, **changed}


def sources_yaml(standin: Standin, *source_types: str) -> str:
    """The file's text, with all types or some."""
    return yaml.safe_dump({"sources": [entry(standin, name) for name in source_types or ENTRIES]}, allow_unicode=True)
