"""The report with everything behind it, for this machine alone: the published copy answers, and decisions go to the inbox.

Whoever opens it names a token that only the terminal was told; the gate refuses pages of other sites. Nothing but the files of
decisions can be written.
"""

import re
import secrets
from collections.abc import Callable
from datetime import datetime

import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciliation_assets.errors import PlainError
from reconciliation_assets.operations.decisions import (
    KEYS,
    Decision,
    DecisionError,
    Lock,
    Taken,
    Verdict,
    decide,
    decisions,
    take_back,
)
from reconciliation_assets.operations.gate import Gate
from reconciliation_assets.operations.serve import require_free_port
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.details import entries, records
from reconciliation_assets.publish.figures import Published, UnreadableCopyError
from reconciliation_assets.publish.report import FILE_NAME, render_report
from reconciliation_assets.settings import Settings

HOST = "127.0.0.1"
_KINDS: dict[str, type[Taken]] = dict(zip(KEYS, (Decision, Verdict, Lock), strict=True))
_TAKEN_BACK = TypeAdapter(dict[str, str])
_FILTERS = ("campaign", "month", "market", "offer")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageNotReadyError(PlainError):
    """The report of the published copy is not there, or not yet; the message says what to do."""


class TokenRequired:
    """ASGI middleware that lets pass who names the token: once in the address, then by a cookie.

    Args:
        app: what it protects.
        token: what the terminal was told.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, keep its token in a cookie, or refuse it with a sentence."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        # A browser sends the cookies of one port of this machine to every other.
        cookie = f"reconcile-{scope['server'][1]}"
        if self._is_it(request.cookies.get(cookie, "")):
            await self._app(scope, receive, send)
            return
        answer: Response
        if scope["path"] == "/" and self._is_it(request.query_params.get("token", "")):
            answer = RedirectResponse("/", status_code=303, headers=_HEADERS)
            answer.set_cookie(cookie, self._token, httponly=True, samesite="strict")
        else:
            answer = PlainTextResponse("Open the address that `reconcile open` printed.\n", 403, _HEADERS)
        await answer(scope, receive, send)

    def _is_it(self, named: str) -> bool:
        return secrets.compare_digest(named.encode(), self._token.encode())


def application(settings: Settings, policy: Policy, token: str) -> Starlette:
    """The page, what it asks for, and the decisions.

    Args:
        settings: the installation.
        policy: how amounts and dates are written, and in which zone.
        token: what a browser must name.
    """

    def published() -> Published:
        return Published(settings.published_path)

    def page(_: Request) -> Response:
        as_of = _as_of(settings).astimezone(policy.timezone)
        with published() as copy:
            return HTMLResponse(
                render_report(copy, as_of, policy.locale, policy.company, policy.numerals, is_served=True),
                headers=_HEADERS,
            )

    def of_line(request: Request) -> Response:
        asked = request.query_params
        skip = asked.get("skip", "0")
        if not re.fullmatch(r"\d{1,9}", skip):
            return PlainTextResponse("skip is a number of entries.", 400, _HEADERS)
        filters = {name: asked[name] for name in _FILTERS if name in asked}
        with published() as copy:
            return JSONResponse(entries(copy, asked.get("line", ""), filters, int(skip)), headers=_HEADERS)

    def record(request: Request) -> Response:
        record_id = request.query_params.get("id", "")
        with published() as copy:
            found = records(
                copy, [record_id], FigureFormatter(copy.currency(), policy.locale, policy.numerals), policy.timezone
            )
        return JSONResponse(found.get(record_id), headers=_HEADERS)

    def to_decide(_: Request) -> Response:
        with published() as copy:
            return JSONResponse(decisions(settings, copy), headers=_HEADERS)

    async def decided(request: Request) -> Response:
        if request.path_params["table"] not in _KINDS:
            return PlainTextResponse("Nothing is decided there.", 404, _HEADERS)
        await run_in_threadpool(change, request.method, request.path_params["table"], await request.body())
        return JSONResponse({}, headers=_HEADERS)

    def change(method: str, table: str, body: bytes) -> None:
        with published() as copy:
            if method == "POST":
                decide(settings, copy, _KINDS[table].model_validate_json(body))
            else:
                take_back(settings, copy, table, _TAKEN_BACK.validate_json(body))

    return Starlette(
        routes=[
            Route("/", page),
            Route("/entries", of_line),
            Route("/record", record),
            Route("/decisions", to_decide),
            Route("/decisions/{table}", decided, methods=["POST", "DELETE"]),
        ],
        middleware=[Middleware(Gate), Middleware(TokenRequired, token=token)],
        exception_handlers={
            DecisionError: _told(409),
            UnreadableCopyError: _told(503),
            PageNotReadyError: _told(503),
            ValidationError: _told_what_is_missing,
        },
    )


def serve_page(settings: Settings, policy: Policy, port: int, begins: Callable[[str], None]) -> None:
    """Serve the page until the process is ended.

    Args:
        settings: the installation.
        policy: its definitions in force.
        port: port of the loopback interface.
        begins: told the address with its token, once the port is known to be free.

    Raises:
        PortTakenError: somebody listens there already.
        PageNotReadyError: no run has written the report yet.
    """
    _as_of(settings)
    require_free_port(HOST, port)
    token = secrets.token_urlsafe(32)
    begins(f"http://{HOST}:{port}/?token={token}")
    uvicorn.run(application(settings, policy, token), host=HOST, port=port, log_level="warning", server_header=False)


def _as_of(settings: Settings) -> datetime:
    """The instant the published copy speaks for, which the report that was made of it names."""
    report = settings.reports_dir / FILE_NAME
    try:
        if report.stat().st_mtime_ns >= settings.published_path.stat().st_mtime_ns:
            found = re.search(r'<time id="as-of" datetime="([^"]+)">', report.read_text("utf-8"))
            if found:
                return datetime.fromisoformat(found[1])
    except FileNotFoundError:
        pass
    raise PageNotReadyError(
        f"{report} is not there, or older than the published copy. Where a run is at work, try again in a moment; else run "
        "`reconcile run`, which writes it."
    )


def _told(status: int) -> Callable[[Request, Exception], Response]:
    def answer(_: Request, problem: Exception) -> Response:
        return PlainTextResponse(str(problem), status, _HEADERS)

    return answer


def _told_what_is_missing(_: Request, problem: Exception) -> Response:
    """Which fields cannot be used; what was sent is not repeated."""
    fields = problem.errors() if isinstance(problem, ValidationError) else []
    names = ", ".join(sorted({".".join(map(str, each["loc"])) or "the request" for each in fields}))
    return PlainTextResponse(f"Enter what can be read on one line, at most 500 characters: {names}.", 400, _HEADERS)
