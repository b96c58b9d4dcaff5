"""Zoho CRM: leads and deals as CRM records, with the times a deal's stages were entered.

A converted lead is merged into its deal. Stage names differ by company; a setting says which mean won or lost, because
Zoho's API gives that only in the field's metadata. Lists leave out deleted records, which Zoho lists separately.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import GrantedToken
from reconciliation_assets.sources.errors import ExpiredCredentials, MissingPermission, SchemaDrift
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params, classify_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.records import RecordReader
from reconciliation_assets.sources.shapes import (
    Identifier,
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

_CONTACTS_PER_REQUEST = 100
_LEAD = [
    "Created_Time",
    "Modified_Time",
    "Lead_Status",
    "Owner",
    "Email",
    "Phone",
    "Mobile",
    "Full_Name",
    "Converted_Deal",
]
# `Currency` exists only if the organisation has several currencies.
_DEAL = ["Created_Time", "Modified_Time", "Stage", "Amount", "Currency", "Owner", "Contact_Name"]
_CONTACT = ["Email", "Phone", "Mobile", "Full_Name"]


STATUSES = (
    "Attempted to Contact", "Contact in Future", "Contacted", "Junk Lead", "Lost Lead", "Not Contacted", "Pre-Qualified",
    "Not Qualified",
    "Qualification", "Needs Analysis", "Value Proposition", "Identify Decision Makers", "Proposal/Price Quote",
    "Negotiation/Review", "Closed Won", "Closed Lost", "Closed Lost to Competition",
)  # fmt: skip
"""Zoho's standard lead statuses and deal stages."""


class ZohoSettings(SourceSettings):
    """Settings of a `zoho` source.

    Attributes:
        base_url: address of the account's data centre, such as `https://www.zohoapis.sa`.
        accounts_url: address at which tokens of that data centre are issued.
        client_id_env: the environment variable with the API client's ID.
        client_secret_env: the environment variable with the API client's secret.
        refresh_token_env: the environment variable with the refresh token, which stays valid until revoked.
        currency: currency of deals that name none; by default the organisation's own.
        won_stages: deal stages that mean won.
        lost_stages: deal stages that mean lost.
        meta_lead_id_field: field of Leads with Meta's lead ID.
        lead_id_field: field of Leads with the company's own lead ID.
        loss_reason_field: field of Deals.
        page_limit: records per page.
    """

    type: Literal["zoho"]
    base_url: str = "https://www.zohoapis.com"
    accounts_url: str = "https://accounts.zoho.com"
    api_version: str = Field(default="v8", pattern=r"^v\d+(\.\d)?$")
    client_id_env: EnvironmentVariable = "ZOHO_CLIENT_ID"
    client_secret_env: EnvironmentVariable = "ZOHO_CLIENT_SECRET"  # noqa: S105 - a variable's name
    refresh_token_env: EnvironmentVariable = "ZOHO_REFRESH_TOKEN"  # noqa: S105 - a variable's name
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    won_stages: list[str] = Field(default=["Closed Won"])
    lost_stages: list[str] = Field(default=["Closed Lost", "Closed Lost to Competition"])
    meta_lead_id_field: str | None = None
    lead_id_field: str | None = None
    loss_reason_field: str | None = "Reason_For_Loss__s"
    page_limit: int = Field(default=200, ge=1, le=200)


class _Token(Shape):
    access_token: str


class _Refusal(Shape):
    code: str = ""


class _Info(Shape):
    more_records: bool
    next_page_token: str | None = None
    page: int | None = None


class _Page(Shape):
    data: list[dict[str, object]]
    info: _Info


class _Reference(Shape):
    id: Identifier


class _Record(Shape):
    id: Identifier
    Created_Time: Instant
    Modified_Time: Instant
    Owner: Side[_Reference] = None


class _Lead(_Record):
    Lead_Status: Side[Text] = None
    Email: Side[Text] = None
    Phone: Side[Text] = None
    Mobile: Side[Text] = None
    Full_Name: Side[Text] = None
    Converted_Deal: Side[_Reference] = None


class _Deal(_Record):
    Stage: Text | None = None
    Amount: Number | None = None
    Currency: Side[str] = None
    Contact_Name: Side[_Reference] = None


class _Contact(Shape):
    id: Identifier
    Email: Side[Text] = None
    Phone: Side[Text] = None
    Mobile: Side[Text] = None
    Full_Name: Side[Text] = None


class _Deleted(Shape):
    id: Identifier
    deleted_time: Instant


class _StageEntry(Shape):
    Stage: Text
    Modified_Time: Instant


class _Organisation(Shape):
    id: Identifier
    time_zone: str
    iso_code: str


class _Organisations(Shape):
    org: list[_Organisation]


class Zoho(HttpConnector[ZohoSettings]):
    """Reads leads and deals changed in the window."""

    tables = ("crm_records", "crm_stage_changes")
    overlap = timedelta(hours=2)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield leads, then deals, then the stages of each deal."""
        deals, leads = self._records("Deals"), self._records("Leads")
        people = self._reader("crm_records", "Contacts")
        stages = self._reader("crm_stage_changes", "Stage_History")
        own = [self.settings.loss_reason_field] if self.settings.loss_reason_field else []
        with self._crm() as client:
            currency = self.settings.currency or self._organisation(client).iso_code
            found = self._changed(client, "Leads", _LEAD, window, self._own_lead_fields())
            read = [(record, leads.one(_Lead, record)) for record in found]
            rows = [self._lead_row(record, lead) for record, lead in read if lead is not None]
            yield leads.batch([*rows, *self._deleted_rows(client, "Leads", window, leads)])
            records = self._changed(client, "Deals", _DEAL, window, own)
            pairs = [(record, deal) for record in records if (deal := deals.one(_Deal, record)) is not None]
            contact_ids = [deal.Contact_Name.id for _, deal in pairs if deal.Contact_Name]
            contacts = self._contacts(client, contact_ids, people)
            stage_entries = {deal.id: self._stage_entries(client, deal.id, stages) for _, deal in pairs}
            rows = [self._deal_row(*pair, contacts, stage_entries[pair[1].id], currency) for pair in pairs]
            yield deals.batch([*rows, *self._deleted_rows(client, "Deals", window, deals)])
            yield people.batch([])
            yield stages.batch(
                [row for deal_id, entries in stage_entries.items() for row in _changes(deal_id, entries)]
            )

    def probe(self) -> Probe:
        """Read the organisation's zone and currency, and check that leads, deals and contacts can be read."""
        with self._crm() as client:
            organisation = self._organisation(client)
            for module in ("Leads", "Deals", "Contacts"):
                client.get(self._path(module), {"fields": "id", "per_page": 1})
            account = ProbedAccount(organisation.id, organisation.time_zone, organisation.iso_code)
            return Probe([account], client.clock_skew)

    def _classify(self, answer: HttpResponse) -> Failure | None:
        if answer.status in {204, 304}:
            return None
        refusal = self._read(_Refusal, answer.body, "error") if isinstance(answer.body, dict) else _Refusal()
        if refusal.code == "OAUTH_SCOPE_MISMATCH":
            happened = "the refresh token was granted with fewer scopes than the connector needs"
            remedy = "Grant a new one with the scopes on this source's page under docs/sources"
            return Failure(MissingPermission(self.name, happened, remedy))
        return classify_status(self.name, answer)

    def _crm(self) -> HttpClient:
        return self._client(GrantedToken(self._grant, scheme="Zoho-oauthtoken"))

    def _grant(self) -> str:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._secret(self.settings.client_id_env),
            "client_secret": self._secret(self.settings.client_secret_env),
            "refresh_token": self._secret(self.settings.refresh_token_env),
        }
        with HttpClient(
            self.name,
            self.settings.accounts_url,
            classify=self._classify_grant,
            retry_policy=self.settings.retry_policy(),
        ) as client:
            return self._read(_Token, client.post("oauth/v2/token", form=form).body, "token").access_token

    def _classify_grant(self, answer: HttpResponse) -> Failure | None:
        # Zoho rejects a refresh token with status 200.
        if isinstance(answer.body, dict) and "error" in answer.body:
            happened = "Zoho does not accept the refresh token or the client"
            return Failure(ExpiredCredentials(self.name, happened, "Grant a new refresh token in Zoho's API console"))
        return classify_status(self.name, answer)

    def _path(self, rest: str) -> str:
        return f"crm/{self.settings.api_version}/{rest}"

    def _organisation(self, client: HttpClient) -> _Organisation:
        return self._read(_Organisations, client.get(self._path("org")).body, "org").org[0]

    def _is_configured(self, field: str) -> bool:
        named = [name for name in self.settings.model_fields_set if name.endswith("_field")]
        return field in {getattr(self.settings, name) for name in named}

    def _own_lead_fields(self) -> list[str]:
        return [name for name in (self.settings.meta_lead_id_field, self.settings.lead_id_field) if name]

    def _records(self, module: str) -> RecordReader:
        return self._reader(
            "crm_records",
            module,
            crm_id="id",
            created_at="Created_Time",
            updated_at="Modified_Time",
            final_value="Amount",
            currency="Currency",
        )

    def _deleted_rows(self, client: HttpClient, module: str, window: Window, reader: RecordReader) -> list[Row]:
        """Rows of the module's records deleted in the window; Zoho gives only the time of deletion."""

        def fetch(cursor: str | None) -> CursorPage[dict[str, object]]:
            number = int(cursor or 1)
            params: Params = {"type": "all", "page": number, "per_page": self.settings.page_limit}
            headers = _since(window)
            body = client.get(self._path(f"{module}/deleted"), params, headers=headers, fits=is_that_page(number)).body
            if body is None:
                return CursorPage([], None)
            page = self._read(_Page, body, f"{module}/deleted")
            return CursorPage(page.data, str(number + 1) if page.info.more_records else None)

        def is_that_page(number: int) -> Callable[[HttpResponse], bool]:
            def fits(answer: HttpResponse) -> bool:
                page_number = (
                    None if answer.body is None else self._read(_Page, answer.body, f"{module}/deleted").info.page
                )
                return page_number in {None, number}

            return fits

        deleted: Iterator[dict[str, object]] = by_cursor(self.name, fetch)
        distinct = newest(reader.each(_Deleted, deleted), key=lambda record: record.id)
        return [
            {
                "crm_id": record.id,
                "created_at": instant_text(record.deleted_time),
                "updated_at": instant_text(record.deleted_time),
                "stage": "new",
                "is_deleted": flag_text(True),
            }
            for record in distinct
        ]

    def _changed(
        self, client: HttpClient, module: str, fields: Sequence[str], window: Window, own: Sequence[str]
    ) -> list[dict[str, object]]:
        """The module's records changed in the window, ordered by ID, so that changes do not shift the pages."""
        params: Params = {
            "fields": ",".join([*fields, *own]),
            "sort_by": "id",
            "sort_order": "asc",
            "per_page": self.settings.page_limit,
            **({"converted": "both"} if module == "Leads" else {}),
        }
        records = list(self._list(client, module, params, _since(window)))
        # Zoho's standard fields may have been removed; fields named in the sources file must exist.
        configured = [name for name in own if self._is_configured(name)]
        for name in configured:
            if records and all(name not in record for record in records):
                remedy = "Restore it in Zoho, or correct the sources file"
                raise SchemaDrift(self.name, f"{module}.{name}", "is no field of this account", remedy)
        return newest(
            records, key=lambda record: at(record, "id"), version=lambda record: at(record, "Modified_Time") or ""
        )

    def _list(
        self,
        client: HttpClient,
        module: str,
        params: Params,
        headers: Mapping[str, str] | None = None,
        ids: Sequence[str] | None = None,
    ) -> Iterator[dict[str, object]]:
        def fits(answer: HttpResponse) -> bool:
            records = [] if answer.body is None else self._read(_Page, answer.body, module).data
            return ids is None or {at(record, "id") for record in records} <= set(ids)

        def fetch(token: str | None) -> CursorPage[dict[str, object]]:
            paged = {**params, "page_token": token} if token else params
            body = client.get(self._path(module), paged, headers=headers, fits=fits).body
            if body is None:
                return CursorPage([], None)
            page = self._read(_Page, body, module)
            return CursorPage(page.data, page.info.next_page_token if page.info.more_records else None)

        return by_cursor(self.name, fetch)

    def _contacts(self, client: HttpClient, ids: Sequence[str], reader: RecordReader) -> dict[str, _Contact]:
        distinct_ids = sorted(set(ids))
        found: dict[str, _Contact] = {}
        for start in range(0, len(distinct_ids), _CONTACTS_PER_REQUEST):
            some = distinct_ids[start : start + _CONTACTS_PER_REQUEST]
            params: Params = {"fields": ",".join(_CONTACT), "ids": ",".join(some), "per_page": 200}
            records = self._list(client, "Contacts", params, ids=some)
            found |= {contact.id: contact for contact in reader.each(_Contact, records)}
        return found

    def _stage_entries(self, client: HttpClient, deal_id: str, reader: RecordReader) -> list[_StageEntry]:
        params: Params = {"fields": "Stage,Modified_Time", "per_page": 200}
        records = self._list(client, f"Deals/{deal_id}/Stage_History", params)
        entries = newest(reader.each(_StageEntry, records), key=lambda entry: (entry.Stage, entry.Modified_Time))
        return sorted(entries, key=lambda entry: entry.Modified_Time)

    def _stage(self, name: str | None) -> str:
        if name is None:
            return "new"
        if name in self.settings.won_stages:
            return "closed_won"
        return "closed_lost" if name in self.settings.lost_stages else name

    def _lead_row(self, record: dict[str, object], lead: _Lead) -> Row:
        own = self.settings
        return {
            "crm_id": lead.id,
            "created_at": instant_text(lead.Created_Time),
            "updated_at": instant_text(lead.Modified_Time),
            "stage": lead.Lead_Status or "new",
            "lead_id": at(record, own.lead_id_field) if own.lead_id_field else None,
            "meta_lead_id": at(record, own.meta_lead_id_field) if own.meta_lead_id_field else None,
            "merged_into": lead.Converted_Deal.id if lead.Converted_Deal else None,
            "owner": lead.Owner.id if lead.Owner else None,
            "email": lead.Email,
            "phone": lead.Mobile or lead.Phone,
            "full_name": lead.Full_Name,
        }

    def _deal_row(
        self,
        record: dict[str, object],
        deal: _Deal,
        contacts: Mapping[str, _Contact],
        stage_entries: Sequence[_StageEntry],
        currency: str,
    ) -> Row:
        stage = self._stage(deal.Stage)
        since = next((entry.Modified_Time for entry in reversed(stage_entries) if entry.Stage == deal.Stage), None)
        contact = contacts.get(deal.Contact_Name.id) if deal.Contact_Name else None
        reason = self.settings.loss_reason_field
        return {
            "crm_id": deal.id,
            "created_at": instant_text(deal.Created_Time),
            "updated_at": instant_text(deal.Modified_Time),
            "stage": stage,
            "owner": deal.Owner.id if deal.Owner else None,
            "won_at": instant_text(since) if stage == "closed_won" else None,
            "lost_at": instant_text(since) if stage == "closed_lost" else None,
            "loss_reason": at(record, reason) if reason else None,
            "final_value": amount_text(deal.Amount),
            "currency": deal.Currency or currency,
            "email": contact.Email if contact else None,
            "phone": (contact.Mobile or contact.Phone) if contact else None,
            "full_name": contact.Full_Name if contact else None,
        }


def _since(window: Window) -> dict[str, str]:
    return {"If-Modified-Since": window.since.isoformat(timespec="seconds")} if window.since else {}


def _changes(deal_id: str, entries: Sequence[_StageEntry]) -> Iterator[Row]:
    for entry in entries:
        yield {"crm_id": deal_id, "stage": entry.Stage, "entered_at": instant_text(entry.Modified_Time)}
