"""Print the difference between two policies in the terminal."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconciliation_assets.commands.policy_diff import ComparedFigure, PolicyDiff
from reconciliation_assets.policy.model import BRIDGE_LINES
from reconciliation_assets.publish.listing import Listing
from reconciliation_assets.publish.page import money
from reconciliation_assets.publish.words import LINES, LINKS

_MONTHS_TOLD = 40


def show_policy_diff(console: Console, diff: PolicyDiff) -> None:
    """Print the definitions and figures that the new policy changes."""
    old, new = diff.old.policy, diff.new.policy
    console.print(Text(f"Policy {old.version} ({diff.old.origin}) against {new.version} ({diff.new.origin})", "bold"))
    console.print(Text(f"{new.change_reason} Approved by: {new.approved_by}.", "dim"))
    if not diff.definitions:
        console.print("Both define the same.")
    else:
        _definitions(console, diff)
    if not diff.is_comparable:
        console.print(
            f"The old one reports in {old.reporting_currency}, the new one in {new.reporting_currency}: amounts cannot be "
            "subtracted and are left out.",
            style="yellow",
            soft_wrap=True,
        )
    elif any(each.differs for each in diff.lines):
        _by_campaign(console, diff.lines, new.reporting_currency)
        _by_month(console, diff.lines, new.reporting_currency)
    else:
        console.print(f"No line of the bridge changes: every amount stays as it is, in {new.reporting_currency}.")
    _counts(console, "Rungs reached", diff.rungs)
    _counts(console, "Links made", diff.links)
    for name, message in diff.stops:
        console.print(
            Text.assemble(("A run under the new policy would be stopped", "bold red"), f" by {name}: {message}")
        )


def _definitions(console: Console, diff: PolicyDiff) -> None:
    table = Table("definition", "old", "new", title="What is defined otherwise", title_justify="left", box=None)
    for each in diff.definitions:
        table.add_row(Text(each.name), Text(each.before or "–"), Text(each.after or "–"))
    console.print(table)


def _by_campaign(console: Console, lines: list[ComparedFigure], currency: str) -> None:
    listing = Listing(
        ["campaign", "line"],
        ["old", "new", "difference"],
        title=f"What changes in {currency}, all months, by campaign and line of the bridge",
    )
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for each in lines:
        for campaign in (each.campaign_id or "no campaign", "all"):
            sums[campaign, each.name][0] += each.before
            sums[campaign, each.name][1] += each.after
    shown = ""
    for (campaign, line), (before, after) in sorted(sums.items(), key=_all_first):
        if before == after:
            continue
        listing.add(
            campaign if campaign != shown else "",
            LINES[line],
            money(before, currency),
            money(after, currency),
            _signed(after - before, currency),
        )
        shown = campaign
    console.print(listing)


def _all_first(entry: tuple[tuple[str, str], list[Decimal]]) -> tuple[bool, str, int]:
    (campaign, line), _ = entry
    return campaign != "all", campaign, BRIDGE_LINES.index(line)


def _by_month(console: Console, lines: list[ComparedFigure], currency: str) -> None:
    listing = Listing(["month"], ["old", "new", "difference"], title="Collected by month")
    months: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for each in lines:
        if each.name == "collected":
            months[each.period][0] += each.before
            months[each.period][1] += each.after
    changed = [(month, before, after) for month, (before, after) in sorted(months.items()) if before != after]
    for month, before, after in changed[-_MONTHS_TOLD:]:
        listing.add(month, money(before, currency), money(after, currency), _signed(after - before, currency))
    if changed:
        console.print(listing)
    else:
        console.print("Collected money of every month stays the same in sum; it moves between campaigns or lines only.")


def _counts(console: Console, title: str, compared: Iterable[ComparedFigure]) -> None:
    rows = [
        (f"{LINKS[each.period]}, " if each.period else "", each.name.replace("_", " "), each.before, each.after)
        for each in compared
        if each.differs
    ]
    if not rows:
        console.print(f"{title}: the same.")
        return
    listing = Listing([title], ["old", "new", "difference"])
    for link, name, before, after in rows:
        listing.add(f"{link}{name}", f"{before:,.0f}", f"{after:,.0f}", f"{after - before:+,.0f}")
    console.print(listing)


def _signed(amount: Decimal, currency: str) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount, currency)}"
