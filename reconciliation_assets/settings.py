"""Where one installation keeps its state and what instant a run speaks for: the environment, read once."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettingError

from reconciliation_assets.errors import PlainError

# Days outside these are typing errors; the days a run may speak for begin with the first.
FIRST_YEAR, LAST_YEAR = 2016, 2100

_HOW_TO_WRITE = {
    "as_of": f"an ISO 8601 instant of the years {FIRST_YEAR} to {LAST_YEAR} such as 2026-07-15T00:00:00+04:00",
    "group_reads": "true or false",
    "memory": "a size such as 8GB",
    "alert_channels": 'a JSON object of channels and their URLs such as {"default": "mailto://..."}',
}

PROJECT_ROOT = Path(__file__).resolve().parent.parent
_IS_CHECKOUT = (PROJECT_ROOT / "pyproject.toml").is_file()

DEFAULT_DATA_DIR = PROJECT_ROOT / "data" if _IS_CHECKOUT else Path("reconciliation-data")
"""In the project's own folder, from wherever it is run; beside whoever runs an installed package."""

SHIPPED_SAMPLE = PROJECT_ROOT / "data/sample" if _IS_CHECKOUT else Path(__file__).with_name("sample")
"""The sample company as delivered: `inbox/`, and the truth about it in `truth.json`."""


class Settings(BaseSettings):
    """The settings of CONTRACT "Where things are", from `RECON_*` environment variables.

    Attributes:
        data_dir: all state of one installation.
        policy: the policy file; `<data_dir>/policy.yaml` where it exists, else none, meaning the shipped default.
        sources: the file that names the outside systems to pull from; `<data_dir>/sources.yaml` where it exists.
        as_of: the instant the run speaks for.
        contact_key: secret key of the protected contact keys; made on first run where it is not given.
        group_reads: whether the group of the data directory may read in it, not only its owner.
        alert_channels: Apprise URLs by channel, as a JSON object; they may carry tokens.
        ui_url: where people reach the Dagster UI; alerts link to it.
        memory: what the engine may hold in memory before it spills to disk; most of the machine's where none is given.
        temp_dir: where it spills to; beside the warehouse where none is given.
        docs_url: where people read this project's files, without a slash at its end; assets link to their pages there.
    """

    model_config = SettingsConfigDict(env_prefix="RECON_", env_ignore_empty=True, extra="ignore")

    data_dir: Path = DEFAULT_DATA_DIR
    policy: Path | None = None
    sources: Path | None = None
    as_of: datetime = Field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    contact_key: SecretStr | None = None
    group_reads: bool = False
    alert_channels: dict[str, SecretStr] = Field(default_factory=dict)
    ui_url: str = "http://127.0.0.1:3000"
    docs_url: str | None = None
    memory: Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s*[KMGT]i?B$")] | None = None
    temp_dir: Path | None = None

    @field_validator("data_dir", "policy", "sources", "temp_dir")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().resolve() if path else None

    @field_validator("as_of", mode="before")
    @classmethod
    def _begins_with_a_day(cls, instant: object) -> object:
        if isinstance(instant, str) and not re.match(r"\d{4}-\d{2}-\d{2}", instant.strip()):
            raise ValueError("a bare number would be taken for seconds since 1970")
        return instant

    @field_validator("as_of")
    @classmethod
    def _has_an_offset_and_a_possible_year(cls, instant: datetime) -> datetime:
        if not FIRST_YEAR <= instant.year <= LAST_YEAR:
            raise ValueError("an impossible year")
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

    @property
    def is_as_of_fixed(self) -> bool:
        """Whether somebody said which instant runs speak for; else it is the one at which they are asked."""
        return "as_of" in self.model_fields_set

    @property
    def inbox(self) -> Path:
        """Dropped extracts."""
        return self.data_dir / "inbox"

    @property
    def presets_dir(self) -> Path:
        """The company's own presets, by which exports of other products are read."""
        return self.data_dir / "presets"

    @property
    def warehouse_path(self) -> Path:
        """The warehouse, private to the run."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """The published copy, which people read."""
        return self.data_dir / "published" / "reconciliation.duckdb"

    @property
    def restricted_path(self) -> Path:
        """The protected keys of contacts, for those who match; its folder says who may."""
        return self.data_dir / "restricted" / "contacts.duckdb"

    @property
    def reports_dir(self) -> Path:
        """Reports for people who never open Dagster."""
        return self.data_dir / "reports"

    @property
    def queues_dir(self) -> Path:
        """What waits for each owner, a file each."""
        return self.reports_dir / "exceptions"

    @property
    def alert_log_path(self) -> Path:
        """What every alert channel took, one JSON line each."""
        return self.data_dir / "alerts.jsonl"

    @property
    def dagster_home(self) -> Path:
        """Run storage."""
        return self.data_dir / ".dagster"

    @property
    def policy_path(self) -> Path | None:
        """The company's policy file, or none where the shipped default holds."""
        own = self.data_dir / "policy.yaml"
        return self.policy or (own if own.is_file() else None)

    @property
    def sources_path(self) -> Path | None:
        """The file that names the outside systems, or none where everything is dropped as files."""
        own = self.data_dir / "sources.yaml"
        return self.sources or (own if own.is_file() else None)

    @property
    def restore_copy(self) -> Path:
        """A backup as it is being copied; nothing of it is in place yet."""
        return self.data_dir / ".restore.unfinished"

    @property
    def restore_whole(self) -> Path:
        """A backup that was copied whole and is being moved into place."""
        return self.data_dir / ".restore"

    @property
    def tokens_dir(self) -> Path:
        """Where tokens that a system replaces with every use are kept."""
        return self.data_dir / "tokens"


class SettingsError(PlainError):
    """A setting of the environment cannot be used; the message names it."""


def require_whole(settings: Settings) -> None:
    """Refuse an installation that is only partly restored; asked once where one is opened.

    Raises:
        SettingsError: a restore did not finish.
    """
    if settings.restore_copy.exists() or settings.restore_whole.exists():
        raise SettingsError(
            f"A restore into {settings.data_dir} did not finish, so the installation is not whole. Run `reconcile restore` "
            "with the same backup again; it finishes the work."
        )


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a `RECON_*` variable cannot be understood.
    """
    try:
        return Settings()
    except UnreadableSettingError as error:
        wrong = [name for name in Settings.model_fields if f'"{name}"' in str(error)]
    except ValidationError as error:
        wrong = list(dict.fromkeys(str(issue["loc"][0]) for issue in error.errors()))
    # Neither the value, which may be a secret, nor what the library says of it.
    problems = "; ".join(
        f"RECON_{name.upper()} is to be {_HOW_TO_WRITE.get(name, 'a path or a URL')}" for name in wrong
    )
    raise SettingsError(f"The environment has settings that cannot be used: {problems}.")


def is_set(variable: str) -> bool:
    """Whether the environment sets a variable to something."""
    return bool(os.environ.get(variable))
