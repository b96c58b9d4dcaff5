"""The gate in front of the Dagster UI: only its own pages, and programs on this machine, may operate it.

Dagster's webserver has no login and checks neither Host nor Origin, so any page in the same browser could send it a
mutation. The gate refuses requests with another Host (DNS rebinding), with another Origin or Sec-Fetch-Site (cross-site
requests), with a GraphQL query in the URL (GET mutations), and forms in place of JSON.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_READING = frozenset({"GET", "HEAD"})
_OWN_SITE = frozenset({"same-origin", "none"})


class Gate:
    """ASGI middleware that only passes requests of the UI itself.

    Args:
        app: the UI.
        hosts: host names of the UI, without port; those of the loopback interface are always allowed.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with a message."""
        reason = self.reason_to_refuse(scope) if scope["type"] in {"http", "websocket"} else None
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await PlainTextResponse(f"Refused: {reason}\n", status_code=403)(scope, receive, send)

    def reason_to_refuse(self, scope: Scope) -> str | None:
        """Why a request is refused; None if it may pass."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        method = scope.get("method", "GET")
        opens_a_page = method in _READING and headers.get("sec-fetch-mode") == "navigate"
        is_own_site = headers.get("sec-fetch-site", "none") in _OWN_SITE or opens_a_page
        if urlsplit(f"//{host}").hostname not in self._hosts:
            return "the address is not this server's. If it should be, set RECON_UI_URL to it and start again."
        if not is_own_site or (origin is not None and urlsplit(origin).netloc.lower() != host.lower()):
            return "the request comes from a page of another site."
        if method in _READING and scope["path"].rstrip("/").endswith("/graphql") and scope["query_string"]:
            return "queries are sent by POST, not in the address."
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if method not in _READING and media_type != "application/json":
            return "only JSON is taken (Content-Type: application/json)."
        return None
