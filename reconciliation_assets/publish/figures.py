"""The figures of the reports, read from the published copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reconciliation_assets.errors import PlainError
from reconciliation_assets.policy.model import LINKS, METHODS
from reconciliation_assets.warehouse.duckdb import EngineError, MissingInDatabaseError, read_only


@dataclass(frozen=True)
class TwoNumbers:
    """Spend, Meta's number and the collected number of a group, with the collected ROAS as a range."""

    name: str
    spend: Decimal
    platform: Decimal
    collected: Decimal
    exact_roas: float | None

    @property
    def reported_roas(self) -> float | None:
        """Value Meta attributes per spend."""
        return float(self.platform / self.spend) if self.spend else None

    @property
    def collected_roas(self) -> float | None:
        """Collected money per spend."""
        return float(self.collected / self.spend) if self.spend else None


@dataclass(frozen=True)
class BridgeLine:
    """A line of the bridge over all campaigns."""

    line: str
    amount: Decimal
    records: int


@dataclass(frozen=True)
class Coverage:
    """Coverage of a link by one method. Rates (0 to 1) are None where no match is expected."""

    link: str
    method: str
    records: int
    record_rate: float | None
    value_rate: float | None
    is_applicable: bool


@dataclass(frozen=True)
class Queue:
    """Open exceptions of one kind and owner; the age is None if none of them has a start date."""

    owner: str
    kind: str
    count: int
    value: Decimal
    oldest_days: int | None


@dataclass(frozen=True)
class JudgedMethod:
    """Reviewers' verdicts on one method's links of one kind. `holds` is None where there are too few verdicts."""

    link: str
    method: str
    verdicts: int
    error_rate: float
    error_low: float
    error_high: float
    holds: bool | None


@dataclass(frozen=True)
class LockedMonth:
    """A locked month: collected money as locked, and as it is now."""

    month: date
    locked_by: str
    locked_at: datetime
    locked: Decimal
    now: Decimal
    lines_moved: int


@dataclass(frozen=True)
class ClosedMonth:
    """A closed month of Meta's figures: change since it was first reported and since it was closed. Attributed values are estimates."""

    month: date
    first_attributed: Decimal
    attributed: Decimal
    moved_since_close: Decimal


@dataclass(frozen=True)
class OpenException:
    """One exception that its owner must act on; `opened_at` is a naive UTC time."""

    exception_id: str
    owner: str
    kind: str
    source_table: str
    source_id: str
    value: Decimal
    currency: str
    age_days: int | None
    first_seen_on: date | None
    reopened: int
    detail: str
    opened_at: datetime | None


@dataclass(frozen=True)
class QueueChange:
    """Number of an owner's exceptions that are new since a day, and number and value of those closed since."""

    owner: str
    came: int
    went: int
    went_value: Decimal


@dataclass(frozen=True)
class OutboxCount:
    """Number and value of outbox events of one outcome, status and reason.

    Attributes:
        value: in the reporting currency.
    """

    outcome: str
    status: str
    reason: str
    events: int
    value: Decimal
    currency: str


@dataclass(frozen=True)
class CohortMonth:
    """The two numbers of a cohort month at the longest maturity."""

    start: date
    spend: Decimal
    platform: Decimal
    collected: Decimal
    is_complete: bool


@dataclass(frozen=True)
class MatureTotals:
    """The part of the two numbers whose cohort months are complete at the longest maturity: only these are final.

    Attributes:
        numbers: the two numbers of those months.
        first: first of those months; None if no month is complete.
        last: last of those months; None if no month is complete.
        months: number of complete months.
        of_months: number of all months.
        maturity_days: the longest maturity, in days.
        spend_share: their share of all spend, 0 to 1; None if nothing was spent.
    """

    numbers: TwoNumbers
    first: date | None
    last: date | None
    months: int
    of_months: int
    maturity_days: int
    spend_share: float | None

    @property
    def is_everything(self) -> bool:
        """Whether every month is complete."""
        return self.months == self.of_months


@dataclass(frozen=True)
class NoCampaign:
    """Records with no campaign: their collected money, number of paid records and of captured records."""

    collected: Decimal
    paid: int
    captured: int


@dataclass(frozen=True)
class CashMonth:
    """Cash of a calendar month by what it belongs to, and for comparison the collected money of that month's cohort.

    Attributes:
        of_campaigns: money of records of a campaign.
        without_campaign: money of records with no campaign.
        of_no_record: money that belongs to no record.
        total: the sum of these three.
        cohort: collected money of campaign records captured in the month, whenever it was paid.
    """

    month: date
    of_campaigns: Decimal
    without_campaign: Decimal
    of_no_record: Decimal
    total: Decimal
    cohort: Decimal

    def __add__(self, other: "CashMonth") -> "CashMonth":
        """The sum of both, with the month of the first."""
        return CashMonth(
            self.month,
            self.of_campaigns + other.of_campaigns,
            self.without_campaign + other.without_campaign,
            self.of_no_record + other.of_no_record,
            self.total + other.total,
            self.cohort + other.cohort,
        )


@dataclass(frozen=True)
class PlatformView:
    """What Meta reports of a campaign, which is an estimate and never money."""

    name: str
    spend: Decimal
    results: Decimal
    attributed: Decimal


@dataclass(frozen=True)
class FunnelView:
    """What the CRM and the shop record of a campaign: number of its records that reached each rung."""

    name: str
    captured: int
    valid: int
    qualified: int
    won: int
    collected: int


@dataclass(frozen=True)
class CollectedView:
    """What finance records of a campaign: money."""

    name: str
    collected: Decimal
    refunded: Decimal
    paid_records: int


@dataclass(frozen=True)
class CohortSnapshot:
    """A cohort month at one maturity: its spend and the money collected by then; final only if the cohort is complete."""

    start: date
    maturity_day: int
    is_complete: bool
    spend: Decimal
    collected: Decimal

    @property
    def collected_roas(self) -> float | None:
        """Collected money per spend."""
        return float(self.collected / self.spend) if self.spend else None


@dataclass(frozen=True)
class MonthlyLine:
    """A line of the bridge of one cohort month and campaign; the campaign is None for records with none."""

    month: date
    campaign_id: str | None
    line: str
    amount: Decimal
    records: int


@dataclass(frozen=True)
class Entry:
    """A signed entry of a record, or of all records of a month, campaign, line and reason together."""

    month: date
    campaign_id: str | None
    line: str
    amount: Decimal
    record: str
    order_id: str | None
    reason: str


@dataclass(frozen=True)
class RecordValue:
    """Stated and collected value of a captured record, or of all records of a month and campaign together."""

    month: date
    campaign_id: str | None
    record: str
    rung: str | None
    stated: Decimal
    collected: Decimal


@dataclass(frozen=True)
class Bottleneck:
    """A bottleneck: a sentence on which segment loses too many records at which step, and the owner."""

    bottleneck: str
    finding: str
    likely_causes: str
    next_step: str
    owner: str
    value_at_stake: Decimal | None


@dataclass(frozen=True)
class Anomaly:
    """An anomaly over the whole history, of a campaign, a channel or a settlement: a sentence and the owner."""

    kind: str
    finding: str
    next_step: str
    owner: str
    value: Decimal


@dataclass(frozen=True)
class BudgetAction:
    """What to do with a campaign's budget, and why."""

    name: str
    action: str
    reason: str
    daily_spend: Decimal
    safe_daily_spend: Decimal | None


class UnreadableCopyError(PlainError):
    """The published copy cannot be read; the message says what to do."""


class Published:
    """The published copy, opened for reading.

    Args:
        path: `<data dir>/published/reconciliation.duckdb`.

    Raises:
        UnreadableCopyError: it is damaged or incomplete.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._connection = read_only(path)
            self.currency()
        except (EngineError, UnreadableCopyError):
            raise UnreadableCopyError(
                f"{path} is no published copy, is damaged, or was made by an older version: run `reconcile run`, which makes it anew."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """A result as Python rows; money stays Decimal.

        Args:
            sql: the query.
            values: values of its named parameters.

        Raises:
            UnreadableCopyError: the copy lacks a table or column, because an older version made it.
        """
        try:
            return self._connection.execute(sql, values).fetchall()
        except MissingInDatabaseError:
            raise UnreadableCopyError(
                f"{self.path} was made by an older version: run `reconcile run`, which makes it anew."
            ) from None

    def currency(self) -> str:
        """The reporting currency."""
        return str(self.rows("select any_value(currency) from reporting.bridge")[0][0])

    def period(self) -> tuple[date, date] | None:
        """First and last cohort month; None if there is none."""
        first, last = self.rows("select min(period_start), max(period_start) from reporting.bridge")[0]
        return (first, last) if first else None

    def approved_by(self) -> str:
        """Who approved the policy that the figures were computed with."""
        return str(
            self.rows(
                "select approved_by from reporting.policy_versions where policy_version = $version",
                {"version": self.policy_version()},
            )[0][0]
        )

    def policy_version(self) -> str:
        """Version of the policy that the figures were computed with."""
        return str(self.rows("select any_value(policy_version) from reporting.bridge")[0][0])

    def advertised(self) -> TwoNumbers:
        """The two numbers over all campaigns; records with no campaign are left out, as no ad brought them."""
        spend, platform, collected, exact_roas = self.rows(
            f"select {_TWO_NUMBERS} from {_PERFORMANCE} where n.campaign_id is not null"
        )[0]
        zero = Decimal(0)
        return TwoNumbers("all campaigns", spend or zero, platform or zero, collected or zero, exact_roas)

    def mature(self) -> MatureTotals:
        """The two numbers over all campaigns of the cohort months that are complete at the longest maturity."""
        spend, platform, collected, exact_roas, first, last, months, of_months, all_spend = self.rows(
            f"""
            with numbers as (select {_TWO_NUMBERS} from {_PERFORMANCE} where n.campaign_id is not null and n.is_complete),
            months as (
              select min(cohort_start) filter (is_complete) as first, max(cohort_start) filter (is_complete) as last,
                     count(distinct cohort_start) filter (is_complete) as complete, count(distinct cohort_start) as months,
                     sum(spend_value) as spend
              from reporting.two_numbers where campaign_id is not null
            )
            select numbers.*, months.* from numbers cross join months
            """
        )[0]
        (maturity,) = self.rows("select coalesce(max(maturity_day), 0) from reporting.cohort_snapshots")[0]
        zero = Decimal(0)
        return MatureTotals(
            TwoNumbers("mature months", spend or zero, platform or zero, collected or zero, exact_roas),
            first,
            last,
            int(months),
            int(of_months),
            int(maturity),
            float((spend or zero) / all_spend) if all_spend else None,
        )

    def without_campaign(self) -> NoCampaign:
        """Records with no campaign: collected money, number of paid records, number of captured records."""
        collected, paid, captured = self.rows(
            """
            select coalesce(sum(collected_value), 0), count(*) filter (collected_value > 0), count(*)
            from reporting.matched_chain where campaign_id is null
            """
        )[0]
        return NoCampaign(collected, int(paid), int(captured))

    def cash(self) -> list[CashMonth]:
        """All cash by calendar month of payment, and the collected money of the same month's cohort."""
        return [
            CashMonth(*row)
            for row in self.rows(
                """
                select month, sum(of_campaigns), sum(without_campaign), sum(of_no_record), sum(total), sum(cohort)
                from (
                  select month, campaign_value_reporting as of_campaigns, no_campaign_value_reporting as without_campaign,
                         unmatched_value_reporting as of_no_record, collected_value_reporting as total, 0 as cohort
                  from reporting.cash_view
                  union all
                  select cohort_start, 0, 0, 0, 0, collected_value from reporting.two_numbers where campaign_id is not null
                )
                group by 1 order by 1
                """
            )
        ]

    def anomalies(self) -> list[Anomaly]:
        """Anomalies over the whole history, by kind, then by value, largest first."""
        return [
            Anomaly(*row)
            for row in self.rows(
                """
                select anomaly, finding, next_step, owner, value from reporting.anomalies
                order by list_position(['overrated_by_meta', 'tracking_lost', 'remittance_late'], anomaly), value desc,
                         started_on, subject
                """
            )
        ]

    def campaigns(self) -> list[TwoNumbers]:
        """The two numbers by campaign, largest spend first, records with no campaign last."""
        return [
            TwoNumbers(*row)
            for row in self.rows(
                f"""
                select coalesce(max(n.campaign_name), n.campaign_id, 'no campaign'), {_TWO_NUMBERS} from {_PERFORMANCE}
                group by n.campaign_id order by n.campaign_id is null, 2 desc, 1
                """
            )
        ]

    def campaign_names(self) -> list[tuple[str | None, str]]:
        """ID and name of every campaign of the bridge, records with no campaign last."""
        return [
            (campaign_id, name)
            for campaign_id, name in self.rows(
                """
                select campaign_id, coalesce(max(campaign_name), campaign_id, 'no campaign') from reporting.two_numbers
                group by 1 order by campaign_id is null, 2, 1
                """
            )
        ]

    def platform_view(self) -> list[PlatformView]:
        """Meta's own figures by campaign, largest spend first."""
        return [
            PlatformView(*row)
            for row in self.rows(
                """
                select coalesce(max(campaign_name), campaign_id), sum(spend_value), sum(results),
                       sum(attributed_value_reporting)
                from reporting.platform_performance group by campaign_id order by 2 desc, 1
                """
            )
        ]

    def funnel_view(self) -> list[FunnelView]:
        """Records on each rung by campaign, most captured first, those with no campaign last."""
        return [
            FunnelView(*row)
            for row in self.rows(
                """
                select coalesce(max(campaign_name), campaign_id, 'no campaign'), sum(captured), sum(valid),
                       sum(qualified), sum(won), sum(collected)
                from reporting.funnel_performance group by campaign_id order by campaign_id is null, 2 desc, 1
                """
            )
        ]

    def collected_view(self) -> list[CollectedView]:
        """Money by campaign, most collected first, that of records with no campaign last."""
        return [
            CollectedView(*row)
            for row in self.rows(
                """
                select coalesce(max(campaign_name), campaign_id, 'no campaign'), sum(collected_value),
                       sum(refunded_value), sum(paid_records)
                from reporting.collected_performance group by campaign_id order by campaign_id is null, 2 desc, 1
                """
            )
        ]

    def snapshots(self) -> list[CohortSnapshot]:
        """All campaigns' cohort months at each maturity."""
        return [
            CohortSnapshot(*row)
            for row in self.rows(
                """
                select cohort_start, maturity_day, bool_and(is_complete), coalesce(sum(spend_value), 0),
                       sum(collected_value)
                from reporting.cohort_snapshots where campaign_id is not null group by 1, 2 order by 1, 2
                """
            )
        ]

    def bridge_by_month(self) -> list[MonthlyLine]:
        """All lines of the bridge by month and campaign."""
        return [
            MonthlyLine(*row)
            for row in self.rows(
                """
                select period_start, campaign_id, line, amount, records from reporting.bridge
                order by period_start, campaign_id nulls last, line_order
                """
            )
        ]

    def entries(self, at_most: int) -> list[Entry]:
        """The single entries; added up by month, campaign, line and reason if there are more than `at_most`."""
        month = "cast(date_trunc('month', cohort_date) as date)"
        one_by_one = f"""
            select {month}, campaign_id, line, amount, record_id, order_id, reason from reporting.bridge_entries
            order by 1, campaign_id nulls last, line, record_id, entry_id
        """
        added_up = f"""
            select {month}, campaign_id, line, sum(amount), count(*) || ' entries', null, reason
            from reporting.bridge_entries group by all order by 1, campaign_id nulls last, line, reason
        """
        total = self.rows("select count(*) from reporting.bridge_entries")[0][0]
        return [Entry(*row) for row in self.rows(one_by_one if total <= at_most else added_up)]

    def records(self, at_most: int) -> list[RecordValue]:
        """The single captured records; added up by month and campaign if there are more than `at_most`."""
        month = "cast(date_trunc('month', cohort_date) as date)"
        one_by_one = f"""
            select {month}, campaign_id, record_id, rung, stated_value, collected_value from reporting.matched_chain
            order by 1, campaign_id nulls last, record_id
        """
        added_up = f"""
            select {month}, campaign_id, count(*) || ' records', null, sum(stated_value), sum(collected_value)
            from reporting.matched_chain group by all order by 1, campaign_id nulls last
        """
        total = self.rows("select count(*) from reporting.matched_chain")[0][0]
        return [RecordValue(*row) for row in self.rows(one_by_one if total <= at_most else added_up)]

    def months(self) -> list[CohortMonth]:
        """The two numbers of all campaigns by cohort month."""
        return [
            CohortMonth(*row)
            for row in self.rows(
                """
                select cohort_start, sum(spend_value), sum(platform_value), sum(collected_value), bool_and(is_complete)
                from reporting.two_numbers where campaign_id is not null group by 1 order by 1
                """
            )
        ]

    def bridge(self) -> list[BridgeLine]:
        """The bridge over all campaigns and months."""
        return [
            BridgeLine(*row)
            for row in self.rows(
                """
                select line, sum(amount), sum(records) from reporting.bridge
                where campaign_id is not null group by line, line_order order by line_order
                """
            )
        ]

    def coverage(self) -> list[Coverage]:
        """Coverage by link in the chain's order and method, strongest first; "unmatched" is left out where it is 0."""
        order = {name: place for place, name in enumerate((*LINKS, *METHODS, "unmatched"))}
        found = [
            Coverage(*row)
            for row in self.rows(
                """
                select link, match_method, records, record_rate, value_rate, is_applicable from reporting.match_coverage
                where records > 0 or match_method <> 'unmatched' or not is_applicable
                """
            )
        ]
        return sorted(found, key=lambda each: (order[each.link], order.get(each.method, len(order))))

    def queues(self) -> list[Queue]:
        """Exceptions by owner and kind, the most value first."""
        return [
            Queue(*row)
            for row in self.rows(
                """
                select owner, kind, count(*), sum(value), max(age_days) from reporting.exceptions
                group by 1, 2 order by 4 desc, 1, 2
                """
            )
        ]

    def open_exceptions(self) -> list[OpenException]:
        """All open exceptions by owner, largest value first."""
        return [
            OpenException(*row)
            for row in self.rows(
                """
                select e.exception_id, e.owner, e.kind, e.source_table, e.source_id, e.value, e.currency, e.age_days,
                       h.first_seen_on, coalesce(h.reopened, 0), e.detail, e.opened_at at time zone 'UTC'
                from reporting.exceptions e left join reporting.exception_history h on h.exception_id = e.exception_id
                order by e.owner, e.value desc, e.exception_id
                """
            )
        ]

    def has(self, table: str) -> bool:
        """Whether the copy has a table; a copy made by an older version may lack it."""
        return bool(self.rows(f"select 1 from duckdb_tables() where table_name = '{table}'"))

    def outbox(self) -> list[OutboxCount]:
        """The outbox of the feedback to Meta by outcome, status and reason."""
        return [
            OutboxCount(*row)
            for row in self.rows(
                """
                select outcome, status, reason, count(*), coalesce(sum(value), 0),
                       (select any_value(currency) from reporting.bridge)
                from reporting.capi_outbox group by 1, 2, 3 order by list_position(['captured', 'qualified', 'won', 'collected'], outcome), 2, 3
                """
            )
        ]

    def queue_changes(self, since: date) -> list[QueueChange]:
        """New and closed exceptions of each owner since a day."""
        return [
            QueueChange(*row)
            for row in self.rows(
                """
                select owner, count(*) filter (where closed_on is null and first_seen_on >= $since),
                       count(*) filter (where closed_on >= $since),
                       coalesce(sum(value) filter (where closed_on >= $since), 0)
                from reporting.exception_history group by owner order by owner
                """,
                {"since": since},
            )
        ]

    def findings(self) -> list[Bottleneck]:
        """The main bottleneck of every segment that has one, largest value at stake first."""
        return [
            Bottleneck(*row)
            for row in self.rows(
                """
                select bottleneck, finding, likely_causes, next_step, owner, value_at_stake from reporting.diagnosis
                where is_main order by value_at_stake desc nulls last, chance, segment_kind, segment
                """
            )
        ]

    def judged(self) -> tuple[int, int]:
        """Number of segments and steps that were judged, and of those with too little data so far."""
        judged, waiting = self.rows(
            """
            select count(*) filter (verdict in ('bottleneck', 'explained_by_another', 'in_line')),
                   count(*) filter (verdict = 'not_enough_yet')
            from reporting.diagnosis
            """
        )[0]
        return int(judged), int(waiting)

    def budget_actions(self) -> list[BudgetAction]:
        """Budget actions of running campaigns, largest spend first, then of campaigns that are not running."""
        return [
            BudgetAction(*row)
            for row in self.rows(
                """
                select coalesce(campaign_name, campaign_id), action, reason, daily_spend, safe_daily_spend
                from reporting.budget_actions order by action = 'not_running', daily_spend desc, 1, campaign_id
                """
            )
        ]

    def unmatched_money(self) -> tuple[Decimal, int]:
        """Money that belongs to no record, and its number of payments."""
        amount, payments = self.rows(
            "select coalesce(sum(amount), 0), coalesce(sum(payments), 0) from reporting.unmatched_revenue"
        )[0]
        return amount, int(payments)

    def judged_methods(self) -> list[JudgedMethod]:
        """Reviewers' findings over all verdicts that count, by link and method."""
        return [
            JudgedMethod(*row)
            for row in self.rows(
                """
                select link, match_method, verdicts, error_rate, error_low, error_high, holds
                from reporting.validation_results where period is null and verdicts > 0 order by link, match_method
                """
            )
        ]

    def locked_months(self) -> list[LockedMonth]:
        """The locked months."""
        return [
            LockedMonth(*row)
            for row in self.rows(
                """
                select period_start, locked_by, locked_at,
                       sum(case when line = 'collected' then locked_amount else 0 end),
                       sum(case when line = 'collected' then amount else 0 end),
                       count(case when difference <> 0 or records <> locked_records then 1 end)
                from reporting.locked_differences group by 1, 2, 3 order by 1
                """
            )
        ]

    def closed_months(self) -> list[ClosedMonth]:
        """Meta's closed months, whether or not their figures changed."""
        return [
            ClosedMonth(*row)
            for row in self.rows(
                """
                select period_start, sum(first_attributed_value), sum(attributed_value_reporting),
                       sum(attributed_moved_since_close)
                from reporting.meta_restatements where period_kind = 'month' group by 1 having bool_and(is_closed) order by 1
                """
            )
        ]

    def quarantined(self) -> int:
        """Number of quarantined rows and files."""
        return int(self.rows("select count(*) from reporting.quarantined_rows")[0][0])


_TWO_NUMBERS = """
sum(n.spend_value), sum(n.platform_value), sum(n.collected_value),
sum(c.collected_roas_exact * c.spend_value) / nullif(sum(n.spend_value), 0)
"""
_PERFORMANCE = """
reporting.two_numbers n join reporting.collected_performance c
  on c.cohort_start = n.cohort_start and c.campaign_id is not distinct from n.campaign_id
"""
