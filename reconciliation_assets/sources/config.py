"""The sources file: the names and settings of a company's outside systems.

The file is YAML with one list, `sources`; each entry has a `name`, a `type` and the settings of that type (listed on its
page under docs/sources). It never contains secrets, only names of environment variables.
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
    """Settings common to all sources; each type adds its own.

    Attributes:
        name: unique in the file; names the source in messages, cursors and checks.
        type: which connector reads it.
        base_url: address of the system, if not the usual one.
        timeout_seconds: time-out of one request.
        max_wait_minutes: limit of all waiting in one pull, including rate limits.
        silent_after_days: maximum age of its newest record before it counts as silent; by default the policy's limit.
        overlap_days: days of the last window that are pulled again; by default those of the type.
        id_prefix: put before every order, CRM, invoice and customer ID if two systems use the same numbers;
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
        """The retry policy for the HTTP client."""
        return RetryPolicy(
            timeout=timedelta(seconds=self.timeout_seconds), budget=timedelta(minutes=self.max_wait_minutes)
        )


T = TypeVar("T", bound=SourceSettings)


class SourceEntry(BaseModel):
    """One entry of the file before the settings of its type are validated."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name
    type: str


def read_entries(path: Path) -> list[SourceEntry]:
    """Read the sources file.

    Raises:
        Misconfigured: the file is missing, not YAML, not a list of named sources, or has a duplicate name.
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
    """Validate an entry with the settings of its type.

    Raises:
        Misconfigured: names the first setting that is missing, unknown or invalid.
    """
    try:
        return model.model_validate(entry.model_dump())
    except ValidationError as error:
        problem = _first_problem(error)
    raise Misconfigured(entry.name, problem, f"See docs/sources/{entry.type}.md for the settings of {entry.type}")


def _entries(path: Path, document: object) -> list[SourceEntry]:
    sources = document.get("sources") if isinstance(document, dict) else None
    if not isinstance(sources, list):
        raise Misconfigured(path.name, "there is no list named 'sources'", "Write it as docs/sources/README.md shows")
    entries: list[SourceEntry] = []
    for number, item in enumerate(sources, start=1):
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
    setting, _, problem = problems_of(error, "entry")[0].partition(": ")
    return f"setting {setting!r}: {problem}"
