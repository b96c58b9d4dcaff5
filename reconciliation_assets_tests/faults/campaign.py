"""How long a campaign goes on: a few rounds in the suite, for hours by `make campaign`."""

import os
import time
from collections.abc import Iterator
from itertools import count

MINUTES = float(os.environ.get("CAMPAIGN_MINUTES") or 0)
"""How long it may go on; 0 in the suite."""


def seeds(fewest: int) -> Iterator[int]:
    """The seeds of a campaign's rounds: those of CAMPAIGN_SEEDS (`417` or `100-199`), else so many, or as there is time for."""
    first, _, last = os.environ.get("CAMPAIGN_SEEDS", "").partition("-")
    until = time.monotonic() + 60 * MINUTES
    if first:
        rounds: Iterator[int] = iter(range(int(first), int(last or first) + 1))
    else:
        rounds = count() if MINUTES else iter(range(fewest))
    for seed in rounds:
        yield seed
        if MINUTES and time.monotonic() > until:
            return
