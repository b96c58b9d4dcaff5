"""A process killed while it renews a token that may be used once: nothing is used twice, and a lost token is told as lost."""

import signal
from pathlib import Path

import pytest

from reconciliation_assets.sources.errors import ExpiredCredentials
from reconciliation_assets_tests.sources.pull_and_die import in_own_process, pull_at
from reconciliation_assets_tests.sources.pulled import current, installation
from reconciliation_assets_tests.standin.company import AS_OF
from reconciliation_assets_tests.standin.server import Standin

pytestmark = pytest.mark.slow

THE_GRANT = 1


@pytest.fixture
def home(tmp_path: Path, standin: Standin) -> Path:
    standin.plan()
    return installation(tmp_path / "home", standin, "salla")


@pytest.mark.parametrize("point", ["before_noting", "noted"])
def test_killed_before_it_asked_the_next_process_asks(standin: Standin, home: Path, point: str) -> None:
    assert in_own_process(home, "salla", AS_OF, point) == -signal.SIGKILL
    assert standin.systems["salla"].generation == 0
    pull_at(home, "salla", AS_OF)
    assert current(home)["orders"]


@pytest.mark.parametrize("point", [THE_GRANT, "before_saving"])
def test_killed_between_the_answer_and_the_save_the_next_process_says_what_happened_and_what_to_do(
    standin: Standin, home: Path, point: int | str
) -> None:
    assert in_own_process(home, "salla", AS_OF, point) == -signal.SIGKILL
    assert standin.systems["salla"].generation == 1, "Salla gave a pair that nobody has"
    told = r"cut short before the new token was saved, .* install the app again, set the new refresh token in SALLA_REFRESH_TOKEN"
    for _ in range(2):
        with pytest.raises(ExpiredCredentials, match=told):
            pull_at(home, "salla", AS_OF)
    assert current(home) == {}


def test_killed_once_it_saved_the_next_process_goes_on_with_the_new_pair(standin: Standin, home: Path) -> None:
    assert in_own_process(home, "salla", AS_OF, "saved") == -signal.SIGKILL
    pull_at(home, "salla", AS_OF)
    assert standin.systems["salla"].generation == 1, "no second renewal was needed"
    assert current(home)["orders"]
