"""The only HTTP client: it retries, respects rate limits, and never discloses what systems answer.

Here: time-outs, retries with jitter, requested waits, parsing JSON without floats. The meaning of an answer belongs to
each system's module, which passes a `classify` function for its own error format. Bodies, URLs and headers are never logged or put
into an error.
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

# httpx logs full URLs with queries at INFO; httpcore logs headers at DEBUG.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

Params = Mapping[str, str | int]


@dataclass(frozen=True)
class HttpResponse:
    """One answer: status, headers (names in lower case) and body as parsed JSON (None if empty)."""

    status: int
    headers: Mapping[str, str]
    body: object


@dataclass(frozen=True)
class Failure:
    """A failed request.

    Attributes:
        error: the error to raise if retries fail too.
        is_transient: whether the same request may succeed later.
        wait: how long the source asks to wait; None if it does not say.
    """

    error: SourceError
    is_transient: bool = False
    wait: timedelta | None = None


Classifier = Callable[[HttpResponse], Failure | None]
Pace = Callable[[HttpResponse], timedelta]
Fits = Callable[[HttpResponse], bool]


@dataclass(frozen=True)
class RetryPolicy:
    """Limits of time-outs, retries and waiting.

    Attributes:
        timeout: time-out of one request.
        attempts: attempts per request, including the first.
        budget: total waiting time of one pull; when it is used up, the pull fails.
        longest_wait: maximum wait between two attempts, if the source does not say how long.
    """

    timeout: timedelta = timedelta(seconds=60)
    attempts: int = 8
    budget: timedelta = timedelta(minutes=10)
    longest_wait: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, repr=False)
class _Request:
    """One request; without a repr, because forms and bodies may contain secrets."""

    method: str
    path: str
    params: Params | None = None
    headers: Mapping[str, str] | None = None
    json_body: object = None
    form: Params | None = None
    fits: Fits | None = None


class HttpClient:
    """HTTP client for one system during one pull.

    Args:
        system: the source's name, for messages.
        base_url: base of all paths.
        credentials: sent with every request, renewed once if refused.
        classify: returns the failure of an answer of any status, or None; by default `classify_status`.
        pace: returns the pause after a successful answer, from its quota headers.
        retry_policy: time-outs, attempts and the waiting budget.

    Raises:
        Misconfigured: the address would send credentials and contacts unencrypted over a network.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        credentials: Credentials | None = None,
        classify: Classifier | None = None,
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
        self._classify = classify or (lambda answer: classify_status(system, answer))
        self._pace = pace
        self._retry_policy = retry_policy or RetryPolicy()
        self._waiting_left = self._retry_policy.budget.total_seconds()
        self._waiting_since: float | None = None
        self._client = httpx.Client(timeout=self._retry_policy.timeout.total_seconds(), verify=_trusted_certificates())

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
        """Get a path under the base URL.

        Args:
            path: the path.
            params: the query.
            headers: in addition to those of the credentials.
            fits: whether an answer belongs to this request; if not, the request is repeated.

        Raises:
            SourceError: the request failed, and retries within the retry policy did not help.
        """
        return self._request(_Request("GET", path, params=params, headers=headers, fits=fits))

    def post(
        self,
        path: str,
        *,
        json_body: object = None,
        form: Params | None = None,
        fits: Fits | None = None,
    ) -> HttpResponse:
        """Post JSON or a form to a path under the base URL; only for requests that can safely be repeated.

        Args:
            path: the path.
            json_body: sent as JSON.
            form: sent as a form.
            fits: as for `get`.

        Raises:
            SourceError: as for `get`.
        """
        return self._request(_Request("POST", path, json_body=json_body, form=form, fits=fits))

    def pause_for(self, duration: timedelta, reason: str) -> None:
        """Wait, within the pull's waiting budget.

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

    def _request(self, request: _Request) -> HttpResponse:
        outcome = self._send_with_retries(request)
        if isinstance(outcome, Failure) and isinstance(outcome.error, ExpiredCredentials) and self._credentials.renew():
            outcome = self._send_with_retries(request)
        if isinstance(outcome, Failure):
            raise outcome.error
        if self._pace is not None:
            pause = self._pace(outcome)
            if timedelta() < pause <= timedelta(seconds=self._waiting_left):
                self.pause_for(pause, "keeping below the quota")
        return outcome

    def _send_with_retries(self, request: _Request) -> HttpResponse | Failure:
        try:
            for attempt in stamina.retry_context(
                on=self._should_retry,
                attempts=self._retry_policy.attempts,
                timeout=None,
                wait_initial=1.0,
                wait_max=self._retry_policy.longest_wait,
            ):
                with attempt:
                    self._charge_waiting()
                    return _answer_or_raise(self._send(request))
        except _FailureError as failed:
            failure = failed.failure
        return failure

    def _should_retry(self, error: Exception) -> bool | float:
        if not isinstance(error, _FailureError) or not error.failure.is_transient or self._waiting_left <= 0:
            return False
        requested_wait = error.failure.wait
        if requested_wait is not None and requested_wait.total_seconds() > self._waiting_left:
            return False
        self._waiting_since = time.monotonic()
        return True if requested_wait is None else requested_wait.total_seconds()

    def _charge_waiting(self) -> None:
        if self._waiting_since is not None:
            self._waiting_left -= time.monotonic() - self._waiting_since
            self._waiting_since = None

    def _send(self, request: _Request) -> HttpResponse | Failure:
        try:
            response = self._client.request(
                request.method,
                f"{self._base_url}/{request.path.lstrip('/')}",
                params=request.params,
                headers={**self._credentials.headers(), **(request.headers or {})},
                json=request.json_body,
                data=request.form,
            )
        # Failures are returned and raised outside these handlers, so that no httpx exception with its URL is chained to our errors.
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            return Failure(
                Misconfigured(self.system, "base_url is not a web address", "Correct it in the sources file")
            )
        except httpx.TimeoutException:
            seconds = self._retry_policy.timeout.total_seconds()
            return Failure(
                TimedOut(self.system, f"no answer within {seconds:g} seconds", _TRY_LATER), is_transient=True
            )
        except httpx.HTTPError:
            happened = "the connection failed or broke off"
            return Failure(SourceUnavailable(self.system, happened, _TRY_LATER), is_transient=True)
        return self._read(response, request.fits)

    def _read(self, response: httpx.Response, fits: Fits | None) -> HttpResponse | Failure:
        self._note_clock(response.headers.get("date"))
        readable, body = _parse(response.content)
        answer = HttpResponse(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        if not readable and response.is_success:
            return Failure(
                SourceUnavailable(self.system, "the answer is not valid JSON", _TRY_LATER), is_transient=True
            )
        failure = self._classify(answer)
        if failure is None and fits is not None and not fits(answer):
            return Failure(
                SourceUnavailable(self.system, "the answer is one to another question", _TRY_LATER), is_transient=True
            )
        return failure or answer

    def _note_clock(self, date: str | None) -> None:
        if date is not None and (server_time := _http_date(date)) is not None:
            # The header is cut to whole seconds, so it lags by half a second on average.
            self.clock_skew = server_time + timedelta(seconds=0.5) - datetime.now(UTC)


def _answer_or_raise(outcome: HttpResponse | Failure) -> HttpResponse:
    if isinstance(outcome, Failure):
        raise _FailureError(outcome)
    return outcome


@cache
def _trusted_certificates() -> ssl.SSLContext:
    """The trusted certificates, loaded once because loading takes longer than opening a connection."""
    return httpx.create_ssl_context()


class _FailureError(Exception):
    """Carries a failure through stamina, which retries on exceptions; its text is safe to log."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


_TRY_LATER = "The connector tried several times; run again later, and check the system's status page if it lasts"


def classify_status(system: str, answer: HttpResponse) -> Failure | None:
    """The failure of an answer by its HTTP status, as most systems use it (RFC 9110, RFC 6585); None if it succeeded."""
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
            is_transient=True,
            wait=wait,
        )
    if status == 408 or status >= 500:
        return Failure(
            SourceUnavailable(system, f"the system answers with HTTP {status}", _TRY_LATER),
            is_transient=True,
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
    """The wait requested by the Retry-After header, given in seconds or as a date (RFC 9110, 10.2.3)."""
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
    """Whether secrets may be sent to an address; an invalid address counts as safe and fails at the first request."""
    scheme, _, _ = address.partition("://")
    if scheme.lower() != "http":
        return True
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
