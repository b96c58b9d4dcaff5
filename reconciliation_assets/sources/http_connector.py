"""What all connectors share: their settings, the store of rotating tokens, their clock, and a client for each pull."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from reconciliation_assets.policy.model import Policy, as_word
from reconciliation_assets.sources import shapes
from reconciliation_assets.sources.config import SourceSettings
from reconciliation_assets.sources.connector import Batch, Connector, Probe, Window
from reconciliation_assets.sources.credentials import Credentials, secret
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, judge_status
from reconciliation_assets.sources.records import RecordReader, known
from reconciliation_assets.sources.shapes import Shape
from reconciliation_assets.sources.tokens import TokenStore

SettingsT = TypeVar("SettingsT", bound=SourceSettings)
ShapeT = TypeVar("ShapeT", bound=Shape)


TEST_KEYS = ("sk_test_", "rk_test_")


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


class HttpConnector(ABC, Generic[SettingsT]):
    """A connector that speaks HTTP; a subclass gives `tables`, its usual `overlap`, `pull` and `probe`.

    Args:
        settings: the source's entry in the sources file.
        tokens: where a token that is replaced with every use is kept.
        now: the clock, for rows that carry the instant of their pull.
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

    def link(self, others: Mapping[str, Connector]) -> None:
        """Take note of the other sources of the same file, by name, where this one reads by their records.

        Raises:
            Misconfigured: the source it needs is not there.
        """

    def agree(self, policy: Policy) -> None:
        """Take note of the agreed definitions, where this one's rows follow them.

        Raises:
            Misconfigured: its settings and the policy do not go together.
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
            judge=self._judge,
            pace=self._pace,
            retry_policy=self.settings.retry_policy(),
        )

    def _judge(self, answer: HttpResponse) -> Failure | None:
        """Find trouble in an answer; systems with an error envelope of their own say more here."""
        return judge_status(self.name, answer)

    def _pace(self, _answer: HttpResponse) -> timedelta:
        """How long to rest after a good answer; systems that tell the quota used say more here."""
        return timedelta()

    def _read(self, shape: type[ShapeT], body: object, where: str) -> ShapeT:
        return shapes.read(shape, body, system=self.name, where=where)

    def _reader(self, table: str, where: str, **kept: str) -> RecordReader:
        """A reader of a list's records; `kept` names what to keep of an odd one, column and dotted path."""
        return RecordReader(self.name, table, where, known(**kept))

    def _is_test_key(self, variable: str) -> bool:
        """Whether a key is one of the test mode, whose money does not exist; Stripe and Tap write it into the key."""
        return self._secret(variable).startswith(TEST_KEYS)

    def _test_key_finding(self, variable: str) -> list[str]:
        finding = "the key is one of the test mode: the money it tells does not exist and is passed over"
        return [finding] if self._is_test_key(variable) else []

    def _secret(self, variable: str) -> str:
        return secret(self.name, variable)


class CrmConnector(HttpConnector[SettingsT]):
    """A connector of a CRM that says by itself whether a deal is closed, whatever its stage is called."""

    _closed_words: frozenset[str] = frozenset()

    def agree(self, policy: Policy) -> None:
        """Take note of the words that mean won or lost."""
        words = (*policy.crm_stages.won.words, *policy.crm_stages.lost.words)
        self._closed_words = frozenset(as_word(word) for word in words)

    def _open_stage(self, label: str) -> str:
        """The stage of a deal that the CRM calls open: one whose label says won or lost is neither."""
        return "open" if as_word(label) in self._closed_words else label
