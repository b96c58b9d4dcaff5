"""`reconcile policy diff`: what another policy would change, before anybody approves it, without touching the installation."""

import hashlib
from pathlib import Path

import pytest
import yaml

from reconciliation_assets_tests.installation import CommandResult, Installation
from reconciliation_assets_tests.rows import CAMPAIGN, insight, lead, lock, order, payment

COMPANY = {
    "meta_insights": [insight()],
    "leads": [lead("L1", campaign_id=CAMPAIGN, phone="+971501234567"), lead("L2", campaign_id=CAMPAIGN)],
    "orders": [
        order("SO1", "2026-04-20", phone="+971501234567", value="100", shipping="15"),
        order("SO2", lead_id="L2", status="handed to courier"),
    ],
    "payments": [payment("P1", "2026-04-21", order_id="SO1")],
}


def fingerprints(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data").drop(COMPANY)


def diff(installation: Installation, **policy: object) -> CommandResult:
    path = installation.home.parent / "new.yaml"
    path.write_text(
        yaml.safe_dump({"version": "next", "change_reason": "a proposal", "approved_by": "nobody yet", **policy})
    )
    return installation.reconcile("policy", "diff", str(path))


def line(told: CommandResult, name: str) -> list[str]:
    """The amounts of the first line of the answer that holds a name."""
    (first, *_) = [line for line in told.text.splitlines() if name in line]
    return first.partition(name)[2].split()


def test_it_tells_what_changes_by_campaign_and_line_in_the_reporting_currency(installation: Installation) -> None:
    told = diff(installation, basis={"include_shipping": False})
    assert told.status == 1
    assert "basis.include_shipping" in told.text
    assert "What changes in AED" in told.text
    assert line(told, "Collected") == ["100.00", "85.00", "−15.00"]
    assert line(told, "2026-03") == ["100.00", "85.00", "−15.00"]
    assert "Links made: the same." in told.text


def test_it_tells_links_and_rungs(installation: Installation) -> None:
    words = {"fulfilled": {"words": ["handed to courier"]}}
    told = diff(installation, matching={"contact_window_days": 10}, order_statuses=words)
    assert line(told, "order to lead, exact contact") == ["1", "0", "-1"]
    assert line(told, "won ") == ["0", "1", "+1"]


def test_a_policy_that_changes_no_figure_ends_well(installation: Installation) -> None:
    told = diff(installation, owners={"default": "ops"})
    assert told.status == 0
    assert "owners.default" in told.text
    assert "No line of the bridge changes" in told.text


def test_it_leaves_an_installation_that_never_ran_as_it_was(installation: Installation) -> None:
    before = fingerprints(installation.home)
    assert diff(installation, basis={"include_shipping": False}).status == 1
    assert fingerprints(installation.home) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("basis: {include_shipping: maybe}\nversion: x\nchange_reason: y\n", "basis.include_shipping"),
        ("basis: {include_shipping: false}\n", "has no version and no change_reason"),
        ("basis: [\n", "is not readable as YAML"),
    ],
)
def test_a_policy_that_cannot_be_used_is_said_in_a_sentence(installation: Installation, text: str, says: str) -> None:
    path = installation.home.parent / "bad.yaml"
    path.write_text(text)
    told = installation.reconcile("policy", "diff", str(path))
    assert told.status == 2
    assert says in told.text
    assert "Traceback" not in told.text


def test_a_policy_that_is_not_there_is_said_in_a_sentence(installation: Installation) -> None:
    told = installation.reconcile("policy", "diff", "/no/such/policy.yaml")
    assert (told.status, "does not exist" in told.text) == (2, True)


def test_amounts_in_two_currencies_are_not_subtracted(installation: Installation) -> None:
    told = diff(installation, reporting_currency="SAR")
    assert told.status == 1
    assert "cannot be subtracted" in told.text
    assert "What changes in" not in told.text


@pytest.mark.slow(seconds=170)
def test_beside_a_running_installation_it_touches_nothing_and_knows_its_locks(installation: Installation) -> None:
    installation.drop({"period_locks": [lock()]})
    assert installation.reconcile().status == 0
    before = fingerprints(installation.home)
    told = diff(installation, basis={"include_shipping": False})
    assert told.status == 1
    assert "A run under the new policy would be stopped by locked_differences, check locked_months_hold" in told.text
    assert "the policy is now next, not 4" in " ".join(told.text.split())
    assert fingerprints(installation.home) == before

    used = diff(installation, version="4", basis={"include_shipping": False})
    assert "version_names_its_definitions" in used.text, "a version stands for one set of definitions"


@pytest.mark.slow(seconds=170)
def test_a_director_locks_a_month_and_what_people_read_stays(installation: Installation) -> None:
    installation.drop({"period_locks": [lock(locked_at="2026-06-30T18:00:00+04:00")]})
    assert installation.reconcile().status == 0
    published = installation.published()

    late = [*COMPANY["payments"], payment("P2", "2026-06-30", "20", order_id="SO1", kind="refund")]
    installation.drop({"payments": late})
    stopped = installation.reconcile()
    assert stopped.status == 1
    told = " ".join(stopped.text.split())
    assert "Stopped by locked_differences, check locked_months_hold: 2026-03 was locked by finance-director" in told
    assert installation.published() == published

    signed = lock(locked_at="2026-06-30T23:00:00+04:00", locked_by="cfo", reason="refund P2 belongs to March")
    installation.drop({"period_locks": [lock(locked_at="2026-06-30T18:00:00+04:00"), signed]})
    assert installation.reconcile().status == 0
    sql = "select locked_amount, amount from reporting.locked_differences where line = 'collected' and campaign_id is not null"
    assert installation.rows(sql) == [(80, 80)]
    page = (installation.home / "reports" / "reconciliation.html").read_text("utf-8")
    assert "Closed months" in page
    assert "cfo" in page
