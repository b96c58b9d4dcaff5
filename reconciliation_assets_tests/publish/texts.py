"""Every English text that reports, queues and alerts say, as the code and its templates have it."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir

from reconciliation_assets.chain.decisions.anomalies import NEXT_STEPS
from reconciliation_assets.chain.decisions.causes import CAUSES
from reconciliation_assets.publish import words
from reconciliation_assets.publish.queues import COLUMNS
from reconciliation_assets.publish.wording import texts_of
from reconciliation_assets.settings import PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "reconciliation_assets"
REPORT = PACKAGE / "publish/templates/report.html.j2"
OUTBOX = PACKAGE / "chain/feedback/capi_outbox.sql"

Text = str | tuple[str, str]


def texts() -> dict[Text, str]:
    """Each text, or its forms for one and many, and the module or template where it stands first."""
    found: dict[Text, str] = {}
    for folder in ("publish", "operations"):
        for path, _, text, _, _ in extract_from_dir(
            PACKAGE / folder, method_map=[("**.py", "python")], keywords={"say": None, "plural": (1, 2)}
        ):
            key = (text[0], text[1]) if isinstance(text, tuple | list) else text
            found.setdefault(key, str(Path("reconciliation_assets") / folder / path))
    for text in texts_of(REPORT.read_text("utf-8")):
        found.setdefault(text, str(REPORT.relative_to(PROJECT_ROOT)))
    listed = (
        *(words.LINES, words.LINE_MEANINGS, words.LINKS, words.ANOMALIES, words.PAGE, words.WHAT_TO_DO),
        words.STEPS,
        {table: text for table, text in words.RECORDS_OF_LINE.items() if " " in text},
    )
    kinds = [kind.replace("_", " ") for kind in words.WHAT_TO_DO]
    for text in (*(text for part in listed for text in part.values()), *words.TERMS, *kinds, *COLUMNS):
        found.setdefault(text, "reconciliation_assets/publish/words.py")
    reasons = re.findall(r"(?:then|else) '([^']* [^']* [^']*)'\n", OUTBOX.read_text("utf-8"))
    causes = [text for cause in CAUSES.values() for text in (cause.bottleneck, cause.likely_causes, cause.next_step)]
    for texts_of_data, origin in ((reasons, OUTBOX), ([*causes, *NEXT_STEPS.values()], PACKAGE / "chain/decisions")):
        for text in texts_of_data:
            found.setdefault(text, str(origin.relative_to(PROJECT_ROOT)))
    return found
