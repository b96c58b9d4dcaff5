"""Sends an installation's outbox and kills its own process, without any clean-up, at a point given by name."""

import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

from reconciliation_assets.commands import feedback
from reconciliation_assets.settings import load_settings
from reconciliation_assets.sources.meta_conversions import load_feedback_settings

POINTS = ("before_sending", "between_sending_and_noting", "after_noting")


def die(*_: Any) -> None:
    """End the process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    point = sys.argv[1]
    if point == "before_sending":
        feedback.Conversions.send = die  # type: ignore[method-assign]
    elif point == "between_sending_and_noting":
        feedback._log_answers = die  # type: ignore[assignment]
    else:
        feedback._count = die  # type: ignore[assignment]
    settings = load_settings()
    feedback.send_feedback(settings, load_feedback_settings(settings.sources_path), datetime.now(UTC))
