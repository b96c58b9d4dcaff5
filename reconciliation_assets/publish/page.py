"""The page a manager reads in the terminal: two numbers, the bridge, coverage, what is open and where to look next."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from reconciliation_assets.checks.messages import counted
from reconciliation_assets.policy.model import THREE_DECIMAL_CURRENCIES
from reconciliation_assets.publish.figures import Coverage, Published, TwoNumbers
from reconciliation_assets.publish.words import LINES, LINKS, belong

_BAR_WIDTH = 24
_FINDINGS_SHOWN = 3


def show_page(console: Console, path: Path, reports: Path, as_of: datetime | None) -> None:
    """Print the page of a published copy.

    Args:
        path: the published database.
        reports: the folder of the reports that were made of it.
        as_of: the instant the run spoke for, where it is known.
    """
    with Published(path) as published:
        currency = published.currency()
        console.print()
        console.print(_headline(published, currency, as_of))
        console.print(_bridge(published, currency))
        console.print(_campaigns(published, currency))
        console.print(_months(published, currency))
        console.print(_coverage(published))
        console.print(_open_things(published, currency))
        console.print(Rule(style="dim"))
        for line in (*_next_looks(published, currency), *_where_to_look(reports)):
            console.print(Text.assemble(("→ ", "bold"), line))


def money(amount: Decimal | float, currency: str) -> str:
    """An amount with its currency's decimals and thousands marks, minus as a true minus sign."""
    digits = 3 if currency in THREE_DECIMAL_CURRENCIES else 2
    return f"{amount:,.{digits}f}".replace("-", "−")


def _share(rate: float | None) -> str:
    return "n/a" if rate is None else f"{rate:.1%}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}".replace("-", "−")


def _headline(published: Published, currency: str, as_of: datetime | None) -> RenderableType:
    instant = f"as of {as_of:%Y-%m-%d %H:%M %Z}, " if as_of else ""
    total = published.advertised()
    organic, organic_records = published.without_campaign()
    unmatched, payments = published.unmatched_money()
    numbers = Table.grid(padding=(0, 4))
    for _ in range(4):
        numbers.add_column(justify="right")
    numbers.add_row("spend", "Meta says", "collected", "collected ROAS")
    numbers.add_row(
        Text(money(total.spend, currency)),
        Text(money(total.platform, currency)),
        Text(money(total.collected, currency), style="bold green"),
        Text(_roas_range(total), style="bold"),
    )
    numbers.add_row("", f"reported ROAS {_times(total.reported_roas)}", "", "")
    return Panel(
        Group(
            numbers,
            Text(
                f"Beside it: {money(organic, currency)} collected from {counted(organic_records, 'record')} with no campaign, "
                f"{money(unmatched, currency)} in {counted(payments, 'payment')} that {belong(payments)} to no record.",
                style="dim",
            ),
        ),
        title=Text.assemble(
            "What did the ads bring in? ", (f"({currency}, {instant}policy {published.policy_version()})", "dim")
        ),
        title_align="left",
    )


def _roas_range(numbers: TwoNumbers) -> str:
    exact, full = numbers.exact_roas, numbers.collected_roas
    if exact is None or full is None:
        return "–"
    low, high = sorted((exact, full))
    return _times(full) if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"


def _bridge(published: Published, currency: str) -> RenderableType:
    lines = published.bridge()
    largest = max((abs(line.amount) for line in lines), default=Decimal(0)) or Decimal(1)
    table = Table(
        box=None,
        padding=(0, 2),
        title="The bridge from Meta's number to the money, all campaigns and months",
        title_justify="left",
    )
    table.add_column()
    table.add_column(currency, justify="right")
    table.add_column("records", justify="right")
    table.add_column()
    for line in lines:
        ends = line.line in ("platform_attributed", "collected")
        width = max(round(_BAR_WIDTH * abs(line.amount) / largest), 1 if line.amount else 0)
        bar = Text("█" * width, style="blue" if ends else ("green" if line.amount > 0 else "red"))
        table.add_row(
            Text(LINES[line.line], style="bold" if ends else ""),
            money(line.amount, currency),
            f"{line.records:,}",
            bar,
        )
    if any(line.line == "manual_adjustment" and line.amount for line in lines):
        return Group("", table, Text("  Collected here includes the manual adjustments.", style="dim"))
    return Group("", table)


def _campaigns(published: Published, currency: str) -> RenderableType:
    table = Table(box=None, padding=(0, 1), title="By campaign", title_justify="left")
    table.add_column("campaign", overflow="ellipsis", no_wrap=True, max_width=42)
    for name in ("spend", "Meta says", "collected", "reported ROAS", "collected ROAS"):
        table.add_column(name, justify="right")
    for each in published.campaigns()[:12]:
        table.add_row(
            Text(each.name),
            money(each.spend, currency),
            money(each.platform, currency),
            money(each.collected, currency),
            _times(each.reported_roas),
            _roas_range(each),
        )
    return Group("", table)


def _months(published: Published, currency: str) -> RenderableType:
    table = Table(box=None, padding=(0, 2), title="By cohort month", title_justify="left")
    table.add_column("month")
    for name in ("spend", "Meta says", "collected"):
        table.add_column(name, justify="right")
    table.add_column()
    for month in published.months()[-12:]:
        table.add_row(
            f"{month.start:%Y-%m}",
            money(month.spend, currency),
            money(month.platform, currency),
            money(month.collected, currency),
            "" if month.is_complete else Text("immature: do not compare", style="yellow"),
        )
    return Group("", table)


def _coverage(published: Published) -> RenderableType:
    table = Table(box=None, padding=(0, 2), title="How sure: coverage by link and method", title_justify="left")
    table.add_column("link")
    table.add_column("method")
    for name in ("records", "by records", "by value"):
        table.add_column(name, justify="right")
    shown = ""
    for each in published.coverage():
        if not each.is_applicable:
            table.add_row(LINKS[each.link], "not applicable: nothing to match", "", "", "")
            continue
        table.add_row(
            "" if each.link == shown else LINKS[each.link],
            Text(each.method, style=_style(each)),
            f"{each.records:,}",
            _share(each.record_rate),
            _share(each.value_rate),
        )
        shown = each.link
    return Group("", table)


def _style(coverage: Coverage) -> str:
    return "red" if coverage.method == "unmatched" else ("yellow" if coverage.method == "inferred" else "")


def _open_things(published: Published, currency: str) -> RenderableType:
    queues = published.queues()
    if not queues:
        return Group("", Text("Nothing waits for anybody.", style="green"))
    table = Table(box=None, padding=(0, 2), title="Waiting for somebody", title_justify="left")
    table.add_column("owner")
    table.add_column("what")
    for name in ("things", currency, "oldest, days"):
        table.add_column(name, justify="right")
    for queue in queues:
        table.add_row(
            Text(queue.owner),
            queue.kind.replace("_", " "),
            f"{queue.count:,}",
            money(queue.value, currency),
            f"{queue.oldest_days:,}",
        )
    return Group("", table)


def _next_looks(published: Published, currency: str) -> Iterator[str]:
    lines = [
        line for line in published.bridge() if line.line not in ("platform_attributed", "collected") and line.amount
    ]
    if lines:
        largest = min(lines, key=lambda line: line.amount)
        if largest.amount < 0:
            yield (
                f"The largest loss on the way is '{LINES[largest.line]}': {money(largest.amount, currency)} {currency}. "
                f"Its records are in bridge_entries (line = '{largest.line}')."
                if largest.line not in ("claimed_not_captured", "valuation")
                else f"The largest gap is '{LINES[largest.line]}': {money(largest.amount, currency)} {currency}. It lies "
                "between Meta and your capture, before any sale: look at tracking and at how results are valued."
            )
    for found in published.findings()[:_FINDINGS_SHOWN]:
        yield f"{found.bottleneck.capitalize()} ({found.owner}): {found.finding}"
    yield from _budgets(published)
    amount, payments = published.unmatched_money()
    if payments:
        yield (
            f"{money(amount, currency)} {currency} in {counted(payments, 'payment')} {belong(payments)} to no record "
            "(unmatched_revenue); "
            "unmatched_records says what each one names."
        )
    quarantined = published.quarantined()
    if quarantined:
        things = "row or file" if quarantined == 1 else "rows or files"
        yield f"{quarantined:,} {things} could not be used; quarantined_rows names file, row and reason."


def _where_to_look(reports: Path) -> Iterator[str]:
    if (reports / "reconciliation.html").is_file():
        yield (
            f"To read and to pass on: reconciliation.html and reconciliation.xlsx in {reports}, each owner's queue in "
            "exceptions/ beside them."
        )
    yield "`make ui` opens the graph, its checks and every table's meaning."


def _budgets(published: Published) -> Iterator[str]:
    for action in ("stop", "scale"):
        names = [each.name for each in published.budget_actions() if each.action == action]
        if names:
            yield f"Budget, {action}: {', '.join(names)}. Reasons and safe amounts are in budget_actions."
