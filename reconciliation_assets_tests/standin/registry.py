"""The systems the stand-in speaks, one line each."""

from reconciliation_assets_tests.standin.hubspot import HubSpot
from reconciliation_assets_tests.standin.meta import Meta
from reconciliation_assets_tests.standin.salesforce import Salesforce
from reconciliation_assets_tests.standin.salla import Salla
from reconciliation_assets_tests.standin.shopify import Shopify
from reconciliation_assets_tests.standin.stripe import Stripe
from reconciliation_assets_tests.standin.system import System
from reconciliation_assets_tests.standin.tabby import Tabby
from reconciliation_assets_tests.standin.tamara import Tamara
from reconciliation_assets_tests.standin.tap import Tap
from reconciliation_assets_tests.standin.woocommerce import WooCommerce
from reconciliation_assets_tests.standin.zoho import Zoho

SYSTEMS: tuple[type[System], ...] = (
    Meta,
    HubSpot,
    Salesforce,
    Zoho,
    Stripe,
    Tabby,
    Tap,
    Shopify,
    WooCommerce,
    Salla,
    Tamara,
)
