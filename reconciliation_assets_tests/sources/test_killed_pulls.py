"""A pull whose process is killed loses nothing and repeats nothing, whatever the source and wherever it died."""

import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciliation_assets_tests.sources.pull_and_die import LANDED, WHILE_LANDING, in_own_process, pull_at
from reconciliation_assets_tests.sources.pulled import State, current, installation
from reconciliation_assets_tests.standin.company import AS_OF
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import ENTRIES

pytestmark = pytest.mark.slow(seconds=40)

NEXT_DAY = AS_OF + timedelta(days=1)


def whole(home: Path, standin: Standin, source: str, until: datetime) -> State:
    """What an undisturbed pull of everything brings, as the world is now."""
    pull_at(installation(home, standin, source), source, until)
    return current(home)


@pytest.mark.parametrize("source", sorted(ENTRIES))
def test_a_killed_pull_loses_nothing_and_repeats_nothing(standin: Standin, tmp_path: Path, source: str) -> None:
    standin.plan()
    everything = whole(tmp_path / "undisturbed", standin, source, AS_OF)
    # Less the grant of a token, which is kept for the next process.
    late_answer = sum(standin.calls.values()) - 1
    assert everything

    # A fresh stand-in, since some systems hand out tokens only once.
    with Standin() as again:
        home = installation(tmp_path / "killed", again, source)
        for point in (2, late_answer, *WHILE_LANDING):
            assert in_own_process(home, source, AS_OF, point) == -signal.SIGKILL, point
            assert current(home) == {}, f"half a pull counts after {point}"
        assert in_own_process(home, source, AS_OF, LANDED) == -signal.SIGKILL
        assert current(home) == everything, "the pull was complete"

        again.company.grow()
        again.company.move_on(AS_OF + timedelta(hours=3))
        for point in (1, "before_cursor", "before_commit"):
            assert in_own_process(home, source, NEXT_DAY, point) == -signal.SIGKILL, point
            assert current(home) == everything, f"half a pull counts after {point}"
        pull_at(home, source, NEXT_DAY)
        assert current(home) != everything
        again.systems["salla"].generation = 0
        assert current(home) == whole(tmp_path / "at once", again, source, NEXT_DAY)
