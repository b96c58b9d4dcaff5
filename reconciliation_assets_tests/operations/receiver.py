"""A channel on the loopback interface that takes JSON by HTTP, and refuses when asked to."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class Receiver:
    """A channel that keeps what it took.

    Attributes:
        took: the bodies it answered with success.
        refuse_after: after how many it refuses all others; None for never.
        refuse_every: the how-manieth request it refuses, again and again; None for never.
        refuse_titles: titles that it always refuses.
        asked: requests so far.
    """

    def __init__(self) -> None:
        self.took: list[dict[str, str]] = []
        self.refuse_after: int | None = None
        self.refuse_every: int | None = None
        self.refuse_titles: set[str] = set()
        self.asked = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                receiver.asked += 1
                refused = receiver.refuse_after is not None and len(receiver.took) >= receiver.refuse_after
                refused |= receiver.refuse_every is not None and receiver.asked % receiver.refuse_every == 0
                refused |= body["title"] in receiver.refuse_titles
                if not refused:
                    receiver.took.append(body)
                self.send_response(503 if refused else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self._server.server_port}/hook/secret-token"
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def titles(self) -> list[str]:
        return [body["title"] for body in self.took]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
