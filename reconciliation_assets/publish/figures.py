"""The figures of the page a manager reads, asked of the published copy."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb


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
    """How much of a link's expected matches one method matched. Rates are None where nothing is expected."""

    link: str
    method: str
    records: int
    record_rate: float | None
    value_rate: float | None
    is_applicable: bool


@dataclass(frozen=True)
class Queue:
    """Exceptions of one kind that one owner has to act on."""

    owner: str
    kind: str
    count: int
    value: Decimal
    oldest_days: int


@dataclass(frozen=True)
class CohortMonth:
    """How a cohort month stands at its longest maturity."""

    start: date
    spend: Decimal
    platform: Decimal
    collected: Decimal
    is_complete: bool


class Published:
    """The published copy, opened for reading.

    Args:
        path: `<data dir>/published/reconciliation.duckdb`.
    """

    def __init__(self, path: Path) -> None:
        self._connection = duckdb.connect(str(path), read_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A result as Python rows; money stays Decimal."""
        return self._connection.execute(sql).fetchall()

    def currency(self) -> str:
        """The reporting currency."""
        return str(self.rows("select any_value(currency) from reporting.bridge")[0][0])

    def policy_version(self) -> str:
        """The policy the figures were computed under."""
        return str(self.rows("select any_value(policy_version) from reporting.bridge")[0][0])

    def advertised(self) -> TwoNumbers:
        """The two numbers over all campaigns; records with no campaign owe nothing to them and are left out."""
        spend, platform, collected, exact_roas = self.rows(
            f"select {_TWO_NUMBERS} from {_PERFORMANCE} where n.campaign_id is not null"
        )[0]
        zero = Decimal(0)
        return TwoNumbers("all campaigns", spend or zero, platform or zero, collected or zero, exact_roas)

    def without_campaign(self) -> tuple[Decimal, int]:
        """Collected money of records with no campaign, and how many such records were captured."""
        collected, records = self.rows(
            """
            select coalesce(sum(collected_value), 0), count(*) from reporting.matched_chain where campaign_id is null
            """
        )[0]
        return collected, int(records)

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
        """Coverage of every link by method."""
        return [
            Coverage(*row)
            for row in self.rows(
                """
                select link, match_method, records, record_rate, value_rate, is_applicable
                from reporting.match_coverage order by link, records desc, match_method
                """
            )
        ]

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

    def unmatched_money(self) -> tuple[Decimal, int]:
        """Money that belongs to no record, and in how many payments."""
        amount, payments = self.rows(
            "select coalesce(sum(amount), 0), coalesce(sum(payments), 0) from reporting.unmatched_revenue"
        )[0]
        return amount, int(payments)

    def quarantined(self) -> int:
        """Bad rows and files set aside."""
        return int(self.rows("select count(*) from reporting.quarantined_rows")[0][0])


_TWO_NUMBERS = """
sum(n.spend_value), sum(n.platform_value), sum(n.collected_value),
sum(c.collected_roas_exact * c.spend_value) / nullif(sum(n.spend_value), 0)
"""
_PERFORMANCE = """
reporting.two_numbers n join reporting.collected_performance c
  on c.cohort_start = n.cohort_start and c.campaign_id is not distinct from n.campaign_id
"""
