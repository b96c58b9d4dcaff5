"""The HTTP server: finds the system by the path's first part, applies the fault plan, keeps count of the calls."""

import json
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from reconciliation_assets_tests.standin.company import Company, invent_company
from reconciliation_assets_tests.standin.faults import Fault, FaultPlan
from reconciliation_assets_tests.standin.registry import SYSTEMS
from reconciliation_assets_tests.standin.system import Reply, Request, System

SLOW_SECONDS = 1.0


class Standin:
    """A running stand-in.

    Args:
        company: whose data it serves; a fresh invented one by default.

    Attributes:
        systems: by name; tests set their limits and modes there.
        calls: how often each kind of call was made, as `system.call`.
    """

    def __init__(self, company: Company | None = None) -> None:
        self.company = company or invent_company()
        self.systems: dict[str, Any] = {kind.name: kind(self.company) for kind in SYSTEMS}
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self._plan = FaultPlan()
        self._last: dict[str, Reply] = {}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, system: str) -> str:
        """Where a system is reached."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{system}"

    def plan(self, *faults: Fault) -> None:
        """Forget past calls and let these faults come."""
        self._plan = FaultPlan(list(faults))
        self.calls.clear()
        self.requests.clear()
        self._last.clear()

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        """The reply to a request, with the fault that is to befall it on the wire."""
        name, _, rest = request.path.lstrip("/").partition("/")
        system: System | None = self.systems.get(name)
        request.path = f"/{rest}"
        found = system.find(request) if system else None
        if system is None or found is None:
            return Reply({"message": "no such route"}, 404), None
        kind, handle = found
        call = f"{name}.{kind}"
        self.calls[call] += 1
        self.requests.append(request)
        fault = self._plan.next_for(call)
        if fault and fault.kind in {"rate_limited", "server_error", "expired_token", "missing_permission"}:
            return system.refuse(fault.kind), None
        if not system.is_open(kind) and not system.authorised(request):
            return system.refuse("expired_token"), None
        reply = handle()
        if fault and fault.kind == "repeated_page":
            reply = self._last.get(request.path, reply)
        if fault and fault.kind == "drift" and fault.change and reply.body is not None:
            reply = Reply(fault.change(json.loads(reply.content())), reply.status, reply.headers)
        if fault and fault.kind == "world_changes" and fault.change:
            fault.change(self.company)
        self._last[request.path] = reply
        return reply, fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was killed: some tests do just that."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(standin: Standin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

        def _serve(self) -> None:
            address = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_form = "form" in headers.get("content-type", "")
            body = dict(parse_qsl(sent.decode())) if is_form else json.loads(sent or b"null")
            reply, fault = standin.answer(
                Request(self.command, address.path, dict(parse_qsl(address.query)), headers, body)
            )
            try:
                self._send(reply, fault.kind if fault else None)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _send(self, reply: Reply, fault: str | None) -> None:
            content = reply.content()
            if fault == "slow":
                time.sleep(SLOW_SECONDS)
            if fault == "wrong_json":
                content = b"<html>" + content
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            if reply.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if fault == "cut_body":
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            else:
                self.wfile.write(content)

    return Handler
