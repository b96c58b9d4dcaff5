"""Meta Lead Ads: leads from instant forms.

A form's standard questions have a type (EMAIL, PHONE, FULL_NAME) in any language; only custom questions of the advertiser
need a mapping. Consent is not an answer: it is the state of the form's disclaimer boxes. Meta serves a lead for 90 days, and
forms and leads only to a token of their page, for which the system user's token is exchanged.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciliation_assets.sources import meta
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import bearer
from reconciliation_assets.sources.errors import MissingPermission, SchemaDrift
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.paging import newest
from reconciliation_assets.sources.shapes import Identifier, Instant, Shape, Side, flag_text, full_name, instant_text

RETENTION = timedelta(days=90)

FORM_FIELDS = "id,locale,status,questions"
LEAD_FIELDS = "id,created_time,ad_id,adset_id,campaign_id,campaign_name,form_id,field_data,is_organic,platform,custom_disclaimer_responses"

_PLATFORMS = {"fb": "facebook", "ig": "instagram"}
_TEST_ANSWER = "<test lead: dummy data"
_MARKS = re.compile("[\u0640\u200e\u200f\u202a-\u202e\u2066-\u2069]")

LeadColumn = Literal[
    "email", "phone", "full_name", "offer", "market", "language", "stated_value", "currency", "session_id"
]


class FormSettings(BaseModel):
    """Settings of one form.

    Attributes:
        market: ISO country of the form; phone numbers without a country code are read in it.
        language: language of the form, if not that of its locale.
        offer: what the form is about.
        fields: for custom questions, contract column to the question's key or text.
        consent: key of the disclaimer box that means consent; by default every box of the form must be ticked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    market: str | None = None
    language: str | None = None
    offer: str | None = None
    fields: dict[LeadColumn, str] = {}
    consent: str | None = None


class MetaLeadsSettings(meta.MetaSettings):
    """Settings of a `meta_leads` source.

    Attributes:
        page_ids: the pages whose forms are read.
        default: for forms not named in `forms`.
        forms: by form ID.
    """

    type: Literal["meta_leads"]
    page_ids: list[str] = Field(min_length=1)
    default: FormSettings = FormSettings()
    forms: dict[str, FormSettings] = Field(default_factory=dict)


class _Question(Shape):
    key: str
    label: Side[str] = None
    type: str


class _Form(Shape):
    id: str
    locale: Side[str] = None
    questions: list[_Question] = Field(default_factory=list)


class _Answered(Shape):
    name: str
    values: list[str]


class _Disclaimer(Shape):
    checkbox_key: str
    is_checked: str


class _Lead(Shape):
    id: str
    created_time: Instant
    # Meta leaves out fields that do not apply: the ad of an organic lead, the boxes of a form without a disclaimer.
    field_data: list[_Answered] = Field(default_factory=list)
    ad_id: Side[Identifier] = None
    adset_id: Side[Identifier] = None
    campaign_id: Side[Identifier] = None
    campaign_name: Side[str] = None
    is_organic: Side[bool] = None
    platform: Side[str] = None
    custom_disclaimer_responses: Side[list[_Disclaimer]] = None


class _Page(Shape):
    id: str
    access_token: str | None = None


PERMISSIONS = (
    ("leads_retrieval",),
    ("pages_show_list",),
    ("pages_read_engagement",),
    ("pages_manage_ads",),
    ("ads_management",),
)


class MetaLeads(HttpConnector[MetaLeadsSettings]):
    """Reads the leads of every form of one or more pages."""

    tables = ("leads",)
    overlap = timedelta(days=2)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield one batch per form."""
        oldest = window.until - RETENTION
        since = max(window.since or oldest, oldest)
        with self._graph() as client:
            for page_id in self.settings.page_ids:
                with self._page(client, page_id) as page:
                    for form in self._forms(page, page_id):
                        reader = self._reader(
                            "leads", "lead", lead_id="id", created_at="created_time", form_id="form_id"
                        )
                        records = self._leads(page, form, since.timestamp())
                        leads = newest(reader.each(_Lead, records), key=lambda lead: lead.id)
                        columns = self._columns(form)
                        yield reader.batch([self._row(lead, form, columns) for lead in leads])

    def probe(self) -> Probe:
        """Read the token's permissions, and each page and its forms."""
        with self._graph() as client:
            missing_permissions = meta.missing_permissions(client, self.settings.api_version, PERMISSIONS)
            if missing_permissions:
                return Probe([], client.clock_skew, missing_permissions=missing_permissions)
            form_ids: set[str] = set()
            for page_id in self.settings.page_ids:
                with self._page(client, page_id) as page:
                    form_ids.update(form.id for form in self._forms(page, page_id))
            missing = sorted(set(self.settings.forms) - form_ids)
            findings = [f"form {form_id} is in the sources file, but on none of the pages" for form_id in missing]
            accounts = [ProbedAccount(page_id, "UTC") for page_id in self.settings.page_ids]
            return Probe(accounts, client.clock_skew, findings, missing_permissions)

    def _classify(self, answer: HttpResponse) -> Failure | None:
        return meta.classify(self.name, answer)

    def _pace(self, answer: HttpResponse) -> timedelta:
        return meta.pace(answer)

    def _graph(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.token_env)))

    def _path(self, node: str) -> str:
        return f"{self.settings.api_version}/{node}"

    def _page(self, client: HttpClient, page_id: str) -> HttpClient:
        """A client with the page's own token: Meta gives forms and leads to no other."""
        body = meta.get_with_retries(client, self._path(page_id), {"fields": "id,access_token"}).body
        token = self._read(_Page, body, "page").access_token
        if token is None:
            raise MissingPermission(
                self.name,
                f"Meta gives the token no access to page {page_id}",
                "Assign the page to the system user with full control, and issue its token anew",
            )
        return self._client(bearer(token))

    def _forms(self, page: HttpClient, page_id: str) -> list[_Form]:
        params: Params = {"fields": FORM_FIELDS, "limit": self.settings.page_limit}
        records = meta.read_edge(page, self._path(f"{page_id}/leadgen_forms"), params)
        return newest((self._read(_Form, record, "form") for record in records), key=lambda form: form.id)

    def _leads(self, page: HttpClient, form: _Form, since: float) -> Iterator[object]:
        created_since = [{"field": "time_created", "operator": "GREATER_THAN_OR_EQUAL", "value": int(since)}]
        params: Params = {
            "fields": LEAD_FIELDS,
            "filtering": json.dumps(created_since),
            "limit": self.settings.page_limit,
        }
        return meta.read_edge(page, self._path(f"{form.id}/leads"), params)

    def _settings_of(self, form: _Form) -> FormSettings:
        return self.settings.forms.get(form.id, self.settings.default)

    def _columns(self, form: _Form) -> Mapping[str, str]:
        """Contract column by normalised question key, from the question's type or the form's mapping.

        Raises:
            SchemaDrift: the mapping names a question that the form no longer has.
        """
        columns = {_normalised(question.key): question.type.lower() for question in form.questions}
        keys = {
            _normalised(text): _normalised(question.key)
            for question in form.questions
            for text in (question.label or "", question.key)
        }
        for column, question_name in self._settings_of(form).fields.items():
            key = keys.get(_normalised(question_name))
            if key is not None:
                columns[key] = column
            elif form.id in self.settings.forms:
                happened = f"is no longer asked by form {form.id}"
                raise SchemaDrift(self.name, question_name, happened, "Correct the form's fields in the sources file")
        return columns

    def _row(self, lead: _Lead, form: _Form, columns: Mapping[str, str]) -> Row:
        form_settings = self._settings_of(form)
        answers = {
            columns.get(_normalised(field.name), ""): field.values[0] for field in lead.field_data if field.values
        }
        return {
            "lead_id": lead.id,
            "created_at": instant_text(lead.created_time),
            "updated_at": instant_text(lead.created_time),
            "meta_lead_id": lead.id,
            "campaign_id": lead.campaign_id,
            "adset_id": lead.adset_id,
            "ad_id": lead.ad_id,
            "session_id": answers.get("session_id"),
            "source": _PLATFORMS.get(lead.platform or "fb", lead.platform),
            "medium": "organic" if lead.is_organic else "paid",
            "utm_campaign": lead.campaign_name,
            "form_id": form.id,
            "event_type": "lead_form",
            "market": answers.get("market") or form_settings.market,
            "language": answers.get("language")
            or form_settings.language
            or (form.locale or "").split("_")[0].lower()
            or None,
            "email": answers.get("email"),
            "phone": answers.get("phone"),
            "full_name": answers.get("full_name") or full_name(answers.get("first_name"), answers.get("last_name")),
            "offer": answers.get("offer") or form_settings.offer,
            "stated_value": answers.get("stated_value"),
            "currency": answers.get("currency"),
            "consent": flag_text(_consented(lead, form_settings.consent)),
            "is_test": flag_text(any(value.startswith(_TEST_ANSWER) for value in answers.values())),
        }


def _consented(lead: _Lead, box: str | None) -> bool | None:
    ticked = {response.checkbox_key: response.is_checked == "1" for response in lead.custom_disclaimer_responses or ()}
    if box is not None:
        return ticked.get(box)
    return all(ticked.values()) if ticked else None


def _normalised(name: str) -> str:
    """A question's name, normalised for comparison: Meta turns a question's text into a key by its own rules."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return re.sub(r"[\W_]+", "_", plain).strip("_")
