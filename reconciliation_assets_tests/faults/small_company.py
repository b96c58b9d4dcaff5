"""A company of a few rows that fills nearly every published table, on two days: for trials that run it over and over."""

from pathlib import Path

from reconciliation_assets_tests.harness import KEY, Company, drop, policy_file, write_csv
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.rows import (
    AD,
    CAMPAIGN,
    adjustment,
    crm,
    decision,
    insight,
    invoice,
    lead,
    lock,
    order,
    payment,
    refund,
    sign_off,
    transfer,
    verdict,
)

FIRST_DAY, SECOND_DAY = "2026-06-30T00:00:00+04:00", "2026-07-01T00:00:00+04:00"

STAYS_EMPTY = {"anomalies", "capi_deliveries", "match_backtest", "match_calibration", "match_reviews"}
"""What only a longer history, a larger company or a sending fills."""


def _phone(number: int) -> str:
    return f"+9715012345{number:02}"


def _day(number: int, of_month: int = 5) -> str:
    return f"2026-{2 + number // 4:02}-{of_month + number % 4:02}"


COMPANY: Company = {
    "meta_insights": [insight(f"2026-{month:02}-{day:02}") for month in (2, 3, 4) for day in (1, 5, 9)],
    "leads": [
        *(
            lead(
                f"L{number}",
                _day(number),
                phone=_phone(number),
                campaign_id=CAMPAIGN,
                ad_id=AD,
                meta_lead_id=f"1203456789012{number:02}",
                consent="true",
                market="AE",
                offer="diploma",
            )
            for number in range(12)
        ),
        lead("L12", _day(0), phone=_phone(0), campaign_id=CAMPAIGN, market="AE", offer="diploma"),
        lead("L13", _day(1), is_test="true"),
        *(lead(f"L{number}", f"2026-{number % 2 + 5:02}-24") for number in range(14, 24)),
    ],
    "crm_records": [
        *(
            crm(f"C{number}", _day(number, 10), "won", lead_id=f"L{number}", won_at=_day(number, 15), final_value=500)
            for number in (1, 3, 5)
        ),
        *(
            crm(f"C{number}", _day(number, 10), "lost", lead_id=f"L{number}", lost_at=_day(number, 15))
            for number in (0, 2, 4)
        ),
        crm("C6", "2026-06-26", "won", lead_id="L11", won_at="2026-06-28", final_value=300),
    ],
    "crm_stage_changes": [{"crm_id": "C1", "stage": "qualified", "entered_at": "2026-02-12T12:00:00+04:00"}],
    "orders": [
        *(
            order(
                f"O{number}",
                f"2026-03-{number + 1:02}",
                value=100 + number,
                phone=_phone(number),
                waybill=f"AWB{number}",
            )
            for number in range(6)
        ),
        order("O6", "2026-03-09", status="cancelled"),
        order("O10", "2026-03-09", is_test="true"),
        order("O11", "2026-06-25", status="delivered"),
    ],
    "invoices": [invoice("I1", order_id="O1")],
    "payments": [
        *(
            payment(
                f"P{number}",
                f"2026-03-{number + 10:02}",
                100 + number,
                order_id=f"O{number}",
                settlement_id="S1",
                method="cod",
                waybill=f"AWB{number}",
            )
            for number in range(4)
        ),
        payment("P4", "2026-03-20", 77),
        payment("P5", "2026-02-20", 500, crm_id="C1"),
        payment("P8", "2026-03-21", 33, payer_name="Nobody We Know"),
        payment("P9", "2026-06-26", order_id="O11"),
        refund("R1", "2026-03-22", 10, order_id="O1"),
    ],
    "transfers": [transfer("T1", "2026-03-20", 406, reference="S1")],
    "fx_rates": [{"date": "2026-01-01", "currency": "USD", "rate": "3.6725"}],
    "manual_matches": [decision("order_payment", "O4", "P4")],
    "manual_adjustments": [adjustment("A1", "12.50")],
    "validation_verdicts": [verdict("lead_crm", "L1", "C1")],
    "method_sign_offs": [sign_off("lead_crm", "exact_id")],
    "period_locks": [lock("2026-02")],
}
"""What lies in the inbox on the first day."""


def on_its_first_day(home: Path) -> Installation:
    """The company before any run."""
    first = Installation(home, FIRST_DAY, RECON_CONTACT_KEY=KEY.decode()).drop(COMPANY)
    policy_file(home, {"thresholds": {"quarantine_share": 0.5}})
    return first


def on_its_second_day(first: Installation, home: Path) -> Installation:
    """The company after a run of the first day: with new files, changed ones, one that was taken away, and rows that cannot be used."""
    first.copy_to(home)
    second = Installation(home, SECOND_DAY, RECON_CONTACT_KEY=KEY.decode())
    (second.inbox / "invoices.csv").unlink()
    changed = [*COMPANY["payments"], payment("P6", "2026-02-25", 40, crm_id="C3"), payment("P7", "2026-02-30")]
    drop(second.inbox, {"payments": changed, "period_locks": [lock("2026-02"), lock("2026-02", "2026-06-29")]})
    write_csv(
        second.inbox / "orders-new.csv",
        "orders",
        [order("O5", "2026-03-06", value=90, updated_at="2026-06-29"), order("O7", "2026-06-29")],
    )
    write_csv(second.inbox / "orders-bad.csv", "orders", [order("O8", "2026-06-31"), order("O9", currency="dirham")])
    (second.inbox / "leads-bad.csv").write_text("a file,without\nits,columns\n", encoding="utf-8")
    return second
