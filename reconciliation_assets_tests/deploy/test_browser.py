"""What a person sees, in a real browser: from an alert's link to the red check and its plot, and the report on desk, phone and paper.

`make pictures` runs the tests marked `picture` with RECON_PICTURES set, which keeps the screenshots.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import dagster as dg
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reconciliation_assets.operations.alerts import AlertState, SensorState
from reconciliation_assets.operations.collectors import Tick, failed_checks
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.report import write_report
from reconciliation_assets.publish.wording import wording
from reconciliation_assets.publish.words import LINES, PAGE
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.deploy.processes import answers, free_port, running, wait_until
from reconciliation_assets_tests.harness import policy_file
from reconciliation_assets_tests.installation import RECONCILE, CommandResult, Installation
from reconciliation_assets_tests.operations.asset_groups import GROUPS

pytestmark = pytest.mark.slow(seconds=120)
CHROMIUM, PDFTOTEXT = shutil.which("chromium"), shutil.which("pdftotext")
SECONDS = 30_000


@pytest.fixture(scope="module")
def chromium() -> str:
    if not CHROMIUM:
        pytest.skip("needs chromium (apt-get install chromium)")
    return CHROMIUM


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(chromium: str, below_its_floor: tuple[Installation, CommandResult]) -> Iterator[str]:
    """The read-only UI of the sample company, whose owner asks for more matched payments than there are.

    Name it before the browser: the run in this process and the browser's event loop do not go together.
    """
    installation, _ = below_its_floor
    port = free_port()
    environment = {**os.environ, **installation.environment, "RECON_DOCS_URL": "https://git.example.com/project"}
    with running([str(RECONCILE), "viewer", "--port", str(port)], installation.home / "viewer.log", environment):
        wait_until(lambda: answers(port), 240, "the UI listens")
        yield f"http://127.0.0.1:{port}"


def keep(page: Page, name: str) -> None:
    """Keep a screenshot for the README, where it is asked for."""
    if folder := os.environ.get("RECON_PICTURES"):
        page.screenshot(path=PROJECT_ROOT / folder / f"{name}.png")


def open_plot(page: Page, title: str = "plot") -> None:
    # Seen at once, in letters; and larger, as a picture.
    expect(page.locator("pre", has_text="█").first).to_be_visible(timeout=SECONDS)
    page.get_by_text(re.compile("show markdown", re.IGNORECASE)).first.click(timeout=SECONDS)
    picture = page.get_by_role("dialog").get_by_role("img", name=title, exact=True)
    expect(picture).to_be_visible(timeout=SECONDS)
    assert picture.evaluate("image => image.naturalWidth") > 600


@pytest.fixture(scope="module")
def alert(address: str, below_its_floor: tuple[Installation, CommandResult]) -> AlertState:
    """What on-call is told of the run that was stopped, with the UI where it is served."""
    installation, _ = below_its_floor
    check = dg.AssetCheckKey(dg.AssetKey("match_coverage"), "order_payment_above_floor")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(installation.home / ".dagster"))
        instance = dg.DagsterInstance.get()
    with instance:
        collect = failed_checks("match_rate", [check])
        findings = collect(Tick(instance, SensorState(), load_policy(None).policy, address, datetime.now(UTC)))
        return [found for found in findings if found.is_broken][-1]


@pytest.mark.picture
def test_from_an_alerts_link_to_the_red_check_and_from_there_to_its_plot(alert: AlertState, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1500, "height": 860})
    page.goto(alert.link)
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text(alert.message.split(";")[0]).first).to_be_visible(timeout=SECONDS)
    page.wait_for_timeout(1500)
    keep(page, "checks")
    page.get_by_role("tab", name="Overview").first.click()
    open_plot(page)
    page.close()


@pytest.mark.picture
def test_an_asset_tells_what_it_is_who_answers_for_it_and_where_to_read_on(address: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1500, "height": 860})
    page.goto(f"{address}/assets/bridge?view=overview")
    for words in ("One row per cohort month, campaign and line", "finance", "reporting currency"):
        expect(page.get_by_text(words).first).to_be_visible(timeout=SECONDS)
    definition = page.get_by_role("link", name="docs/definitions/bridge.md", exact=True).first
    assert definition.get_attribute("href") == "https://git.example.com/project/docs/definitions/bridge.md"
    keep(page, "catalog")
    open_plot(page)
    page.wait_for_timeout(500)
    keep(page, "bridge")
    page.close()


@pytest.mark.picture
def test_the_graph_shows_every_layer(address: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1500, "height": 900})
    page.goto(f"{address}/asset-groups")
    for layer in GROUPS:
        expect(page.get_by_text(layer, exact=True).first).to_be_visible(timeout=SECONDS)
    page.wait_for_timeout(1500)
    # The UI fits the graph to the frame's width; a little smaller, its height fits too.
    page.mouse.move(1000, 430)
    page.keyboard.down("Control")
    page.mouse.wheel(0, 240)
    page.keyboard.up("Control")
    page.wait_for_timeout(1000)
    for layer in GROUPS:
        node = page.get_by_text(layer, exact=True).last.bounding_box()
        assert node
        assert 300 < node["x"] < node["x"] + node["width"] < 1490, (layer, "is beside the frame, or behind the buttons")
        assert 110 < node["y"] < 890, (layer, "is above or below the frame")
    keep(page, "graph")
    page.close()


def test_who_only_looks_can_start_nothing(address: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{address}/assets/bridge?view=overview")
    expect(page.get_by_role("button", name="Materialize")).to_be_disabled(timeout=SECONDS)
    refused = page.request.post(
        f"{address}/graphql",
        data={"query": "mutation { reloadWorkspace { __typename ... on UnauthorizedError { message } } }"},
    )
    assert refused.json()["data"]["reloadWorkspace"]["__typename"] == "UnauthorizedError"
    page.close()


@pytest.fixture(scope="module")
def report(finished: Installation) -> str:
    """The report that a run of the sample company wrote."""
    return (finished.home / "reports" / "reconciliation.html").as_uri()


@pytest.mark.picture
@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_its_window_without_network_and_script(
    report: str, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        java_script_enabled=False,
        offline=True,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        device_scale_factor=2 if width == 360 else 1,
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report)
    assert asked == [report]
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    main = page.locator("main").bounding_box()
    assert main
    assert main["x"] + main["width"] <= width
    for table in page.locator(".scroll").all():
        frame = table.bounding_box()
        assert frame
        assert frame["x"] + frame["width"] <= width, "a wide table scrolls in its frame, not the page"
    bridge = page.locator(".scroll > table").first.bounding_box()
    assert bridge
    assert bridge["x"] + bridge["width"] <= width, "the bridge needs no scrolling, on a phone neither"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 30)"
    assert dark == (scheme == "dark")
    if (width, scheme) in {(1100, "light"), (360, "dark")}:
        keep(page, "report" if width == 1100 else "report-phone")
    context.close()


@pytest.mark.picture
def test_the_report_in_arabic_fits_its_window(finished: Installation, browser: Browser, tmp_path: Path) -> None:
    write_report(finished.published_path, tmp_path / "ar.html", datetime(2026, 7, 1, tzinfo=UTC), "ar_AE")
    for width in (390, 1100):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto((tmp_path / "ar.html").as_uri())
        fits(page)
        if width == 1100:
            keep(page, "report-arabic")
        page.close()


def test_the_report_prints_on_a_few_pages_with_the_bridge_whole_on_the_first(
    report: str, browser: Browser, tmp_path: Path
) -> None:
    if not PDFTOTEXT:
        pytest.skip("needs pdftotext (apt-get install poppler-utils)")
    page = browser.new_page()
    page.goto(report)
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    page.close()
    text = subprocess.run(
        [PDFTOTEXT, "-layout", str(tmp_path / "report.pdf"), "-"], check=True, capture_output=True, text=True
    ).stdout
    pages = text.removesuffix("\f").split("\f")
    assert len(pages) <= 8
    assert all(f"{number}/{len(pages)}" in re.sub(r"\s", "", page) for number, page in enumerate(pages, 1))
    for name in LINES.values():
        assert name in pages[0]
    assert "Meta's figures are estimates of influence" in pages[-1], "nothing is cut off"


def test_a_phone_shows_answer_bridge_and_campaigns_first_and_every_table_whole(report: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto(report)
    campaigns = page.locator(
        "section", has=page.get_by_role("heading", name="Attributed and collected by campaign")
    ).bounding_box()
    assert campaigns
    assert campaigns["y"] + campaigns["height"] < 4000
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for table in page.locator("table").all():
        frame = table.bounding_box()
        assert frame
        assert frame["x"] + frame["width"] <= 390, table.inner_text()[:80]
    one_word_a_line = page.locator("td, th, p, dd").evaluate_all(
        """cells => cells.filter(cell => {
          const words = cell.innerText.trim().split(/\\s+/).length, range = document.createRange();
          range.selectNodeContents(cell);
          const lines = new Set([...range.getClientRects()].map(line => Math.round(line.bottom))).size;
          return words >= 4 && lines >= words;
        }).map(cell => cell.innerText)"""
    )
    assert one_word_a_line == []
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_line_opens_its_entries_and_an_entry_its_record_and_chain(
    report: str, finished: Installation, browser: Browser, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(report)
    write = FigureFormatter("AED", "en_AE")
    with Published(finished.published_path) as published:
        bridge = {each.line: write.money(each.amount) for each in published.bridge()}
        (campaign, month, amount), *_ = published.rows(
            """
            select campaign_id, strftime(period_start, '%Y-%m'), amount from reporting.bridge
            where line = 'open' and campaign_id is not null order by amount limit 1
            """
        )
        market = published.rows(
            "select sum(collected_value) from reporting.matched_chain where market = 'AE' and campaign_id is not null"
        )
        largest = published.rows(
            "select record_id, amount from reporting.bridge_entries where line = 'open' and campaign_id is not null order by amount, record_id"
        )
    shown = {
        row.get_attribute("data-line"): row.locator(".amount").inner_text()
        for row in page.locator("tr[data-line]:visible").all()
    }
    assert shown == bridge, "the script adds up what the published bridge says"

    page.get_by_role("button", name=LINES["open"]).click()
    entries = page.locator("#entries")
    expect(entries.get_by_role("status")).to_contain_text(
        f"of {len(largest)} entries, largest first; total {bridge['open']}."
    )
    expect(entries.locator("tbody tr").first).to_contain_text(write.money(largest[0][1]))
    entries.locator("tbody button").first.click()
    card = page.get_by_role("dialog")
    expect(card.get_by_role("heading", name=largest[0][0])).to_be_visible()
    expect(card.get_by_text("From ad to cash")).to_be_visible()
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth")
    card.get_by_role("button", name="Close").click()

    filters = page.locator("#filters")
    filters.get_by_label("Campaign").select_option(campaign)
    filters.get_by_label("Month").select_option(month)
    expect(page.locator("tr[data-line=open] .amount")).to_have_text(write.money(amount))
    filters.get_by_label("Campaign").select_option("*")
    filters.get_by_label("Month").select_option("*")
    filters.get_by_label("Market").select_option("AE")
    expect(page.locator("tr[data-line=collected] .amount")).to_have_text(write.money(market[0][0]))
    expect(page.locator("tr[data-line=platform_attributed]")).to_be_hidden()
    assert problems == []
    page.close()


@dataclass(frozen=True)
class Walk:
    """How somebody reads the served page: window, colours, language, and whether the run is awaited."""

    width: int
    scheme: Literal["light", "dark"]
    locale: str
    runs: bool = False


WALKS = [
    Walk(1280, "light", "en_AE", runs=True),
    Walk(390, "dark", "en_AE"),
    Walk(1280, "dark", "ar_AE"),
    Walk(390, "light", "ar_AE", runs=True),
]


@contextmanager
def opened(installation: Installation, browser: Browser, walk: Walk) -> Iterator[Page]:
    """The page as `reconcile open` serves it; a script that fails fails the test."""
    port = free_port()
    log = installation.home / "open.log"
    environment = {**os.environ, **installation.environment, "PYTHONUNBUFFERED": "1"}
    with running([str(RECONCILE), "open", "--port", str(port)], log, environment):
        wait_until(lambda: answers(port), 90, "the page is served")
        found = re.search(r"http://\S+", log.read_text("utf-8"))
        assert found
        page = browser.new_page(
            viewport={"width": walk.width, "height": 900 if walk.width == 390 else 700},
            color_scheme=walk.scheme,
            device_scale_factor=2 if walk.width == 390 else 1,
        )
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(found[0])
        assert "token" not in page.url
        yield page
        assert problems == []
        page.close()


@pytest.mark.picture
@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: f"{walk.width}-{walk.scheme}-{walk.locale}")
def test_from_the_page_to_a_match_that_is_accepted_and_in_force(
    finished: Installation, browser: Browser, tmp_path: Path, walk: Walk
) -> None:
    """Page, line, entries, record, chain, accept a match, run, in force."""
    installation = finished.copy_to(tmp_path / "copy")
    policy_file(installation.home, {"version": "walk", "locale": walk.locale, "company": "Falcon Trading"})
    say = wording(walk.locale)
    words, lines = say.all(PAGE), say.all(LINES)
    (left, right), *_ = installation.rows(
        "select left_id, right_id from reporting.match_reviews where link = 'lead_order' order by match_confidence desc"
    )
    with opened(installation, browser, walk) as page:
        assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [
            say.language,
            say.direction,
        ]
        page.get_by_role("button", name=lines["open"]).click()
        entries = page.locator("#entries")
        expect(entries.get_by_role("heading", name=lines["open"])).to_be_visible(timeout=SECONDS)
        fits(page)
        entries.evaluate("entries => entries.scrollIntoView()")
        if walk.width == 1280:
            keep_walk(page, walk, "line")
        entries.locator("tbody button").first.click()
        card = page.get_by_role("dialog")
        expect(card.get_by_text(words["chain"])).to_be_visible(timeout=SECONDS)
        card.get_by_role("button", name=words["close"]).click()

        decide = page.locator("#decide")
        waiting = decide.locator("tr", has_text=right)
        waiting.get_by_role("button", name=words["accept"]).click()
        expect(decide.get_by_role("alert")).to_have_text(words["who_and_why"])
        decide.get_by_label(say("Who decides")).fill("Mona")
        decide.get_by_label(say("Why")).fill("called the customer")
        waiting.get_by_role("button", name=words["accept"]).click()
        expect(waiting.get_by_text(words["pending"]).first).to_be_visible(timeout=SECONDS)
        decide.evaluate("section => section.scrollIntoView()")
        fits(page)
        keep_walk(page, walk, "decide")

        if walk.runs:
            told = installation.reconcile_alone()
            assert told.status == 0, told.text
            page.reload()
            expect(decide.get_by_role("heading", name=words["possible"])).to_be_visible(timeout=SECONDS)
            expect(decide.get_by_text(right, exact=True)).to_have_count(0)
        page.get_by_label(say("Record ID")).fill(f"lead:{left}")
        page.get_by_role("button", name=say("Open"), exact=True).click()
        expect(card.get_by_text(words["chain"])).to_be_visible(timeout=SECONDS)
        if walk.runs:
            expect(card.locator("tr", has_text=right).first).to_contain_text(say("manual verified"), timeout=SECONDS)
        fits(page)
        page.set_viewport_size({"width": walk.width, "height": 960})
        keep_walk(page, walk, "record")
    accepted = installation.rows(
        f"select match_method from reporting.match_links where right_id = '{right}' and link = 'lead_order'"
    )
    assert (accepted == [("manual_verified",)]) == walk.runs


def fits(page: Page) -> None:
    """Nothing is wider than the window, the open card neither."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(
        "[...document.querySelectorAll('dialog[open]')].every(card => card.scrollWidth <= card.clientWidth)"
    )


def keep_walk(page: Page, walk: Walk, name: str) -> None:
    """The pictures of the README: on a desk in English, on a phone in Arabic."""
    if walk.runs:
        keep(page, f"{name}-arabic" if walk.locale == "ar_AE" else name)
