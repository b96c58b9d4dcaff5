"""The whole graph from the stand-in platform: the same bridge as from files, pulled twice, with a source that fails."""

import re
import signal
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.registry import load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.installation import CommandResult, Installation
from reconciliation_assets_tests.standin.company import AS_OF
from reconciliation_assets_tests.standin.faults import PASSING, Fault
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import sources_yaml

pytestmark = pytest.mark.slow(seconds=75)

RATES: list[Row] = [
    {"date": "2020-01-01", "currency": "KWD", "rate": "11.96"},
    {"date": "2020-01-01", "currency": "USD", "rate": "3.6725"},
]
# These tell of deliveries themselves, so that another pull shows in them.
OF_DELIVERIES = {"source_totals", "source_inventory", "platform_performance"}
# These tell since when a figure has been known, which files dropped later learn later.
OF_THEIR_INSTANTS = {"meta_beliefs", "meta_restatements"}


def run_and_be_killed(installation: Installation, standin: Standin, call: str, nth: int) -> CommandResult:
    """Run until a source has given so many answers of a kind, then die as in a power cut."""
    running = installation.start()
    standin.plan(Fault("world_changes", call, nth, change=lambda _: running.kill()))
    text, _ = running.communicate(timeout=300)
    return CommandResult(running.returncode, text)


def dropped_instead(standin: Standin, home: Path) -> Mapping[str, list[Row]]:
    """What the sources deliver, as rows of files, by table."""
    home.mkdir()
    (home / "sources.yaml").write_text(sources_yaml(standin), "utf-8")
    rows: dict[str, list[Row]] = defaultdict(list, {"fx_rates": RATES})
    for connector in load_connectors(home / "sources.yaml", FileTokenStore(home / "tokens"), load_policy(None).policy):
        for batch in connector.pull(Window(None, AS_OF)):
            rows[batch.table].extend(batch.rows)
    return rows


def without_pagination(body: dict[str, Any]) -> dict[str, Any]:
    return {"payments": body["payments"]}


def test_the_graph_pulls_whole_and_repeats_nothing(tmp_path: Path, build: Build) -> None:
    """Sources give the same tables as files, through a kill and every passing fault.

    A second pull changes nothing, and a failing source stops no other.
    """
    installation = Installation(tmp_path / "pulled", AS_OF.isoformat()).drop({"fx_rates": RATES})
    with Standin() as standin:
        (installation.home / "sources.yaml").write_text(sources_yaml(standin), "utf-8")
        killed = run_and_be_killed(installation, standin, "stripe.balance_transactions", nth=2)
        assert killed.status == -signal.SIGKILL, killed.text
        standin.plan(*(Fault(kind, nth=4 + 19 * n) for n, kind in enumerate(PASSING)))
        first = installation.reconcile()
        assert first.status == 0, first.text
        warned = set(re.findall(r"pull_\w+, check (\w+)", first.text))
        assert warned <= {"not_empty", "fresh"}, "a fault was not got over"
        from_pulls = installation.published()

        standin.plan(
            Fault("expired_token", "stripe.balance_transactions", times=50),
            Fault("drift", "tabby.payments", times=50, change=without_pagination),
        )
        again = installation.reconcile()
        assert again.status == 0, again.text
        assert "pull_stripe, check credentials" in again.text
        assert "pull_tabby, check shape" in again.text
        assert {table: rows for table, rows in installation.published().items() if table not in OF_DELIVERIES} == {
            table: rows for table, rows in from_pulls.items() if table not in OF_DELIVERIES
        }
    with Standin() as standin:
        dropped = build(dropped_instead(standin, tmp_path / "theirs"), as_of=AS_OF).published()
    ignored = OF_DELIVERIES | OF_THEIR_INSTANTS
    assert [table for table in dropped if table not in ignored and dropped[table] != from_pulls[table]] == []
