"""Meanings of column names that are the same in every table; a table's own header overrides them."""

from collections.abc import Mapping
from typing import Final

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.contracts.model import Kind, Meaning, OutputTable

COMMON: Final[Mapping[str, Meaning]] = {
    "account_id": Meaning("Meta ad account"),
    "ad_id": Meaning("Meta ad"),
    "adset_id": Meaning("Meta ad set"),
    "amount_key": Meaning("Currency and amount as one word"),
    "at_day": Meaning("Time of the record, in days since 1970", "days"),
    "attributed_value_reporting": Meaning(
        "Value Meta attributes, converted; an estimate, never money", "reporting currency"
    ),
    "busy_leads": Meaning("Of those, leads of owners who answer too late or have too many open", "count"),
    "campaign_id": Meaning("Meta campaign; empty for records with no campaign"),
    "campaign_name": Meaning("Name of the campaign"),
    "candidates": Meaning("How many pairs competed with the same strength", "count"),
    "captured": Meaning("Captured records", "count"),
    "click_id": Meaning("Click identifier (fbclid, fbc)"),
    "closing_amount": Meaning("What the payment closes of its order or opportunity, in their currency", "own currency"),
    "cohort_date": Meaning("Day the record was created, in the policy's zone"),
    "cohort_start": Meaning("First day of the cohort month"),
    "collected": Meaning("Records with collected money", "count"),
    "collected_exact_value": Meaning("Collected money whose links are all manual or by exact ID", "reporting currency"),
    "collected_per_record": Meaning("Collected money per record that paid", "reporting currency"),
    "collected_rate": Meaning("Collected records per won record", "share"),
    "collected_roas": Meaning("Collected money per spend, through all methods", "ratio"),
    "collected_value": Meaning(
        "Settled payments less settled refunds and chargebacks, plus their reversals, on the policy's basis",
        "reporting currency",
    ),
    "consent": Meaning("Consent given at capture"),
    "created_date": Meaning("Day of creation in the policy's zone"),
    "credit_value": Meaning(
        "What was settled without cash, by gift card, store credit or points", "reporting currency"
    ),
    "crm_id": Meaning("The CRM record"),
    "currency": Meaning("Currency of the row's amounts"),
    "customer_id": Meaning("Customer in the shop"),
    "daily_spend": Meaning("Spend a day over the last four weeks", "reporting currency"),
    "email_key": Meaning("Protected key of the e-mail address (keyed HMAC-SHA-256)"),
    "entered": Meaning("Records that came to the step in the period judged", "count"),
    "event_id": Meaning("The event, the same from run to run; Meta counts it once"),
    "event_name": Meaning("What the event is called at Meta, by the policy"),
    "event_time": Meaning("When the outcome was reached"),
    "evidence": Meaning("Why the two are linked, in words"),
    "evidence_kind": Meaning("Kind of evidence: who the payer or record shares what with, and how the amount fits"),
    "exception_id": Meaning("The exception, the same from run to run"),
    "fee_amount": Meaning("Fees kept", "own currency"),
    "final_amount": Meaning("Final value in its own currency", "own currency"),
    "final_value": Meaning(
        "Agreed value that still stands: what the order is worth now, else gross less discount, or the opportunity's final value",
        "reporting currency",
    ),
    "finding": Meaning("The row in words"),
    "first_paid_at": Meaning("When the first money arrived"),
    "first_response_at": Meaning("When sales first answered"),
    "form_id": Meaning("Form that captured the lead"),
    "goods_returned_value": Meaning("Goods that came back beyond what was refunded", "reporting currency"),
    "gross_value": Meaning("Placed value with tax and shipping, converted", "reporting currency"),
    "identifiers": Meaning("Kinds of identifier by which Meta knows the person; never their values"),
    "invalid_reason": Meaning("Why the record is not valid"),
    "is_complete": Meaning("Whether the cohort is old enough to be compared"),
    "is_doubtful": Meaning("Whether a contact is shared under another name"),
    "is_likely": Meaning("Whether the pair is likely enough for a person to look at"),
    "is_open": Meaning("Whether a partner is looked for"),
    "is_overpaid": Meaning("Whether more was paid than the final value"),
    "is_passed": Meaning("Whether it passed the step within the step's days"),
    "is_refund": Meaning("Whether it is a refund, a chargeback or the reversal of one"),
    "is_status_unknown": Meaning("Whether the policy lacks the status"),
    "is_valid": Meaning("Whether the record is neither test, spam, invalid nor a duplicate"),
    "judged": Meaning("Hidden records that the method linked", "count"),
    "landing_page": Meaning("First page of the visit; its host and path are kept"),
    "landing_id": Meaning("Delivery that brought the row"),
    "language": Meaning("Language of the form or shop"),
    "last_spent_on": Meaning("Last day the campaign spent"),
    "lead_id": Meaning("The lead"),
    "left_at": Meaning("Time of the left end"),
    "left_id": Meaning("Left end of the link"),
    "line": Meaning("Line of the bridge"),
    "link": Meaning("Kind of link"),
    "locked_at": Meaning("When it was signed"),
    "locked_by": Meaning("Who signed"),
    "market": Meaning("Country, as ISO 3166 code; local phone numbers are read in it"),
    "match_confidence": Meaning("How sure the link is", "share"),
    "match_method": Meaning("How the two were linked"),
    "maturity_day": Meaning("Days after capture at which the cohort is judged", "days"),
    "median_cycle_days": Meaning("Median time from capture to won", "days"),
    "median_days_to_cash": Meaning("Median time from capture to the first money", "days"),
    "median_response_minutes": Meaning("Median time from capture to the first answer", "minutes"),
    "method": Meaning("How it was paid"),
    "name_keys": Meaning("Protected keys of the words of the name"),
    "name_sound_keys": Meaning("Protected keys of how the words of the name sound"),
    "net_amount": Meaning("Payments less refunds and fees: what should arrive", "own currency"),
    "next_step": Meaning("What the owning team does first"),
    "offer": Meaning("Course, product or service asked for"),
    "open_value": Meaning("Final value not yet paid", "reporting currency"),
    "order_id": Meaning("The order"),
    "owner": Meaning("Who answers for it"),
    "paid_at": Meaning("When the money moved"),
    "paid_basis_value": Meaning("Payments on the policy's basis", "reporting currency"),
    "paid_date": Meaning("Day the money moved, in the policy's zone"),
    "paid_records": Meaning("Records with collected money", "count"),
    "paid_value": Meaning("Payments before refunds", "reporting currency"),
    "passed": Meaning("Records of those that passed it in time", "count"),
    "past_entered": Meaning("Records that came to the step in the past", "count"),
    "payment_id": Meaning("The payment"),
    "payment_method": Meaning(
        "How it was to be paid by its orders, else how its money came; (several) where they differ"
    ),
    "period_start": Meaning("First day of the cohort month"),
    "phone_key": Meaning("Protected key of the phone number (keyed HMAC-SHA-256)"),
    "platform_value": Meaning("Value Meta attributes; an estimate, never money", "reporting currency"),
    "policy_version": Meaning("Policy the figure was computed under"),
    "precision": Meaning("Share of them that were right", "share"),
    "precision_floor": Meaning("Precision below which the method carries no money", "share"),
    "probability": Meaning("Chance that the pair belongs together, among its rivals", "share"),
    "qualified": Meaning("Records that qualified", "count"),
    "qualified_at": Meaning("When the record qualified"),
    "qualified_rate": Meaning("Qualified records per valid record", "share"),
    "recent_leads": Meaning("Leads of the last four weeks", "count"),
    "record_id": Meaning("Captured record: lead:<lead_id> or order:<order_id>"),
    "record_type": Meaning("Whether it is a lead or an order"),
    "refunded_amount": Meaning("Refunds and chargebacks less their reversals", "own currency"),
    "refunded_value": Meaning("Settled refunds and chargebacks less their reversals", "reporting currency"),
    "results": Meaning("Results Meta claims", "count"),
    "right_id": Meaning("Right end of the link"),
    "row_number": Meaning("Row as a spreadsheet numbers it, the header being 1"),
    "rule": Meaning("Rule that found the duplicate"),
    "rung": Meaning("Furthest rung of the ladder the record reached"),
    "rung_order": Meaning("Rung as a number, captured being 0"),
    "segment": Meaning("The segment; empty for the whole, (none) where the record says nothing"),
    "segment_kind": Meaning("What the segment is one of"),
    "session_id": Meaning("Web session"),
    "settled_at": Meaning("Earliest payment of the settlement"),
    "signed_amount": Meaning("Money in positive, money out negative", "own currency"),
    "source": Meaning("Traffic source"),
    "source_id": Meaning("Key of the row in its input table"),
    "source_table": Meaning("Input table"),
    "spend_value": Meaning("Spend, converted", "reporting currency"),
    "stated_value": Meaning(
        "Own stated value, else gross value of the orders, else the opportunity's final value", "reporting currency"
    ),
    "step": Meaning("Step between the ad and the money at which records are lost"),
    "unique_id": Meaning("The record, as one end of links"),
    "valid": Meaning("Valid records", "count"),
    "valid_rate": Meaning("Valid records per captured record", "share"),
    "value_squares": Meaning("Sum of the squared values; says on how many records a rate by value rests"),
    "verdicts": Meaning("Verdicts of correct or wrong that count", "count"),
    "verified_at": Meaning("When it was decided"),
    "verified_by": Meaning("Who decided"),
    "weights": Meaning("What each comparison adds, in powers of two"),
    "window_days": Meaning("Days that every record had to pass the step", "days"),
    "window_end": Meaning("Last day of the period judged"),
    "window_start": Meaning("First day of the period judged"),
    "won": Meaning("Records won or fulfilled", "count"),
    "won_at": Meaning("When the record was won or fulfilled"),
    "won_rate": Meaning("Won records per qualified record", "share"),
}

_UNITS: Final[Mapping[Kind, str]] = {
    Kind.AMOUNT: "own currency",
    Kind.SIGNED_AMOUNT: "own currency",
    Kind.COUNT: "count",
    Kind.RATE: "rate",
}


def meaning_of(table: OutputTable, column: str) -> Meaning:
    """Meaning of a table's column: from the table's header, else from the input table it cleans, else the common one.

    Raises:
        LookupError: the column has no meaning anywhere.
    """
    if column in table.columns:
        return table.columns[column]
    for delivered in INPUT_TABLE.get(table.name, ()):
        if delivered.name == column:
            return Meaning(delivered.description, _UNITS.get(delivered.kind))
    if column not in COMMON:
        raise LookupError(f"{table.layer}.{table.name}: say in its head, under `columns`, what {column} means.")
    return COMMON[column]
