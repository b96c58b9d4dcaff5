"""The page "start in one sitting", performed as it stands on five messy exports of a made-up shop."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from reconciliation_assets.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow(seconds=60)

EXPORTS = {
    "Untitled report-Apr 1 - Apr 30 (2).csv": """Reporting starts,Reporting ends,Day,Account ID,Campaign name,Campaign ID,Ad set name,Ad set ID,Ad name,Ad ID,Attribution setting,Amount spent (AED),Impressions,Clicks (all),Result indicator,Results,Purchases conversion value
2026-04-01,2026-04-01,2026-04-01,act_77,Oud | UAE,501,Women,601,Video,701,7-day click or 1-day view,"1,000.00","12,000",300,actions:omni_purchase,4,"1,200.00"
2026-04-02,2026-04-02,2026-04-02,act_77,Oud | UAE,501,Women,601,Video,701,7-day click or 1-day view,200.00,"2,000",30,,,
,,,act_77,,,,,,,,"1,200.00","14,000",330,,4,"1,200.00"
""",
    "Form leads (1).csv": """id\tcreated_time\tad_id\tad_name\tadset_id\tadset_name\tcampaign_id\tcampaign_name\tform_id\tform_name\tis_organic\tplatform\tfull_name\tphone_number\temail
l:9001\t2026-04-01T09:00:00+04:00\tag:701\tVideo\tas:601\tWomen\tc:501\tOud | UAE\tf:31\tOffer\tfalse\tig\tA. Someone\tp:+971501234567\ta@example.com
l:9002\t2026-04-01T10:00:00+04:00\tag:701\tVideo\tas:601\tWomen\tc:501\tOud | UAE\tf:31\tOffer\tfalse\tfb\tB. Someone\tp:+971501234568\tb@example.com
""",
    "orders_export_1.csv": """Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Shipping Name,Phone,Shipping Country,Note Attributes,Cancelled at,Payment Method
#1001,a@example.com,paid,2026-04-02 10:00:00 +0400,fulfilled,2026-04-03 09:00:00 +0400,AED,500.00,0.00,0.00,500.00,,0.00,2026-04-02 09:59:00 +0400,1,Oud 50 ml,250.00,A. Someone,0501234567,AE,,,Stripe
#1001,a@example.com,,,,,,,,,,,,2026-04-02 09:59:00 +0400,1,Musk 30 ml,250.00,,,,,,
#1002,c@example.com,paid,2026-04-03 10:00:00 +0400,fulfilled,2026-04-04 09:00:00 +0400,AED,300.00,0.00,0.00,300.00,,0.00,2026-04-03 09:59:00 +0400,1,Oud,300,C. Someone,0551234560,AE,,,Stripe
""",
    "Itemized_balance_change.csv": """balance_transaction_id,created_utc,created,currency,gross,fee,net,reporting_category,source_id,automatic_payout_id,customer_email,charge_id,payment_intent_id,payment_metadata[order_id]
txn_1,2026-04-02 06:00:00,2026-04-02 10:00:00,aed,500.00,15.50,484.50,charge,ch_1,po_1,a@example.com,ch_1,pi_1,1001
txn_2,2026-04-03 06:00:00,2026-04-03 10:00:00,aed,300.00,9.50,290.50,charge,ch_2,po_1,c@example.com,ch_2,pi_2,1002
txn_3,2026-04-05 08:00:00,2026-04-05 12:00:00,aed,-100.00,0.00,-100.00,refund,re_1,po_1,a@example.com,ch_1,pi_1,1001
txn_4,2026-04-06 08:00:00,2026-04-06 12:00:00,aed,-675.00,0.00,-675.00,payout,po_1,,,,,
""",
    "كشف حساب.csv": """كشف حساب;;;;;
التاريخ;البيان;مدين;دائن;الرصيد;العملة
07/04/2026;STRIPE PAYOUT po_1;;675.00;1675.00;AED
08/04/2026;حوالة واردة;;١٥٠٫٠٠;1825.00;AED
09/04/2026;إيجار المكتب;1000.00;;825.00;AED
""",
}


def test_from_five_messy_exports_to_a_page_by_the_docs_alone(tmp_path: Path) -> None:
    downloads = tmp_path / "Downloads" / "exports"
    downloads.mkdir(parents=True)
    for name, content in EXPORTS.items():
        (downloads / name).write_text(content, "utf-8")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    blocks = re.findall(
        r"^```sh\n(.*?)^```", (PROJECT_ROOT / "docs/start.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    # Setting up was done for these tests, and init without options is for a person.
    commands = [
        line
        for block in blocks
        for line in block.splitlines()
        if not line.startswith("make ") and not line.endswith(" init")
    ]
    assert [command.split()[:2] for command in commands] == [
        [".venv/bin/reconcile", "init"],
        ["cp", "~/Downloads/exports/*"],
        [".venv/bin/reconcile", "inspect"],
        [".venv/bin/reconcile", "run"],
    ]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("RECON_", "DAGSTER_"))}
    done = subprocess.run(
        ["/bin/sh", "-eu"],
        input="\n".join(commands),
        cwd=tmp_path,
        env=own
        | {"HOME": str(tmp_path), "RECON_DATA_DIR": str(tmp_path / "data"), "RECON_AS_OF": "2026-07-15T00:00:00+04:00"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "data/reports/reconciliation.html").stat().st_size > 10_000
    published = duckdb.connect(str(tmp_path / "data/published/reconciliation.duckdb"), read_only=True)
    # 500 less 100 refunded came from the lead's phone; 300 of an order without a lead; 150 by an unnamed transfer. The payout
    # is the same money a second time.
    assert published.sql(
        "select coalesce(campaign_name, 'none'), cast(sum(collected_value) as decimal(18, 2))::varchar from reporting.two_numbers group by 1 order by 1"
    ).fetchall() == [("Oud | UAE", "400.00"), ("none", "300.00")]
    assert published.sql(
        "select cast(sum(amount) as decimal(18, 2))::varchar from reporting.unmatched_revenue"
    ).fetchall() == [("150.00",)]
    assert published.sql(
        "select cast(sum(collected_value) as decimal(18, 2))::varchar from reporting.cash_view"
    ).fetchall() == [("850.00",)]
    published.close()
