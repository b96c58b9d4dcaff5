"""Errors of a source, worded for the person who has to act.

Every error names the system, what happened and what to do. None contains a secret, a URL or a value of a record: the
messages consist only of our own words, status codes and field names.
"""

# ruff: noqa: N818 - each name says what happened, which reads better without the suffix

from datetime import datetime

from reconciliation_assets.errors import PlainError


class SourceError(PlainError):
    """An error at one source from which a pull cannot recover.

    Args:
        system: the source's name in the sources file.
        happened: what went wrong, without values from the answer.
        remedy: what the reader should do next.
    """

    def __init__(self, system: str, happened: str, remedy: str) -> None:
        super().__init__(system, happened, remedy)
        self.system = system
        self.happened = happened
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.system}: {self.happened}. {self.remedy}."


class Misconfigured(SourceError):
    """The sources file or the environment lacks a setting that is needed to reach the source."""


class ExpiredCredentials(SourceError):
    """The source no longer accepts the token or key."""


class MissingPermission(SourceError):
    """The credentials are valid, but may not read everything the connector needs."""


class RateLimited(SourceError):
    """The source requires a longer wait than this run allows.

    Args:
        back_at: when to try again, if the source says so.
    """

    def __init__(self, system: str, happened: str, back_at: datetime | None = None) -> None:
        when = f"after {back_at:%Y-%m-%d %H:%M} UTC" if back_at else "in an hour"
        super().__init__(system, happened, f"Run again {when}; nothing was landed and nothing is lost")
        self.back_at = back_at


class SchemaDrift(SourceError):
    """A field that the connector needs is missing or has another type.

    Args:
        field: the field's path in the answer, such as `data.spend`.
        problem: what is wrong, worded to follow the field's name.
    """

    def __init__(self, system: str, field: str, problem: str, remedy: str | None = None) -> None:
        super().__init__(
            system,
            f"field {field!r} {problem}",
            remedy
            or "Compare the source's changelog with this connector's page under docs/sources, then adapt one of them",
        )
        self.field = field
        self.problem = problem


class RequestRefused(SourceError):
    """The source accepted the credentials but not the request: a retired version, an unknown account or object."""


class SourceUnavailable(SourceError):
    """The source gave no usable answer within the retry policy."""


class TimedOut(SourceUnavailable):
    """Every attempt timed out; a smaller request may still be answered."""
