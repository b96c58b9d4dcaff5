"""The input tables, as people drop them as files and connectors deliver them."""

from reconciliation_assets.contracts.model import InputColumn, InputTable, Kind
from reconciliation_assets.policy.model import LINKS, METHODS

_ID, _TEXT, _WHEN = Kind.ID, Kind.TEXT, Kind.TIMESTAMP

# Kinds of row in `payments`. A reversal is money that came back after a failed refund or a dispute that was won; a credit
# pays without cash: a gift card, store credit or points.
PAYMENT_KINDS = ("payment", "refund", "chargeback", "fee", "refund_reversal", "chargeback_reversal", "credit")


def _column(
    name: str,
    kind: Kind,
    description: str,
    *,
    required: bool = False,
    allowed: tuple[str, ...] = (),
    negative_where: tuple[str, str] | None = None,
) -> InputColumn:
    return InputColumn(name, kind, description, required, allowed, negative_where=negative_where)


def _side(name: str, kind: Kind, description: str) -> InputColumn:
    return InputColumn(name, kind, description, is_side=True)


_AD = (
    _column("campaign_id", _ID, "Meta campaign that the record names"),
    _column("adset_id", _ID, "Meta ad set that the record names"),
    _column("ad_id", _ID, "Meta ad that the record names"),
)
_ORIGIN = (
    _column("click_id", _ID, "Click identifier (fbclid, fbc)"),
    _column("browser_id", _ID, "Browser identifier of Meta's pixel (fbp)"),
    _column("session_id", _ID, "Web session"),
    _column("source", _TEXT, "Traffic source"),
    _column("medium", _TEXT, "Traffic medium"),
    _column("utm_campaign", _TEXT, "Campaign as tagged in the link"),
    _column("utm_content", _TEXT, "Ad as tagged in the link"),
    _column("landing_page", Kind.PAGE, "First page of the visit; its host and path are kept"),
    _column("device", _TEXT, "Kind of device of the visit (mobile, desktop, tablet)"),
)
_CONTACT = (
    _column("email", Kind.EMAIL, "E-mail address; stored as a protected key"),
    _column("phone", Kind.PHONE, "Phone number; stored as a protected key"),
)
_LINK = _column("link", _TEXT, "Kind of link", required=True, allowed=LINKS)
_PERSON = (*_CONTACT, _column("full_name", Kind.NAME, "Name; stored as protected keys of its words and their sounds"))
_MARKET = (
    _column("market", _TEXT, "Country, as ISO 3166 code; local phone numbers are read in it"),
    _column("language", _TEXT, "Language of the form or shop"),
)

META_INSIGHTS = InputTable(
    name="meta_insights",
    raw_asset="raw_meta_insights",
    description="What Meta reports per ad and day of the ad account, as reported.",
    key=("account_id", "ad_id", "date", "result_type"),
    version="pulled_at",
    created="date",
    adds_up=("spend", "impressions", "clicks", "results", "attributed_value"),
    one_per_key="attribution_setting",
    measures=(("spend", "account_currency"), ("results", "account_currency"), ("attributed_value", "account_currency")),
    columns=(
        _column("account_id", _ID, "Meta ad account", required=True),
        _column("account_currency", Kind.CURRENCY, "Currency of spend and value", required=True),
        _column("campaign_id", _ID, "Meta campaign", required=True),
        _column("campaign_name", _TEXT, "Name of the campaign"),
        _column("adset_id", _ID, "Meta ad set", required=True),
        _column("adset_name", _TEXT, "Name of the ad set"),
        _column("ad_id", _ID, "Meta ad", required=True),
        _column("ad_name", _TEXT, "Name of the ad"),
        _column("date", Kind.DATE, "Reporting day in the ad account's zone", required=True),
        _column("attribution_setting", _TEXT, "Windows under which results are claimed", required=True),
        _column("spend", Kind.AMOUNT, "Spend of the day", required=True),
        _column("impressions", Kind.COUNT, "Impressions of the day"),
        _column("clicks", Kind.COUNT, "Clicks of the day"),
        _column("result_type", _TEXT, "What Meta counts as a result"),
        _column("results", Kind.COUNT, "Results Meta claims", required=True),
        _column("attributed_value", Kind.AMOUNT, "Value Meta attributes; an estimate, never money", required=True),
        _column("pulled_at", _WHEN, "When the figures were read from Meta"),
    ),
)

LEADS = InputTable(
    name="leads",
    raw_asset="raw_crm_leads",
    description="Enquiries as captured by forms, landing pages and chats.",
    key=("lead_id",),
    version="updated_at",
    created="created_at",
    columns=(
        _column("lead_id", _ID, "The lead", required=True),
        _column("created_at", _WHEN, "When the lead was captured", required=True),
        _column("updated_at", _WHEN, "When this version was written"),
        _column("meta_lead_id", _ID, "Meta's own ID of a lead-ad lead"),
        *_AD,
        *_ORIGIN,
        _column("form_id", _ID, "Form that captured the lead"),
        _column("event_type", _TEXT, "Kind of conversion"),
        *_MARKET,
        *_PERSON,
        _column("offer", _TEXT, "Course, product or service asked for"),
        _column("stated_value", Kind.AMOUNT, "Value stated at capture"),
        _column("currency", Kind.CURRENCY, "Currency of the stated value"),
        _column("consent", _TEXT, "Consent given at capture"),
        _column("is_test", Kind.BOOLEAN, "Whether the lead is a test"),
        _column("first_response_at", _WHEN, "When somebody first answered"),
    ),
)

CRM_RECORDS = InputTable(
    name="crm_records",
    raw_asset="raw_crm_records",
    description="Opportunities (deals, converted leads) as the CRM records them.",
    key=("crm_id",),
    version="updated_at",
    created="created_at",
    columns=(
        _column("crm_id", _ID, "The CRM record", required=True),
        _column("created_at", _WHEN, "When the record was created", required=True),
        _column("updated_at", _WHEN, "When this version was written", required=True),
        _column("stage", _TEXT, "Stage in the pipeline, as the CRM words it", required=True),
        _column("lead_id", _ID, "Lead that the record names"),
        _column("meta_lead_id", _ID, "Meta's own ID of the lead"),
        _column("merged_into", _ID, "CRM record that replaced this one"),
        _column("qualification_status", _TEXT, "Result of qualification"),
        _column("qualification_reason", Kind.NOTE, "Why it was or was not qualified"),
        _column("owner", _TEXT, "Sales owner"),
        _column("first_response_at", _WHEN, "When sales first answered"),
        _column("won_at", _WHEN, "When it was won"),
        _column("lost_at", _WHEN, "When it was lost"),
        _column("loss_reason", Kind.NOTE, "Why it was lost"),
        _column("final_value", Kind.AMOUNT, "Agreed value"),
        _column("currency", Kind.CURRENCY, "Currency of the agreed value"),
        *_PERSON,
        _MARKET[0],
        _column(
            "is_deleted",
            Kind.BOOLEAN,
            "Whether the CRM has deleted or archived it; it no longer counts from this version on",
        ),
    ),
)

CRM_STAGE_CHANGES = InputTable(
    name="crm_stage_changes",
    raw_asset="raw_crm_stage_changes",
    description="When each CRM record entered each stage.",
    key=("crm_id", "stage", "entered_at"),
    created="entered_at",
    columns=(
        _column("crm_id", _ID, "The CRM record", required=True),
        _column("stage", _TEXT, "Stage entered, as the CRM words it", required=True),
        _column("entered_at", _WHEN, "When it was entered", required=True),
    ),
)

ORDERS = InputTable(
    name="orders",
    raw_asset="raw_orders",
    description="Orders of the shop with their fulfilment.",
    key=("order_id",),
    version="updated_at",
    created="created_at",
    measures=(("gross_value", "currency"),),
    columns=(
        _column("order_id", _ID, "The order", required=True),
        _column("created_at", _WHEN, "When it was placed", required=True),
        _column("updated_at", _WHEN, "When this version was written; `created_at` where it is empty"),
        _column("status", _TEXT, "Status, as the shop words it", required=True),
        _column("gross_value", Kind.AMOUNT, "Placed value with tax and shipping", required=True),
        _column("currency", Kind.CURRENCY, "Currency of the order", required=True),
        _column("lead_id", _ID, "Lead that the order names"),
        _column("crm_id", _ID, "CRM record that the order names"),
        _column("customer_id", Kind.PERSON, "Customer in the shop"),
        *_AD,
        *_ORIGIN,
        *_MARKET,
        *_PERSON,
        _column("offer", _TEXT, "Product or offer"),
        _column("payment_method", _TEXT, "Payment method chosen (cod, card, tabby)"),
        _side(
            "discount", Kind.AMOUNT, "Discount granted after placing; one that the gross value already holds is none"
        ),
        _side("tax", Kind.AMOUNT, "Tax within the gross value"),
        _side("shipping", Kind.AMOUNT, "Shipping within the gross value"),
        _side("confirmed_at", _WHEN, "When it was confirmed"),
        _side("shipped_at", _WHEN, "When it was shipped"),
        _side("delivered_at", _WHEN, "When it was delivered"),
        _side("cancelled_at", _WHEN, "When it was cancelled"),
        _side("returned_at", _WHEN, "When it came back"),
        _column("reason", Kind.NOTE, "Why it was cancelled, refused or returned"),
        _column("waybill", _ID, "Waybill of the parcel"),
        _side("current_value", Kind.AMOUNT, "What it is worth now, after edits, removed items and exchanges"),
        _side("returned_value", Kind.AMOUNT, "Goods that came back, whether or not money went back"),
        _side("is_test", Kind.BOOLEAN, "Whether it is a test; it does not count"),
        _side("is_deleted", Kind.BOOLEAN, "Whether the shop has deleted it; it no longer counts from this version on"),
    ),
)

INVOICES = InputTable(
    name="invoices",
    raw_asset="raw_invoices",
    description="Invoices issued; they tell which order or CRM record a payment is for.",
    key=("invoice_id",),
    created="issued_at",
    columns=(
        _column("invoice_id", _ID, "The invoice", required=True),
        _column("issued_at", _WHEN, "When it was issued", required=True),
        _column("amount", Kind.AMOUNT, "Amount invoiced", required=True),
        _column("currency", Kind.CURRENCY, "Currency of the invoice", required=True),
        _column("crm_id", _ID, "CRM record invoiced"),
        _column("order_id", _ID, "Order invoiced"),
        _column("customer_id", Kind.PERSON, "Customer invoiced"),
        _column("status", _TEXT, "Status of the invoice"),
    ),
)

PAYMENTS = InputTable(
    name="payments",
    raw_asset="raw_payments",
    description="Money in and out as finance, payment providers and couriers record it.",
    key=("payment_id",),
    version="updated_at",
    created="paid_at",
    measures=(("amount", "currency"),),
    columns=(
        _column("payment_id", _ID, "The payment", required=True),
        _column(
            "kind",
            _TEXT,
            "What the money is: payment, refund, chargeback, the reversal of one, fee or credit",
            required=True,
            allowed=PAYMENT_KINDS,
        ),
        _column("status", _TEXT, "settled, pending or failed; only settled is money", required=True),
        _column("paid_at", _WHEN, "When the money moved", required=True),
        _column(
            "amount",
            Kind.AMOUNT,
            "Amount, positive for every kind; a fee may be negative, which is a credit",
            required=True,
            negative_where=("kind", "fee"),
        ),
        _column("currency", Kind.CURRENCY, "Currency of the amount", required=True),
        _side("tax", Kind.AMOUNT, "Tax within the amount"),
        _side("fee", Kind.SIGNED_AMOUNT, "Fee the provider kept; negative where it gave one back"),
        _side(
            "order_amount",
            Kind.AMOUNT,
            "What the customer paid, in the order's currency, where the money settled in another",
        ),
        _side("order_currency", Kind.CURRENCY, "Currency of the order amount"),
        _column("order_id", _ID, "Order that the payment names"),
        _column("invoice_id", _ID, "Invoice that the payment names"),
        _column("crm_id", _ID, "CRM record that the payment names"),
        _column("lead_id", _ID, "Lead that the payment names"),
        _column("customer_id", Kind.PERSON, "Customer that paid"),
        _column("waybill", _ID, "Waybill whose cash this is"),
        _column("reference", Kind.NOTE, "Reference on the transfer"),
        _column("settlement_id", _ID, "Transfer that carried the money"),
        *_CONTACT,
        _column("payer_name", Kind.NAME, "Name of the payer; stored as protected keys"),
        _MARKET[0],
        _column("method", _TEXT, "Payment method"),
        _column("updated_at", _WHEN, "When this version was written"),
    ),
)

TRANSFERS = InputTable(
    name="transfers",
    raw_asset="raw_transfers",
    description="Transfers of couriers and payment providers as the bank saw them: one each for many payments, less fees.",
    key=("transfer_id",),
    created="transferred_at",
    measures=(("amount", "currency"),),
    columns=(
        _column("transfer_id", _ID, "The transfer on the bank statement", required=True),
        _column("transferred_at", _WHEN, "When the money arrived", required=True),
        _column("amount", Kind.AMOUNT, "Amount that arrived", required=True),
        _column("currency", Kind.CURRENCY, "Currency of the amount", required=True),
        _column("settlement_id", _ID, "Settlement it pays, as the payments name it"),
        _column("reference", Kind.NOTE, "Reference on the statement; counts where settlement_id is empty"),
    ),
)

FX_RATES = InputTable(
    name="fx_rates",
    raw_asset="raw_fx_rates",
    description="Exchange rates: reporting currency per one unit; the latest on or before a day holds.",
    key=("date", "currency"),
    created="date",
    columns=(
        _column("date", Kind.DATE, "Day from which the rate holds", required=True),
        _column("currency", Kind.CURRENCY, "Currency converted", required=True),
        _column("rate", Kind.RATE, "Reporting currency per one unit", required=True),
    ),
)

MANUAL_MATCHES = InputTable(
    name="manual_matches",
    raw_asset="raw_manual_matches",
    description="Links that a person accepted or rejected.",
    key=("link", "left_id", "right_id"),
    version="verified_at",
    created="verified_at",
    columns=(
        _LINK,
        _column("left_id", _ID, "Left end of the link", required=True),
        _column("right_id", _ID, "Right end of the link", required=True),
        _column("verdict", _TEXT, "accept or reject", required=True, allowed=("accept", "reject")),
        _column("verified_by", _TEXT, "Who decided", required=True),
        _column("reason", _TEXT, "Why", required=True),
        _column("verified_at", _WHEN, "When it was decided", required=True),
    ),
)

MANUAL_ADJUSTMENTS = InputTable(
    name="manual_adjustments",
    raw_asset="raw_manual_adjustments",
    description="Signed amounts that finance adds to a cohort, each with its reason.",
    key=("adjustment_id",),
    version="adjusted_at",
    created="adjusted_at",
    columns=(
        _column("adjustment_id", _ID, "The adjustment", required=True),
        _column("campaign_id", _ID, "Campaign adjusted; empty for records with no campaign"),
        _column("cohort_date", Kind.DATE, "Day of the cohort adjusted", required=True),
        _column("line", _TEXT, "What it is about", required=True),
        _column("amount", Kind.SIGNED_AMOUNT, "Signed amount", required=True),
        _column("currency", Kind.CURRENCY, "Currency of the amount", required=True),
        _column("reason", _TEXT, "Why", required=True),
        _column("adjusted_by", _TEXT, "Who signed it", required=True),
        _column("adjusted_at", _WHEN, "When it was signed", required=True),
    ),
)

VALIDATION_VERDICTS = InputTable(
    name="validation_verdicts",
    raw_asset="raw_validation_verdicts",
    description="What reviewers found when they looked at sampled links; a row without a verdict is not judged yet.",
    key=("link", "left_id", "right_id", "match_method"),
    version="verified_at",
    created="verified_at",
    # The sheet is filled in by hand: rows that cannot be read are reported, and the money is published without them.
    may_stop_a_run=False,
    columns=(
        _LINK,
        _column("left_id", _ID, "Left end of the link", required=True),
        _column("right_id", _ID, "Right end of the link", required=True),
        _column("match_method", _TEXT, "Method that made the link when it was sampled", required=True),
        _column("verdict", _TEXT, "correct, wrong or unclear, in the words of the policy; empty where not judged yet"),
        _column("verified_by", _TEXT, "Who judged it; a verdict without a name does not count"),
        _column("verified_at", _WHEN, "When it was judged; a verdict without a time does not count"),
        _column("note", Kind.NOTE, "What the reviewer saw"),
        _column("period", Kind.MONTH, "Month that the sample was drawn of"),
        _column("value_band", _TEXT, "Band of the value, from the sheet"),
        _column("outcome", _TEXT, "What had become of the record, from the sheet"),
        _column("stratum_links", Kind.COUNT, "Links that the sampled one stands for with its like, from the sheet"),
    ),
)

METHOD_SIGN_OFFS = InputTable(
    name="method_sign_offs",
    raw_asset="raw_method_sign_offs",
    description="Signatures that give a method back its right to carry money after reviewers found it wanting.",
    key=("link", "match_method", "signed_at"),
    created="signed_at",
    columns=(
        _LINK,
        _column(
            "match_method",
            _TEXT,
            "Method that may carry money again",
            required=True,
            allowed=METHODS,
        ),
        _column("signed_by", _TEXT, "Who signed", required=True),
        _column("signed_at", _WHEN, "When; verdicts up to then no longer bar the method", required=True),
        _column("reason", _TEXT, "What was mended, or why it is right after all", required=True),
    ),
)

PERIOD_LOCKS = InputTable(
    name="period_locks",
    raw_asset="raw_period_locks",
    description="Signatures under the figures of closed months; a later one for the same month signs its figures anew.",
    key=("period", "locked_at"),
    created="locked_at",
    columns=(
        _column("period", Kind.MONTH, "Cohort month whose bridge is locked", required=True),
        _column("action", _TEXT, "lock, or release; empty means lock", allowed=("lock", "release")),
        _column("locked_by", _TEXT, "Who signed", required=True),
        _column("locked_at", _WHEN, "When it was signed", required=True),
        _column("reason", _TEXT, "Why", required=True),
        _column(
            "signed_value",
            Kind.SIGNED_AMOUNT,
            "Collected of the month, in the reporting currency, that the signature is under; the lock takes no other",
        ),
    ),
)

INPUT_TABLES: tuple[InputTable, ...] = (
    META_INSIGHTS,
    LEADS,
    CRM_RECORDS,
    CRM_STAGE_CHANGES,
    ORDERS,
    INVOICES,
    PAYMENTS,
    TRANSFERS,
    FX_RATES,
    MANUAL_MATCHES,
    MANUAL_ADJUSTMENTS,
    VALIDATION_VERDICTS,
    METHOD_SIGN_OFFS,
    PERIOD_LOCKS,
)
INPUT_TABLE: dict[str, InputTable] = {table.name: table for table in INPUT_TABLES}
