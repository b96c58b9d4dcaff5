"""Shared by the Meta sources: the Graph API's error format, quota headers and paging.

Source of the codes: Meta's error reference and rate-limit pages, including the codes retried by common open-source
connectors. The HTTP status is not reliable here; errors also come with status 200.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.errors import (
    ExpiredCredentials,
    MissingPermission,
    RateLimited,
    RequestRefused,
    SchemaDrift,
    SourceUnavailable,
)
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params, classify_status
from reconciliation_assets.sources.paging import CursorPage, by_cursor
from reconciliation_assets.sources.shapes import Shape, read

RATE_LIMIT_CODES = {4, 17, 32, 341, 613, *range(80000, 80015)}
EXPIRED_CODES = {102, 190}
PERMISSION_CODES = {3, 10, *range(200, 300)}
PASSING_CODES = {-2, 1, 2, 104, 960}
# "Unknown error": sent for requests that are too large, and occasionally for any request.
UNKNOWN_ERRORS = {(1, 99), (2, 1504044)}
TOO_MUCH_DATA = {(100, 1487534), (-3, 1504045), *UNKNOWN_ERRORS}
TOO_SLOW = {(100, 1504018), (2, 1504038)}
SMALLEST_PAGE = 25
_REDUCE = "reduce the amount of data"
_RESTED_BELOW_PERCENT = 90.0
_REST_PER_PERCENT = timedelta(seconds=3)
_UNKNOWN_ERROR_PAUSES = (timedelta(seconds=0.5), timedelta(seconds=5), timedelta(seconds=30))
# Meta's reference of access token errors.
_TOKEN_PROBLEMS = {
    458: (
        "the app was removed from the account that issued the token",
        "Have the app added again and issue a new token",
    ),
    459: (
        "the account that issued the token is locked until its owner logs in",
        "Log in at facebook.com and confirm it",
    ),
    460: ("the password of the account that issued the token was changed", "Issue a new system user token"),
    463: ("the access token expired", "Issue a new system user token"),
    464: ("the account that issued the token is not confirmed", "Log in at facebook.com and confirm it"),
    467: ("the access token was revoked or its session ended", "Issue a new system user token"),
    492: ("the account that issued the token has no role on the page or ad account any more", "Assign it again"),
}
_WANTS_THE_PAGES = "page access token"


class MetaSettings(SourceSettings):
    """Settings of both Meta sources.

    Attributes:
        api_version: Meta retires versions within about two years.
        token_env: the environment variable with a system user's token.
        page_limit: records per page.
    """

    base_url: str = "https://graph.facebook.com"
    api_version: str = Field(default="v26.0", pattern=r"^v\d+\.\d+$")
    token_env: EnvironmentVariable = "META_ACCESS_TOKEN"  # noqa: S105 - a variable's name
    page_limit: int = Field(default=200, ge=1, le=5000)


class TooMuchData(SourceUnavailable):
    """Meta requires a smaller request: fewer days or fewer records per page."""


class UnknownError(TooMuchData):
    """Meta does not say what is wrong; a request that cannot be made smaller may be repeated."""


class TooSlow(SourceUnavailable):
    """Meta could not answer in time; a report job may succeed."""


class _Error(Shape):
    code: int
    error_subcode: int | None = None
    message: str = ""
    error_user_msg: str | None = None
    is_transient: bool | None = None


class _Cursors(Shape):
    after: str | None = None


class _Paging(Shape):
    cursors: _Cursors | None = None
    next: str | None = None


class _Permission(Shape):
    permission: str
    status: str


class _List(Shape):
    data: list[object]
    paging: _Paging | None = None


def classify(system: str, answer: HttpResponse) -> Failure | None:
    """The failure of a Graph API answer of any HTTP status; None if it succeeded."""
    if not isinstance(answer.body, dict) or "error" not in answer.body:
        return classify_status(system, answer)
    error = read(_Error, answer.body["error"], system=system, where="error")
    code, pair = error.code, (error.code, error.error_subcode)
    message = f"{error.message} {error.error_user_msg or ''}".lower()
    error_name = f"Meta answers with error {code}" + (f"/{error.error_subcode}" if error.error_subcode else "")
    if code in RATE_LIMIT_CODES:
        wait = _time_to_regain_access(answer)
        back_at = None if wait is None else datetime.now(UTC) + wait
        return Failure(RateLimited(system, f"{error_name}, too many calls", back_at), is_transient=True, wait=wait)
    if pair in UNKNOWN_ERRORS and _REDUCE not in message:
        return Failure(UnknownError(system, f"{error_name}, an unknown error, and it lasts", "Run again later"))
    if _REDUCE in message or pair in TOO_MUCH_DATA:
        return Failure(
            TooMuchData(
                system, f"{error_name}, too much data asked for at once", "Lower days_per_request or page_limit"
            )
        )
    if pair in TOO_SLOW:
        return Failure(TooSlow(system, f"{error_name}, the answer took too long", "Run again later"))
    return _classify_refusal(system, error, error_name, answer.status)


def _classify_refusal(system: str, error: _Error, error_name: str, status: int) -> Failure:
    code = error.code
    if code in EXPIRED_CODES:
        return Failure(ExpiredCredentials(system, *_token_problem(error, error_name)))
    if (
        code in PERMISSION_CODES
        or (code, error.error_subcode) == (100, 3191001)
        or "missing permission" in error.message.lower()
    ):
        return Failure(
            MissingPermission(
                system,
                f"{error_name}, the token may not read this",
                "Grant the permissions on this source's page under docs/sources and assign the asset to the system user",
            )
        )
    if code == 100 and (field := _named_field(error.message)) is not None:
        return Failure(SchemaDrift(system, field, "is no longer known to Meta"))
    if code in PASSING_CODES or error.is_transient or error.error_subcode == 99 or status >= 500:
        return Failure(SourceUnavailable(system, f"{error_name}, and it lasts", "Run again later"), is_transient=True)
    return Failure(
        RequestRefused(
            system, f"{error_name}, the request is refused", "Check api_version and the account, page and form IDs"
        )
    )


def _token_problem(error: _Error, error_name: str) -> tuple[str, str]:
    """What is wrong with a token, and what to do: error 190 has many causes, identified by its subcode or its message."""
    message = error.message.lower()
    if _WANTS_THE_PAGES in message:
        return (
            f"{error_name}, the call wants the token of the page",
            "Assign the page to the system user with full control",
        )
    if "application" in message and ("deleted" in message or "deactivated" in message or "disabled" in message):
        return (
            f"{error_name}, the app of the token is deleted or disabled",
            "Enable the app, or issue a token of another one",
        )
    problem, remedy = _TOKEN_PROBLEMS.get(
        error.error_subcode or 0, ("Meta does not accept the access token", "Issue a new system user token")
    )
    return f"{error_name}, {problem}", remedy


def pace(answer: HttpResponse) -> timedelta:
    """The pause after an answer: longer as the fullest quota nears its limit; Meta sends percentages and no Retry-After."""
    return max(0.0, _fullest_quota(answer) - _RESTED_BELOW_PERCENT) * _REST_PER_PERCENT


def get_with_retries(client: HttpClient, path: str, params: Params | None = None) -> HttpResponse:
    """Send a request that cannot be made smaller; repeat it after an unknown error.

    Raises:
        UnknownError: the error persists.
    """
    for pause in _UNKNOWN_ERROR_PAUSES:
        try:
            return client.get(path, params)
        except UnknownError:
            client.pause_for(pause, "an unknown error of Meta's")
    return client.get(path, params)


def read_edge(client: HttpClient, path: str, params: Params, *, shrinks: bool = True) -> Iterator[object]:
    """Yield the records of a Graph API edge.

    The `next` URL is not followed, because it contains the token. It only shows that another page exists.

    Args:
        client: client of the Graph API.
        path: path of the edge.
        params: query, including `limit`.
        shrinks: whether the page size is reduced if Meta finds a page too large.

    Raises:
        TooMuchData: the page is too large and cannot be reduced.
    """
    limit = int(params.get("limit", SMALLEST_PAGE))

    def get_page(after: str | None) -> HttpResponse:
        nonlocal limit
        while True:
            paged: Params = {**params, "limit": limit, **({"after": after} if after is not None else {})}
            if shrinks and limit <= SMALLEST_PAGE:
                return get_with_retries(client, path, paged)
            try:
                return client.get(path, paged)
            except TooMuchData:
                if not shrinks:
                    raise
            limit = max(SMALLEST_PAGE, limit // 2)

    def fetch(after: str | None) -> CursorPage[object]:
        answer = get_page(after)
        page = read(_List, answer.body, system=client.system, where="answer")
        paging = page.paging or _Paging()
        following = paging.cursors.after if paging.next is not None and paging.cursors is not None else None
        return CursorPage(page.data, following)

    return by_cursor(client.system, fetch)


def missing_permissions(client: HttpClient, version: str, needed: Sequence[tuple[str, ...]]) -> list[str] | None:
    """Permissions that the token lacks; one of each group is enough. None if Meta does not report them, as for some system users."""
    try:
        records = [
            read(_Permission, record, system=client.system, where="permissions")
            for record in read_edge(client, f"{version}/me/permissions", {})
        ]
    except (RequestRefused, MissingPermission):
        return None
    granted = {record.permission for record in records if record.status == "granted"}
    return [" or ".join(group) for group in needed if not granted & set(group)] if granted else None


def _named_field(message: str) -> str | None:
    found = re.search(r"nonexisting field \((\w+)\)|(\w+) is not valid for fields param", message)
    return None if found is None else found.group(1) or found.group(2)


def _quota_headers(answer: HttpResponse) -> Iterator[Mapping[str, object]]:
    for name in ("x-app-usage", "x-ad-account-usage", "x-fb-ads-insights-throttle", "x-business-use-case-usage"):
        try:
            usage = json.loads(answer.headers.get(name, "{}"))
        except ValueError:
            continue
        if not isinstance(usage, dict):
            continue
        if name == "x-business-use-case-usage":
            lists = (entries for entries in usage.values() if isinstance(entries, list))
            yield from (entry for entries in lists for entry in entries if isinstance(entry, dict))
        else:
            yield usage


def _fullest_quota(answer: HttpResponse) -> float:
    percentages = ("call_count", "total_time", "total_cputime", "acc_id_util_pct", "app_id_util_pct")
    used = [usage.get(name) for usage in _quota_headers(answer) for name in percentages]
    return max((float(value) for value in used if isinstance(value, int | float)), default=0.0)


def _time_to_regain_access(answer: HttpResponse) -> timedelta | None:
    waits = [timedelta()]
    for usage in _quota_headers(answer):
        minutes = usage.get("estimated_time_to_regain_access")
        if isinstance(minutes, int | float):
            waits.append(timedelta(minutes=minutes))
        seconds = usage.get("reset_time_duration")
        if isinstance(seconds, int | float) and _fullest_quota(answer) >= 100:
            waits.append(timedelta(seconds=seconds))
    return max(waits) or None
