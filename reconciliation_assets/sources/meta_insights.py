"""Meta Marketing API insights: what each ad cost, and what Meta says it earned, by day of the ad account.

Meta restates a day for 28 days after it, so the last window's 28 days are pulled again and every row says when it was
pulled. Action types overlap (a roll-up contains its parts), so they are never summed: the policy says which one counts for
each result. Values follow each ad set's own attribution setting, which therefore stands in every row.

Insights of ads leave out deleted and archived ones unless they are asked for by their status. That nothing is left out is
checked: the ads' spend of a day must be what the account says it spent.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator

from reconciliation_assets.policy.model import MetaResult, Policy
from reconciliation_assets.sources import meta
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import bearer
from reconciliation_assets.sources.errors import Misconfigured, SchemaDrift, SourceUnavailable, TimedOut
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.paging import newest
from reconciliation_assets.sources.shapes import NumberText, Shape, Side, Zone, amount_text, instant_text

RETENTION = timedelta(days=37 * 30)
"""Meta serves aggregates for 37 months; a little less, so that no month is cut."""

FIELDS = (
    "account_id", "account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name", "ad_id", "ad_name",
    "date_start", "date_stop", "attribution_setting", "spend", "impressions", "clicks", "actions", "action_values",
)  # fmt: skip

STATUSES = (
    "ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED", "IN_PROCESS", "PAUSED",
    "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES",
)  # fmt: skip
"""Every effective status Meta's field list of Ad knows."""

PERMISSIONS = (("ads_read", "ads_management"),)
"""Of each group one is enough."""

# Each ad's spend is rounded to the minor unit before it is added up.
_ROUNDING_PER_AD = Decimal("0.01")
_JOB_ATTEMPTS = 3
_JOB_RUNNING = {"Job Not Started", "Job Started", "Job Running"}
# Skipped means expired before it ran: it is asked for anew, as a failed one.
_JOB_ENDED = {"Job Failed", "Job Skipped"}


def _account_digits(value: object) -> object:
    return value.removeprefix("act_") if isinstance(value, str) else value


AccountId = Annotated[str, BeforeValidator(_account_digits), Field(pattern=r"^\d+$")]


class MetaInsightsSettings(meta.MetaSettings):
    """Settings of a `meta_insights` source.

    Attributes:
        account_ids: ad accounts, with or without `act_`.
        results: which of the policy's results are reported; all of them where nothing is said. The first one carries the
            ad's spend, impressions and clicks.
        days_per_request: the longest stretch asked for at once.
        poll_seconds: between two looks at a report job.
        job_minutes: after which a report job counts as stuck and is asked for anew.
    """

    type: Literal["meta_insights"]
    account_ids: list[AccountId] = Field(min_length=1)
    results: tuple[str, ...] | None = Field(default=None, min_length=1)
    days_per_request: int = Field(default=31, ge=1, le=92)
    poll_seconds: float = Field(default=10, gt=0)
    job_minutes: float = Field(default=50, gt=0)
    max_wait_minutes: float = Field(default=110, ge=0)
    # Fewer would lose what Meta restates.
    overlap_days: int | None = Field(default=None, ge=28)

    @field_validator("results", mode="before")
    @classmethod
    def _names_only(cls, results: object) -> object:
        if isinstance(results, Mapping):
            raise ValueError(  # noqa: TRY004 - pydantic reads only ValueError
                "which action types count is agreed in the policy, under meta_results; here stands only which of its results this source reports"
            )
        return results


class _Account(Shape):
    account_id: str
    currency: str
    timezone_name: Zone
    account_status: int


class _ActionStat(Shape):
    action_type: str
    value: NumberText


class _Day(Shape):
    date_start: str
    date_stop: str
    spend: NumberText


class _AdDay(_Day):
    account_id: str
    account_currency: str
    campaign_id: str
    campaign_name: Side[str] = None
    adset_id: str
    adset_name: Side[str] = None
    ad_id: str
    ad_name: Side[str] = None
    attribution_setting: Side[str] = None
    impressions: Side[NumberText] = None
    clicks: Side[NumberText] = None
    # Absent, not empty, on a day without any action.
    actions: list[_ActionStat] = Field(default_factory=list)
    action_values: list[_ActionStat] = Field(default_factory=list)


_KEPT = {
    "account_id": "account_id",
    "account_currency": "account_currency",
    "ad_id": "ad_id",
    "date": "date_start",
    "spend": "spend",
}
"""What is kept of an ad's day that cannot be read as a whole."""


class _Started(Shape):
    report_run_id: str


class _Job(Shape):
    async_status: str
    async_percent_completion: int
    error_code: int | None = None
    error_subcode: int | None = None


class MetaInsights(HttpConnector[MetaInsightsSettings]):
    """Reads daily ad insights of one or more ad accounts."""

    tables = ("meta_insights",)
    overlap = timedelta(days=28)

    def agree(self, policy: Policy) -> None:
        """Take the results from the policy: those the settings name, or all of them."""
        unknown = [name for name in self.settings.results or () if name not in policy.meta_results]
        if unknown:
            known = ", ".join(policy.meta_results)
            raise Misconfigured(
                self.name,
                f"the policy has no result {unknown[0]!r}",
                f"Add it to meta_results of the policy, or name one of: {known}",
            )
        self._results = {name: policy.meta_results[name] for name in self.settings.results or policy.meta_results}
        counted: dict[str, str] = {}
        for name, result in self._results.items():
            for action_type in result.action_types:
                if action_type in counted:
                    raise Misconfigured(
                        self.name,
                        f"{counted[action_type]} and {name} both contain the action type {action_type}, which would count twice",
                        "Name only one of the two under results of this source",
                    )
                counted[action_type] = name

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield one batch per account and stretch of days, in the account's own days."""
        pulled_at = self._now()
        with self._graph() as client:
            for account_id in self.settings.account_ids:
                account = self._account(client, account_id)
                today = window.until.astimezone(account.timezone_name).date().isoformat()
                of_any_status = [{"field": "ad.effective_status", "operator": "IN", "value": STATUSES}]
                of_ads: Params = {"level": "ad", "fields": ",".join(FIELDS), "filtering": json.dumps(of_any_status)}
                of_account: Params = {"level": "account", "fields": "account_id,spend,date_start,date_stop"}
                for first, last in _stretches(window, account.timezone_name, self.settings.days_per_request):
                    reader = self._reader("meta_insights", "insights", **_KEPT)
                    records = self._insights(client, account_id, of_ads, first, last, self.settings.page_limit)
                    days = newest(reader.each(_AdDay, records), key=lambda day: (day.ad_id, day.date_start))
                    self._hold_to_days(days)
                    batch = reader.batch([row for day in days for row in self._rows(day, pulled_at)])
                    records = self._insights(client, account_id, of_account, first, last, self.settings.page_limit)
                    totals = [self._read(_Day, record, "insights of the account") for record in records]
                    doubts = _beyond_the_ads(account, totals, days, today)
                    yield replace(batch, doubts=doubts)

    def probe(self) -> Probe:
        """Read the token's permissions, and each account's zone, currency and status."""
        with self._graph() as client:
            lacking = meta.lacking(client, self.settings.api_version, PERMISSIONS)
            if lacking:
                return Probe([], client.clock_skew, lacking=lacking)
            accounts = [self._account(client, account_id) for account_id in self.settings.account_ids]
            return Probe(
                [
                    ProbedAccount(account.account_id, account.timezone_name.key, account.currency)
                    for account in accounts
                ],
                client.clock_skew,
                [
                    f"ad account {account.account_id} is not active"
                    for account in accounts
                    if account.account_status != 1
                ],
                lacking,
            )

    def _judge(self, answer: HttpResponse) -> Failure | None:
        return meta.judge(self.name, answer)

    def _pace(self, answer: HttpResponse) -> timedelta:
        return meta.pace(answer)

    def _graph(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.token_env)))

    def _account(self, client: HttpClient, account_id: str) -> _Account:
        fields = {"fields": "account_id,currency,timezone_name,account_status"}
        return self._read(
            _Account, meta.asked(client, f"{self.settings.api_version}/act_{account_id}", fields).body, "account"
        )

    def _insights(
        self, client: HttpClient, account_id: str, asked: Params, first: date, last: date, page_limit: int
    ) -> list[object]:
        """Ask at once first, as Meta advises; smaller when there is too much, by a report job when it takes too long."""
        edge = f"{self.settings.api_version}/act_{account_id}/insights"
        params: Params = {
            **asked,
            "time_increment": 1,
            "time_range": json.dumps({"since": first.isoformat(), "until": last.isoformat()}),
            "limit": page_limit,
        }
        is_one_day = first == last
        try:
            try:
                return list(meta.listed(client, edge, params, shrinks=is_one_day))
            except (meta.TooSlow, TimedOut):
                return self._reported(client, edge, params, may_split=not is_one_day)
        except meta.TooMuchData:
            if is_one_day:
                return self._reported(client, edge, params, may_split=False)
        middle = first + (last - first) // 2
        earlier = self._insights(client, account_id, asked, first, middle, page_limit)
        return earlier + self._insights(client, account_id, asked, middle + timedelta(days=1), last, page_limit)

    def _reported(self, client: HttpClient, edge: str, params: Params, *, may_split: bool) -> list[object]:
        ended = ""
        for _ in range(_JOB_ATTEMPTS):
            started = self._read(_Started, client.post(edge, form=params).body, "report job")
            ended = self._awaited(client, started.report_run_id, may_split=may_split)
            if not ended:
                run = f"{self.settings.api_version}/{started.report_run_id}/insights"
                return list(meta.listed(client, run, {"limit": params["limit"]}))
        raise SourceUnavailable(
            self.name,
            f"Meta did not finish the report job {_JOB_ATTEMPTS} times, at last with {ended}",
            "Lower days_per_request, or run again later",
        )

    def _awaited(self, client: HttpClient, report_run_id: str, *, may_split: bool) -> str:
        """Wait for a report job; how it ended where it did not complete, else nothing.

        Raises:
            TooMuchData: it failed for its size, and fewer days may be asked for.
        """
        waited, between = timedelta(), timedelta(seconds=self.settings.poll_seconds)
        while True:
            body = meta.asked(client, f"{self.settings.api_version}/{report_run_id}").body
            job = self._read(_Job, body, "report job")
            if job.async_status == "Job Completed" and job.async_percent_completion == 100:
                return ""
            if job.async_status not in _JOB_RUNNING | {"Job Completed"}:
                # The status is Meta's word; one that is not known is not repeated.
                status = job.async_status if job.async_status in _JOB_ENDED else "a status that is not known"
                if may_split and (job.error_code, job.error_subcode) in meta.TOO_MUCH_DATA:
                    raise meta.TooMuchData(self.name, f"{status}, too much data asked for", "Lower days_per_request")
                code = f"{job.error_code}/{job.error_subcode}" if job.error_subcode else f"{job.error_code}"
                return f"{status}, error {code}" if job.error_code else status
            if waited >= timedelta(minutes=self.settings.job_minutes):
                return f"{job.async_status} after {self.settings.job_minutes:g} minutes"
            client.rest(between, "Meta's report job")
            waited += between

    def _hold_to_days(self, days: Sequence[_Day]) -> None:
        if any(day.date_start != day.date_stop for day in days):
            raise SchemaDrift(
                self.name, "insights.date_stop", "ends another day than it starts; daily rows were asked for"
            )

    def _rows(self, day: _AdDay, pulled_at: datetime) -> Iterator[Row]:
        """One row per result type, also for none, so that a result taken back by Meta is restated to zero.

        What belongs to the ad and not to a result stands on the first row only: summed over result types it is Meta's.
        """
        for number, (result_type, result) in enumerate(self._results.items()):
            carries_cost = number == 0
            yield {
                "account_id": day.account_id,
                "account_currency": day.account_currency,
                "campaign_id": day.campaign_id,
                "campaign_name": day.campaign_name,
                "adset_id": day.adset_id,
                "adset_name": day.adset_name,
                "ad_id": day.ad_id,
                "ad_name": day.ad_name,
                "date": day.date_start,
                "attribution_setting": day.attribution_setting or "unreported",
                "spend": amount_text(day.spend) if carries_cost else "0",
                "impressions": amount_text(day.impressions or Decimal(0)) if carries_cost else "0",
                "clicks": amount_text(day.clicks or Decimal(0)) if carries_cost else "0",
                "result_type": result_type,
                "results": amount_text(_counted(day.actions, result)),
                "attributed_value": amount_text(_counted(day.action_values, result)),
                "pulled_at": instant_text(pulled_at),
            }


def _beyond_the_ads(account: _Account, totals: Sequence[_Day], days: Sequence[_AdDay], today: str) -> list[str]:
    """Days on which the account spent something else than its ads together; not of today, which moves between two questions."""
    of_ads: dict[str, list[Decimal]] = {}
    for day in days:
        of_ads.setdefault(day.date_start, []).append(day.spend)
    gaps = [
        (total.date_start, gap)
        for total in totals
        for spends in [of_ads.get(total.date_start, [])]
        for gap in [total.spend - sum(spends, Decimal(0))]
        if abs(gap) > _ROUNDING_PER_AD * max(1, len(spends)) and total.date_start != today
    ]
    if not gaps:
        return []
    beyond = sum((gap for _, gap in gaps), Decimal(0))
    told = (
        f"ad account {account.account_id} spent {beyond} {account.currency} beyond what its ads spent together, on "
        f"{len(gaps)} days from {min(gaps)[0]} to {max(gaps)[0]}. Compare with Ads Manager, deleted ads included"
    )
    return [told]


def _counted(stats: Sequence[_ActionStat], result: MetaResult) -> Decimal:
    """The figure of the action type that counts, or of the first one folded into it that Meta lists; 0 where it lists none."""
    told = {stat.action_type: stat.value for stat in stats}
    return next((told[action_type] for action_type in result.action_types if action_type in told), Decimal(0))


def _stretches(window: Window, zone: ZoneInfo, longest: int) -> Iterator[tuple[date, date]]:
    """The window's days in the account's zone, the last one being still under way, cut into stretches."""
    last = window.until.astimezone(zone).date()
    first = (window.since or window.until - RETENTION).astimezone(zone).date()
    while first <= last:
        end = min(last, first + timedelta(days=longest - 1))
        yield first, end
        first = end + timedelta(days=1)
