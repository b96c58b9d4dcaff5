"""Meta's Graph API: insights asked at once or by report job, forms and leads; errors in its envelope.

Shapes follow Meta's published field lists; every scalar metric is text, `actions` is absent on a day without any.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from reconciliation_assets_tests.standin.company import ACCOUNT, FORMS, PAGE, AdDay, Company, Lead
from reconciliation_assets_tests.standin.system import TOKEN, Reply, Request, System, page_of

INSIGHT_FIELDS = frozenset({
    "account_currency", "account_id", "account_name", "action_values", "actions", "ad_id", "ad_name", "adset_id",
    "adset_name", "attribution_setting", "buying_type", "campaign_id", "campaign_name", "clicks", "conversion_leads",
    "conversion_values", "conversions", "cpc", "cpm", "created_time", "ctr", "date_start", "date_stop", "frequency",
    "impressions", "inline_link_clicks", "objective", "optimization_goal", "reach", "spend", "updated_time",
})  # fmt: skip
"""From Meta's field list of AdsInsights."""

LEAD_FIELDS = frozenset({
    "ad_id", "ad_name", "adset_id", "adset_name", "campaign_id", "campaign_name", "created_time",
    "custom_disclaimer_responses", "field_data", "form_id", "id", "is_organic", "partner_name", "platform", "post",
    "retailer_item_id",
})  # fmt: skip
"""From Meta's field list of Lead."""

ALL_PERMISSIONS = (
    "ads_read", "ads_management", "leads_retrieval", "pages_show_list", "pages_read_engagement", "pages_manage_ads",
)  # fmt: skip

_ERRORS = {
    "expired_token": (
        400,
        {"code": 190, "error_subcode": 463, "type": "OAuthException", "message": "Session has expired"},
    ),
    "missing_permission": (
        403,
        {"code": 200, "type": "OAuthException", "message": "Ad account owner has NOT granted ads_read"},
    ),
    "rate_limited": (200, {"code": 80000, "error_subcode": 2446079, "message": "There have been too many calls"}),
    "server_error": (500, {"code": 2, "is_transient": True, "message": "Service temporarily unavailable"}),
    "reduce": (500, {"code": 1, "error_subcode": 99, "message": "Please reduce the amount of data you're asking for"}),
    "unknown": (500, {"code": 1, "error_subcode": 99, "message": "An unknown error occurred"}),
    "no_page_token": (400, {"code": 190, "message": "(#190) This method must be called with a Page Access Token"}),
    "too_slow": (400, {"code": 100, "error_subcode": 1504018, "message": "Your request timed out"}),
}


DATASET = "730000000000001"
PAGE_TOKEN = f"page-{TOKEN}"

_EVENT_ERRORS = {
    "too_old": (2804003, "Event Timestamp Too Old"),
    "no_identity": (2804050, "Missing customer information parameters"),
    "no_currency": (2804009, "Missing currency for purchase event"),
    "bad_lead_id": (2804019, "Invalid lead_id"),
    "no_source": (2804011, "Missing browser information for website events"),
}
"""Suberrors of what Meta finds wrong with an event; error and envelope are the Graph API's."""


class Meta(System):
    """The Graph API for one ad account, one page and one dataset.

    Attributes:
        longest_days: a longer time range is answered with "reduce the amount of data".
        largest_page: a larger limit is, too.
        refuses_size_as: `reduce`, or `unknown` as Meta also says of it.
        loses: ads that insights leave out although they are asked for.
        answers_at_once: False makes every insights GET on the account time out, so that only report jobs work.
        failing_jobs: how many report jobs fail before one completes.
        failing_as: the status of a job that fails.
        stuck_jobs: how many report jobs stay where they are before one moves on.
        page_is_assigned: whether the system user's token may be exchanged for the page's.
        permissions_granted: what the token was granted; None where it is a system user's that cannot tell.
        minutes_to_regain: told with a rate limit.
        quota_percent: told with every answer.
        names_the_event: whether the refusal of a batch says which event of it is bad; Meta does not promise to.
        events: the events the dataset took, as sent; one whose name and ID came before within 48 hours is not counted.
        batches: how many events each request brought.
        clock: the dataset's own, by which it finds events too old.
    """

    name = "meta"

    def __init__(self, company: Company) -> None:
        super().__init__(company)
        self.longest_days = 1000
        self.largest_page = 1000
        self.refuses_size_as = "reduce"
        self.loses: tuple[str, ...] = ()
        self.answers_at_once = True
        self.page_is_assigned = True
        self.permissions_granted: tuple[str, ...] | None = ALL_PERMISSIONS
        self.failing_jobs = 0
        self.failing_as = "Job Failed"
        self.stuck_jobs = 0
        self.minutes_to_regain = 0
        self.quota_percent = 12
        self.names_the_event = False
        self.events: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._jobs: dict[str, dict[str, Any]] = {}

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {
            r"GET /v26\.0/me/permissions": self.permissions,
            rf"GET /v26\.0/act_{ACCOUNT}": self.account,
            rf"GET /v26\.0/act_{ACCOUNT}/insights": self.insights,
            rf"POST /v26\.0/act_{ACCOUNT}/insights": self.start_report,
            r"GET /v26\.0/(?P<run>6\d+)": self.report_status,
            r"GET /v26\.0/(?P<run>6\d+)/insights": self.report_insights,
            rf"POST /v26\.0/{DATASET}/events": self.dataset_events,
            r"POST /v26\.0/(?P<dataset>\d+)/events": self.unknown_dataset,
            rf"GET /v26\.0/{DATASET}": self.dataset,
            rf"GET /v26\.0/{PAGE}": self.page,
            rf"GET /v26\.0/{PAGE}/leadgen_forms": self.forms,
            r"GET /v26\.0/(?P<form>41\d+)/leads": self.leads,
        }

    def authorised(self, request: Request) -> bool:
        return request.headers.get("authorization") in {f"Bearer {TOKEN}", f"Bearer {PAGE_TOKEN}"}

    def refuse(self, kind: str) -> Reply:
        status, error = _ERRORS[kind]
        headers = {}
        if kind == "rate_limited":
            usage = {
                "type": "ads_insights",
                "call_count": 100,
                "estimated_time_to_regain_access": self.minutes_to_regain,
            }
            headers["x-business-use-case-usage"] = json.dumps({ACCOUNT: [usage]})
        return Reply({"error": {"type": "OAuthException", "fbtrace_id": "A0000000000", **error}}, status, headers)

    def permissions(self, request: Request) -> Reply:
        if self.permissions_granted is None:
            return Reply({"error": {"code": 100, "type": "OAuthException", "message": "Unsupported get request"}}, 400)
        granted = [{"permission": name, "status": "granted"} for name in self.permissions_granted]
        return Reply({"data": [*granted, {"permission": "email", "status": "declined"}]})

    def account(self, request: Request) -> Reply:
        everything = {
            "id": f"act_{ACCOUNT}",
            "account_id": ACCOUNT,
            "currency": "AED",
            "timezone_name": "Asia/Dubai",
            "account_status": 1,
        }
        return Reply({name: everything[name] for name in ["id", *request.query["fields"].split(",")]})

    def insights(self, request: Request) -> Reply:
        if not self.answers_at_once:
            return self.refuse("too_slow")
        return self._insights(request.query, request.query, f"act_{ACCOUNT}")

    def start_report(self, request: Request) -> Reply:
        run = f"6{len(self._jobs):014d}"
        self._jobs[run] = {
            "asked": request.body,
            "looks": 0,
            "fails": self.failing_jobs > 0,
            "is_stuck": self.stuck_jobs > 0,
        }
        self.failing_jobs -= 1
        self.stuck_jobs -= 1
        return Reply({"report_run_id": run})

    def report_status(self, request: Request, run: str) -> Reply:
        job = self._jobs[run]
        job["looks"] += 1
        status, percent = ("Job Running", 40) if job["looks"] == 1 else ("Job Completed", 100)
        if job["is_stuck"]:
            status, percent = "Job Running", 99
        body = {"id": run, "account_id": ACCOUNT, "async_status": status, "async_percent_completion": percent}
        if job["looks"] > 1 and job["fails"]:
            body["async_status"] = self.failing_as
            if self.failing_as == "Job Failed":
                # As of v25 a failed run says why.
                body |= {"error_code": 2, "error_subcode": 1504044, "error_message": "Something went wrong"}
        return Reply(body)

    def report_insights(self, request: Request, run: str) -> Reply:
        return self._insights(self._jobs[run]["asked"], request.query, run)

    def dataset(self, request: Request) -> Reply:
        return Reply({"id": DATASET, "name": "Outcomes"})

    def dataset_events(self, request: Request) -> Reply:
        sent = request.body["data"]
        self.batches.append(len(sent))
        if len(sent) > 1000:
            return self._refuse_events(None, "(#100) Too many events", None)
        for place, event in enumerate(sent):
            wrong = _wrong_with(event, self.clock())
            if wrong:
                subcode, title = _EVENT_ERRORS[wrong]
                return self._refuse_events(subcode, title, place)
        seen = {(event["event_name"], event["event_id"]) for event in self.events}
        self.events += [event for event in sent if (event["event_name"], event["event_id"]) not in seen]
        return Reply({"events_received": len(sent), "messages": [], "fbtrace_id": "A0000000000"})

    def unknown_dataset(self, request: Request, dataset: str) -> Reply:
        message = f"Unsupported post request. Object with ID '{dataset}' does not exist, cannot be loaded due to missing permissions"
        error = {"code": 100, "error_subcode": 33, "type": "GraphMethodException", "message": message}
        return Reply({"error": {**error, "fbtrace_id": "A0000000000"}}, 400)

    def _refuse_events(self, subcode: int | None, title: str, place: int | None) -> Reply:
        error: dict[str, Any] = {
            "message": "Invalid parameter",
            "type": "OAuthException",
            "code": 100,
            "error_subcode": subcode,
            "is_transient": False,
            "error_user_title": title,
            "error_user_msg": "One or more of your events are not valid.",
            "fbtrace_id": "A0000000000",
        }
        if self.names_the_event and place is not None:
            error["error_user_msg"] = f"data[{place}] is not valid."
        return Reply({"error": error}, 400)

    def page(self, request: Request) -> Reply:
        asked = request.query["fields"].split(",")
        token = {"access_token": PAGE_TOKEN} if self.page_is_assigned and "access_token" in asked else {}
        return Reply({"id": PAGE, **token})

    def forms(self, request: Request) -> Reply:
        if request.headers["authorization"] != f"Bearer {PAGE_TOKEN}":
            return self.refuse("no_page_token")
        phone = {
            "AE": ("phone_number", "PHONE"),
            "KW": ("رقم_الهاتف", "PHONE"),
            "SA": ("رقم_الجوال_للتواصل؟", "CUSTOM"),
        }
        forms = [
            {
                "id": form_id,
                "locale": {"AE": "en_US", "KW": "ar_AR", "SA": "ar_AR"}[market],
                "status": "ACTIVE",
                "questions": [
                    {"id": "1", "key": "full_name", "label": "Name", "type": "FULL_NAME"},
                    {"id": "2", "key": "email", "label": "Email", "type": "EMAIL"},
                    {"id": "3", "key": phone[market][0], "label": "Phone", "type": phone[market][1]},
                ],
            }
            for market, form_id in FORMS.items()
        ]
        return self._page(forms, request.query, f"{PAGE}/leadgen_forms")

    def leads(self, request: Request, form: str) -> Reply:
        if request.headers["authorization"] != f"Bearer {PAGE_TOKEN}":
            return self.refuse("no_page_token")
        if int(request.query["limit"]) > self.largest_page:
            return self.refuse(self.refuses_size_as)
        asked = request.query["fields"].split(",")
        unknown = [name for name in asked if name not in LEAD_FIELDS]
        if unknown:
            return self._refuse_field(unknown[0])
        (filtering,) = json.loads(request.query["filtering"])
        if (filtering["field"], filtering["operator"]) != ("time_created", "GREATER_THAN_OR_EQUAL"):
            return self.refuse("missing_permission")
        since = datetime.fromtimestamp(filtering["value"], UTC)
        market = next(market for market, form_id in FORMS.items() if form_id == form)
        leads = sorted(
            (lead for lead in self.company.leads if lead.person.market == market and lead.created >= since),
            key=lambda lead: lead.created,
            reverse=True,
        )
        return self._page([_only(asked, _lead(lead, form)) for lead in leads], request.query, f"{form}/leads")

    def _insights(self, asked: Mapping[str, str], paging: Mapping[str, str], node: str) -> Reply:
        between = json.loads(asked["time_range"])
        first, last = date.fromisoformat(between["since"]), date.fromisoformat(between["until"])
        if (last - first).days + 1 > self.longest_days or int(paging["limit"]) > self.largest_page:
            return self.refuse(self.refuses_size_as)
        fields = asked["fields"].split(",")
        unknown = [name for name in fields if name not in INSIGHT_FIELDS]
        if unknown:
            return self._refuse_field(unknown[0])
        days = [ad_day for ad_day in self.company.ad_days if first <= ad_day.day <= last]
        if asked["level"] == "account":
            rows = [_account_day(days, day) for day in sorted({ad_day.day for ad_day in days})]
        else:
            (status,) = json.loads(asked.get("filtering", '[{"value": []}]'))
            shown = [d for d in days if "DELETED" in status["value"] or not d.ad.is_deleted]
            rows = [_insight(ad_day) for ad_day in shown if ad_day.ad.ad_id not in self.loses]
        return self._page([_only(fields, row) for row in rows], paging, f"{node}/insights")

    def _page(self, records: list[Any], query: Mapping[str, str], edge: str) -> Reply:
        start = int(base64.b64decode(query["after"])) if "after" in query else 0
        shown, more = page_of(records, start, int(query["limit"]))
        after = base64.b64encode(str(start + len(shown)).encode()).decode()
        paging: dict[str, Any] = {"cursors": {"before": "MAZDZD", "after": after}}
        if more:
            paging["next"] = f"https://graph.facebook.com/v26.0/{edge}?access_token=LEAKED&after={after}"
        usage = {"call_count": self.quota_percent, "total_time": 3, "total_cputime": 2}
        return Reply({"data": shown, "paging": paging}, headers={"x-app-usage": json.dumps(usage)})

    def _refuse_field(self, field: str) -> Reply:
        return Reply(
            {
                "error": {
                    "code": 100,
                    "type": "OAuthException",
                    "message": f"(#100) {field} is not valid for fields param",
                }
            },
            400,
        )


def _wrong_with(event: dict[str, Any], now: datetime) -> str | None:
    """What Meta finds wrong with an event, by its pages on server events, customer information and CRM payloads."""
    user, custom = event["user_data"], event.get("custom_data", {})
    happened = datetime.fromtimestamp(event["event_time"], UTC)
    if not now - timedelta(days=7) <= happened <= now:
        return "too_old"
    if not {"lead_id", "fbc", "fbp", "em", "ph"} & set(user):
        return "no_identity"
    if "lead_id" in user and not (isinstance(user["lead_id"], int) and 15 <= len(str(user["lead_id"])) <= 17):
        return "bad_lead_id"
    if event["event_name"] == "Purchase" and not {"value", "currency"} <= set(custom):
        return "no_currency"
    if event["action_source"] == "website" and "client_user_agent" not in user:
        return "no_source"
    return None


def _only(asked: list[str], record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name in {*asked, "id", "date_start", "date_stop"}}


def _stat(action_type: str, value: object) -> dict[str, str]:
    return {"action_type": action_type, "value": str(value)}


def _account_day(days: list[AdDay], day: date) -> dict[str, Any]:
    spend = sum((ad_day.spend for ad_day in days if ad_day.day == day), Decimal(0))
    told = {"account_id": ACCOUNT, "account_currency": "AED", "spend": str(spend)}
    return told | {"date_start": day.isoformat(), "date_stop": day.isoformat()}


def _insight(ad_day: AdDay) -> dict[str, Any]:
    ad = ad_day.ad
    row: dict[str, Any] = {
        "account_id": ACCOUNT,
        "account_currency": "AED",
        "campaign_id": ad.campaign_id,
        "campaign_name": ad.campaign_name,
        "adset_id": ad.adset_id,
        "adset_name": "prospecting",
        "ad_id": ad.ad_id,
        "ad_name": f"ad {ad.ad_id[-2:]}",
        "attribution_setting": ad.attribution_setting,
        "spend": str(ad_day.spend),
        "impressions": str(ad_day.impressions),
        "clicks": str(ad_day.clicks),
        "date_start": ad_day.day.isoformat(),
        "date_stop": ad_day.day.isoformat(),
    }
    # Roll-ups beside their parts, as Meta sends them: summing this list would count every result twice or more.
    leads = [_stat(name, ad_day.leads) for name in ("lead", "onsite_conversion.lead_grouped")] if ad_day.leads else []
    names = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")
    purchases = [_stat(name, ad_day.purchases) for name in names] if ad_day.purchases else []
    if leads or purchases:
        row["actions"] = [_stat("link_click", ad_day.clicks), *leads, *purchases]
    if purchases:
        row["action_values"] = [_stat(name, ad_day.purchase_value) for name in names]
    return row


def _lead(lead: Lead, form: str) -> dict[str, Any]:
    phone = {"AE": "phone_number", "KW": "رقم_الهاتف", "SA": "رقم_الجوال_للتواصل؟"}[lead.person.market]
    answers = {
        "full_name": f"{lead.person.first_name} {lead.person.last_name}",
        "email": lead.person.email,
        phone: lead.person.phone,
    }
    if lead.is_test:
        answers = {name: f"<test lead: dummy data for {name}>" for name in answers}
    record: dict[str, Any] = {
        "id": lead.lead_id,
        "created_time": lead.created.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "form_id": form,
        "field_data": [{"name": name, "values": [value]} for name, value in answers.items()],
        "is_organic": lead.ad is None,
        "platform": lead.platform,
    }
    if lead.person.market != "KW":
        record["custom_disclaimer_responses"] = [
            {"checkbox_key": "marketing", "is_checked": "1" if lead.consents else ""}
        ]
    if lead.ad:
        record |= {
            "ad_id": lead.ad.ad_id,
            "adset_id": lead.ad.adset_id,
            "campaign_id": lead.ad.campaign_id,
            "campaign_name": lead.ad.campaign_name,
        }
    return record
