"""Base class of the connectors: settings, the store of rotating tokens, the clock, and a client per pull."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from reconciliation_assets.policy.model import Policy, as_word
from reconciliation_assets.sources import shapes
from reconciliation_assets.sources.config import SourceSettings
from reconciliation_assets.sources.connector import Batch, Connector, Probe, Window
from reconciliation_assets.sources.credentials import Credentials, secret
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, classify_status
from reconciliation_assets.sources.records import RecordReader, keep_paths
from reconciliation_assets.sources.shapes import Shape
from reconciliation_assets.sources.tokens import TokenStore

SettingsT = TypeVar("SettingsT", bound=SourceSettings)
ShapeT = TypeVar("ShapeT", bound=Shape)


TEST_KEYS = ("sk_test_", "rk_test_")


def utc_now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


class HttpConnector(ABC, Generic[SettingsT]):
    """A connector over HTTP; a subclass defines `tables`, its default `overlap`, `pull` and `probe`.

    Args:
        settings: the source's entry in the sources file.
        tokens: stores tokens that are replaced with every use.
        now: the clock, for rows with the time of their pull.
    """

    tables: tuple[str, ...]
    overlap: timedelta

    def __init__(self, settings: SettingsT, tokens: TokenStore, now: Callable[[], datetime] = utc_now) -> None:
        self.settings = settings
        self.name = settings.name
        days = settings.silent_after_days
        self.silent_after = None if days is None else timedelta(days=days)
        if settings.overlap_days is not None:
            self.overlap = timedelta(days=settings.overlap_days)
        self._tokens = tokens
        self._now = now

    def link_sources(self, others: Mapping[str, Connector]) -> None:
        """Connect this source with others of the same file, by name, if it needs their records.

        Raises:
            Misconfigured: the source that it needs is missing.
        """

    def apply_policy(self, policy: Policy) -> None:
        """Apply the policy, if this source's rows depend on it.

        Raises:
            Misconfigured: its settings contradict the policy.
        """

    @abstractmethod
    def pull(self, window: Window) -> Iterator[Batch]:
        """See `Connector.pull`."""

    @abstractmethod
    def probe(self) -> Probe:
        """See `Connector.probe`."""

    def _client(self, credentials: Credentials) -> HttpClient:
        return HttpClient(
            self.name,
            self.settings.base_url,
            credentials=credentials,
            classify=self._classify,
            pace=self._pace,
            retry_policy=self.settings.retry_policy(),
        )

    def _classify(self, answer: HttpResponse) -> Failure | None:
        """The failure of an answer, or None; overridden for systems with their own error format."""
        return classify_status(self.name, answer)

    def _pace(self, _answer: HttpResponse) -> timedelta:
        """The pause after a successful answer; overridden for systems that report their quota."""
        return timedelta()

    def _read(self, shape: type[ShapeT], body: object, where: str) -> ShapeT:
        return shapes.read(shape, body, system=self.name, where=where)

    def _reader(self, table: str, where: str, **kept: str) -> RecordReader:
        """A reader of a list's records; `kept` maps the columns to keep of an unreadable record to their dotted paths."""
        return RecordReader(self.name, table, where, keep_paths(**kept))

    def _is_test_key(self, variable: str) -> bool:
        """Whether a key belongs to test mode, whose money does not exist; Stripe and Tap mark it in the key."""
        return self._secret(variable).startswith(TEST_KEYS)

    def _test_key_finding(self, variable: str) -> list[str]:
        finding = "the key is one of the test mode: the money it tells does not exist and is passed over"
        return [finding] if self._is_test_key(variable) else []

    def _secret(self, variable: str) -> str:
        return secret(self.name, variable)


class CrmConnector(HttpConnector[SettingsT]):
    """A connector of a CRM that reports whether a deal is closed, independently of the stage's name."""

    _closed_words: frozenset[str] = frozenset()

    def apply_policy(self, policy: Policy) -> None:
        """Take the words for won and lost from the policy."""
        words = (*policy.crm_stages.won.words, *policy.crm_stages.lost.words)
        self._closed_words = frozenset(as_word(word) for word in words)

    def _open_stage(self, label: str) -> str:
        """The stage of a deal that the CRM reports as open, even if its label says won or lost."""
        return "open" if as_word(label) in self._closed_words else label
