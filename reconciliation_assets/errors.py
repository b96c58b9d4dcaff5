"""Errors that nobody foresaw, told without a word of what was being worked on.

What an engine or a library says of a fault may quote the row it met: a name, a phone number, a line of a file. Those who look
after the product need to know what kind of fault it was and where in the code; neither is anybody's secret.
"""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGE = Path(__file__).parent
_OURS = (_PACKAGE.name, "dagster")
# Faults of the machine, which an engine tells in its own words; of any other it may quote what it met, with marks or without.
_OF_THE_MACHINE = ("OutOfMemoryException", "IOException")
_QUOTING = re.compile(r"[\"'`\n]")
_LONG_NUMBER = re.compile(r"\d{6,}")


class UnforeseenError(RuntimeError):
    """Something went wrong that nobody foresaw; the message says what kind of fault it was and where, and quotes nothing."""


@contextmanager
def without_values() -> Iterator[None]:
    """Let only errors out whose words are the product's own; of any other, its kind and place. Also a decorator.

    Raises:
        UnforeseenError: in place of an error of an engine or a library.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.split(".")[0] in _OURS:
            raise
        raise UnforeseenError(told(error)) from None


def told(error: BaseException) -> str:
    """What kind of error it is and where in the product's code it arose."""
    kind, words = type(error).__name__, ""
    if isinstance(error, OSError) and error.strerror:
        words = error.strerror
    elif kind in _OF_THE_MACHINE:
        words = _LONG_NUMBER.sub("…", ": ".join(_QUOTING.split(str(error))[0].split(": ")[:2])).strip()
    places = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    place = f" in {Path(places[-1].filename).relative_to(_PACKAGE)}, line {places[-1].lineno}" if places else ""
    return (
        f"{kind}{place}{f': {words}' if words else ''}. What the engine or library said beyond that is not told, since it may "
        "quote a row. Run again; if it stays, report this line."
    )
