"""How long a campaign goes on: a few rounds in the suite, for hours by `make campaign`."""

import os
import time
from collections.abc import Iterator

FIRST_SEED = int(os.environ.get("CAMPAIGN_SEED") or 0)
SECONDS = 60 * float(os.environ.get("CAMPAIGN_MINUTES") or 0)


def seeds(fewest: int) -> Iterator[int]:
    """Seeds from the first one on: as many as are asked for at least, and then until the campaign's time is over."""
    until = time.monotonic() + SECONDS
    seed = FIRST_SEED
    while seed < FIRST_SEED + fewest or time.monotonic() < until:
        yield seed
        seed += 1
