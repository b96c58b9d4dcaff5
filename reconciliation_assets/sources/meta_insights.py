"""Meta Marketing API insights: spend and attributed results of each ad, by day of the ad account.

Meta restates a day for 28 days, so the last 28 days are pulled again and every row has the time of its pull. Action types
overlap (a roll-up contains its parts), so they are never summed: the policy says which one counts for each result. Values
follow each ad set's own attribution setting, which is therefore in every row.

Insights of ads leave out deleted and archived ads unless they are requested by status. A check confirms that nothing is
left out: the ads' total spend of a day must equal the account's spend.
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
"""Meta serves aggregates for 37 months; slightly less is used, so that no month is incomplete."""

FIELDS = (
    "account_id", "account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name", "ad_id", "ad_name",
    "date_start", "date_stop", "attribution_setting", "spend", "impressions", "clicks", "actions", "action_values",
)  # fmt: skip

STATUSES = (
    "ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED", "IN_PROCESS", "PAUSED",
    "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES",
)  # fmt: skip
"""Every effective status in Meta's field list of Ad."""

PERMISSIONS = (("ads_read", "ads_management"),)
"""Needed permissions; one of each group is enough."""

# Each ad's spend is rounded to the minor unit before it is summed.
_ROUNDING_PER_AD = Decimal("0.01")
_JOB_ATTEMPTS = 3
_JOB_RUNNING = {"Job Not Started", "Job Started", "Job Running"}
# Skipped means expired before it ran: the job is requested again, like a failed one.
_JOB_ENDED = {"Job Failed", "Job Skipped"}


def _account_digits(value: object) -> object:
    return value.removeprefix("act_") if isinstance(value, str) else value


AccountId = Annotated[str, BeforeValidator(_account_digits), Field(pattern=r"^\d+$")]


class MetaInsightsSettings(meta.MetaSettings):
    """Settings of a `meta_insights` source.

    Attributes:
        account_ids: ad accounts, with or without `act_`.
        results: which of the policy's results are reported; by default all. The first one carries the ad's spend,
            impressions and clicks.
        days_per_request: the most days per request.
        poll_seconds: seconds between two status checks of a report job.
        job_minutes: minutes after which a report job counts as stuck and is requested again.
    """

    type: Literal["meta_insights"]
    account_ids: list[AccountId] = Field(min_length=1)
    results: tuple[str, ...] | None = Field(default=None, min_length=1)
    days_per_request: int = Field(default=31, ge=1, le=92)
    poll_seconds: float = Field(default=10, gt=0)
    job_minutes: float = Field(default=50, gt=0)
    max_wait_minutes: float = Field(default=110, ge=0)
    # A shorter overlap would miss Meta's restatements.
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
"""What is kept of an unreadable day of an ad."""


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

    def apply_policy(self, policy: Policy) -> None:
        """Take the results from the policy: those named in the settings, or all."""
        unknown = [name for name in self.settings.results or () if name not in policy.meta_results]
        if unknown:
            known = ", ".join(policy.meta_results)
            raise Misconfigured(
                self.name,
                f"the policy has no result {unknown[0]!r}",
                f"Add it to meta_results of the policy, or name one of: {known}",
            )
        self._results = {name: policy.meta_results[name] for name in self.settings.results or policy.meta_results}
        result_of: dict[str, str] = {}
        for name, result in self._results.items():
            for action_type in result.action_types:
                if action_type in result_of:
                    raise Misconfigured(
                        self.name,
                        f"{result_of[action_type]} and {name} both contain the action type {action_type}, which would count twice",
                        "Name only one of the two under results of this source",
                    )
                result_of[action_type] = name

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield one batch per account and range of days, in the account's own zone."""
        pulled_at = self._now()
        with self._graph() as client:
            for account_id in self.settings.account_ids:
                account = self._account(client, account_id)
                today = window.until.astimezone(account.timezone_name).date().isoformat()
                of_any_status = [{"field": "ad.effective_status", "operator": "IN", "value": STATUSES}]
                of_ads: Params = {"level": "ad", "fields": ",".join(FIELDS), "filtering": json.dumps(of_any_status)}
                of_account: Params = {"level": "account", "fields": "account_id,spend,date_start,date_stop"}
                for first, last in _day_ranges(window, account.timezone_name, self.settings.days_per_request):
                    reader = self._reader("meta_insights", "insights", **_KEPT)
                    records = self._insights(client, account_id, of_ads, first, last, self.settings.page_limit)
                    days = newest(reader.each(_AdDay, records), key=lambda day: (day.ad_id, day.date_start))
                    self._require_single_days(days)
                    batch = reader.batch([row for day in days for row in self._rows(day, pulled_at)])
                    records = self._insights(client, account_id, of_account, first, last, self.settings.page_limit)
                    totals = [self._read(_Day, record, "insights of the account") for record in records]
                    doubts = _unexplained_spend(account, totals, days, today)
                    yield replace(batch, doubts=doubts)

    def probe(self) -> Probe:
        """Read the token's permissions, and each account's zone, currency and status."""
        with self._graph() as client:
            missing_permissions = meta.missing_permissions(client, self.settings.api_version, PERMISSIONS)
            if missing_permissions:
                return Probe([], client.clock_skew, missing_permissions=missing_permissions)
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
                missing_permissions,
            )

    def _classify(self, answer: HttpResponse) -> Failure | None:
        return meta.classify(self.name, answer)

    def _pace(self, answer: HttpResponse) -> timedelta:
        return meta.pace(answer)

    def _graph(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.token_env)))

    def _account(self, client: HttpClient, account_id: str) -> _Account:
        fields = {"fields": "account_id,currency,timezone_name,account_status"}
        return self._read(
            _Account,
            meta.get_with_retries(client, f"{self.settings.api_version}/act_{account_id}", fields).body,
            "account",
        )

    def _insights(
        self, client: HttpClient, account_id: str, get_with_retries: Params, first: date, last: date, page_limit: int
    ) -> list[object]:
        """Insights of a range of days: a direct request first, as Meta advises; halved if too large, a report job if too slow."""
        edge = f"{self.settings.api_version}/act_{account_id}/insights"
        params: Params = {
            **get_with_retries,
            "time_increment": 1,
            "time_range": json.dumps({"since": first.isoformat(), "until": last.isoformat()}),
            "limit": page_limit,
        }
        is_one_day = first == last
        try:
            try:
                return list(meta.read_edge(client, edge, params, shrinks=is_one_day))
            except (meta.TooSlow, TimedOut):
                return self._run_report_job(client, edge, params, may_split=not is_one_day)
        except meta.TooMuchData:
            if is_one_day:
                return self._run_report_job(client, edge, params, may_split=False)
        middle = first + (last - first) // 2
        earlier = self._insights(client, account_id, get_with_retries, first, middle, page_limit)
        return earlier + self._insights(
            client, account_id, get_with_retries, middle + timedelta(days=1), last, page_limit
        )

    def _run_report_job(self, client: HttpClient, edge: str, params: Params, *, may_split: bool) -> list[object]:
        ended = ""
        for _ in range(_JOB_ATTEMPTS):
            started = self._read(_Started, client.post(edge, form=params).body, "report job")
            ended = self._wait_for_job(client, started.report_run_id, may_split=may_split)
            if not ended:
                run = f"{self.settings.api_version}/{started.report_run_id}/insights"
                return list(meta.read_edge(client, run, {"limit": params["limit"]}))
        raise SourceUnavailable(
            self.name,
            f"Meta did not finish the report job {_JOB_ATTEMPTS} times, at last with {ended}",
            "Lower days_per_request, or run again later",
        )

    def _wait_for_job(self, client: HttpClient, report_run_id: str, *, may_split: bool) -> str:
        """Wait for a report job; returns how it failed, or an empty text if it completed.

        Raises:
            TooMuchData: it failed because of its size, and fewer days can be requested.
        """
        waited, between = timedelta(), timedelta(seconds=self.settings.poll_seconds)
        while True:
            body = meta.get_with_retries(client, f"{self.settings.api_version}/{report_run_id}").body
            job = self._read(_Job, body, "report job")
            if job.async_status == "Job Completed" and job.async_percent_completion == 100:
                return ""
            if job.async_status not in _JOB_RUNNING | {"Job Completed"}:
                # The status is Meta's text, so an unknown one is not quoted.
                status = job.async_status if job.async_status in _JOB_ENDED else "a status that is not known"
                if may_split and (job.error_code, job.error_subcode) in meta.TOO_MUCH_DATA:
                    raise meta.TooMuchData(self.name, f"{status}, too much data asked for", "Lower days_per_request")
                code = f"{job.error_code}/{job.error_subcode}" if job.error_subcode else f"{job.error_code}"
                return f"{status}, error {code}" if job.error_code else status
            if waited >= timedelta(minutes=self.settings.job_minutes):
                return f"{job.async_status} after {self.settings.job_minutes:g} minutes"
            client.pause_for(between, "Meta's report job")
            waited += between

    def _require_single_days(self, days: Sequence[_Day]) -> None:
        if any(day.date_start != day.date_stop for day in days):
            raise SchemaDrift(
                self.name, "insights.date_stop", "ends another day than it starts; daily rows were asked for"
            )

    def _rows(self, day: _AdDay, pulled_at: datetime) -> Iterator[Row]:
        """One row per result type, even without results, so that a result withdrawn by Meta becomes zero.

        Figures of the ad, not of a result, are on the first row only, so that their sum over result types is Meta's figure.
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
                "results": amount_text(_count(day.actions, result)),
                "attributed_value": amount_text(_count(day.action_values, result)),
                "pulled_at": instant_text(pulled_at),
            }


def _unexplained_spend(account: _Account, totals: Sequence[_Day], days: Sequence[_AdDay], today: str) -> list[str]:
    """A sentence about days on which the account's spend differs from its ads' total, if any; today may change between requests and is left out."""
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
    difference = sum((gap for _, gap in gaps), Decimal(0))
    message = (
        f"ad account {account.account_id} spent {difference} {account.currency} beyond what its ads spent together, on "
        f"{len(gaps)} days from {min(gaps)[0]} to {max(gaps)[0]}. Compare with Ads Manager, deleted ads included"
    )
    return [message]


def _count(stats: Sequence[_ActionStat], result: MetaResult) -> Decimal:
    """The figure of the action type that counts, or of the first folded one that Meta reports; 0 if it reports none."""
    value_of = {stat.action_type: stat.value for stat in stats}
    return next((value_of[action_type] for action_type in result.action_types if action_type in value_of), Decimal(0))


def _day_ranges(window: Window, zone: ZoneInfo, longest: int) -> Iterator[tuple[date, date]]:
    """The window's days in the account's zone, including today, split into ranges of at most `longest` days."""
    last = window.until.astimezone(zone).date()
    first = (window.since or window.until - RETENTION).astimezone(zone).date()
    while first <= last:
        end = min(last, first + timedelta(days=longest - 1))
        yield first, end
        first = end + timedelta(days=1)
