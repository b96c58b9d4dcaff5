"""The source types, and the connectors of a sources file. A new system is one line here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciliation_assets.policy.model import Policy
from reconciliation_assets.sources.config import SourceSettings, checked_settings, read_entries
from reconciliation_assets.sources.connector import Connector
from reconciliation_assets.sources.errors import Misconfigured
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.hubspot import HubSpot, HubSpotSettings
from reconciliation_assets.sources.meta_insights import MetaInsights, MetaInsightsSettings
from reconciliation_assets.sources.meta_leads import MetaLeads, MetaLeadsSettings
from reconciliation_assets.sources.prefixed import Prefixed
from reconciliation_assets.sources.salesforce import Salesforce, SalesforceSettings
from reconciliation_assets.sources.salla import Salla, SallaSettings
from reconciliation_assets.sources.shopify import Shopify, ShopifySettings
from reconciliation_assets.sources.stripe import Stripe, StripeSettings
from reconciliation_assets.sources.tabby import Tabby, TabbySettings
from reconciliation_assets.sources.tamara import Tamara, TamaraSettings
from reconciliation_assets.sources.tap import Tap, TapSettings
from reconciliation_assets.sources.tokens import TokenStore
from reconciliation_assets.sources.woocommerce import WooCommerce, WooCommerceSettings
from reconciliation_assets.sources.zoho import Zoho, ZohoSettings


@dataclass(frozen=True)
class SourceType:
    """A type of source: the model of its settings and its connector."""

    settings: type[SourceSettings]
    connector: type[HttpConnector[Any]]


SOURCE_TYPES: Mapping[str, SourceType] = {
    "meta_insights": SourceType(MetaInsightsSettings, MetaInsights),
    "meta_leads": SourceType(MetaLeadsSettings, MetaLeads),
    "hubspot": SourceType(HubSpotSettings, HubSpot),
    "salesforce": SourceType(SalesforceSettings, Salesforce),
    "zoho": SourceType(ZohoSettings, Zoho),
    "stripe": SourceType(StripeSettings, Stripe),
    "tabby": SourceType(TabbySettings, Tabby),
    "tap": SourceType(TapSettings, Tap),
    "shopify": SourceType(ShopifySettings, Shopify),
    "woocommerce": SourceType(WooCommerceSettings, WooCommerce),
    "salla": SourceType(SallaSettings, Salla),
    "tamara": SourceType(TamaraSettings, Tamara),
}


def load_connectors(sources_file: Path, tokens: TokenStore, policy: Policy) -> list[Connector]:
    """The connectors of the sources file, in its order; no system is contacted yet.

    Args:
        sources_file: the YAML file.
        tokens: stores tokens that are replaced with every use.
        policy: the agreed definitions.

    Raises:
        Misconfigured: names the entry and the setting.
    """
    connectors: list[HttpConnector[Any]] = []
    for entry in read_entries(sources_file):
        kind = SOURCE_TYPES.get(entry.type)
        if kind is None:
            known = ", ".join(sorted(SOURCE_TYPES))
            raise Misconfigured(entry.name, f"there is no source type {entry.type!r}", f"Use one of: {known}")
        connectors.append(kind.connector(checked_settings(kind.settings, entry), tokens))
    by_name: Mapping[str, Connector] = {connector.name: connector for connector in connectors}
    for connector in connectors:
        connector.link_sources(by_name)
        connector.apply_policy(policy)
    return [
        Prefixed(connector, connector.settings.id_prefix) if connector.settings.id_prefix else connector
        for connector in connectors
    ]
