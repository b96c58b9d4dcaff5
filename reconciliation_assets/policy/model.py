"""The shape of the policy file: every definition a company can agree on, validated."""

import re
from datetime import date, time
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, cast, get_args
from zoneinfo import ZoneInfo, available_timezones

from babel.core import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

_zones = cache(available_timezones)

Rung = Literal["captured", "valid", "qualified", "won", "collected"]
RUNGS: tuple[Rung, ...] = ("captured", "valid", "qualified", "won", "collected")

Numerals = Literal["latn", "arab"]
Link = Literal["record_ad", "lead_crm", "lead_order", "order_payment", "crm_payment"]
LINKS: tuple[Link, ...] = ("record_ad", "lead_crm", "lead_order", "order_payment", "crm_payment")

ResultType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

AlertKind = Literal["match_rate", "source", "check", "run", "stale_copy", "digest"]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# The funnel steps at which records are lost, in order.
Step = Literal[
    "valid_leads",
    "valid_orders",
    "answered",
    "answered_in_time",
    "qualified",
    "won",
    "collected_orders",
    "collected_deals",
]
STEPS: tuple[Step, ...] = (
    "valid_leads",
    "valid_orders",
    "answered",
    "answered_in_time",
    "qualified",
    "won",
    "collected_orders",
    "collected_deals",
)

SegmentKind = Literal[
    "campaign", "market", "offer", "language", "owner", "form", "landing_page", "device", "payment_method"
]
# Dimensions by which the funnel, collected and cohort views are segmented; `all` is the total.
SEGMENTED_BY: tuple[SegmentKind, ...] = (
    *("campaign", "market", "offer", "language", "owner", "form", "landing_page", "device", "payment_method"),
)

Method = Literal["manual_verified", "exact_id", "exact_contact", "crm_relationship", "inferred"]
METHODS: tuple[Method, ...] = ("manual_verified", "exact_id", "exact_contact", "crm_relationship", "inferred")

# Lines of the bridge that are sums of its entries, in their order.
LINES_OF_ENTRIES = (
    "invalid_or_duplicate",
    "lost_or_cancelled",
    "returned_refunded_failed",
    "open",
    "value_and_basis",
)
# All lines of the bridge in their order, from Meta's number to the money.
BRIDGE_LINES = (
    "platform_attributed",
    "claimed_not_captured",
    "captured_not_claimed",
    "valuation",
    *LINES_OF_ENTRIES,
    "manual_adjustment",
    "collected",
)

# Currencies whose minor unit is a thousandth (ISO 4217).
THREE_DECIMAL_CURRENCIES = frozenset({"KWD", "BHD", "OMR", "JOD", "IQD", "LYD", "TND"})


def minor_digits(currency: str) -> int:
    """Decimals that amounts of a currency are reported with: three or two."""
    return 3 if currency in THREE_DECIMAL_CURRENCIES else 2


# A longer span is a typing error and would overflow a date.
LONGEST_DAYS = 36_500

InputTableName = Literal[
    "meta_insights",
    "leads",
    "crm_records",
    "crm_stage_changes",
    "orders",
    "invoices",
    "payments",
    "transfers",
    "fx_rates",
    "manual_matches",
    "manual_adjustments",
    "validation_verdicts",
    "method_sign_offs",
    "period_locks",
]
INPUT_TABLE_NAMES: tuple[InputTableName, ...] = get_args(InputTableName)


def _known_currency(code: str) -> str:
    if code not in list_currencies():
        raise ValueError(f"{code!r} is not an ISO 4217 code in capital letters such as AED")
    return code


Currency = Annotated[str, AfterValidator(_known_currency)]
Word = Annotated[str, Field(pattern=r"\S")]


class _Part(BaseModel):
    """A part of the policy; an unknown key is an error and is never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Cohorts(_Part):
    """When a cohort counts as mature, in days after its last record."""

    maturity_days: tuple[int, ...] = Field(min_length=1)

    @field_validator("maturity_days")
    @classmethod
    def _ascending(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days)) or days[0] < 1 or days[-1] > LONGEST_DAYS:
            raise ValueError(f"maturity_days must be whole days up to {LONGEST_DAYS}, each larger than the one before")
        return days


class Basis(_Part):
    """What counts as collected money in addition to settled payments less refunds and chargebacks."""

    include_tax: bool
    include_shipping: bool
    deduct_payment_fees: bool


class Inferred(_Part):
    """When records without a shared identifier are linked, and how much data the model needs."""

    accept_from: float = Field(gt=0, le=1)
    review_from: float = Field(gt=0, le=1)
    candidates_per_key: int = Field(ge=1)
    fewest_known_links: int = Field(ge=1)

    @model_validator(mode="after")
    def _review_before_accept(self) -> "Inferred":
        if self.review_from > self.accept_from:
            raise ValueError("review_from must not be above accept_from")
        return self


class MatchedMoney(_Part):
    """When a payment without an order ID is linked: the required probability and the required precision of such links."""

    accept_from: float = Field(gt=0, le=1)
    precision_floor: float = Field(gt=0, le=1)


class Backtest(_Part):
    """How many known links the backtest hides, and how many found links it needs to judge a method."""

    share: float = Field(gt=0, le=0.5)
    most: int = Field(ge=1)
    fewest: int = Field(ge=1)


class Matching(_Part):
    """Windows, limits and confidences of the match methods."""

    contact_window_days: int = Field(ge=0, le=LONGEST_DAYS)
    duplicate_window_days: int = Field(ge=0, le=LONGEST_DAYS)
    shared_contact_limit: int = Field(ge=1)
    confidence: dict[Method, float]
    doubtful_contact_confidence: float = Field(gt=0, le=1)
    precision_floors: dict[Method, float]
    inferred: Inferred
    money: MatchedMoney
    backtest: Backtest

    @model_validator(mode="after")
    def _every_method_has_a_confidence(self) -> "Matching":
        missing = [method for method in METHODS if method not in self.confidence]
        if missing or any(not 0 < value <= 1 for value in self.confidence.values()):
            raise ValueError(f"confidence needs a value above 0 and up to 1 for every method; missing: {missing}")
        return self


class Remittances(_Part):
    """When a settlement without a bank transfer counts as late."""

    transfer_within_days: int = Field(ge=0, le=LONGEST_DAYS)


class MetaAds(_Part):
    """Source and medium values that mark a record as coming from Meta, paid or organic."""

    sources: tuple[str, ...]
    mediums: tuple[str, ...]
    organic_mediums: tuple[str, ...]


class MetaResult(_Part):
    """How to count an event that Meta reports under several overlapping action types.

    Attributes:
        counts: the action type that is counted, usually the roll-up that contains the others.
        folded: action types that report the same event or a part of it, so they are never added to `counts`. If Meta
            reports nothing under `counts`, the first of these with a value is used.
    """

    counts: str = Field(min_length=1)
    folded: tuple[str, ...] = ()

    @property
    def action_types(self) -> tuple[str, ...]:
        """All action types that report this event; the one that is counted comes first."""
        return tuple(dict.fromkeys((self.counts, *self.folded)))


class Words(_Part):
    """The words of one outcome, and the funnel rung that a record with this outcome has reached."""

    rung: Rung
    words: tuple[Word, ...]


class CrmStages(_Part):
    """Words of CRM stages and qualification statuses, by outcome."""

    open: Words
    qualified: Words
    won: Words
    lost: Words
    invalid: Words


class OrderStatuses(_Part):
    """Words of order statuses, by outcome."""

    placed: Words
    confirmed: Words
    fulfilled: Words
    cancelled: Words
    returned: Words
    invalid: Words


class EventNames(_Part):
    """The event name of an outcome by kind of record; None sends no event."""

    lead: str | None = Field(default=None, min_length=1, max_length=50)
    order: str | None = Field(default=None, min_length=1, max_length=50)


class Events(_Part):
    """Events sent to Meta, by outcome."""

    captured: EventNames
    qualified: EventNames
    won: EventNames
    collected: EventNames


class EventMaturity(_Part):
    """Days that an outcome must hold before its event is sent to Meta."""

    captured: int = Field(ge=0)
    qualified: int = Field(ge=0)
    won: int = Field(ge=0)
    collected: int = Field(ge=0)


class ConsentNeeded(_Part):
    """Whether events of a kind of record are sent only with recorded consent."""

    lead: bool
    order: bool


class Capi(_Part):
    """Feedback to Meta's Conversions API: which events of which records may be sent."""

    events: Events
    maturity_days: EventMaturity
    max_age_hours: int = Field(ge=1, le=168)
    weakest_method: Method
    confidence_from: float = Field(ge=0, le=1)
    consent_words: tuple[str, ...]
    consent_needed: ConsentNeeded
    hashed_contacts: bool

    @model_validator(mode="after")
    def _young_enough_when_mature(self) -> "Capi":
        late = [outcome for outcome, days in self.maturity_days if days * 24 >= self.max_age_hours]
        if late:
            raise ValueError(
                f"maturity_days of {', '.join(late)} reach max_age_hours, so that nothing could ever be told"
            )
        return self


class Floors(_Part):
    """The lowest acceptable match rates of a link, as shares (0 to 1) of records and of value."""

    records: float | None = Field(default=None, ge=0, le=1)
    value: float | None = Field(default=None, ge=0, le=1)


class Thresholds(_Part):
    """Limits at which a check fails or raises an alert."""

    quarantine_share: float = Field(ge=0, le=1)
    match_rate_floors: dict[Link, Floors]
    match_rate_fall: float = Field(gt=0, le=1)
    match_rate_fall_records: int = Field(ge=1)
    match_rate_fall_past_days: int = Field(ge=14, le=LONGEST_DAYS)
    match_rate_fall_chance: float = Field(gt=0, le=0.1)
    source_silent_days: int = Field(ge=1, le=LONGEST_DAYS)


class ChangeControl(_Part):
    """When months close, and what happens to a run that would change a closed month."""

    meta_months_close_after_days: int = Field(ge=0, le=LONGEST_DAYS)
    on_locked_change: Literal["stop", "tell"]


class VerdictWords(_Part):
    """The words reviewers use for each verdict."""

    correct: tuple[str, ...]
    wrong: tuple[str, ...]
    unclear: tuple[str, ...]


class Validation(_Part):
    """How links are sampled for reviewers, and how their verdicts affect a method."""

    seed: str = Field(min_length=1)
    links_per_stratum: int = Field(ge=1)
    value_bands: tuple[Decimal, ...]
    reviewers: dict[Link, str]
    fewest_verdicts: int = Field(ge=1)
    precision_floors: dict[Method, float]
    words: VerdictWords

    @field_validator("value_bands")
    @classmethod
    def _ascending(cls, bounds: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
        if list(bounds) != sorted(set(bounds)) or any(bound <= 0 for bound in bounds):
            raise ValueError("value_bands must be amounts above zero, each larger than the one before")
        return bounds

    @field_validator("reviewers")
    @classmethod
    def _usable_as_file_names(cls, reviewers: dict[Link, str]) -> dict[Link, str]:
        missing = [link for link in LINKS if not re.fullmatch(r"[a-z][a-z0-9_]*", reviewers.get(link, ""))]
        if missing:
            raise ValueError(
                f"reviewers needs a team in small letters without blanks for every link; look at: {missing}"
            )
        return reviewers


class Owners(_Part):
    """The responsible team by link and by kind of exception, and the contact address of each team."""

    links: dict[Link, str]
    exceptions: dict[str, str]
    default: str
    contacts: dict[str, str]

    @field_validator("contacts")
    @classmethod
    def _are_addresses(cls, contacts: dict[str, str]) -> dict[str, str]:
        wrong = sorted(
            owner for owner, url in contacts.items() if not url.startswith(("https://", "http://", "mailto:"))
        )
        if wrong:
            raise ValueError(f"contacts must be https: or mailto: addresses; not so: {wrong}")
        return contacts

    @property
    def everybody(self) -> tuple[str, ...]:
        """Every owner in the policy once, sorted by name."""
        return tuple(sorted({*self.links.values(), *self.exceptions.values(), self.default}))


class Diagnosis(_Part):
    """When a segment's rate counts as too low, and who acts on it.

    Attributes:
        recent_days: length of the assessed period, by the day a record entered a step.
        past_days: length of the period before it, the segment's baseline.
        window_days: days a record has to pass each step; every record is assessed at that age.
        answer_within_minutes: a first answer later than this is late.
        fewest_records: a step with fewer records is not assessed.
        smallest_gap: a smaller difference between the rates is not a finding, however significant.
        natural_spread: minimum assumed spread between healthy segments, as the standard deviation of log odds.
        false_discoveries: accepted share of findings that are due to chance.
        peers: whether segments of a kind are compared with each other; if not, only with their own past.
        owners: the responsible team, by step.
    """

    recent_days: int = Field(ge=7, le=LONGEST_DAYS)
    past_days: int = Field(ge=7, le=LONGEST_DAYS)
    window_days: dict[Step, int]
    answer_within_minutes: int = Field(ge=1)
    fewest_records: int = Field(ge=2)
    smallest_gap: float = Field(ge=0, lt=1)
    natural_spread: float = Field(gt=0)
    false_discoveries: float = Field(gt=0, lt=1)
    peers: dict[SegmentKind, bool]
    owners: dict[Step, str]

    @model_validator(mode="after")
    def _every_step_and_kind_is_there(self) -> "Diagnosis":
        for name, given in (("window_days", set(self.window_days)), ("owners", set(self.owners))):
            missing = [step for step in STEPS if step not in given]
            if missing:
                raise ValueError(f"{name} needs every step; missing: {missing}")
        missing_kinds = [kind for kind in SEGMENTED_BY if kind not in self.peers]
        if missing_kinds:
            raise ValueError(f"peers needs every kind of segment; missing: {missing_kinds}")
        if min(self.window_days.values()) < 0:
            raise ValueError("window_days must not be negative")
        return self


class Budget(_Part):
    """When a campaign gets more money, the same, or none.

    Attributes:
        scale_from: collected ROAS at the longest maturity from which a campaign may get more budget.
        stop_below: collected ROAS below which a campaign gets no more.
        recent_days: length of the assessed period of spend, once when it is mature and once while it is not.
        fewest_weeks: with fewer weeks of mature spend nothing is decided.
        fewest_paid_records: with fewer mature paid records, a campaign has no collection curve of its own.
        lowest_coverage: share of the settled money that must be linked before a low figure stops a campaign, and share of
            the records from Meta that must be linked to an ad.
        largest_step: the largest increase of spend at once, as a share of the current spend.
        busy_answer_minutes: median time to the first answer above which an owner has no room for more leads.
        busy_open_leads: open leads above which an owner has no room for more.
    """

    scale_from: float = Field(gt=0)
    stop_below: float = Field(ge=0)
    recent_days: int = Field(ge=28, le=LONGEST_DAYS)
    fewest_weeks: int = Field(ge=3)
    fewest_paid_records: int = Field(ge=2)
    lowest_coverage: float = Field(ge=0, le=1)
    largest_step: float = Field(gt=0)
    busy_answer_minutes: int = Field(ge=1)
    busy_open_leads: int = Field(ge=1)

    @model_validator(mode="after")
    def _stop_before_scale(self) -> "Budget":
        if self.stop_below >= self.scale_from:
            raise ValueError("stop_below must be lower than scale_from")
        return self


def _written_as_text(hour: object) -> object:
    # YAML reads 22:00 without quotation marks as the number 1320.
    if isinstance(hour, int | float):
        raise ValueError('it must stand in quotation marks, as in "22:00"')  # noqa: TRY004 - pydantic tells no TypeError
    return hour


TimeOfDay = Annotated[time, BeforeValidator(_written_as_text)]


class QuietHours(_Part):
    """Hours, in the policy's zone, in which only urgent alerts are sent; they may span midnight."""

    begin: TimeOfDay
    end: TimeOfDay


class Schedule(_Part):
    """Start time of the daily run, in the policy's zone."""

    daily_at: TimeOfDay


class Digest(_Part):
    """Weekday and hour, in the policy's zone, at which each owner gets a digest of its open items."""

    weekday: Weekday
    hour: int = Field(ge=0, le=23)


class Route(_Part):
    """Which alerts a channel gets, by kind and owner; an empty list means all."""

    channel: str = Field(min_length=1)
    kinds: tuple[AlertKind, ...] = ()
    owners: tuple[str, ...] = ()


class Alerts(_Part):
    """Who gets which alerts, when, and how often."""

    routes: tuple[Route, ...]
    urgent: dict[AlertKind, bool]
    quiet_hours: QuietHours | None
    remind_after_hours: int = Field(ge=1)
    copy_stale_hours: int = Field(ge=1)
    digest: Digest | None


class Policy(_Part):
    """All agreed definitions of one version.

    Attributes:
        version: the name of this version; it changes whenever anything else here does.
        company: name of the company, as shown in reports.
        reporting_currency: ISO code; all money of the published tables is in it.
        zone: IANA zone of cohort days, cash months and the daily schedule.
        locale: CLDR locale of the words, amounts and dates in reports.
        numerals: digits of amounts and dates in reports: Latin (1,234.5) or Arabic-Indic (١٬٢٣٤٫٥).
        meta_results: which action types count, by result type.
        table_zones: zone of timestamps without an offset, by input table.
        kept_words: the company's own words that stored reasons and notes keep.
    """

    version: Word
    effective_from: date
    change_reason: Word
    approved_by: str = Field(min_length=1)
    company: str | None = Field(min_length=1)
    reporting_currency: Currency
    zone: str
    locale: str
    numerals: Numerals
    table_zones: dict[InputTableName, str]
    kept_words: tuple[Annotated[str, Field(pattern=r"^[^\W\d_]+$")], ...]
    pegged_to_usd: dict[Currency, Annotated[Decimal, Field(gt=0)]]
    cohorts: Cohorts
    basis: Basis
    matching: Matching
    remittances: Remittances
    meta_ads: MetaAds
    meta_results: dict[ResultType, MetaResult] = Field(min_length=1)
    crm_stages: CrmStages
    order_statuses: OrderStatuses
    capi: Capi
    thresholds: Thresholds
    validation: Validation
    change_control: ChangeControl
    owners: Owners
    diagnosis: Diagnosis
    budget: Budget
    schedule: Schedule
    alerts: Alerts

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in _zones():
            raise ValueError(f"{zone!r} is not an IANA time zone such as Asia/Dubai")
        return zone

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, locale: str) -> str:
        try:
            Locale.parse(locale)
        except (ValueError, UnknownLocaleError):
            raise ValueError(f"{locale!r} is not a CLDR locale such as en_AE or ar_AE") from None
        return locale

    @field_validator("table_zones")
    @classmethod
    def _known_zones(cls, zones: dict[InputTableName, str]) -> dict[InputTableName, str]:
        unknown = sorted(zone for zone in zones.values() if zone not in _zones())
        if unknown:
            raise ValueError(f"not IANA time zones: {unknown}")
        return zones

    @model_validator(mode="after")
    def _a_word_means_one_thing(self) -> "Policy":
        parts = {
            "crm_stages": {outcome: words.words for outcome, words in self.crm_stages},
            "order_statuses": {outcome: words.words for outcome, words in self.order_statuses},
            "validation.words": dict(self.validation.words),
        }
        for name, part in parts.items():
            outcome_of: dict[str, str] = {}
            for outcome, words in part.items():
                for word in words:
                    first = outcome_of.setdefault(as_word(word), outcome)
                    if first != outcome:
                        raise ValueError(f"{name}: {word!r} stands under {first!r} and under {outcome!r}; keep one")
        return self

    @property
    def definitions(self) -> dict[str, Any]:
        """Everything that defines a figure, as JSON values; without version, company, schedule, alerts and contacts."""
        apart = dict.fromkeys(
            ("version", "effective_from", "change_reason", "approved_by", "company", "schedule", "alerts"), True
        )
        return self.model_dump(mode="json", exclude={**apart, "owners": {"contacts"}})

    @property
    def timezone(self) -> ZoneInfo:
        """The policy's zone."""
        return ZoneInfo(self.zone)

    @property
    def minor_digits(self) -> int:
        """Decimals of the reporting currency's minor unit."""
        return minor_digits(self.reporting_currency)

    def zone_of(self, table: str) -> str:
        """The zone of a table's timestamps that have no offset."""
        return self.table_zones.get(cast(InputTableName, table), self.zone)

    def owner_of(self, exception_kind: str) -> str:
        """The team responsible for a kind of exception."""
        return self.owners.exceptions.get(exception_kind, self.owners.default)


def as_word(text: str) -> str:
    """A status or stage as the policy compares it: lower case, spaces and hyphens replaced by underscores."""
    return text.strip().lower().replace(" ", "_").replace("-", "_")
