"""HubSpot's CRM API: searches, batch reads and associations; every property is text or null."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from reconciliation_assets_tests.standin.company import Deal, Lead
from reconciliation_assets_tests.standin.system import TOKEN, Reply, Request, System

STAGES = {"new": "101", "contacted": "102", "qualified": "103", "proposal": "104", "won": "105", "lost": "106"}


class HubSpot(System):
    """One portal with the deals of the AE market; the associated contact of a deal is its lead.

    Attributes:
        has_currencies: whether deals have a currency of their own; a portal with one currency has no such property.
        writes_ids_as_numbers: whether associations hold numbers, as the live system's do and its specification's do not.
        association_page: how many associations of a record come at once.
        open_label: what the pipeline calls its first stage.
    """

    name = "hubspot"
    has_currencies = True
    writes_ids_as_numbers = False
    association_page = 100
    open_label = "New"
    scopes: tuple[str, ...] | None = ("crm.objects.contacts.read", "crm.objects.deals.read", "oauth")
    """Of the private app; None where the token is of another kind."""

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {
            r"POST /oauth/v2/private-apps/get/access-token-info": self.token_info,
            r"GET /account-info/v3/details": self.account,
            r"GET /crm/v3/pipelines/deals": self.pipelines,
            r"GET /crm/v3/objects/0-3": self.list_deals,
            r"GET /crm/v3/objects/contacts": self.list_contacts,
            r"POST /crm/v3/objects/0-3/search": self.search_deals,
            r"POST /crm/v3/objects/contacts/search": self.search_contacts,
            r"POST /crm/v3/objects/0-3/batch/read": self.read_deals,
            r"POST /crm/v3/objects/contacts/batch/read": self.read_contacts,
            r"POST /crm/v4/associations/0-3/contacts/batch/read": self.contacts_of_deals,
            r"POST /crm/v4/associations/contacts/0-3/batch/read": self.deals_of_contacts,
        }

    def refuse(self, kind: str) -> Reply:
        status, category = {
            "expired_token": (401, "EXPIRED_AUTHENTICATION"),
            "missing_permission": (403, "MISSING_SCOPES"),
            "rate_limited": (429, "RATE_LIMITS"),
            "server_error": (500, "INTERNAL_ERROR"),
        }[kind]
        body: dict[str, Any] = {
            "status": "error",
            "message": kind,
            "category": category,
            "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
        }
        if kind == "missing_permission":
            body["context"] = {"missingScopes": ["crm.objects.deals.read"]}
        if kind == "rate_limited":
            body["policyName"] = "SECONDLY"
        return Reply(body, status)

    def token_info(self, request: Request) -> Reply:
        if self.scopes is None or request.body != {"tokenKey": TOKEN}:
            return Reply({"status": "error", "category": "VALIDATION_ERROR", "context": {}}, 400)
        return Reply({"userId": 1, "hubId": 8727216, "appId": 2, "scopes": list(self.scopes)})

    def account(self, request: Request) -> Reply:
        return Reply({"portalId": 8727216, "timeZone": "Asia/Dubai", "companyCurrency": "AED", "utcOffset": "+04:00"})

    def pipelines(self, request: Request) -> Reply:
        stages = [
            {
                "id": stage_id,
                "label": self.open_label if name == "new" else name.title(),
                "metadata": {
                    "isClosed": str(name in {"won", "lost"}).lower(),
                    "probability": {"won": "1.0", "lost": "0.0"}.get(name, "0.5"),
                },
            }
            for name, stage_id in STAGES.items()
        ]
        return Reply({"results": [{"id": "default", "label": "Sales", "displayOrder": 0, "stages": stages}]})

    def search_deals(self, request: Request) -> Reply:
        return self._search(request.body, self._deals(), "hs_lastmodifieddate")

    def list_deals(self, request: Request) -> Reply:
        gone = [
            _deal(deal) | {"archived": True, "archivedAt": _utc(deal.deleted)}
            for deal in self.company.deleted_deals_in("AE")
            if deal.deleted
        ]
        return self._list(request, gone if request.query["archived"] == "true" else self._deals())

    def list_contacts(self, request: Request) -> Reply:
        gone = [
            _contact(deal.lead) | {"id": str(99000 + deal.number), "archived": True, "archivedAt": _utc(deal.deleted)}
            for deal in self.company.deleted_deals_in("AE")
            if deal.deleted
        ]
        return self._list(request, gone if request.query["archived"] == "true" else self._contacts())

    def search_contacts(self, request: Request) -> Reply:
        return self._search(request.body, self._contacts(), "lastmodifieddate")

    def read_deals(self, request: Request) -> Reply:
        return self._read(request.body, self._deals())

    def read_contacts(self, request: Request) -> Reply:
        return self._read(request.body, self._contacts())

    def contacts_of_deals(self, request: Request) -> Reply:
        pairs = {_deal_id(deal): [_contact_id(deal.lead)] for deal in self.company.deals_in("AE")}
        return self._associations(request.body, pairs)

    def deals_of_contacts(self, request: Request) -> Reply:
        pairs: dict[str, list[str]] = {}
        for deal in self.company.deals_in("AE"):
            pairs.setdefault(_contact_id(deal.lead), []).append(_deal_id(deal))
        return self._associations(request.body, pairs)

    def _deals(self) -> list[dict[str, Any]]:
        deals = [_deal(deal) for deal in self.company.deals_in("AE")]
        if not self.has_currencies:
            for deal in deals:
                del deal["properties"]["deal_currency_code"]
        return deals

    def _list(self, request: Request, records: list[dict[str, Any]]) -> Reply:
        records.sort(key=lambda record: int(record["id"]))
        after, limit = int(request.query.get("after", "0")), int(request.query["limit"])
        shown = [record for record in records if int(record["id"]) > after]
        asked = request.query.get("properties", "").split(",")
        body: dict[str, Any] = {"results": [_only(asked, record) for record in shown[:limit]]}
        if len(shown) > limit:
            body["paging"] = {"next": {"after": shown[limit - 1]["id"]}}
        return Reply(body)

    def _contacts(self) -> list[dict[str, Any]]:
        return [_contact(lead) for lead in self.company.leads if lead.person.market == "AE"]

    def _search(self, asked: Any, records: list[dict[str, Any]], modified: str) -> Reply:
        (group,) = asked["filterGroups"] or [{"filters": []}]
        for condition in group["filters"]:
            name, value = condition["propertyName"], condition["value"]
            if name == "hs_object_id" and condition["operator"] == "GT":
                records = [record for record in records if int(record["id"]) > int(value)]
            elif name == modified and condition["operator"] == "GTE":
                records = [record for record in records if _milliseconds(record["updatedAt"]) >= int(value)]
            else:
                return Reply({"category": "VALIDATION_ERROR", "context": {"invalidPropertyName": [name]}}, 400)
        records.sort(key=lambda record: int(record["id"]))
        shown = [_only(asked["properties"], record) for record in records[: asked["limit"]]]
        return Reply({"total": len(records), "results": shown})

    def _read(self, asked: Any, records: list[dict[str, Any]]) -> Reply:
        ids = {entry["id"] for entry in asked["inputs"]}
        shown = []
        for record in records:
            if record["id"] in ids:
                history = {
                    k: v for k, v in record["propertiesWithHistory"].items() if k in asked["propertiesWithHistory"]
                }
                shown.append(_only(asked["properties"], record) | {"propertiesWithHistory": history})
        return Reply({"status": "COMPLETE", "results": shown, **_TIMES})

    def _associations(self, asked: Any, pairs: dict[str, list[str]]) -> Reply:
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 3}]
        results = []
        for entry in asked["inputs"]:
            start = int(entry.get("after", "0"))
            shown = pairs.get(entry["id"], [])[start : start + self.association_page]
            if not shown:
                continue
            to = [
                {"toObjectId": int(each) if self.writes_ids_as_numbers else each, "associationTypes": kinds}
                for each in shown
            ]
            result: dict[str, Any] = {"from": {"id": entry["id"]}, "to": to}
            if start + len(shown) < len(pairs[entry["id"]]):
                result["paging"] = {"next": {"after": str(start + len(shown))}}
            results.append(result)
        return Reply(
            {"status": "COMPLETE", "results": results, **_TIMES}, 200 if len(results) == len(asked["inputs"]) else 207
        )


_TIMES = {"startedAt": "2026-07-10T12:00:00.000Z", "completedAt": "2026-07-10T12:00:00.100Z"}
_ALWAYS = {"hs_object_id", "createdate", "hs_lastmodifieddate", "lastmodifieddate"}


def _deal_id(deal: Deal) -> str:
    return str(31292000000 + deal.number)


def _contact_id(lead: Lead) -> str:
    return str(int(lead.lead_id[-6:]) + 51000)


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _only(asked: list[str], record: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in record["properties"].items() if name in {*asked, *_ALWAYS}}
    return {name: value for name, value in record.items() if name != "propertiesWithHistory"} | {"properties": shown}


def _record(record_id: str, created: datetime, updated: datetime, properties: dict[str, str | None]) -> dict[str, Any]:
    return {
        "id": record_id,
        "createdAt": _utc(created),
        "updatedAt": _utc(updated),
        "archived": False,
        "properties": {"hs_object_id": record_id, "createdate": _utc(created), **properties},
        "propertiesWithHistory": {},
    }


def _deal(deal: Deal) -> dict[str, Any]:
    properties = {
        "hs_lastmodifieddate": _utc(deal.updated),
        "dealstage": STAGES[deal.stages[-1].name],
        "amount": str(deal.amount),
        "deal_currency_code": "AED" if deal.number % 2 else None,
        "hubspot_owner_id": deal.owner,
        "closed_lost_reason": deal.lost_reason,
        "hs_merged_object_ids": str(31292000000 + deal.swallowed) if deal.swallowed else None,
    }
    newest_first = [
        {"value": STAGES[stage.name], "timestamp": _utc(stage.entered), "sourceType": "CRM_UI"}
        for stage in reversed(deal.stages)
    ]
    record = _record(_deal_id(deal), deal.created, deal.updated, properties)
    return record | {"propertiesWithHistory": {"dealstage": newest_first}}


def _contact(lead: Lead) -> dict[str, Any]:
    properties = {
        "lastmodifieddate": _utc(lead.created),
        "email": lead.person.email,
        "phone": lead.person.phone,
        "firstname": lead.person.first_name,
        "lastname": lead.person.last_name,
        "lifecyclestage": "lead",
        "hs_lead_status": "UNQUALIFIED" if lead.is_test else None,
        "hubspot_owner_id": None,
        "hs_merged_object_ids": None,
        "facebook_lead_id": lead.lead_id,
    }
    return _record(_contact_id(lead), lead.created, lead.created, properties)
