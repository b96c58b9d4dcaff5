"""Diagnosis of every configured source before anything is pulled: what works, what is missing, what to do.

Each source is probed once. Findings are compared with the policy here, because connectors do not know it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from reconciliation_assets.policy.model import Policy
from reconciliation_assets.sources.connector import Connector, Probe, ProbedAccount
from reconciliation_assets.sources.errors import SourceError
from reconciliation_assets.sources.files import discover, reading
from reconciliation_assets.sources.meta_conversions import SYSTEM, Conversions, NoDatasetError, load_feedback_settings
from reconciliation_assets.sources.presets.model import Preset
from reconciliation_assets.sources.text_rows import FileSetAsideError

CLOCK_TOLERANCE = timedelta(minutes=1)
"""Windows use our clock and overlap by an hour or more; network delays are shorter than a minute."""


@dataclass(frozen=True)
class SourceDiagnosis:
    """One line of the doctor's table.

    Attributes:
        source: the source's name in the sources file.
        state: `look` needs a person's judgement but does not prevent a pull; `missing` prevents it.
        told: the finding in words.
        next_step: what to do; empty if nothing.
    """

    source: str
    state: Literal["works", "look", "missing"]
    told: str
    next_step: str = ""


def examine(connectors: Sequence[Connector], policy: Policy, rated: Collection[str] = ()) -> list[SourceDiagnosis]:
    """Probe every source; a failure of one does not stop the others.

    Args:
        connectors: the configured sources.
        policy: the agreed definitions.
        rated: currencies with a rate in the dropped fx_rates.
    """
    return [line for connector in connectors for line in _examine_one(connector, policy, rated)]


def examine_feedback(sources_file: Path | None, policy: Policy) -> list[SourceDiagnosis]:
    """Probe the dataset that outcomes are sent to, if the sources file names one."""
    try:
        probe = Conversions(load_feedback_settings(sources_file)).probe()
    except NoDatasetError:
        return []
    except SourceError as problem:
        return [SourceDiagnosis(problem.system, "missing", f"{problem.system}: {problem.happened}", problem.remedy)]
    works = SourceDiagnosis(SYSTEM, "works", _working(probe))
    return [works, *diagnose(SYSTEM, probe, policy, by_account_days=False)]


def rated_currencies(inbox: Path, presets: Sequence[Preset]) -> set[str]:
    """Currencies in the dropped fx_rates; unreadable files are skipped, the next run reports them."""
    found: set[str] = set()
    for file in discover(inbox, presets)[0]:
        if file.table != "fx_rates":
            continue
        try:
            with reading(file) as text:
                for rows in text.batches():
                    found |= {str(cell).strip().upper() for cell in rows["currency"].to_pylist() if cell}
        except FileSetAsideError:
            continue
    return found


def _examine_one(connector: Connector, policy: Policy, rated: Collection[str]) -> Iterator[SourceDiagnosis]:
    try:
        probe = connector.probe()
    except SourceError as problem:
        yield SourceDiagnosis(connector.name, "missing", f"{problem.system}: {problem.happened}", problem.remedy)
        return
    if probe.missing_permissions:
        yield SourceDiagnosis(
            connector.name,
            "missing",
            f"the credentials lack {', '.join(probe.missing_permissions)}",
            "Grant what this source's page under docs/sources lists",
        )
    else:
        yield SourceDiagnosis(connector.name, "works", _working(probe))
    yield from diagnose(connector.name, probe, policy, rated, by_account_days="meta_insights" in connector.tables)


def diagnose(
    source: str, probe: Probe, policy: Policy, rated: Collection[str] = (), *, by_account_days: bool
) -> Iterator[SourceDiagnosis]:
    """Compare a probe with the policy and our clock.

    Args:
        source: the source's name.
        probe: its probe.
        policy: the agreed definitions.
        rated: currencies with a rate in the dropped fx_rates.
        by_account_days: whether the source reports by days in the account's own zone.
    """
    for finding in probe.findings:
        yield SourceDiagnosis(source, "look", finding, "Compare it with this source's page under docs/sources")
    if probe.clock_skew is not None and abs(probe.clock_skew) > CLOCK_TOLERANCE:
        seconds = abs(probe.clock_skew).total_seconds()
        side = "ahead of" if probe.clock_skew > timedelta() else "behind"
        yield SourceDiagnosis(
            source, "look", f"its clock is {seconds:,.0f} seconds {side} ours", "Let this machine follow a time server"
        )
    for account in probe.accounts:
        if account.currency and account.currency not in rated and not _has_a_rate(account.currency, policy):
            yield SourceDiagnosis(
                source,
                "look",
                f"{account.account_id} is in {account.currency}, and neither the policy nor fx_rates has a rate to {policy.reporting_currency}",
                f"Have {account.currency} in fx_rates.csv for every day of its money",
            )
        if by_account_days and account.time_zone and account.time_zone != policy.zone:
            yield SourceDiagnosis(
                source,
                "look",
                f"{account.account_id} has its days in {account.time_zone}, the policy in {policy.zone}",
                "Expect results near midnight on the neighbouring day, or agree on one zone",
            )


def _working(probe: Probe) -> str:
    """One sentence: the accounts, whether permissions were verified, and the clock difference."""
    accounts = "; ".join(_described(account) for account in probe.accounts)
    permissions = "permissions not told, tried" if probe.missing_permissions is None else "permissions complete"
    skew = probe.clock_skew
    clock = "no clock told" if skew is None else f"clock {round(skew.total_seconds()):+d} s"
    return f"{accounts}; {permissions}; {clock}"


def _described(account: ProbedAccount) -> str:
    known = [text for text in (account.time_zone, account.currency) if text]
    return f"{account.account_id} ({', '.join(known)})" if known else account.account_id


def _has_a_rate(currency: str, policy: Policy) -> bool:
    pegged = {"USD", *policy.pegged_to_usd}
    return currency == policy.reporting_currency or {currency, policy.reporting_currency} <= pegged
