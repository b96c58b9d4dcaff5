"""What a person sees, in a real browser: from a red check to its plot in the read-only UI, and the report on a phone.

`make pictures` runs it with RECON_PICTURES set, which keeps the screenshots.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reconciliation_assets.publish.report import write_report
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.deploy.processes import answers, free_port, running, wait_until
from reconciliation_assets_tests.harness import AS_OF
from reconciliation_assets_tests.installation import RECONCILE, Installation, Told

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium")
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
def address(chromium: str, below_its_floor: tuple[Installation, Told]) -> Iterator[str]:
    """The read-only UI of the sample company, whose owner asks for more matched payments than there are.

    Name it before the browser: the run in this process and the browser's event loop do not go together.
    """
    installation, _ = below_its_floor
    port = free_port()
    environment = {**os.environ, **installation.environment}
    with running([str(RECONCILE), "viewer", "--port", str(port)], installation.home / "viewer.log", environment):
        wait_until(lambda: answers(port), 90, "the UI listens")
        yield f"http://127.0.0.1:{port}"


def keep(page: Page, name: str) -> None:
    """Keep a screenshot for the README, where it is asked for."""
    if folder := os.environ.get("RECON_PICTURES"):
        page.screenshot(path=PROJECT_ROOT / folder / f"{name}.png")


def open_plot(page: Page) -> None:
    page.get_by_text(re.compile("show markdown", re.IGNORECASE)).first.click(timeout=SECONDS)
    picture = page.get_by_role("dialog").get_by_role("img", name="plot", exact=True)
    expect(picture).to_be_visible(timeout=SECONDS)
    assert picture.evaluate("image => image.naturalWidth") > 600


def test_from_a_red_check_to_its_plot(address: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1500, "height": 860})
    page.goto(f"{address}/assets/match_coverage?view=checks")
    page.get_by_text("floor_order_payment").first.click(timeout=SECONDS)
    expect(page.get_by_text(re.compile(r"order_payment.*below|below.*floor", re.IGNORECASE)).first).to_be_visible(
        timeout=SECONDS
    )
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    page.wait_for_timeout(1500)
    keep(page, "checks")
    page.get_by_role("tab", name="Overview").first.click()
    open_plot(page)
    page.goto(f"{address}/assets/bridge?view=overview")
    open_plot(page)
    page.wait_for_timeout(500)
    keep(page, "bridge")
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


@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_its_window_without_a_script(
    browser: Browser, published_path: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    write_report(published_path, tmp_path / "report.html", AS_OF, "en_AE")
    context = browser.new_context(
        java_script_enabled=False,
        offline=True,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "report.html").as_uri())
    assert asked == [(tmp_path / "report.html").as_uri()]
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    main = page.locator("main").bounding_box()
    assert main
    assert main["x"] + main["width"] <= width
    for table in page.locator(".scroll").all():
        frame = table.bounding_box()
        assert frame
        assert frame["x"] + frame["width"] <= width, "a wide table scrolls in its frame, not the page"
    context.close()
