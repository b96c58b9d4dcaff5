"""The sources file: which outside systems a company has, named and configured in one place.

The file is YAML with one list, `sources`; each entry has a `name`, a `type` and what that type's own settings ask for
(its page under docs/sources lists them). Secrets never stand in it, only names of environment variables.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciliation_assets.policy.problems import problems_of, yaml_of
from reconciliation_assets.sources.errors import Misconfigured
from reconciliation_assets.sources.http import RetryPolicy

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
EnvironmentVariable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SourceSettings(BaseModel):
    """What every source may say about itself; each type adds its own.

    Attributes:
        name: unique in the file; names the source in messages, cursors and checks.
        type: which connector reads it.
        base_url: where the system is, if not at its usual address.
        timeout_seconds: patience for one answer.
        max_wait_minutes: patience for all waiting of one pull, rate limits included.
        silent_after_days: how old its newest record may grow before it counts as silent; the policy's limit where not given.
        overlap_days: how much of the last window is pulled again; the type's own where not given.
        id_prefix: put before every order, CRM, invoice and customer ID, where two systems number from the same start;
            a payment system needs the prefix of the shop whose orders it names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    type: str
    base_url: str
    timeout_seconds: float = Field(default=60, gt=0)
    max_wait_minutes: float = Field(default=10, ge=0)
    silent_after_days: int | None = Field(default=None, ge=1)
    overlap_days: int | None = Field(default=None, ge=1)
    id_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9_-]*$")

    def retry_policy(self) -> RetryPolicy:
        """The settings as the HTTP client takes them."""
        return RetryPolicy(
            timeout=timedelta(seconds=self.timeout_seconds), budget=timedelta(minutes=self.max_wait_minutes)
        )


T = TypeVar("T", bound=SourceSettings)


class SourceEntry(BaseModel):
    """One entry of the file before its type's own settings are checked."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name
    type: str


def read_entries(path: Path) -> list[SourceEntry]:
    """Read the sources file.

    Raises:
        Misconfigured: the file is not there, not YAML, not a list of named sources, or names one twice.
    """
    try:
        document = yaml_of(path.read_bytes())
    except FileNotFoundError:
        problem = "the file does not exist"
    except OSError:
        problem = "the file cannot be read"
    except ValueError as error:
        problem = f"the file is not readable as YAML: {error}"
    else:
        return _entries(path, document)
    raise Misconfigured(path.name, problem, "Write it as docs/sources/README.md shows")


def checked_settings(model: type[T], entry: SourceEntry) -> T:
    """Hold an entry against its type's settings.

    Raises:
        Misconfigured: naming the first setting that is missing, unknown or not of the expected form.
    """
    try:
        return model.model_validate(entry.model_dump())
    except ValidationError as error:
        problem = _first_problem(error)
    raise Misconfigured(entry.name, problem, f"See docs/sources/{entry.type}.md for the settings of {entry.type}")


def _entries(path: Path, document: object) -> list[SourceEntry]:
    listed = document.get("sources") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise Misconfigured(path.name, "there is no list named 'sources'", "Write it as docs/sources/README.md shows")
    entries: list[SourceEntry] = []
    for number, item in enumerate(listed, start=1):
        try:
            entries.append(SourceEntry.model_validate(item))
            continue
        except ValidationError as error:
            problem = _first_problem(error)
        raise Misconfigured(path.name, f"entry {number}: {problem}", "Give every entry a name and a type")
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Misconfigured(path.name, f"the name {twice[0]!r} is given twice", "Give every source its own name")
    return entries


def _first_problem(error: ValidationError) -> str:
    setting, _, said = problems_of(error, "entry")[0].partition(": ")
    return f"setting {setting!r}: {said}"
