"""The one HTTP client: patience with systems that limit, fail or break off, and silence about what they say.

Transport belongs here: time-outs, retries with jitter, waiting when asked to, reading JSON without floats. What an
answer means belongs to each system's module, which hands in a judge for its own error envelope. Bodies, URLs and
headers are never logged or put into an error.
"""

import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
import stamina

from reconciliation_assets.sources.credentials import Credentials, FixedHeaders
from reconciliation_assets.sources.errors import (
    ExpiredCredentials,
    Misconfigured,
    MissingPermission,
    RateLimited,
    RequestRefused,
    SourceError,
    SourceUnavailable,
    TimedOut,
)

# At INFO httpx logs whole URLs, queries included; at DEBUG httpcore logs headers.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

Params = Mapping[str, str | int]


@dataclass(frozen=True)
class HttpResponse:
    """One answer: its status, its headers (names in lower case), its body as parsed JSON (None when empty)."""

    status: int
    headers: Mapping[str, str]
    body: object


@dataclass(frozen=True)
class Failure:
    """What is wrong with an answer.

    Attributes:
        error: what to raise if it lasts.
        passing: whether the same request may succeed later.
        wait: how long the source asks to wait; None where it does not say.
    """

    error: SourceError
    passing: bool = False
    wait: timedelta | None = None


Judge = Callable[[HttpResponse], Failure | None]
Pace = Callable[[HttpResponse], timedelta]
Fits = Callable[[HttpResponse], bool]


@dataclass(frozen=True)
class RetryPolicy:
    """How long a source may keep a pull waiting.

    Attributes:
        timeout: for one answer.
        attempts: for one request, the first included.
        budget: all waiting of one pull together; past it the pull gives up.
        longest_wait: between two attempts, where the source does not say how long.
    """

    timeout: timedelta = timedelta(seconds=60)
    attempts: int = 8
    budget: timedelta = timedelta(minutes=10)
    longest_wait: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, repr=False)
class _Question:
    """One request; without a repr, since forms and bodies may carry secrets."""

    method: str
    path: str
    params: Params | None = None
    headers: Mapping[str, str] | None = None
    json_body: object = None
    form: Params | None = None
    fits: Fits | None = None


class HttpClient:
    """Talks to one system for the length of one pull.

    Args:
        system: the source's name, for messages.
        base_url: what every path is appended to.
        credentials: sent with every request, renewed once when refused.
        judge: finds trouble in an answer of any status; by default `judge_status`.
        pace: how long to rest after a good answer before the next request, by what its headers say about the quota.
        patience: time-outs, attempts and the budget of waiting.

    Raises:
        Misconfigured: the address would send credentials and contacts unencrypted over a network.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        credentials: Credentials | None = None,
        judge: Judge | None = None,
        pace: Pace | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        if not _is_encrypted_or_loopback(base_url):
            raise Misconfigured(
                system,
                "its address begins with http://, which sends credentials and contacts unencrypted",
                "Write https:// in the sources file",
            )
        self.system = system
        self.clock_skew: timedelta | None = None
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials or FixedHeaders()
        self._judge = judge or (lambda answer: judge_status(system, answer))
        self._pace = pace
        self._patience = retry_policy or RetryPolicy()
        self._waiting_left = self._patience.budget.total_seconds()
        self._waiting_since: float | None = None
        self._client = httpx.Client(timeout=self._patience.timeout.total_seconds(), verify=_trusted())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def get(
        self,
        path: str,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        fits: Fits | None = None,
    ) -> HttpResponse:
        """Ask for a path under the base URL.

        Args:
            path: the path.
            params: the query.
            headers: beside those of the credentials.
            fits: whether an answer is one to this question; one that is not is asked for again.

        Raises:
            SourceError: the answer is trouble that waiting does not cure, or not within the patience.
        """
        return self._request(_Question("GET", path, params=params, headers=headers, fits=fits))

    def post(
        self,
        path: str,
        *,
        json_body: object = None,
        form: Params | None = None,
        fits: Fits | None = None,
    ) -> HttpResponse:
        """Post JSON or a form to a path under the base URL; for requests that may safely be repeated.

        Args:
            path: the path.
            json_body: sent as JSON.
            form: sent as a form.
            fits: as for `get`.

        Raises:
            SourceError: as for `get`.
        """
        return self._request(_Question("POST", path, json_body=json_body, form=form, fits=fits))

    def rest(self, duration: timedelta, reason: str) -> None:
        """Wait, on the pull's budget.

        Raises:
            SourceUnavailable: the budget is used up.
        """
        if duration.total_seconds() > self._waiting_left:
            raise SourceUnavailable(
                self.system,
                f"{reason} took longer than this run may wait",
                "Run again later, or raise max_wait_minutes",
            )
        self._waiting_left -= duration.total_seconds()
        time.sleep(duration.total_seconds())

    def _request(self, question: _Question) -> HttpResponse:
        outcome = self._patiently(question)
        if isinstance(outcome, Failure) and isinstance(outcome.error, ExpiredCredentials) and self._credentials.renew():
            outcome = self._patiently(question)
        if isinstance(outcome, Failure):
            raise outcome.error
        if self._pace is not None:
            pause = self._pace(outcome)
            if timedelta() < pause <= timedelta(seconds=self._waiting_left):
                self.rest(pause, "keeping below the quota")
        return outcome

    def _patiently(self, question: _Question) -> HttpResponse | Failure:
        try:
            for attempt in stamina.retry_context(
                on=self._worth_waiting,
                attempts=self._patience.attempts,
                timeout=None,
                wait_initial=1.0,
                wait_max=self._patience.longest_wait,
            ):
                with attempt:
                    self._charge_waiting()
                    return _answer_or_raise(self._send(question))
        except _FailureError as failed:
            trouble = failed.trouble
        return trouble

    def _worth_waiting(self, error: Exception) -> bool | float:
        if not isinstance(error, _FailureError) or not error.trouble.passing or self._waiting_left <= 0:
            return False
        asked = error.trouble.wait
        if asked is not None and asked.total_seconds() > self._waiting_left:
            return False
        self._waiting_since = time.monotonic()
        return True if asked is None else asked.total_seconds()

    def _charge_waiting(self) -> None:
        if self._waiting_since is not None:
            self._waiting_left -= time.monotonic() - self._waiting_since
            self._waiting_since = None

    def _send(self, question: _Question) -> HttpResponse | Failure:
        try:
            response = self._client.request(
                question.method,
                f"{self._base_url}/{question.path.lstrip('/')}",
                params=question.params,
                headers={**self._credentials.headers(), **(question.headers or {})},
                json=question.json_body,
                data=question.form,
            )
        # The troubles are raised later, outside these handlers: no httpx exception and its URL hangs on our errors.
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            return Failure(
                Misconfigured(self.system, "base_url is not a web address", "Correct it in the sources file")
            )
        except httpx.TimeoutException:
            seconds = self._patience.timeout.total_seconds()
            return Failure(TimedOut(self.system, f"no answer within {seconds:g} seconds", _TRY_LATER), passing=True)
        except httpx.HTTPError:
            happened = "the connection failed or broke off"
            return Failure(SourceUnavailable(self.system, happened, _TRY_LATER), passing=True)
        return self._read(response, question.fits)

    def _read(self, response: httpx.Response, fits: Fits | None) -> HttpResponse | Failure:
        self._note_clock(response.headers.get("date"))
        readable, body = _parse(response.content)
        answer = HttpResponse(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        if not readable and response.is_success:
            return Failure(SourceUnavailable(self.system, "the answer is not valid JSON", _TRY_LATER), passing=True)
        trouble = self._judge(answer)
        if trouble is None and fits is not None and not fits(answer):
            return Failure(
                SourceUnavailable(self.system, "the answer is one to another question", _TRY_LATER), passing=True
            )
        return trouble or answer

    def _note_clock(self, date: str | None) -> None:
        if date is not None and (theirs := _http_date(date)) is not None:
            # The header has whole seconds, so that it lags by half of one on average.
            self.clock_skew = theirs + timedelta(seconds=0.5) - datetime.now(UTC)


def _answer_or_raise(outcome: HttpResponse | Failure) -> HttpResponse:
    if isinstance(outcome, Failure):
        raise _FailureError(outcome)
    return outcome


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates, read once: reading them takes longer than opening a connection."""
    return httpx.create_ssl_context()


class _FailureError(Exception):
    """Carries trouble through stamina, which retries on exceptions; its text is safe to log."""

    def __init__(self, trouble: Failure) -> None:
        super().__init__(str(trouble.error))
        self.trouble = trouble


_TRY_LATER = "The connector tried several times; run again later, and check the system's status page if it lasts"


def judge_status(system: str, answer: HttpResponse) -> Failure | None:
    """Find trouble by HTTP status alone, as most systems use it (RFC 9110, RFC 6585)."""
    status = answer.status
    if status < 300:
        return None
    if status == 401:
        return Failure(
            ExpiredCredentials(system, "the credentials are not accepted (HTTP 401)", "Issue a new token or key")
        )
    if status == 403:
        return Failure(
            MissingPermission(
                system,
                "the credentials may not read what the connector needs (HTTP 403)",
                "Grant the scopes listed on this source's page under docs/sources",
            )
        )
    if status == 429:
        wait = retry_after(answer)
        return Failure(
            RateLimited(system, "too many requests (HTTP 429)", None if wait is None else datetime.now(UTC) + wait),
            passing=True,
            wait=wait,
        )
    if status == 408 or status >= 500:
        return Failure(
            SourceUnavailable(system, f"the system answers with HTTP {status}", _TRY_LATER),
            passing=True,
            wait=retry_after(answer),
        )
    return Failure(
        RequestRefused(
            system,
            f"the system refuses the request (HTTP {status})",
            "Check base_url, API version and account IDs in the sources file",
        )
    )


def retry_after(answer: HttpResponse) -> timedelta | None:
    """How long the Retry-After header asks to wait, in seconds or until a date (RFC 9110, 10.2.3)."""
    value = answer.headers.get("retry-after")
    if value is None:
        return None
    try:
        return timedelta(seconds=max(0.0, float(value)))
    except ValueError:
        until = _http_date(value)
    return None if until is None else max(timedelta(), until - datetime.now(UTC))


def _http_date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def _reject_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _parse(content: bytes) -> tuple[bool, object]:
    if not content.strip():
        return True, None
    try:
        return True, json.loads(content, parse_float=Decimal, parse_constant=_reject_constant)
    except ValueError:
        return False, None


def _is_encrypted_or_loopback(address: str) -> bool:
    """Whether an address is safe to send secrets to; one that is no web address fails at the first request instead."""
    scheme, _, _ = address.partition("://")
    if scheme.lower() != "http":
        return True
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
