"""The report for people who never open Dagster: one HTML file that needs no network and is readable without scripts.

It reads only the published copy and the one before it, so it cannot contain anything that is not published.
"""

from datetime import datetime
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from reconciliation_assets.files import atomic_file
from reconciliation_assets.policy.model import Numerals
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.copy import previous_of
from reconciliation_assets.publish.details import (
    SCRIPT,
    SCRIPT_HASH,
    WHOLE_ONLY,
    details_of_file,
    details_of_server,
    embedded,
)
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.geometry import CURVES_HEIGHT, CURVES_WIDTH, cohort_curves, waterfall
from reconciliation_assets.publish.pages import rendered
from reconciliation_assets.publish.since import since
from reconciliation_assets.publish.wording import wording
from reconciliation_assets.publish.words import ANOMALIES, LINE_MEANINGS, LINES, LINKS, PAGE, RECORDS_OF_LINE, STEPS

FILE_NAME = "reconciliation.html"


def write_report(
    published_path: Path,
    path: Path,
    as_of: datetime,
    locale: str,
    company: str | None = None,
    numerals: Numerals = "latn",
) -> None:
    """Write the report of a published copy, atomically.

    Args:
        published_path: the published database.
        path: the HTML file.
        as_of: the time the figures are as of, in the readers' time zone.
        locale: CLDR locale of words, amounts and dates.
        company: the company's name; None if the policy does not give it.
        numerals: digits of amounts and dates.
    """
    with Published(published_path) as published:
        html = render_report(published, as_of, locale, company, numerals)
    with atomic_file(path) as unfinished:
        unfinished.write_text(html, "utf-8")


def render_report(
    published: Published,
    as_of: datetime,
    locale: str,
    company: str | None = None,
    numerals: Numerals = "latn",
    *,
    is_served: bool = False,
) -> str:
    """The report as HTML; the same for the same published copy, previous copy, instant, locale and company.

    Args:
        is_served: whether a server provides the details, so that the page need not contain them.
    """
    say = wording(locale)
    write = FigureFormatter(published.currency(), locale, numerals)
    details = (
        details_of_server(published, write, say) if is_served else details_of_file(published, write, as_of.tzinfo, say)
    )
    months = published.months()
    bridge = published.bridge()
    snapshots = published.snapshots()
    cash = published.cash()
    unmatched, unmatched_payments = published.unmatched_money()
    return rendered(
        "report.html.j2",
        say,
        write=write,
        as_of=as_of,
        company=company,
        since=since(published, previous_of(published.path)),
        step_names=say.all(STEPS),
        period=published.period(),
        policy_version=published.policy_version(),
        approved_by=published.approved_by(),
        details=embedded(details),
        is_served=is_served,
        script=Markup(SCRIPT),  # noqa: S704 - our own file
        script_hash=SCRIPT_HASH,
        words=say.all(PAGE),
        total=published.advertised(),
        mature=published.mature(),
        without_campaign=published.without_campaign(),
        cash=cash,
        all_cash=sum(cash[1:], start=cash[0]) if cash else None,
        unmatched=unmatched,
        unmatched_payments=unmatched_payments,
        bridge=list(zip(bridge, waterfall(bridge), strict=True)),
        whole_only=WHOLE_ONLY,
        line_meanings=say.all(LINE_MEANINGS),
        campaigns=published.campaigns(),
        months=months,
        highest_month=max((max(each.platform, each.collected) for each in months), default=0) or 1,
        platform_view=published.platform_view(),
        funnel_view=published.funnel_view(),
        collected_view=published.collected_view(),
        maturities=sorted({each.maturity_day for each in snapshots}),
        cohorts=[(month, list(each)) for month, each in groupby(snapshots, key=lambda snapshot: snapshot.start)],
        curves=cohort_curves(snapshots),
        curves_size=(CURVES_WIDTH, CURVES_HEIGHT),
        coverage=[(link, list(each)) for link, each in groupby(published.coverage(), key=lambda row: row.link)],
        findings=published.findings(),
        judged=published.judged(),
        budget_actions=published.budget_actions(),
        queues=published.queues(),
        told=published.outbox(),
        quarantined=published.quarantined(),
        judged_methods=published.judged_methods(),
        locked_months=published.locked_months(),
        closed_months=published.closed_months(),
        anomalies=published.anomalies(),
        anomaly_names=say.all(ANOMALIES),
        line_names=say.all(LINES),
        link_names=say.all(LINKS),
        records_of_line=say.all(RECORDS_OF_LINE),
    )
