"""What can go wrong at a source, each said for the person who has to act.

Every error names the system, what happened and what to do. None carries a secret, a URL or a value out of a record:
the texts are put together from our own words, status codes and field names only.
"""

# ruff: noqa: N818 - each name says what happened, which reads better without the suffix

from datetime import datetime

from reconciliation_assets.errors import PlainError


class SourceError(PlainError):
    """Something at one source that a pull cannot recover from.

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
    """The sources file or the environment does not say what is needed to reach the source."""


class ExpiredCredentials(SourceError):
    """The source no longer accepts the token or key."""


class MissingPermission(SourceError):
    """The credentials are good, but may not read what the connector needs."""


class RateLimited(SourceError):
    """The source asks to wait longer than this run may.

    Args:
        back_at: when to try again, as far as the source says.
    """

    def __init__(self, system: str, happened: str, back_at: datetime | None = None) -> None:
        when = f"after {back_at:%Y-%m-%d %H:%M} UTC" if back_at else "in an hour"
        super().__init__(system, happened, f"Run again {when}; nothing was landed and nothing is lost")
        self.back_at = back_at


class SchemaDrift(SourceError):
    """A field the connector relies on vanished or changed its type.

    Args:
        field: the field's path in the answer, such as `data.spend`.
        problem: what is wrong with the field, as said after its name.
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
    """The source understood who asks, but not what is asked: a retired version, an unknown account or object."""


class SourceUnavailable(SourceError):
    """The source does not answer, or answers nonsense, for longer than the connector is patient."""


class TimedOut(SourceUnavailable):
    """Every attempt ran into the time-out; a smaller question may still be answered."""
