"""Zoho CRM: modules read by page token, an empty answer where there is nothing, a token of its own scheme."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from reconciliation_assets_tests.standin.company import Deal, Lead
from reconciliation_assets_tests.standin.system import TOKEN, Reply, Request, System, page_of

STAGES = {"new": "Qualification", "won": "Closed Won", "lost": "Closed Lost"}
KUWAIT = timezone(timedelta(hours=3))


class Zoho(System):
    """One organisation with the leads and deals of the KW market.

    Attributes:
        lacks: fields that this organisation does not have.
        has_currencies: whether it has several, so that a deal has its own.
    """

    name = "zoho"
    lacks: tuple[str, ...] = ()
    has_currencies = False

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {
            r"POST /oauth/v2/token": self.grant_token,
            r"GET /crm/v8/org": self.org,
            r"GET /crm/v8/Leads": self.leads,
            r"GET /crm/v8/Deals": self.deals,
            r"GET /crm/v8/(?P<module>Leads|Deals)/deleted": self.deleted,
            r"GET /crm/v8/Contacts": self.contacts,
            r"GET /crm/v8/Deals/(?P<deal>\d+)/Stage_History": self.stage_history,
        }

    def authorised(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Zoho-oauthtoken {TOKEN}"

    def refuse(self, kind: str) -> Reply:
        status, code = {
            "expired_token": (401, "INVALID_TOKEN"),
            "missing_permission": (401, "OAUTH_SCOPE_MISMATCH"),
            "rate_limited": (429, "TOO_MANY_REQUESTS"),
            "server_error": (500, "INTERNAL_ERROR"),
        }[kind]
        return Reply({"code": code, "details": {}, "message": kind, "status": "error"}, status)

    def grant_token(self, request: Request) -> Reply:
        if request.body["refresh_token"] != TOKEN:
            return Reply({"error": "invalid_code"})
        return Reply(
            {
                "access_token": TOKEN,
                "api_domain": "https://www.zohoapis.com",
                "token_type": "Bearer",
                "expires_in": 3600,
            }
        )

    def org(self, request: Request) -> Reply:
        return Reply(
            {"org": [{"id": "600000000000001", "time_zone": "Asia/Kuwait", "iso_code": "KWD", "company_name": "x"}]}
        )

    def leads(self, request: Request) -> Reply:
        deals = {deal.lead.lead_id: deal for deal in self._deals()}
        leads = [_lead(lead, deals.get(lead.lead_id)) for lead in self._leads()]
        if request.query.get("converted") != "both":
            leads = [lead for lead in leads if lead.get("Converted_Deal") is None]
        return self._page(request, leads)

    def deals(self, request: Request) -> Reply:
        currency = {"Currency": "USD"} if self.has_currencies else {}
        return self._page(request, [_deal(deal) | currency for deal in self._deals()])

    def deleted(self, request: Request, module: str) -> Reply:
        gone = self.company.deleted_deals_in("KW") if module == "Deals" else []
        since = request.headers.get("if-modified-since")
        records = [
            {"id": _deal_id(deal), "type": "recycle", "deleted_time": _local(deal.deleted), "display_name": "x"}
            for deal in gone
            if deal.deleted and (since is None or deal.deleted >= datetime.fromisoformat(since))
        ]
        if not records:
            return Reply(None, 304 if since else 204)
        number, size = int(request.query["page"]), int(request.query["per_page"])
        shown, more = page_of(records, (number - 1) * size, size)
        info = {"per_page": size, "count": len(shown), "page": number, "more_records": more}
        return Reply({"data": shown, "info": info})

    def contacts(self, request: Request) -> Reply:
        contacts = [_contact(lead) for lead in self._leads()]
        asked = request.query.get("ids")
        return self._page(request, [each for each in contacts if asked is None or each["id"] in asked.split(",")])

    def stage_history(self, request: Request, deal: str) -> Reply:
        stages = next(found.stages for found in self._deals() if _deal_id(found) == deal)
        entries = [
            {
                "id": f"{deal}{n}",
                "Stage": STAGES.get(stage.name, stage.name.title()),
                "Modified_Time": _local(stage.entered),
            }
            for n, stage in enumerate(stages)
        ]
        return self._page(request, entries[::-1])

    def _page(self, request: Request, records: list[dict[str, Any]]) -> Reply:
        since = request.headers.get("if-modified-since")
        if since:
            records = [
                r for r in records if datetime.fromisoformat(r["Modified_Time"]) >= datetime.fromisoformat(since)
            ]
        if not records:
            return Reply(None, 304 if since else 204)
        records.sort(key=lambda record: int(record["id"]))
        start = int(request.query.get("page_token", "t0")[1:])
        size = int(request.query["per_page"])
        shown, more = page_of(records, start, size)
        asked = {"id", *request.query["fields"].split(",")} - set(self.lacks)
        data = [{name: value for name, value in record.items() if name in asked} for record in shown]
        token = f"t{start + size}" if more else None
        return Reply(
            {
                "data": data,
                "info": {
                    "per_page": size,
                    "count": len(data),
                    "more_records": more,
                    **({"next_page_token": token} if token else {}),
                },
            }
        )

    def _leads(self) -> list[Lead]:
        return [lead for lead in self.company.leads if lead.person.market == "KW"]

    def _deals(self) -> list[Deal]:
        return self.company.deals_in("KW")


def _local(moment: datetime) -> str:
    return moment.astimezone(KUWAIT).isoformat(timespec="seconds")


def _deal_id(deal: Deal) -> str:
    return str(600000000200000 + deal.number)


def _contact_id(lead: Lead) -> str:
    return str(600000000300000 + int(lead.lead_id[-6:]))


def _lead(lead: Lead, deal: Deal | None) -> dict[str, Any]:
    return {
        "id": str(600000000100000 + int(lead.lead_id[-6:])),
        "Created_Time": _local(lead.created),
        "Modified_Time": _local(deal.created if deal else lead.created),
        "Lead_Status": "Contacted" if deal else None,
        "Owner": {"id": "600000000000101", "name": "Invented Owner"},
        "Email": lead.person.email,
        "Phone": None,
        "Mobile": lead.person.phone,
        "Full_Name": f"{lead.person.first_name} {lead.person.last_name}",
        # Zoho leaves it out of a lead that was not converted.
        **({"Converted_Deal": {"id": _deal_id(deal), "name": "x"}} if deal else {}),
        "Meta_Lead_ID": lead.lead_id,
    }


def _deal(deal: Deal) -> dict[str, Any]:
    last = deal.stages[-1].name
    return {
        "id": _deal_id(deal),
        "Created_Time": _local(deal.created),
        "Modified_Time": _local(deal.updated),
        "Stage": STAGES.get(last, last.title()),
        "Amount": deal.amount,
        "Owner": {"id": f"600000000000{deal.owner}", "name": "Invented Owner"},
        "Contact_Name": {"id": _contact_id(deal.lead), "name": "x"},
        "Reason_For_Loss__s": deal.lost_reason,
    }


def _contact(lead: Lead) -> dict[str, Any]:
    return {
        "id": _contact_id(lead),
        "Modified_Time": _local(lead.created),
        "Email": lead.person.email,
        "Phone": lead.person.phone,
        "Mobile": None,
        "Full_Name": f"{lead.person.first_name} {lead.person.last_name}",
    }
