"""HubSpot: deals and contacts as CRM records, with the history of their stages, their merges and their owners.

A deal is a CRM record under its own ID. A contact is one too, as `contact-<id>`, because people who are rejected before a
deal exists have only a contact; once a contact has deals it is merged into the newest one, and every deal names the contact's
lead itself. Searches return at most 10,000 results, so records are read in order of ID within the window and searches are
never paged. Searches leave out deleted records, which HubSpot calls archived and lists separately.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import bearer
from reconciliation_assets.sources.errors import MissingPermission, RateLimited, RequestRefused, SchemaDrift
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params, classify_status
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
"""The stages of HubSpot's default pipeline, as delivered by this connector."""

CONTACT_STAGES = (
    "NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING",
    "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other",
)  # fmt: skip
"""HubSpot's default lead statuses and lifecycle stages."""

SCOPES = ("crm.objects.deals.read", "crm.objects.contacts.read")


class PropertyNames(BaseModel):
    """Names of properties that differ between HubSpot accounts; None if an account has no such property.

    Attributes:
        meta_lead_id: contact property with Meta's lead ID; its name varies with the native sync.
        lead_id: contact property with the company's own lead ID.
        contact_stage: contact property with the stage of a lead before it has a deal.
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
        objects_path: API path including the version; date-versioned successors exist.
        properties: names of the account's own properties.
        page_limit: records per search.
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
    # The search index can lag behind writes by minutes.
    overlap = timedelta(hours=6)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield contacts, then deals with their stage changes, page by page, then deleted records."""
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
                stage_entries = {deal.id: _entries(deal, stage_names) for deal in histories}
                contact_of = self._first_contacts(client, found, contacts)
                rows = [
                    row
                    for deal in found
                    for row in self._deal_rows(
                        deal, contact_of.get(deal.id), stage_entries.get(deal.id, []), stage_names, currency
                    )
                ]
                merged.update(row["crm_id"] for row in rows if row["merged_into"])
                yield Batch("crm_records", rows)
                changes = [
                    {"crm_id": deal.id, "stage": stage, "entered_at": instant_text(entered_at)}
                    for deal in found
                    for stage, entered_at in stage_entries.get(deal.id, [])
                ]
                yield Batch("crm_stage_changes", changes)
            yield contacts.batch([])
            yield deals.batch([])
            for kind, prefix in ((CONTACTS, "contact-"), (DEALS, "")):
                reader = self._objects(f"archived {kind}")
                archived = list(reader.each(_Object, self._archived(client, kind)))
                in_window = [gone for gone in archived if _archived_since(gone, window.since)]
                # A merged record is archived too; its row with the surviving record says more.
                rows = [_deleted_row(gone, prefix + gone.id) for gone in in_window if prefix + gone.id not in merged]
                yield reader.batch(rows)

    def probe(self) -> Probe:
        """Read the token's scopes, the account's zone and currency, and check that deals and contacts can be searched."""
        with self._hub() as client:
            missing_scopes = self._missing_scopes(client)
            if missing_scopes:
                return Probe([], client.clock_skew, missing_permissions=missing_scopes)
            account = self._account(client)
            for kind in (CONTACTS, DEALS):
                self._search(client, kind, ["hs_object_id"], [], limit=1)
                client.get(f"{self.settings.objects_path}/{kind}", {"archived": "true", "limit": 1})
            return Probe(
                [ProbedAccount(str(account.portalId), account.timeZone, account.companyCurrency)],
                client.clock_skew,
                missing_permissions=missing_scopes,
            )

    def _classify(self, answer: HttpResponse) -> Failure | None:
        failure = classify_status(self.name, answer)
        if failure is None or not isinstance(answer.body, dict):
            return failure
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
        return failure

    def _hub(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.token_env)))

    def _missing_scopes(self, client: HttpClient) -> list[str] | None:
        """Scopes that the token lacks; None if HubSpot does not report them, as for tokens not issued to a private app."""
        request_body = {"tokenKey": self._secret(self.settings.token_env)}
        try:
            body = client.post("oauth/v2/private-apps/get/access-token-info", json_body=request_body).body
        except RequestRefused:
            return None
        scopes = self._read(_TokenInfo, body, "token").scopes
        return [scope for scope in SCOPES if scope not in scopes]

    def _account(self, client: HttpClient) -> _Account:
        return self._read(_Account, client.get("account-info/v3/details").body, "account")

    def _stage_names(self, client: HttpClient) -> dict[str, str]:
        """Stage label by stage ID; stages that mean won or lost get our own words, whatever their label."""
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
        """Yield every deleted record that HubSpot still has: the list cannot be filtered by time."""

        def fetch(after: str | None) -> CursorPage[dict[str, object]]:
            params: Params = {
                "archived": "true",
                "limit": _ARCHIVED_PAGE,
                "properties": "hubspot_owner_id",
                **({"after": after} if after else {}),
            }
            page = self._read(_Listed, client.get(f"{self.settings.objects_path}/{kind}", params).body, "archived")
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
        """The next records in order of ID after `beyond`."""
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
        selection = {"properties": list(properties), "propertiesWithHistory": list(history)}
        for start in range(0, len(ids), _HISTORY_BATCH):
            some = ids[start : start + _HISTORY_BATCH]
            inputs = [{"id": record_id} for record_id in some]
            found = self._read_batch(
                client, f"{self.settings.objects_path}/{kind}/batch/read", inputs, _Results, selection
            )
            records += reader.each(_Object, found.results)
        return records

    def _associated(
        self, client: HttpClient, kind: str, other: str, records: Sequence[_Object]
    ) -> dict[str, list[str]]:
        """Associated IDs of the other kind by record ID; long lists come in several pages."""
        path = f"crm/v4/associations/{kind}/{other}/batch/read"
        found: dict[str, list[str]] = {}
        inputs: list[Mapping[str, str]] = [{"id": record.id} for record in records]
        while inputs:
            page = self._read_batch(client, path, inputs, _Associations, {})
            for association in page.results:
                found.setdefault(association.origin.id, []).extend(to.toObjectId for to in association.to)
            inputs = [
                {"id": association.origin.id, "after": after}
                for association in page.results
                if (after := association.following()) is not None
            ]
        return found

    def _read_batch(
        self,
        client: HttpClient,
        path: str,
        inputs: Sequence[Mapping[str, str]],
        shape: type[BatchT],
        selection: Mapping[str, object],
    ) -> BatchT:
        """Read records by ID; the answer may leave some out, but must not contain others."""
        ids = {each["id"] for each in inputs}

        def fits(answer: HttpResponse) -> bool:
            returned_ids = self._read(shape, answer.body, path).ids()
            if None in returned_ids:
                raise SchemaDrift(self.name, f"{path}.results.id", "is missing or no text")
            return returned_ids <= ids

        answer = client.post(path, json_body={"inputs": list(inputs), **selection}, fits=fits)
        return self._read(shape, answer.body, path)

    def _first_contacts(self, client: HttpClient, deals: Sequence[_Object], reader: RecordReader) -> dict[str, _Object]:
        """The oldest associated contact by deal ID: the one with the lowest ID."""
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
        """The record, after checking that every property named in the sources file exists.

        HubSpot sends an unset property as null and leaves out one that does not exist.

        Raises:
            SchemaDrift: a property named in the sources file does not exist.
        """
        names = self.settings.properties
        of_kind = (
            {"loss_reason"} if "dealstage" in record.properties else set(PropertyNames.model_fields) - {"loss_reason"}
        )
        required = [getattr(names, field) for field in names.model_fields_set & of_kind]
        missing = sorted(name for name in required if name and name not in record.properties)
        if missing:
            raise SchemaDrift(
                self.name,
                missing[0],
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
        yield from _merged_rows(row, contact, "contact-")

    def _deal_rows(
        self,
        deal: _Object,
        contact: _Object | None,
        stage_entries: Sequence[tuple[str, datetime]],
        stage_names: Mapping[str, str],
        currency: str,
    ) -> Iterator[Row]:
        of = deal.properties
        stage = stage_names.get(of.get("dealstage") or "", of.get("dealstage") or "new")
        reached = dict(stage_entries)
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
        yield from _merged_rows(row, deal, "")

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
    """A property's text; None if it is empty or the account has no such property."""
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


def _merged_rows(row: Row, survivor: _Object, prefix: str) -> Iterator[Row]:
    """Rows of records merged into this one: HubSpot no longer has them, but other records may still name them."""
    for old_id in filter(None, (survivor.properties.get("hs_merged_object_ids") or "").split(";")):
        yield {
            **{column: row[column] for column in ("created_at", "updated_at", "stage", "owner")},
            "crm_id": prefix + old_id,
            "merged_into": row["crm_id"],
        }
