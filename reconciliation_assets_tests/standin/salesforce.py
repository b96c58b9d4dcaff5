"""Salesforce's query API: enough SOQL to serve the objects the connector asks for, paged by nextRecordsUrl."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from reconciliation_assets_tests.standin.company import Deal, Lead
from reconciliation_assets_tests.standin.system import TOKEN, Reply, Request, System, page_of

STAGES = {"new": "Prospecting", "won": "Signed", "lost": "Walked Away"}


class Salesforce(System):
    """One organisation with the leads and opportunities of the SA market.

    Attributes:
        page_size: records per answer; Salesforce decides this itself.
        used_up: whether the calls of the day are.
        hidden: objects, and fields as `Lead.Email`, that the run-as user may not see.
    """

    name = "salesforce"
    page_size = 4
    used_up = False
    hidden: tuple[str, ...] = ()

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {
            r"POST /services/oauth2/token": self.grant_token,
            r"GET /services/data/v61\.0/(?P<kind>query|queryAll)": self.query,
            r"GET /services/data/v61\.0/sobjects/(?P<entity>\w+)/describe": self.describe,
            r"GET /services/data/v61\.0/query/(?P<locator>.+)": self.query_more,
        }

    def refuse(self, kind: str) -> Reply:
        status, code = {
            "expired_token": (401, "INVALID_SESSION_ID"),
            "missing_permission": (403, "INSUFFICIENT_ACCESS"),
            "rate_limited": (429, "TOO_MANY_REQUESTS"),
            "server_error": (503, "SERVER_UNAVAILABLE"),
        }[kind]
        return Reply([{"message": kind, "errorCode": code}], status)

    def grant_token(self, request: Request) -> Reply:
        if request.body != {"grant_type": "client_credentials", "client_id": TOKEN, "client_secret": TOKEN}:
            return Reply({"error": "invalid_client"}, 400)
        return Reply(
            {"access_token": TOKEN, "instance_url": "https://example.my.salesforce.com", "token_type": "Bearer"}
        )

    def query(self, request: Request, kind: str) -> Reply:
        if self.used_up:
            return Reply([{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403)
        return self._page(request.query["q"], 0, with_deleted=kind == "queryAll")

    def describe(self, request: Request, entity: str) -> Reply:
        if entity in self.hidden:
            return Reply([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404)
        fields = {
            "Lead": list(self._leads()[0]),
            "Opportunity": list(_opportunity(self._deals()[0])),
            "OpportunityHistory": list(_history(self._deals()[0])[0]),
            "OpportunityContactRole": ["Id", "IsPrimary", "ContactId"],
            "Contact": ["Id", "Email", "Phone", "MobilePhone", "Name"],
        }[entity]
        shown = [{"name": name, "type": "string"} for name in fields if f"{entity}.{name}" not in self.hidden]
        return Reply({"name": entity, "queryable": True, "fields": shown})

    def query_more(self, request: Request, locator: str) -> Reply:
        start, kind, soql = locator.split("-")
        return self._page(bytes.fromhex(soql).decode(), int(start), with_deleted=kind == "all")

    def _page(self, soql: str, start: int, *, with_deleted: bool) -> Reply:
        outer = re.sub(r"\([^)]*\)", "", soql)
        entity = outer.split(" FROM ")[1].split()[0]
        records, modified = {
            "Lead": (self._leads(), "SystemModstamp"),
            "Opportunity": (self._opportunities(), "SystemModstamp"),
            "OpportunityHistory": ([entry for deal in self._deals() for entry in _history(deal)], "_modified"),
            "Organization": ([_record("Organization", Id="00D000000000001EAA", TimeZoneSidKey="Asia/Riyadh")], ""),
        }[entity]
        since = re.search(r"SystemModstamp >= (\S+)", outer)
        if since:
            records = [
                record for record in records if _instant(record[modified]) >= datetime.fromisoformat(since.group(1))
            ]
        converted = re.search(r"ConvertedContactId IN \(([^)]*)\)", soql)
        if converted:
            ids = re.findall(r"'(\w+)'", converted.group(1))
            records = [record for record in records if record["ConvertedContactId"] in ids]
        if not with_deleted:
            records = [record for record in records if not record.get("IsDeleted")]
        asked = [name.strip() for name in outer.split("SELECT ")[1].split(" FROM ")[0].split(",") if name.strip()]
        unknown = [name for name in asked if records and name not in records[0]]
        if unknown:
            message = f"SELECT ... ERROR at Row:1:Column:8 No such column '{unknown[0]}' on entity '{entity}'."
            return Reply([{"message": message, "errorCode": "INVALID_FIELD"}], 400)
        shown, more = page_of(records, start, self.page_size)
        kept = {"attributes", "OpportunityContactRoles", *asked}
        body = {
            "totalSize": len(records),
            "done": not more,
            "records": [{name: value for name, value in record.items() if name in kept} for record in shown],
        }
        if more:
            body["nextRecordsUrl"] = (
                f"/services/data/v61.0/query/{start + len(shown)}-{'all' if with_deleted else 'some'}-{soql.encode().hex()}"
            )
        return Reply(body)

    def _deals(self) -> list[Deal]:
        return self.company.deals_in("SA")

    def _opportunities(self) -> list[dict[str, Any]]:
        gone = [
            _opportunity(deal) | {"IsDeleted": True, "SystemModstamp": _utc(deal.deleted)}
            for deal in self.company.deleted_deals_in("SA")
            if deal.deleted
        ]
        return [_opportunity(deal) for deal in self._deals()] + gone

    def _leads(self) -> list[dict[str, Any]]:
        # A lead is converted to the first deal of its contact.
        deals = {deal.lead.lead_id: deal for deal in reversed(self._deals())}
        leads = [lead for lead in self.company.leads if lead.person.market == "SA"]
        records = [_lead(lead, deals.get(lead.lead_id)) for lead in leads]
        merged = [
            _lead(deal.lead, None)
            | {"Id": f"00Q{deal.swallowed:012d}AAA", "IsDeleted": True, "MasterRecordId": _lead_id(deal.lead)}
            for deal in self._deals()
            if deal.swallowed
        ]
        deleted = [
            _lead(lead, None) | {"Id": f"00Q{9990 + n:012d}AAA", "IsDeleted": True} for n, lead in enumerate(leads[-1:])
        ]
        return records + merged + deleted


def _record(entity: str, **fields: object) -> dict[str, Any]:
    return {"attributes": {"type": entity, "url": f"/services/data/v61.0/sobjects/{entity}"}, **fields}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _lead_id(lead: Lead) -> str:
    return f"00Q{int(lead.lead_id[-6:]):012d}AAA"


def _contact_id(lead: Lead) -> str:
    return f"003{int(lead.lead_id[-6:]):012d}AAA"


def _deal_id(deal: Deal) -> str:
    return f"006{deal.number:012d}AAA"


def _lead(lead: Lead, deal: Deal | None) -> dict[str, Any]:
    return _record(
        "Lead",
        Id=_lead_id(lead),
        CreatedDate=_utc(lead.created),
        SystemModstamp=_utc(deal.created if deal else lead.created),
        Status="Closed - Converted" if deal else "Open - Not Contacted",
        OwnerId="005000000000001AAA",
        IsDeleted=False,
        MasterRecordId=None,
        ConvertedOpportunityId=_deal_id(deal) if deal else None,
        ConvertedContactId=_contact_id(lead) if deal else None,
        Email=lead.person.email,
        Phone=None,
        MobilePhone=lead.person.phone,
        Name=f"{lead.person.first_name} {lead.person.last_name}",
        Meta_Lead_ID__c=lead.lead_id,
    )


def _opportunity(deal: Deal) -> dict[str, Any]:
    last = deal.stages[-1].name
    person = deal.lead.person
    contact = {
        "Email": person.email,
        "Phone": person.phone,
        "MobilePhone": None,
        "Name": f"{person.first_name} {person.last_name}",
    }
    return _record(
        "Opportunity",
        Id=_deal_id(deal),
        CreatedDate=_utc(deal.created),
        SystemModstamp=_utc(deal.updated),
        StageName=STAGES.get(last, last.title()),
        IsClosed=last in {"won", "lost"},
        IsWon=last == "won",
        IsDeleted=False,
        OwnerId=f"005000000000{deal.owner}AAA",
        Amount=deal.amount,
        CurrencyIsoCode="SAR",
        Loss_Reason__c=deal.lost_reason,
        OpportunityContactRoles={
            "totalSize": 1,
            "done": True,
            "records": [{"ContactId": _contact_id(deal.lead), "Contact": contact}],
        },
    )


def _history(deal: Deal) -> list[dict[str, Any]]:
    """Every stage, and each once more for a change of the amount a minute later."""
    return [
        _record(
            "OpportunityHistory",
            Id=f"008{deal.number:06d}{number:03d}{minutes:03d}AAA",
            OpportunityId=_deal_id(deal),
            StageName=STAGES.get(stage.name, stage.name.title()),
            CreatedDate=_utc(stage.entered + timedelta(minutes=minutes)),
            _modified=_utc(deal.updated),
        )
        for number, stage in enumerate(deal.stages)
        for minutes in (0, 1)
    ]
