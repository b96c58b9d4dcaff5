"""HubSpot: deals and contacts as CRM records, with the history of their stages, their merges and their owners.

A deal is a CRM record under its own ID. A contact is one too, as `contact-<id>`, because whoever is turned down
before a deal exists is known only there; once it has deals it is merged into the newest of them, and every deal names the
contact's lead by itself. Searches stop at 10,000 results, so records are walked by ID inside the window and no search is
ever paged. They leave out what was deleted, which HubSpot calls archived and lists by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import bearer
from reconciliation_assets.sources.errors import MissingPermission, RateLimited, RequestRefused, SchemaDrift
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params, judge_status
from reconciliation_assets.sources.http_connector import CrmConnector
from reconciliation_assets.sources.paging import CursorPage, by_cursor
from reconciliation_assets.sources.records import RecordReader
from reconciliation_assets.sources.shapes import (
    AnyNumber,
    Identifier,
    Instant,
    Shape,
    Side,
    Text,
    at,
    flag_text,
    full_name,
    instant_text,
)

DEALS = "0-3"
CONTACTS = "contacts"
_MODIFIED = {DEALS: "hs_lastmodifieddate", CONTACTS: "lastmodifieddate"}
_HISTORY_BATCH = 50
_ARCHIVED_PAGE = 100
_WON, _LOST, _OPEN = "closed_won", "closed_lost", "open"


DEAL_STAGES = (
    "Appointment Scheduled", "Qualified To Buy", "Presentation Scheduled", "Decision Maker Bought-In", "Contract Sent",
    "closed_won", "closed_lost",
)  # fmt: skip
"""The stages of HubSpot's default pipeline, as they are delivered."""

CONTACT_STAGES = (
    "NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING",
    "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other",
)  # fmt: skip
"""HubSpot's default lead statuses and lifecycle stages."""

SCOPES = ("crm.objects.deals.read", "crm.objects.contacts.read")


class PropertyNames(BaseModel):
    """Names of properties that differ between HubSpot accounts; None where an account has none.

    Attributes:
        meta_lead_id: contact property with Meta's lead ID; the native sync's name varies.
        lead_id: contact property with the company's own lead ID.
        contact_stage: contact property that tells where a lead stands before it has a deal.
        qualification_status: contact property.
        qualification_reason: contact property.
        first_response_at: contact property with the time of the first answer.
        loss_reason: deal property.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    meta_lead_id: str | None = None
    lead_id: str | None = None
    contact_stage: str = "hs_lead_status"
    qualification_status: str | None = None
    qualification_reason: str | None = None
    first_response_at: str | None = None
    loss_reason: str | None = "closed_lost_reason"


class HubSpotSettings(SourceSettings):
    """Settings of a `hubspot` source.

    Attributes:
        token_env: the environment variable with a private app's token.
        objects_path: the API's version is part of it; date-versioned successors exist.
        properties: names of the account's own properties.
        page_limit: records searched at once.
    """

    type: Literal["hubspot"]
    base_url: str = "https://api.hubapi.com"
    token_env: EnvironmentVariable = "HUBSPOT_TOKEN"  # noqa: S105 - a variable's name
    objects_path: str = "crm/v3/objects"
    properties: PropertyNames = PropertyNames()
    page_limit: int = Field(default=100, ge=1, le=100)


class _Version(Shape):
    value: str
    timestamp: Instant


class _Object(Shape):
    id: str
    createdAt: Instant  # noqa: N815 - HubSpot's name
    updatedAt: Instant  # noqa: N815
    archivedAt: Instant | None = None  # noqa: N815
    properties: dict[str, Text | None]
    propertiesWithHistory: Side[dict[str, list[_Version]]] = None  # noqa: N815


class _Results(Shape):
    results: list[dict[str, object]]

    def ids(self) -> set[str | None]:
        return {at(record, "id") for record in self.results}


class _Next(Shape):
    after: str | None = None


class _Paging(Shape):
    next: _Next | None = None


class _Listed(_Results):
    paging: _Paging | None = None


class _To(Shape):
    # Text by HubSpot's specification, a number in its answers.
    toObjectId: Identifier  # noqa: N815


class _From(Shape):
    id: Identifier


class _Association(Shape):
    model_config = ConfigDict(**Shape.model_config, populate_by_name=True)

    origin: _From = Field(alias="from")
    to: list[_To]
    paging: _Paging | None = None

    def following(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class _Associations(Shape):
    results: list[_Association]

    def ids(self) -> set[str | None]:
        return {association.origin.id for association in self.results}


BatchT = TypeVar("BatchT", _Results, _Associations)


class _StageMetadata(Shape):
    isClosed: Text  # noqa: N815
    probability: Side[AnyNumber] = None


class _PipelineStage(Shape):
    id: str
    label: str
    metadata: _StageMetadata


class _Pipeline(Shape):
    stages: list[_PipelineStage]


class _Pipelines(Shape):
    results: list[_Pipeline]


class _Account(Shape):
    portalId: int  # noqa: N815
    timeZone: str  # noqa: N815
    companyCurrency: str  # noqa: N815


class _TokenInfo(Shape):
    scopes: list[str]


class _Refusal(Shape):
    category: str | None = None
    policyName: str | None = None  # noqa: N815
    context: dict[str, list[str]] = Field(default_factory=dict)


class HubSpot(CrmConnector[HubSpotSettings]):
    """Reads deals and contacts changed in the window."""

    tables = ("crm_records", "crm_stage_changes")
    # The search index lags behind writes by minutes at times.
    overlap = timedelta(hours=6)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield contacts, then deals with their stage changes, page by page, then what was deleted."""
        contacts, deals = self._objects("contacts"), self._objects("deals")
        merged: set[str | None] = set()
        with self._hub() as client:
            currency = self._account(client).companyCurrency
            stage_names = self._stage_names(client)
            for found in self._changed(client, CONTACTS, self._contact_properties(), window, contacts):
                deals_of = self._associated(client, CONTACTS, DEALS, found)
                rows = [row for contact in found for row in self._contact_rows(contact, deals_of.get(contact.id, ()))]
                merged.update(row["crm_id"] for row in rows if row["merged_into"])
                yield Batch("crm_records", rows)
            for found in self._changed(client, DEALS, self._deal_properties(), window, deals):
                histories = self._read_by_id(client, DEALS, [deal.id for deal in found], [], ["dealstage"], deals)
                entered = {deal.id: _entries(deal, stage_names) for deal in histories}
                contact_of = self._first_contacts(client, found, contacts)
                rows = [
                    row
                    for deal in found
                    for row in self._deal_rows(
                        deal, contact_of.get(deal.id), entered.get(deal.id, []), stage_names, currency
                    )
                ]
                merged.update(row["crm_id"] for row in rows if row["merged_into"])
                yield Batch("crm_records", rows)
                changes = [
                    {"crm_id": deal.id, "stage": stage, "entered_at": instant_text(entered_at)}
                    for deal in found
                    for stage, entered_at in entered.get(deal.id, [])
                ]
                yield Batch("crm_stage_changes", changes)
            yield contacts.batch([])
            yield deals.batch([])
            for kind, prefix in ((CONTACTS, "contact-"), (DEALS, "")):
                reader = self._objects(f"archived {kind}")
                archived = list(reader.each(_Object, self._archived(client, kind)))
                in_window = [gone for gone in archived if _archived_since(gone, window.since)]
                # A record that was merged away is archived too; it has an heir, which says more.
                rows = [_deleted_row(gone, prefix + gone.id) for gone in in_window if prefix + gone.id not in merged]
                yield reader.batch(rows)

    def probe(self) -> Probe:
        """Read the token's scopes, the account's zone and currency, and that deals and contacts may be searched."""
        with self._hub() as client:
            lacking = self._lacking(client)
            if lacking:
                return Probe([], client.clock_skew, lacking=lacking)
            account = self._account(client)
            for kind in (CONTACTS, DEALS):
                self._search(client, kind, ["hs_object_id"], [], limit=1)
                client.get(f"{self.settings.objects_path}/{kind}", {"archived": "true", "limit": 1})
            return Probe(
                [ProbedAccount(str(account.portalId), account.timeZone, account.companyCurrency)],
                client.clock_skew,
                lacking=lacking,
            )

    def _judge(self, answer: HttpResponse) -> Failure | None:
        trouble = judge_status(self.name, answer)
        if trouble is None or not isinstance(answer.body, dict):
            return trouble
        refusal = self._read(_Refusal, answer.body, "error")
        missing = refusal.context.get("missingScopes") or refusal.context.get("requiredGranularScopes")
        if answer.status == 403 and missing:
            return Failure(
                MissingPermission(
                    self.name, f"the token lacks the scopes {', '.join(missing)}", "Add them to the private app"
                )
            )
        if answer.status == 400 and refusal.context.get("invalidPropertyName"):
            name = refusal.context["invalidPropertyName"][0]
            return Failure(SchemaDrift(self.name, name, "is no property of this account any more"))
        if refusal.policyName == "DAILY":
            midnight = (self._now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            return Failure(RateLimited(self.name, "the account's calls of the day are used up", midnight))
        return trouble

    def _hub(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.token_env)))

    def _lacking(self, client: HttpClient) -> list[str] | None:
        """Scopes the token lacks; None where HubSpot does not tell, as for tokens that are no private app's."""
        asked = {"tokenKey": self._secret(self.settings.token_env)}
        try:
            body = client.post("oauth/v2/private-apps/get/access-token-info", json_body=asked).body
        except RequestRefused:
            return None
        scopes = self._read(_TokenInfo, body, "token").scopes
        return [scope for scope in SCOPES if scope not in scopes]

    def _account(self, client: HttpClient) -> _Account:
        return self._read(_Account, client.get("account-info/v3/details").body, "account")

    def _stage_names(self, client: HttpClient) -> dict[str, str]:
        """Stage ID to what the business calls it; won and lost by their meaning, whatever they are called."""
        pipelines = self._read(_Pipelines, client.get("crm/v3/pipelines/deals").body, "pipelines")
        return {stage.id: self._stage_name(stage) for pipeline in pipelines.results for stage in pipeline.stages}

    def _stage_name(self, stage: _PipelineStage) -> str:
        if stage.metadata.isClosed == "true":
            return _WON if (stage.metadata.probability or 0) >= 1 else _LOST
        return self._open_stage(stage.label)

    def _objects(self, where: str) -> RecordReader:
        return self._reader(
            "crm_records",
            where,
            crm_id="id",
            created_at="createdAt",
            updated_at="updatedAt",
            final_value="properties.amount",
            currency="properties.deal_currency_code",
        )

    def _archived(self, client: HttpClient, kind: str) -> Iterator[dict[str, object]]:
        """Yield every deleted record that HubSpot still has: the list takes no time to begin at."""

        def fetch(after: str | None) -> CursorPage[dict[str, object]]:
            asked: Params = {
                "archived": "true",
                "limit": _ARCHIVED_PAGE,
                "properties": "hubspot_owner_id",
                **({"after": after} if after else {}),
            }
            page = self._read(_Listed, client.get(f"{self.settings.objects_path}/{kind}", asked).body, "archived")
            return CursorPage(page.results, page.paging.next.after if page.paging and page.paging.next else None)

        return by_cursor(self.name, fetch)

    def _changed(
        self, client: HttpClient, kind: str, properties: Sequence[str], window: Window, reader: RecordReader
    ) -> Iterator[Sequence[_Object]]:
        modified = []
        if window.since is not None:
            since = str(int(window.since.timestamp() * 1000))
            modified = [{"propertyName": _MODIFIED[kind], "operator": "GTE", "value": since}]
        last = "0"
        while True:
            found = self._search(client, kind, properties, modified, self.settings.page_limit, beyond=last)
            if found:
                yield [self._complete(record) for record in reader.each(_Object, found)]
                last = str(found[-1]["id"])
            if len(found) < self.settings.page_limit:
                return

    def _search(
        self,
        client: HttpClient,
        kind: str,
        properties: Sequence[str],
        filters: Sequence[Mapping[str, str]],
        limit: int,
        *,
        beyond: str = "0",
    ) -> list[dict[str, object]]:
        """The next records by ID after one, the first ones after 0."""
        next_by_id = {"propertyName": "hs_object_id", "operator": "GT", "value": beyond}
        body = {
            "filterGroups": [{"filters": [*filters, next_by_id]}],
            "sorts": ["hs_object_id"],
            "properties": list(properties),
            "limit": limit,
            "after": "0",
        }

        def found_in(answer: HttpResponse) -> list[dict[str, object]]:
            results = self._read(_Results, answer.body, "search").results
            if not all(str(record.get("id", "")).isdecimal() for record in results):
                raise SchemaDrift(self.name, "search.results.id", "is missing or no number")
            return sorted(results, key=lambda record: int(str(record["id"])))

        def fits(answer: HttpResponse) -> bool:
            return all(int(str(record["id"])) > int(beyond) for record in found_in(answer))

        return found_in(client.post(f"{self.settings.objects_path}/{kind}/search", json_body=body, fits=fits))

    def _read_by_id(
        self,
        client: HttpClient,
        kind: str,
        ids: Sequence[str],
        properties: Sequence[str],
        history: Sequence[str],
        reader: RecordReader,
    ) -> list[_Object]:
        records: list[_Object] = []
        wanted = {"properties": list(properties), "propertiesWithHistory": list(history)}
        for start in range(0, len(ids), _HISTORY_BATCH):
            some = ids[start : start + _HISTORY_BATCH]
            asked = [{"id": record_id} for record_id in some]
            found = self._about(client, f"{self.settings.objects_path}/{kind}/batch/read", asked, _Results, wanted)
            records += reader.each(_Object, found.results)
        return records

    def _associated(
        self, client: HttpClient, kind: str, other: str, records: Sequence[_Object]
    ) -> dict[str, list[str]]:
        """Record ID to the IDs of the other kind; one with many of them comes in several pages."""
        path = f"crm/v4/associations/{kind}/{other}/batch/read"
        found: dict[str, list[str]] = {}
        asked: list[Mapping[str, str]] = [{"id": record.id} for record in records]
        while asked:
            answered = self._about(client, path, asked, _Associations, {})
            for association in answered.results:
                found.setdefault(association.origin.id, []).extend(to.toObjectId for to in association.to)
            asked = [
                {"id": association.origin.id, "after": after}
                for association in answered.results
                if (after := association.following()) is not None
            ]
        return found

    def _about(
        self,
        client: HttpClient,
        path: str,
        asked: Sequence[Mapping[str, str]],
        shape: type[BatchT],
        wanted: Mapping[str, object],
    ) -> BatchT:
        """Ask about records by ID; the answer may leave some out, but names no other."""
        ids = {each["id"] for each in asked}

        def fits(answer: HttpResponse) -> bool:
            told = self._read(shape, answer.body, path).ids()
            if None in told:
                raise SchemaDrift(self.name, f"{path}.results.id", "is missing or no text")
            return told <= ids

        answer = client.post(path, json_body={"inputs": list(asked), **wanted}, fits=fits)
        return self._read(shape, answer.body, path)

    def _first_contacts(self, client: HttpClient, deals: Sequence[_Object], reader: RecordReader) -> dict[str, _Object]:
        """Deal ID to the contact that has been there longest: the lowest ID of those associated."""
        first = {
            deal_id: min(contact_ids, key=int)
            for deal_id, contact_ids in self._associated(client, DEALS, CONTACTS, deals).items()
            if contact_ids
        }
        wanted = sorted(set(first.values()), key=int)
        contacts = {
            contact.id: contact
            for contact in self._read_by_id(client, CONTACTS, wanted, self._contact_properties(), [], reader)
        }
        return {deal_id: contacts[contact_id] for deal_id, contact_id in first.items() if contact_id in contacts}

    def _complete(self, record: _Object) -> _Object:
        """HubSpot sends an unset property as null and leaves out one that does not exist, such as a currency where there is only one.

        Raises:
            SchemaDrift: a property that the sources file names is not there.
        """
        names = self.settings.properties
        of_kind = (
            {"loss_reason"} if "dealstage" in record.properties else set(PropertyNames.model_fields) - {"loss_reason"}
        )
        named = [getattr(names, field) for field in names.model_fields_set & of_kind]
        gone = sorted(name for name in named if name and name not in record.properties)
        if gone:
            raise SchemaDrift(
                self.name,
                gone[0],
                "is no property of this account",
                "Restore it in HubSpot, or correct `properties` in the sources file",
            )
        return record

    def _contact_properties(self) -> list[str]:
        names = self.settings.properties
        own = (
            names.meta_lead_id,
            names.lead_id,
            names.qualification_status,
            names.qualification_reason,
            names.first_response_at,
        )
        standard = ["createdate", "email", "phone", "firstname", "lastname", "lifecyclestage", "hubspot_owner_id"]
        return [*standard, "hs_merged_object_ids", names.contact_stage, *(name for name in own if name)]

    def _deal_properties(self) -> list[str]:
        standard = [
            "createdate",
            "dealstage",
            "amount",
            "deal_currency_code",
            "hubspot_owner_id",
            "hs_merged_object_ids",
        ]
        return [*standard, *([self.settings.properties.loss_reason] if self.settings.properties.loss_reason else [])]

    def _contact_rows(self, contact: _Object, deal_ids: Sequence[str]) -> Iterator[Row]:
        row = {
            "crm_id": f"contact-{contact.id}",
            "created_at": instant_text(contact.createdAt),
            "updated_at": instant_text(contact.updatedAt),
            "stage": contact.properties.get(self.settings.properties.contact_stage)
            or contact.properties.get("lifecyclestage")
            or "new",
            "merged_into": max(deal_ids, key=int) if deal_ids else None,
            "owner": contact.properties.get("hubspot_owner_id"),
            **self._person(contact),
        }
        yield row
        yield from _swallowed(row, contact, "contact-")

    def _deal_rows(
        self,
        deal: _Object,
        contact: _Object | None,
        entered: Sequence[tuple[str, datetime]],
        stage_names: Mapping[str, str],
        currency: str,
    ) -> Iterator[Row]:
        of = deal.properties
        stage = stage_names.get(of.get("dealstage") or "", of.get("dealstage") or "new")
        reached = dict(entered)
        row = {
            "crm_id": deal.id,
            "created_at": instant_text(deal.createdAt),
            "updated_at": instant_text(deal.updatedAt),
            "stage": stage,
            "merged_into": None,
            "owner": of.get("hubspot_owner_id"),
            "won_at": instant_text(reached.get(_WON)) if stage == _WON else None,
            "lost_at": instant_text(reached.get(_LOST)) if stage == _LOST else None,
            "loss_reason": of.get(self.settings.properties.loss_reason or ""),
            "final_value": of.get("amount"),
            "currency": of.get("deal_currency_code") or currency,
            **(self._person(contact) if contact is not None else {}),
        }
        yield row
        yield from _swallowed(row, deal, "")

    def _person(self, contact: _Object) -> dict[str, str | None]:
        names, of = self.settings.properties, contact.properties
        return {
            "lead_id": _value(of, names.lead_id),
            "meta_lead_id": _value(of, names.meta_lead_id),
            "qualification_status": _value(of, names.qualification_status),
            "qualification_reason": _value(of, names.qualification_reason),
            "first_response_at": _value(of, names.first_response_at),
            "email": _value(of, "email"),
            "phone": _value(of, "phone"),
            "full_name": full_name(of.get("firstname"), of.get("lastname")),
        }


def _value(properties: Mapping[str, str | None], name: str | None) -> str | None:
    """A property's text; None where it is empty or the account has no such property."""
    return (properties.get(name) or None) if name else None


def _entries(deal: _Object, stage_names: Mapping[str, str]) -> list[tuple[str, datetime]]:
    versions = sorted((deal.propertiesWithHistory or {}).get("dealstage", []), key=lambda version: version.timestamp)
    return [(stage_names.get(version.value, version.value), version.timestamp) for version in versions if version.value]


def _archived_since(record: _Object, since: datetime | None) -> bool:
    return since is None or (record.archivedAt or record.updatedAt) >= since


def _deleted_row(gone: _Object, crm_id: str) -> Row:
    return {
        "crm_id": crm_id,
        "created_at": instant_text(gone.createdAt),
        "updated_at": instant_text(max(gone.archivedAt or gone.updatedAt, gone.updatedAt)),
        "stage": _OPEN,
        "owner": gone.properties.get("hubspot_owner_id"),
        "is_deleted": flag_text(True),
    }


def _swallowed(row: Row, survivor: _Object, prefix: str) -> Iterator[Row]:
    """Records merged into this one no longer exist in HubSpot; what referred to them should still find their heir."""
    for old_id in filter(None, (survivor.properties.get("hs_merged_object_ids") or "").split(";")):
        yield {
            **{column: row[column] for column in ("created_at", "updated_at", "stage", "owner")},
            "crm_id": prefix + old_id,
            "merged_into": row["crm_id"],
        }
