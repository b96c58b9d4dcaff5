"""`reconcile open`: the published copy answers, a decision is a row of the inbox in force with the next run, and nothing else is written."""

import csv
import shutil
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.commands.decisions import LOCKS, MATCHES, VERDICTS, path_of
from reconciliation_assets.commands.open_page import PageNotReadyError, application, serve_page
from reconciliation_assets.commands.serve import PortTakenError
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.report import write_report
from reconciliation_assets.settings import Settings
from reconciliation_assets_tests.harness import AS_OF, Bench, drop
from reconciliation_assets_tests.rows import lead, order, payment

PHONE = "+971501234567"
POLICY = load_policy(None).policy
PAIR = {"link": "lead_order", "left_id": "L1", "right_id": "SO1"}
SAID = {"verified_by": "Mona", "reason": "called the customer"}


class Company:
    """A small company's data directory, whose runs are those of the chain."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(data_dir=home, as_of=AS_OF)
        self.decided = path_of(self.settings, MATCHES)

    def run(self) -> None:
        """Land the inbox, build the chain, publish it and write the report."""
        bench = Bench(self.settings.data_dir)
        built = bench.build().make_all()
        path = self.settings.published_path
        path.parent.mkdir(exist_ok=True)
        publish(built.warehouse, published_tables(), path)
        write_report(path, self.settings.reports_dir / "reconciliation.html", AS_OF, "en_AE")
        bench.close()

    def files(self) -> dict[str, bytes]:
        """Everything in the data directory, byte for byte."""
        home = self.settings.data_dir
        return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}

    def rows(self, table: str = MATCHES) -> list[dict[str, str]]:
        """What the file of decisions holds."""
        with path_of(self.settings, table).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def after_its_first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company's data directory: a family's phone, an order that was paid, and money that names nothing."""
    home = tmp_path_factory.mktemp("company")
    (home / "inbox").mkdir()
    drop(
        home / "inbox",
        {
            "leads": [lead("L1", "2026-03-01", market="AE", phone=PHONE, full_name="Fatima Ali")],
            "orders": [
                order("SO1", "2026-03-04", market="AE", phone=PHONE, full_name="Khalid Marri"),
                order("SO2", value="70"),
            ],
            "payments": [payment("P1", order_id="SO2", amount="70"), payment("P9", amount="31.5")],
        },
    )
    Company(home).run()
    return home


@pytest.fixture
def company(after_its_first_run: Path, tmp_path: Path) -> Company:
    shutil.copytree(after_its_first_run, tmp_path / "home")
    return Company(tmp_path / "home")


@pytest.fixture
def server(company: Company) -> Iterator[str]:
    """The address of the company's page."""
    config = uvicorn.Config(application(company.settings, POLICY, "secret"), port=0, log_level="critical")
    served = uvicorn.Server(config)
    thread = Thread(target=served.run)
    thread.start()
    while not served.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    served.should_exit = True
    thread.join()


@pytest.fixture
def browser(server: str) -> Iterator[httpx.Client]:
    """Somebody who opened the address that the terminal printed."""
    with httpx.Client(base_url=server, timeout=30) as client:
        assert client.get("/", params={"token": "secret"}).status_code == 303
        yield client


def told(browser: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = browser.get("/decisions").raise_for_status().json()
    return answer


def test_an_accepted_match_is_pending_until_the_next_run_and_in_force_after_it(
    company: Company, browser: httpx.Client
) -> None:
    before = told(browser)
    assert [each["right_id"] for each in before["possible"]] == ["SO1"]
    assert before["possible"][0]["value"] == 100_000
    assert browser.post("/decisions/manual_matches", json={**PAIR, **SAID, "verdict": "accept"}).status_code == 200
    (row,) = company.rows()
    assert row == {**PAIR, **SAID, "verdict": "accept", "verified_at": "2026-07-01T00:00:00+04:00"}
    assert told(browser)["pending"][MATCHES] == [row]
    company.run()
    after = told(browser)
    assert (after["possible"], after["pending"][MATCHES]) == ([], [])
    (link,) = [
        link for link in browser.get("/record", params={"id": "lead:L1"}).json()["links"] if link[0] == "lead_order"
    ]
    assert link[1:4] == ["L1", "SO1", "manual_verified"]


def test_a_rejected_match_is_gone_after_the_next_run(company: Company, browser: httpx.Client) -> None:
    browser.post("/decisions/manual_matches", json={**PAIR, **SAID, "verdict": "reject"})
    assert [each["verdict"] for each in told(browser)["pending"][MATCHES]] == ["reject"]
    company.run()
    assert (told(browser)["possible"], told(browser)["pending"][MATCHES]) == ([], [])
    assert browser.get("/record", params={"id": "order:SO1"}).json()["links"] == []


def test_money_of_no_record_is_given_to_an_order_that_there_is(company: Company, browser: httpx.Client) -> None:
    assert told(browser)["unmatched"] == [
        {"source_id": "P9", "value": 31_500, "reason": told(browser)["unmatched"][0]["reason"]}
    ]
    given = {"link": "order_payment", "left_id": "SO1", "right_id": "P9", "verdict": "accept", **SAID}
    refused = browser.post("/decisions/manual_matches", json={**given, "left_id": "SO7"})
    assert refused.status_code == 409
    assert "holds no order SO7" in refused.text
    assert browser.post("/decisions/manual_matches", json=given).status_code == 200
    company.run()
    assert (told(browser)["unmatched"], told(browser)["pending"][MATCHES]) == ([], [])
    assert browser.get("/record", params={"id": "order:SO1"}).json()["collected_value"] == 31_500


def test_a_link_that_is_made_can_be_rejected(company: Company, browser: httpx.Client) -> None:
    wrong = {"link": "order_payment", "left_id": "SO2", "right_id": "P1", "verdict": "reject", **SAID}
    assert browser.post("/decisions/manual_matches", json=wrong).status_code == 200
    assert len(told(browser)["pending"][MATCHES]) == 1
    company.run()
    assert told(browser)["pending"][MATCHES] == []
    assert [each["source_id"] for each in told(browser)["unmatched"]] == ["P1", "P9"]


def test_who_changes_their_mind_leaves_one_row_and_may_take_it_back(company: Company, browser: httpx.Client) -> None:
    browser.post("/decisions/manual_matches", json={**PAIR, **SAID, "verdict": "accept"})
    browser.post("/decisions/manual_matches", json={**PAIR, **SAID, "verdict": "reject"})
    assert [row["verdict"] for row in company.rows()] == ["reject"]
    assert browser.request("DELETE", "/decisions/manual_matches", json=PAIR).status_code == 200
    assert not company.decided.exists()
    assert browser.request("DELETE", "/decisions/manual_matches", json=PAIR).status_code == 409


def test_a_sampled_link_is_judged_with_all_that_its_sheet_would_bring_back(
    company: Company, browser: httpx.Client
) -> None:
    (sample,) = [each for each in told(browser)["samples"] if each["right_id"] == "P1"]
    key = {name: sample[name] for name in ("link", "left_id", "right_id", "match_method")}
    assert browser.post("/decisions/validation_verdicts", json={**key, **SAID, "verdict": "wrong"}).status_code == 200
    (row,) = company.rows(VERDICTS)
    assert (row["verdict"], row["note"], row["period"]) == ("wrong", SAID["reason"], "2026-03")
    assert (row["outcome"], row["stratum_links"]) == ("collected", "1")
    assert told(browser)["pending"][VERDICTS] == [row]
    company.run()
    assert told(browser)["pending"][VERDICTS] == []
    assert "P1" not in {each["right_id"] for each in told(browser)["samples"]}
    other = {**key, "right_id": "P9", **SAID, "verdict": "wrong"}
    assert browser.post("/decisions/validation_verdicts", json=other).status_code == 409


def test_a_month_is_locked_under_the_value_that_the_page_shows(company: Company, browser: httpx.Client) -> None:
    (month,) = told(browser)["months"]
    assert month == {"period": "2026-03", "value": 70_000, "is_locked": False}
    lock = {"period": "2026-03", "action": "lock", "signed_value": 70_000, **SAID}
    changed = browser.post("/decisions/period_locks", json={**lock, "signed_value": 69_000})
    assert (changed.status_code, changed.text.startswith("What 2026-03 collected has changed")) == (409, True)
    assert browser.post("/decisions/period_locks", json={**lock, "action": "release"}).status_code == 409
    assert browser.post("/decisions/period_locks", json=lock).status_code == 200
    (row,) = company.rows(LOCKS)
    assert (row["locked_by"], Decimal(row["signed_value"]), row["action"]) == ("Mona", Decimal(70), "lock")
    assert told(browser)["pending"][LOCKS] == [row]
    company.run()
    assert told(browser)["pending"][LOCKS] == []
    assert told(browser)["months"] == [{"period": "2026-03", "value": 70_000, "is_locked": True}]
    assert browser.post("/decisions/period_locks", json=lock).status_code == 409


@pytest.mark.parametrize("table", ["payments", "manual_adjustments", "..%2Fpolicy"])
def test_no_other_input_can_be_written(company: Company, browser: httpx.Client, table: str) -> None:
    before = company.files()
    assert browser.post(f"/decisions/{table}", json={**PAIR, **SAID, "verdict": "accept"}).status_code == 404
    assert company.files() == before


def test_nothing_but_the_file_of_decisions_is_written(company: Company, browser: httpx.Client) -> None:
    before = company.files()
    browser.post("/decisions/manual_matches", json={**PAIR, **SAID, "verdict": "accept"})
    for path in ("/", "/entries?line=collected", "/record?id=order:SO2", "/decisions"):
        assert browser.get(path).status_code == 200
    after = company.files()
    assert after.keys() - before.keys() == {"inbox/manual_matches-decided.csv"}
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"right_id": "SO2"}, 409),
        ({"link": "record_ad", "right_id": "A1"}, 409),
        ({"verdict": "maybe"}, 400),
        ({"link": "payments"}, 400),
        ({"verified_by": " "}, 400),
        ({"reason": ""}, 400),
        ({"reason": "one\ntwo"}, 400),
        ({"reason": "x" * 501}, 400),
        ({"verified_at": "2020-01-01"}, 400),
        ({"verified_by": "mona@example.com"}, 409),
        ({"reason": "she called from +971 50 123 4567"}, 409),
    ],
)
def test_what_is_no_decision_about_a_possible_match_is_refused_and_not_written(
    company: Company, browser: httpx.Client, change: dict[str, str], status: int
) -> None:
    refused = browser.post("/decisions/manual_matches", json={**PAIR, **SAID, "verdict": "accept", **change})
    assert refused.status_code == status, refused.text
    assert not company.decided.exists()


def test_a_reason_that_looks_like_a_formula_stays_text(company: Company, browser: httpx.Client) -> None:
    browser.post(
        "/decisions/manual_matches", json={**PAIR, "verdict": "accept", "verified_by": "@mona", "reason": "=1+1"}
    )
    assert (company.rows()[0]["verified_by"], company.rows()[0]["reason"]) == ("'@mona", "'=1+1")


def test_a_file_of_decisions_that_was_changed_is_left_as_it_is(company: Company, browser: httpx.Client) -> None:
    company.decided.write_text("link;left_id\nlead_order;L1\n", encoding="utf-8")
    refused = browser.post("/decisions/manual_matches", json={**PAIR, **SAID, "verdict": "accept"})
    assert refused.status_code == 409
    assert "was changed and cannot be read" in refused.text
    assert company.decided.read_text(encoding="utf-8") == "link;left_id\nlead_order;L1\n"


@pytest.mark.parametrize("path", ["/", "/entries?line=open", "/record?id=order:SO1", "/decisions", "/?token=guess"])
def test_who_was_not_told_the_token_sees_nothing(server: str, path: str) -> None:
    answer = httpx.get(f"{server}{path}", timeout=30)
    assert answer.status_code == 403
    assert "SO1" not in answer.text


def test_a_page_of_another_site_cannot_decide(company: Company, browser: httpx.Client) -> None:
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    answer = browser.post("/decisions/manual_matches", json={**PAIR, **SAID, "verdict": "accept"}, headers=headers)
    assert answer.status_code == 403
    assert not company.decided.exists()


def test_the_page_is_not_shown_while_the_report_of_a_newer_copy_is_missing(
    company: Company, browser: httpx.Client
) -> None:
    assert "As of" in browser.get("/").text
    (company.settings.reports_dir / "reconciliation.html").unlink()
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "reconcile run" in answer.text
    with pytest.raises(PageNotReadyError):
        serve_page(company.settings, POLICY, 0, print)


def test_a_port_that_somebody_listens_on_is_told(company: Company, server: str) -> None:
    with pytest.raises(PortTakenError):
        serve_page(company.settings, POLICY, int(server.rpartition(":")[2]), print)
