"""What the lines of the bridge and the kinds of link, exception and anomaly are called where people read them."""

LINES = {
    "platform_attributed": "Meta attributes (an estimate)",
    "claimed_not_captured": "claimed by Meta, never captured",
    "captured_not_claimed": "captured, not claimed by Meta",
    "valuation": "valued differently by Meta",
    "invalid_or_duplicate": "invalid or duplicate",
    "lost_or_cancelled": "lost or cancelled",
    "returned_refunded_failed": "returned, refunded or refused",
    "open": "still open",
    "value_and_basis": "final value, basis and currency",
    "manual_adjustment": "manual adjustments",
    "collected": "Collected",
}
# What each line holds, as the table of docs/definitions/bridge.md says it; a test holds the two together.
LINE_MEANINGS = {
    "platform_attributed": "Meta's attributed value, as reported and converted",
    "claimed_not_captured": "results Meta claims beyond the captured records, at Meta's average value",
    "captured_not_claimed": "captured records beyond Meta's results, at the captured average",
    "valuation": "the rest of captured stated value less Meta's value",
    "invalid_or_duplicate": "invalid, test, spam and duplicate records",
    "lost_or_cancelled": "lost opportunities, cancelled orders",
    "returned_refunded_failed": "returns, refused deliveries, refunds, chargebacks",
    "open": "stated, not lost, not yet paid",
    "value_and_basis": "final against stated value, tax, shipping, fees, exchange rates, over-payment",
    "manual_adjustment": "signed adjustments of finance",
    "collected": "collected money linked to the cohort's records, plus the adjustments",
}
LINKS = {
    "record_ad": "record to ad",
    "lead_crm": "lead to CRM",
    "lead_order": "order to lead",
    "order_payment": "payment to order",
    "crm_payment": "payment to CRM",
}

ANOMALIES = {
    "overrated_by_meta": "Overrated by Meta",
    "tracking_lost": "Tracking lost",
    "remittance_late": "Remittance late",
}

# Where the records behind each line are, in the published copy. Lines 1 to 3 compare totals, so theirs are all records.
RECORDS_OF_LINE = {
    "platform_attributed": "platform_performance",
    "claimed_not_captured": "platform_performance less matched_chain",
    "captured_not_claimed": "matched_chain less platform_performance",
    "valuation": "matched_chain less platform_performance",
    "invalid_or_duplicate": "bridge_entries where line = 'invalid_or_duplicate'",
    "lost_or_cancelled": "bridge_entries where line = 'lost_or_cancelled'",
    "returned_refunded_failed": "bridge_entries where line = 'returned_refunded_failed'",
    "open": "bridge_entries where line = 'open'",
    "value_and_basis": "bridge_entries where line = 'value_and_basis'",
    "manual_adjustment": "your manual_adjustments file",
    "collected": "matched_chain where collected_value <> 0, and match_links to its payments",
}

# What the report's script says; the template has all other words of the page.
PAGE = {
    "all_campaigns": "all campaigns",
    "every": "all",
    "none_said": "(none)",
    "stated": "Captured records state",
    "close": "Close",
    "entries": "{shown} of {all} entries, largest first; together {amount}.",
    "in_workbook": "This file holds the {most} largest of each line. The others are in reconciliation.xlsx beside it, and in `reconcile open`.",
    "no_entries": "No entries.",
    "more": "Show more",
    "record": "Record",
    "day": "Day",
    "campaign": "Campaign",
    "amount": "Amount",
    "why": "Why",
    "order": "Order",
    "month_and_campaign": "month and campaign",
    "no_campaign": "no campaign",
    "by_segment": "Meta's figures and the adjustments have no market and no offer, so with such a filter the bridge begins with what the captured records state.",
    "chain": "From ad to cash",
    "link": "Link",
    "from": "From",
    "to": "To",
    "method": "Method",
    "confidence": "Confidence",
    "at_stake": "At stake",
    "evidence": "Evidence",
    "no_links": "Nothing is linked to this record.",
    "from_stated_to_collected": "From stated to collected",
    "created_at": "Captured",
    "qualified_at": "Qualified",
    "won_at": "Won",
    "first_paid_at": "First paid",
    "rung": "Furthest rung",
    "invalid_reason": "Not valid because",
    "market": "Market",
    "offer": "Offer",
    "language": "Language",
    "owner": "Owner",
    "adset_id": "Ad set",
    "ad_id": "Ad",
    "chain_confidence": "Confidence of the chain",
    "stated_value": "Stated",
    "final_value": "Final value",
    "collected_value": "Collected",
    "refunded_value": "Refunded",
    "not_found": "There is no captured record of this ID.",
    "failed": "Nobody answers any more: start `reconcile open` again, and open the address it prints.",
    "possible": "Possible matches",
    "nothing_possible": "No possible match waits.",
    "unmatched": "Money of no record",
    "nothing_unmatched": "All settled money belongs to a record.",
    "left_out": "{number} more wait in match_reviews and unmatched_records.",
    "accept": "Accept",
    "reject": "Reject",
    "take_back": "Take back",
    "payment": "Payment",
    "order_id": "Order ID",
    "crm_id": "CRM ID",
    "pending": "in force with the next run",
    "decided": "Decided, waiting for the next run",
    "verdict": "Verdict",
    "verified_by": "Who decided",
    "reason": "Reason",
    "who_and_why": "Enter who decides and why, above, first.",
}

# What the owner of an exception does about it, by its kind; docs/definitions/exceptions.md says the same.
WHAT_TO_DO = {
    "closed_month_restated": "tell whoever reported the month",
    "locked_month_moved": "correct the source, or sign the month anew",
    "unusable_verdict": "correct the row of the sheet and drop it again",
    "method_awaits_signature": "mend it, then sign it again in method_sign_offs",
    "unknown_order_status": "add the word to order_statuses",
    "unknown_crm_stage": "add the word to crm_stages",
    "unknown_qualification_status": "add the word to crm_stages",
    "unknown_payment_status": "correct the export",
    "unmatched_money": "read the detail; correct the ID or enter a manual match",
    "money_kept_on_cancelled_order": "refund it or correct the status",
    "overpaid_order": "look for a payment booked twice or on the wrong order",
    "refunded_more_than_paid": "look for the missing payment",
    "money_on_invalid_record": "check the marking",
    "won_without_value": "enter the value in the CRM",
    "conflicting_leads": "correct one of the two",
    "merge_without_survivor": "export the survivor or repair the merge",
    "possible_match": "accept or reject it in reconcile open or in manual_matches",
    "manual_match_not_used": "decide again or remove it",
    "remittance_differs": "compare the transfer with its report and ask the provider for what is missing",
    "remittance_line": "claim it or give it back",
    "money_in_quarantine": "correct the row at the source and drop the file again",
    "unread_value": "correct the column at the source and drop the file again",
    "rows_of_one_key": "correct the export, or give it a column that tells which row is newer",
}

# Values of columns that pages and workbook show as words.
TERMS = (
    *("exact id", "manual verified", "exact contact", "crm relationship", "inferred", "unmatched"),
    *("total", "gain", "loss"),
    *("scale", "hold", "stop", "not enough yet", "not running"),
    *("captured", "valid", "qualified", "won", "collected"),
    *("ready", "waiting", "delivered", "refused", "refused by meta", "unanswered"),
)


def belong(number: int) -> str:
    """The verb of so many things that belong somewhere."""
    return "belongs" if number == 1 else "belong"
