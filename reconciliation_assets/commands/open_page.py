"""The report with all details, served on this machine only: data from the published copy, decisions written to the inbox.

Access needs a token that is shown only in the terminal; the gate refuses pages of other sites. Only the files of decisions can
be written.
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

from reconciliation_assets.commands.decisions import (
    KEYS,
    AnyDecision,
    Decision,
    DecisionError,
    Lock,
    Verdict,
    decide,
    decisions,
    take_back,
)
from reconciliation_assets.commands.serve import require_free_port
from reconciliation_assets.errors import PlainError
from reconciliation_assets.operations.gate import Gate
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.details import entries, records
from reconciliation_assets.publish.figures import Published, UnreadableCopyError
from reconciliation_assets.publish.report import FILE_NAME, render_report
from reconciliation_assets.settings import Settings

HOST = "127.0.0.1"
_KINDS: dict[str, type[AnyDecision]] = dict(zip(KEYS, (Decision, Verdict, Lock), strict=True))
_TAKEN_BACK = TypeAdapter(dict[str, str])
_FILTERS = ("campaign", "month", "market", "offer")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageNotReadyError(PlainError):
    """The report of the published copy does not exist (yet); the message says what to do."""


class TokenRequired:
    """ASGI middleware that requires the token: once in the URL, then in a cookie.

    Args:
        app: the protected app.
        token: the token shown in the terminal.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, store its token in a cookie, or refuse it with a message."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        # Browsers send a cookie to all ports of a host, so its name contains the port.
        cookie = f"reconcile-{scope['server'][1]}"
        if self._is_token(request.cookies.get(cookie, "")):
            await self._app(scope, receive, send)
            return
        answer: Response
        if scope["path"] == "/" and self._is_token(request.query_params.get("token", "")):
            answer = RedirectResponse("/", status_code=303, headers=_HEADERS)
            answer.set_cookie(cookie, self._token, httponly=True, samesite="strict")
        else:
            answer = PlainTextResponse("Open the address that `reconcile open` printed.\n", 403, _HEADERS)
        await answer(scope, receive, send)

    def _is_token(self, value: str) -> bool:
        return secrets.compare_digest(value.encode(), self._token.encode())


def application(settings: Settings, policy: Policy, token: str) -> Starlette:
    """The web application: the page, its data, and the decisions.

    Args:
        settings: the installation.
        policy: gives currency, locale and zone of amounts and dates.
        token: the token that a browser must send.
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

    def entries_of_line(request: Request) -> Response:
        query = request.query_params
        skip = query.get("skip", "0")
        if not re.fullmatch(r"\d{1,9}", skip):
            return PlainTextResponse("skip is a number of entries.", 400, _HEADERS)
        filters = {name: query[name] for name in _FILTERS if name in query}
        with published() as copy:
            return JSONResponse(entries(copy, query.get("line", ""), filters, int(skip)), headers=_HEADERS)

    def record(request: Request) -> Response:
        record_id = request.query_params.get("id", "")
        with published() as copy:
            found = records(
                copy, [record_id], FigureFormatter(copy.currency(), policy.locale, policy.numerals), policy.timezone
            )
        return JSONResponse(found.get(record_id), headers=_HEADERS)

    def open_decisions(_: Request) -> Response:
        with published() as copy:
            return JSONResponse(decisions(settings, copy), headers=_HEADERS)

    async def change_decision(request: Request) -> Response:
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
            Route("/entries", entries_of_line),
            Route("/record", record),
            Route("/decisions", open_decisions),
            Route("/decisions/{table}", change_decision, methods=["POST", "DELETE"]),
        ],
        middleware=[Middleware(Gate), Middleware(TokenRequired, token=token)],
        exception_handlers={
            DecisionError: _error_response(409),
            UnreadableCopyError: _error_response(503),
            PageNotReadyError: _error_response(503),
            ValidationError: _invalid_fields_response,
        },
    )


def serve_page(settings: Settings, policy: Policy, port: int, begins: Callable[[str], None]) -> None:
    """Serve the page until the process ends.

    Args:
        settings: the installation.
        policy: its definitions in force.
        port: port of the loopback interface.
        begins: called with the URL including the token, once the port is known to be free.

    Raises:
        PortTakenError: the port is in use.
        PageNotReadyError: no run has written the report yet.
    """
    _as_of(settings)
    require_free_port(HOST, port)
    token = secrets.token_urlsafe(32)
    begins(f"http://{HOST}:{port}/?token={token}")
    uvicorn.run(application(settings, policy, token), host=HOST, port=port, log_level="warning", server_header=False)


def _as_of(settings: Settings) -> datetime:
    """The as-of time of the published copy, read from its report."""
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


def _error_response(status: int) -> Callable[[Request, Exception], Response]:
    def answer(_: Request, problem: Exception) -> Response:
        return PlainTextResponse(str(problem), status, _HEADERS)

    return answer


def _invalid_fields_response(_: Request, problem: Exception) -> Response:
    """An answer that names the invalid fields, without the values sent."""
    fields = problem.errors() if isinstance(problem, ValidationError) else []
    names = ", ".join(sorted({".".join(map(str, each["loc"])) or "the request" for each in fields}))
    return PlainTextResponse(f"Enter what can be read on one line, at most 500 characters: {names}.", 400, _HEADERS)
