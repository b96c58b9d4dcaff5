"""The Dagster UI behind its gate: `python -m reconciliation_assets.operations.webserver --workspace FILE`."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import dagster as dg
import typer
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from reconciliation_assets.operations.gate import Gate
from reconciliation_assets.settings import load_settings


class GatedWebserver(DagsterWebserver):  # type: ignore[type-arg]
    """Dagster's webserver with the gate before everything it serves.

    Attributes:
        hosts: names under which people reach it, without port.
    """

    hosts: tuple[str, ...] = ()

    def build_middleware(self) -> list[Middleware]:
        """The gate first, then what Dagster puts there."""
        return [Middleware(Gate, hosts=self.hosts), *super().build_middleware()]


def serve(
    workspace: Annotated[Path, typer.Option(help="Dagster's workspace file.")],
    host: Annotated[str, typer.Option(help="Interface to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
    *,
    read_only: Annotated[bool, typer.Option("--read-only", help="For looking only.")] = False,
) -> None:
    """Serve the UI until the process is ended."""
    named = urlsplit(load_settings().ui_url).hostname
    with (
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(instance, WorkspaceFileTarget([str(workspace)]), read_only=read_only) as context,
    ):
        server = GatedWebserver(context)
        server.hosts = tuple(name for name in (host, named) if name)
        uvicorn.run(server.create_asgi_app(), host=host, port=port, log_level="warning")


if __name__ == "__main__":
    typer.run(serve)
