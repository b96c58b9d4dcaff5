"""The summary in the terminal: two numbers, the bridge, coverage, open items and where to look next."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from reconciliation_assets.checks.messages import counted
from reconciliation_assets.policy.model import minor_digits
from reconciliation_assets.publish.figures import CashMonth, Coverage, MatureTotals, Published, TwoNumbers
from reconciliation_assets.publish.listing import Listing
from reconciliation_assets.publish.words import ANOMALIES, LINES, LINKS

_FINDINGS_SHOWN = 3
_MONTHS_SHOWN = 12
_CAMPAIGNS_SHOWN = 12


def show_page(console: Console, path: Path, reports: Path, as_of: datetime | None) -> None:
    """Print the summary of a published copy.

    Args:
        path: the published database.
        reports: the folder of the reports made from it.
        as_of: the time the figures are as of; None if not known.
    """
    with Published(path) as published:
        currency = published.currency()
        console.print()
        console.print(_headline(published, currency, as_of))
        console.print(_bridge(published, currency))
        console.print(_campaigns(published, currency))
        console.print(_months(published, currency))
        console.print(_cash(published, currency))
        console.print(_coverage(published))
        console.print(_open_things(published, currency))
        console.print(Rule(style="dim"))
        for line in (*_next_looks(published, currency), *_where_to_look(reports)):
            console.print(Text.assemble(("→ ", "bold"), line))


def money(amount: Decimal | float, currency: str) -> str:
    """An amount with its currency's decimals, thousands separators and a true minus sign."""
    return f"{amount:,.{minor_digits(currency)}f}".replace("-", "−")


def _share(rate: float | None) -> str:
    return "n/a" if rate is None else f"{rate:.1%}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}".replace("-", "−")


def _headline(published: Published, currency: str, as_of: datetime | None) -> RenderableType:
    instant = f"as of {as_of:%Y-%m-%d %H:%M %Z}, " if as_of else ""
    mature = published.mature()
    rest = published.without_campaign()
    unmatched, payments = published.unmatched_money()
    numbers = Listing([""], ["spend", "attributed", "reported ROAS", "collected", "collected ROAS"])
    _add_numbers(numbers, "all months", published.advertised(), currency)
    if mature.months and not mature.is_everything:
        _add_numbers(numbers, "mature months", mature.numbers, currency)
    all_cash = sum((month.total for month in published.cash()), Decimal(0))
    return Panel(
        Group(
            numbers,
            Text(_maturity(mature), style="" if mature.is_everything else "yellow"),
            Text(
                f"Not included: {money(rest.collected, currency)} collected from {counted(rest.paid, 'record')} without a "
                f"campaign ({rest.captured:,} captured), {money(unmatched, currency)} in {counted(payments, 'payment')} without a "
                f"record. All cash: {money(all_cash, currency)}.",
                style="dim",
            ),
        ),
        title=Text.assemble(
            "What did the ads bring in? ", (f"({currency}, {instant}policy {published.policy_version()})", "dim")
        ),
        title_align="left",
    )


def _add_numbers(listing: Listing, name: str, numbers: TwoNumbers, currency: str) -> None:
    listing.add(
        name,
        money(numbers.spend, currency),
        money(numbers.platform, currency),
        _times(numbers.reported_roas),
        Text(money(numbers.collected, currency), style="bold green"),
        Text(_roas_range(numbers), style="bold"),
    )


def _maturity(mature: MatureTotals) -> str:
    """How much of the figures is final."""
    rule = f"A cohort month is mature {mature.maturity_days} days after it ends"
    if mature.first is None or mature.last is None:
        return f"{rule}: none is mature yet. All figures will still change, so do not compare them."
    if mature.is_everything:
        return f"{rule}: all months are mature."
    span = f"{mature.first:%Y-%m}" if mature.first == mature.last else f"{mature.first:%Y-%m} to {mature.last:%Y-%m}"
    share = "" if mature.spend_share is None else f", with {_share(mature.spend_share)} of the spend"
    return f"{rule}: {span}{share}. Other months will still change, so judge by the mature ones."


def _roas_range(numbers: TwoNumbers) -> str:
    exact, full = numbers.exact_roas, numbers.collected_roas
    if exact is None or full is None:
        return "–"
    low, high = sorted((exact, full))
    return _times(full) if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"


def _bridge(published: Published, currency: str) -> RenderableType:
    lines = published.bridge()
    largest = max((abs(line.amount) for line in lines), default=Decimal(0)) or Decimal(1)
    listing = Listing(
        [""], [currency, "records"], title="The bridge from Meta's number to the money, all campaigns and months"
    )
    for line in lines:
        ends = line.line in ("platform_attributed", "collected")
        listing.add(
            Text(LINES[line.line], style="bold" if ends else ""),
            money(line.amount, currency),
            f"{line.records:,}",
            bar=float(abs(line.amount) / largest),
            bar_style="blue" if ends else ("green" if line.amount > 0 else "red"),
        )
    if any(line.line == "manual_adjustment" and line.amount for line in lines):
        return Group("", listing, Text("Collected includes manual adjustments here.", style="dim"))
    return Group("", listing)


def _campaigns(published: Published, currency: str) -> RenderableType:
    listing = Listing(
        ["campaign"], ["spend", "attributed", "collected", "reported ROAS", "collected ROAS"], title="By campaign"
    )
    campaigns = published.campaigns()
    for each in campaigns[:_CAMPAIGNS_SHOWN]:
        listing.add(
            each.name,
            money(each.spend, currency),
            money(each.platform, currency),
            money(each.collected, currency),
            _times(each.reported_roas),
            _roas_range(each),
        )
    left = len(campaigns) - _CAMPAIGNS_SHOWN
    more = [Text(f"and {left:,} more in two_numbers.", style="dim")] if left > 0 else []
    return Group("", listing, *more)


def _months(published: Published, currency: str) -> RenderableType:
    listing = Listing(["month", ""], ["spend", "attributed", "collected"], title="By cohort month")
    for month in published.months()[-_MONTHS_SHOWN:]:
        listing.add(
            f"{month.start:%Y-%m}",
            "mature" if month.is_complete else Text("immature", style="yellow"),
            money(month.spend, currency),
            money(month.platform, currency),
            money(month.collected, currency),
        )
    return Group("", listing)


def _cash(published: Published, currency: str) -> RenderableType:
    """All cash by month; earlier months that are not shown are one row, so that the columns add up."""
    months = published.cash()
    if not months:
        return Group("", Text("No cash has come in.", style="yellow"))
    listing = Listing(
        ["month"],
        ["from campaigns", "no campaign", "no record", "all cash", "collected by cohort"],
        title="All cash, by payment month",
    )
    earlier, shown = months[:-_MONTHS_SHOWN], months[-_MONTHS_SHOWN:]
    if earlier:
        _add_cash(listing, "earlier", sum(earlier[1:], start=earlier[0]), currency)
    for month in shown:
        _add_cash(listing, f"{month.month:%Y-%m}", month, currency)
    total = sum(months[1:], start=months[0])
    _add_cash(listing, "all", total, currency, style="bold")
    return Group(
        "",
        listing,
        Text(
            f"{money(total.total, currency)} = {money(total.of_campaigns, currency)} from campaigns + "
            f"{money(total.without_campaign, currency)} from records without a campaign + {money(total.of_no_record, currency)} "
            "without a record. The last column is what the records captured in that month have collected for campaigns to date.",
            style="dim",
        ),
    )


def _add_cash(listing: Listing, name: str, cash: CashMonth, currency: str, style: str = "") -> None:
    amounts = (cash.of_campaigns, cash.without_campaign, cash.of_no_record, cash.total, cash.cohort)
    listing.add(Text(name, style), *(Text(money(amount, currency), style) for amount in amounts))


def _coverage(published: Published) -> RenderableType:
    listing = Listing(
        ["link", "method"], ["records", "by records", "by value"], title="Match coverage by link and method"
    )
    shown = ""
    for each in published.coverage():
        if not each.is_applicable:
            listing.add(LINKS[each.link], "not applicable: nothing to match", "", "", "")
            continue
        listing.add(
            "" if each.link == shown else LINKS[each.link],
            Text(each.method, style=_style(each)),
            f"{each.records:,}",
            _share(each.record_rate),
            _share(each.value_rate),
        )
        shown = each.link
    return Group("", listing)


def _style(coverage: Coverage) -> str:
    return "red" if coverage.method == "unmatched" else ("yellow" if coverage.method == "inferred" else "")


def _open_things(published: Published, currency: str) -> RenderableType:
    queues = published.queues()
    if not queues:
        return Group("", Text("No open items.", style="green"))
    listing = Listing(["owner", "item"], ["count", currency, "oldest, days"], title="Open items by owner")
    for queue in queues:
        listing.add(
            queue.owner,
            queue.kind.replace("_", " "),
            f"{queue.count:,}",
            money(queue.value, currency),
            "–" if queue.oldest_days is None else f"{queue.oldest_days:,}",
        )
    return Group("", listing)


def _next_looks(published: Published, currency: str) -> Iterator[str]:
    lines = [
        line for line in published.bridge() if line.line not in ("platform_attributed", "collected") and line.amount
    ]
    if lines:
        largest = min(lines, key=lambda line: line.amount)
        if largest.amount < 0:
            yield (
                f"The largest loss is '{LINES[largest.line]}': {money(largest.amount, currency)} {currency}. "
                f"Its records are in bridge_entries (line = '{largest.line}')."
                if largest.line not in ("claimed_not_captured", "valuation")
                else f"The largest gap is '{LINES[largest.line]}': {money(largest.amount, currency)} {currency}. It "
                "arises before any sale, between Meta and what you captured: check tracking and how results are valued."
            )
    for found in published.findings()[:_FINDINGS_SHOWN]:
        yield f"{found.bottleneck.capitalize()} ({found.owner}): {found.finding}"
    yield from _anomalies(published)
    yield from _budgets(published)
    amount, payments = published.unmatched_money()
    if payments:
        yield (
            f"{money(amount, currency)} {currency} in {counted(payments, 'payment')} without a record (unmatched_revenue); "
            "unmatched_records lists the identifiers that each one carries."
        )
    quarantined = published.quarantined()
    if quarantined:
        things = "row or file" if quarantined == 1 else "rows or files"
        yield f"{quarantined:,} {things} could not be used; quarantined_rows gives file, row and reason."


def _where_to_look(reports: Path) -> Iterator[str]:
    if (reports / "reconciliation.html").is_file():
        yield (
            f"Reports to read and share: reconciliation.html and reconciliation.xlsx in {reports}, with each owner's open items "
            "in exceptions/."
        )
    yield "Run `reconcile open` to decide open matches and `reconcile ui` for the graph, its checks and the tables' meaning."


def _anomalies(published: Published) -> Iterator[str]:
    """One line per kind of anomaly: the one with the most at stake, and the number of others."""
    for kind, found in groupby(published.anomalies(), key=lambda each: each.kind):
        first, *more = found
        rest = f" {len(more):,} more in anomalies (anomaly = '{kind}')." if more else ""
        yield f"{ANOMALIES[kind]} ({first.owner}): {first.finding}{rest}"


def _budgets(published: Published) -> Iterator[str]:
    for action in ("stop", "scale"):
        names = [each.name for each in published.budget_actions() if each.action == action]
        if names:
            yield f"Budget, {action}: {', '.join(names)}. Reasons and safe amounts are in budget_actions."
