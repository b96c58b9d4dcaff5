"""Salesforce: leads and opportunities as CRM records, with the times their stages were entered.

A lead is a CRM record under its own ID and is merged into the opportunity it was converted to, or into the lead it was
merged with. Every opportunity of a contact names the lead that became the contact, not only the opportunity it was converted
to. Whether an opportunity is won or lost comes from Salesforce's own flags, not from the name of the stage. Deleted records
are read too and marked as deleted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal
from urllib.parse import urlencode

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import GrantedToken
from reconciliation_assets.sources.errors import (
    ExpiredCredentials,
    MissingPermission,
    RateLimited,
    RequestRefused,
    SchemaDrift,
)
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, classify_status
from reconciliation_assets.sources.http_connector import CrmConnector
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.records import RecordReader
from reconciliation_assets.sources.shapes import (
    Instant,
    Number,
    Shape,
    Side,
    Text,
    amount_text,
    at,
    flag_text,
    instant_text,
)

_FIELD = r"^[A-Za-z]\w*$"
_CONTACTS_PER_QUERY = 100


STATUSES = (
    "Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted", "New", "Contacted",
    "Nurturing", "Unqualified", "Qualified",
    "Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers", "Perception Analysis",
    "Proposal/Price Quote", "Negotiation/Review", "Proposal", "Negotiation", "closed_won", "closed_lost",
)  # fmt: skip
"""Salesforce's standard lead statuses and opportunity stages, as delivered by this connector."""


class SalesforceSettings(SourceSettings):
    """Settings of a `salesforce` source.

    Attributes:
        base_url: the organisation's My Domain address.
        client_id_env: the environment variable with the external client app's key.
        client_secret_env: the environment variable with the external client app's secret.
        currency: of amounts, if the organisation has only one; by default each record's own is read.
        meta_lead_id_field: field of Lead with Meta's lead ID, such as `Meta_Lead_ID__c`.
        lead_id_field: field of Lead with the company's own lead ID.
        qualification_reason_field: field of Lead.
        first_response_field: field of Lead with the time of the first answer.
        loss_reason_field: field of Opportunity.
    """

    type: Literal["salesforce"]
    api_version: str = Field(default="v61.0", pattern=r"^v\d+\.\d$")
    client_id_env: EnvironmentVariable = "SALESFORCE_CLIENT_ID"
    client_secret_env: EnvironmentVariable = "SALESFORCE_CLIENT_SECRET"  # noqa: S105 - a variable's name
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    meta_lead_id_field: str | None = Field(default=None, pattern=_FIELD)
    lead_id_field: str | None = Field(default=None, pattern=_FIELD)
    qualification_reason_field: str | None = Field(default=None, pattern=_FIELD)
    first_response_field: str | None = Field(default=None, pattern=_FIELD)
    loss_reason_field: str | None = Field(default=None, pattern=_FIELD)


class _Token(Shape):
    access_token: str


class _Attributes(Shape):
    type: str


class _Record(Shape):
    attributes: _Attributes


class _Page(Shape):
    done: bool
    records: list[dict[str, object]]
    nextRecordsUrl: str | None = None  # noqa: N815 - Salesforce's name


class _Lead(_Record):
    Id: str
    CreatedDate: Instant
    SystemModstamp: Instant
    Status: Text
    OwnerId: Side[str] = None
    IsDeleted: bool
    MasterRecordId: str | None
    ConvertedOpportunityId: str | None
    Email: Side[Text] = None
    Phone: Side[Text] = None
    MobilePhone: Side[Text] = None
    Name: Side[Text] = None


class _Contact(Shape):
    Email: Side[Text] = None
    Phone: Side[Text] = None
    MobilePhone: Side[Text] = None
    Name: Side[Text] = None


class _Role(Shape):
    ContactId: Side[str] = None
    Contact: Side[_Contact] = None


class _Roles(Shape):
    records: list[_Role]


class _Opportunity(_Record):
    Id: str
    CreatedDate: Instant
    SystemModstamp: Instant
    StageName: Text
    IsClosed: bool
    IsWon: bool
    IsDeleted: bool
    OwnerId: Side[str] = None
    Amount: Number | None
    CurrencyIsoCode: Side[str] = None
    OpportunityContactRoles: Side[_Roles] = None

    def role(self) -> _Role:
        roles = self.OpportunityContactRoles.records if self.OpportunityContactRoles else []
        return roles[0] if roles else _Role()


class _ConvertedLead(_Record):
    Id: str
    CreatedDate: Instant
    ConvertedContactId: str
    ConvertedOpportunityId: Side[str] = None


class _StageEntry(_Record):
    OpportunityId: str
    StageName: Text
    CreatedDate: Instant


class _Organisation(_Record):
    Id: str
    TimeZoneSidKey: str


class _Field(Shape):
    name: str


class _Described(Shape):
    queryable: bool
    fields: list[_Field]


class Salesforce(CrmConnector[SalesforceSettings]):
    """Reads leads and opportunities changed in the window."""

    tables = ("crm_records", "crm_stage_changes")
    overlap = timedelta(hours=2)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield leads, opportunities, and the stages of those opportunities."""
        changed = f" WHERE SystemModstamp >= {_soql_instant(window.since)}" if window.since else ""
        leads = self._reader("crm_records", "Lead", crm_id="Id")
        deals = self._reader(
            "crm_records", "Opportunity", crm_id="Id", final_value="Amount", currency="CurrencyIsoCode"
        )
        stages = self._reader("crm_stage_changes", "OpportunityHistory", crm_id="OpportunityId")
        with self._organisation() as client:
            found = _distinct(self._query(client, "Lead", self._lead_query() + changed, include_deleted=True))
            read = [(record, leads.one(_Lead, record)) for record in found]
            yield leads.batch([self._lead_row(record, lead) for record, lead in read if lead is not None])
            of_changed = changed.replace("SystemModstamp", "Opportunity.SystemModstamp")
            stage_entries = self._stage_entries(client, of_changed, stages)
            records = _distinct(
                self._query(client, "Opportunity", self._opportunity_query() + changed, include_deleted=True)
            )
            pairs = [(record, deal) for record in records if (deal := deals.one(_Opportunity, record)) is not None]
            lead_of = self._leads_of(client, [deal for _, deal in pairs], leads)
            yield deals.batch(
                [self._opportunity_row(*pair, stage_entries, lead_of.get(pair[1].Id, {})) for pair in pairs]
            )
            yield stages.batch(list(_change_rows(stage_entries)))

    def probe(self) -> Probe:
        """Read the organisation's zone, and check which objects and fields the run-as user can read."""
        with self._organisation() as client:
            missing_fields = [
                name
                for entity, fields in self._needed().items()
                for name in self._unreadable_fields(client, entity, fields)
            ]
            (record,) = self._query(client, "Organization", "SELECT Id, TimeZoneSidKey FROM Organization")
            organisation = self._read(_Organisation, record, "Organization")
            account = ProbedAccount(organisation.Id, organisation.TimeZoneSidKey, self.settings.currency)
            return Probe([account], client.clock_skew, missing_permissions=missing_fields)

    def _classify(self, answer: HttpResponse) -> Failure | None:
        refusals = answer.body if isinstance(answer.body, list) else []
        first = refusals[0] if refusals and isinstance(refusals[0], dict) else {}
        code, message = str(first.get("errorCode", "")), str(first.get("message", ""))
        if code == "REQUEST_LIMIT_EXCEEDED":
            happened = "the organisation's API calls of the last 24 hours are used up"
            return Failure(RateLimited(self.name, happened, self._now() + timedelta(hours=4)))
        if code == "INVALID_FIELD":
            column = re.search(r"No such column '(\w+)' on entity '(\w+)'", message)
            field = f"{column.group(2)}.{column.group(1)}" if column else "unnamed"
            remedy = "Restore it, make it visible to the integration user, or correct the sources file"
            if field == "Opportunity.CurrencyIsoCode":
                remedy = "The organisation has one currency: name it as `currency` of this source in the sources file"
            return Failure(
                SchemaDrift(self.name, field, "does not exist or is hidden from the integration user", remedy)
            )
        if code == "INVALID_TYPE":
            happened = "an object the connector needs does not exist for the integration user"
            return Failure(MissingPermission(self.name, happened, "Grant read access to Lead, Opportunity and Contact"))
        return classify_status(self.name, answer)

    def _organisation(self) -> HttpClient:
        return self._client(GrantedToken(self._grant))

    def _grant(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._secret(self.settings.client_id_env),
            "client_secret": self._secret(self.settings.client_secret_env),
        }
        with HttpClient(
            self.name, self.settings.base_url, classify=self._classify_grant, retry_policy=self.settings.retry_policy()
        ) as client:
            answer = client.post("services/oauth2/token", form=form)
        return self._read(_Token, answer.body, "token").access_token

    def _classify_grant(self, answer: HttpResponse) -> Failure | None:
        if answer.status in {400, 401}:
            happened = "Salesforce does not accept the client ID and secret"
            return Failure(ExpiredCredentials(self.name, happened, "Check the external client app and its run-as user"))
        return classify_status(self.name, answer)

    def _query(
        self, client: HttpClient, entity: str, soql: str, *, include_deleted: bool = False
    ) -> Iterator[dict[str, object]]:
        first = f"services/data/{self.settings.api_version}/{'queryAll' if include_deleted else 'query'}?{urlencode({'q': soql})}"

        def is_of_entity(answer: HttpResponse) -> bool:
            records = self._read(_Page, answer.body, entity).records
            return all(self._read(_Record, record, entity).attributes.type == entity for record in records)

        def fetch(path: str | None) -> CursorPage[dict[str, object]]:
            page = self._read(_Page, client.get(path or first, fits=is_of_entity).body, entity)
            return CursorPage(page.records, page.nextRecordsUrl)

        return by_cursor(self.name, fetch)

    def _needed(self) -> Mapping[str, Sequence[str]]:
        """Fields that are read, by object."""
        own = self.settings
        lead = [own.meta_lead_id_field, own.lead_id_field, own.qualification_reason_field, own.first_response_field]
        deal = ["StageName", "Amount", own.loss_reason_field, None if own.currency else "CurrencyIsoCode"]
        return {
            "Lead": ["Status", "Email", "Phone", "MobilePhone", *filter(None, lead)],
            "Opportunity": [name for name in deal if name],
            "OpportunityHistory": ["StageName", "CreatedDate"],
            "OpportunityContactRole": ["IsPrimary"],
            "Contact": ["Email", "Phone", "MobilePhone"],
        }

    def _unreadable_fields(self, client: HttpClient, entity: str, fields: Sequence[str]) -> list[str]:
        """Fields of an object, or the object itself, that the run-as user cannot read; a hidden object looks like a missing one."""
        try:
            body = client.get(f"services/data/{self.settings.api_version}/sobjects/{entity}/describe").body
        except (RequestRefused, MissingPermission):
            return [f"read access to {entity}"]
        described = self._read(_Described, body, entity)
        visible = {field.name for field in described.fields}
        hidden = [f"the field {entity}.{name}" for name in fields if name not in visible]
        return hidden if described.queryable else [f"read access to {entity}"]

    def _lead_query(self) -> str:
        own = (
            self.settings.meta_lead_id_field,
            self.settings.lead_id_field,
            self.settings.qualification_reason_field,
            self.settings.first_response_field,
        )
        return _select(
            "Lead", [*(name for name in _Lead.model_fields if name != "attributes"), *(name for name in own if name)]
        )

    def _opportunity_query(self) -> str:
        fields = [
            "Id",
            "CreatedDate",
            "SystemModstamp",
            "StageName",
            "IsClosed",
            "IsWon",
            "IsDeleted",
            "OwnerId",
            "Amount",
        ]
        currency = [] if self.settings.currency else ["CurrencyIsoCode"]
        reason = [self.settings.loss_reason_field] if self.settings.loss_reason_field else []
        person = ["ContactId", "Contact.Email", "Contact.Phone", "Contact.MobilePhone", "Contact.Name"]
        primary = f"({_select('OpportunityContactRoles', person)} ORDER BY IsPrimary DESC, CreatedDate LIMIT 1)"
        return _select("Opportunity", [*fields, *currency, *reason, primary])

    def _leads_of(
        self, client: HttpClient, deals: Sequence[_Opportunity], reader: RecordReader
    ) -> dict[str, Mapping[str, object]]:
        """The lead of its contact by opportunity ID: the one converted to it, else the last one converted before its creation."""
        own = [name for name in (self.settings.meta_lead_id_field, self.settings.lead_id_field) if name]
        contacts = sorted({contact for deal in deals if (contact := deal.role().ContactId)})
        known: dict[str, list[tuple[_ConvertedLead, Mapping[str, object]]]] = {}
        # Without a field for the lead's ID there is nothing to pass on.
        for start in range(0, len(contacts) if own else 0, _CONTACTS_PER_QUERY):
            ids = ", ".join(f"'{contact}'" for contact in contacts[start : start + _CONTACTS_PER_QUERY])
            fields = ["Id", "CreatedDate", "ConvertedContactId", "ConvertedOpportunityId", *own]
            query = f"{_select('Lead', fields)} WHERE ConvertedContactId IN ({ids})"
            for record in _distinct(self._query(client, "Lead", query)):
                if (lead := reader.one(_ConvertedLead, record)) is not None:
                    known.setdefault(lead.ConvertedContactId, []).append((lead, record))
        found: dict[str, Mapping[str, object]] = {}
        for deal in deals:
            of_contact = known.get(deal.role().ContactId or "", [])
            to_it = [pair for pair in of_contact if pair[0].ConvertedOpportunityId == deal.Id]
            before = [pair for pair in of_contact if pair[0].CreatedDate <= deal.CreatedDate]
            if candidates := to_it or before:
                found[deal.Id] = max(candidates, key=lambda pair: (pair[0].CreatedDate, pair[0].Id))[1]
        return found

    def _stage_entries(self, client: HttpClient, where: str, reader: RecordReader) -> Mapping[str, list[_StageEntry]]:
        """Stage entries by opportunity ID; the history also has other changes within the same stage."""
        query = _select("OpportunityHistory", ["Id", "OpportunityId", "StageName", "CreatedDate"]) + where
        found = newest(
            reader.each(_StageEntry, self._query(client, "OpportunityHistory", query)),
            key=lambda entry: (entry.OpportunityId, entry.StageName, entry.CreatedDate),
        )
        in_order = sorted(found, key=lambda entry: (entry.OpportunityId, entry.CreatedDate))
        return {
            opportunity_id: [next(run) for _, run in groupby(entries, key=lambda entry: entry.StageName)]
            for opportunity_id, entries in groupby(in_order, key=lambda entry: entry.OpportunityId)
        }

    def _lead_row(self, record: dict[str, object], lead: _Lead) -> Row:
        heir = lead.MasterRecordId or lead.ConvertedOpportunityId
        own = self.settings
        return {
            "crm_id": lead.Id,
            "created_at": instant_text(lead.CreatedDate),
            "updated_at": instant_text(lead.SystemModstamp),
            "stage": lead.Status,
            "lead_id": at(record, own.lead_id_field) if own.lead_id_field else None,
            "meta_lead_id": at(record, own.meta_lead_id_field) if own.meta_lead_id_field else None,
            "merged_into": heir,
            "qualification_reason": at(record, own.qualification_reason_field)
            if own.qualification_reason_field
            else None,
            "owner": lead.OwnerId,
            "first_response_at": at(record, own.first_response_field) if own.first_response_field else None,
            "email": lead.Email,
            "phone": lead.MobilePhone or lead.Phone,
            "full_name": lead.Name,
            # A merged lead is deleted too; the record it was merged into says more.
            "is_deleted": flag_text(lead.IsDeleted and heir is None),
        }

    def _opportunity_row(
        self,
        record: dict[str, object],
        deal: _Opportunity,
        stage_entries: Mapping[str, list[_StageEntry]],
        lead: Mapping[str, object],
    ) -> Row:
        own = self.settings
        closed_at = next(
            (
                entry.CreatedDate
                for entry in reversed(stage_entries.get(deal.Id, []))
                if entry.StageName == deal.StageName
            ),
            None,
        )
        lost = deal.IsClosed and not deal.IsWon
        contact = deal.role().Contact
        reason = self.settings.loss_reason_field
        return {
            "crm_id": deal.Id,
            "created_at": instant_text(deal.CreatedDate),
            "updated_at": instant_text(deal.SystemModstamp),
            "stage": self._stage(deal),
            "lead_id": at(lead, own.lead_id_field) if own.lead_id_field else None,
            "meta_lead_id": at(lead, own.meta_lead_id_field) if own.meta_lead_id_field else None,
            "owner": deal.OwnerId,
            "won_at": instant_text(closed_at) if deal.IsWon else None,
            "lost_at": instant_text(closed_at) if lost else None,
            "loss_reason": at(record, reason) if reason else None,
            "final_value": amount_text(deal.Amount),
            "currency": self.settings.currency or deal.CurrencyIsoCode,
            "email": contact.Email if contact else None,
            "phone": (contact.MobilePhone or contact.Phone) if contact else None,
            "full_name": contact.Name if contact else None,
            "is_deleted": flag_text(deal.IsDeleted),
        }

    def _stage(self, deal: _Opportunity) -> str:
        if deal.IsWon:
            return "closed_won"
        return "closed_lost" if deal.IsClosed else self._open_stage(deal.StageName)


def _select(entity: str, fields: list[str]) -> str:
    return f"SELECT {', '.join(fields)} FROM {entity}"


def _distinct(records: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    return newest(
        records, key=lambda record: at(record, "Id"), version=lambda record: at(record, "SystemModstamp") or ""
    )


def _soql_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _change_rows(stage_entries: Mapping[str, list[_StageEntry]]) -> Iterator[Row]:
    for entries in stage_entries.values():
        for entry in entries:
            yield {
                "crm_id": entry.OpportunityId,
                "stage": entry.StageName,
                "entered_at": instant_text(entry.CreatedDate),
            }
