"""Settings of an installation from the environment: where its state is, and the as-of time of a run."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettingError

from reconciliation_assets.errors import PlainError

# Years outside these are typing errors; reporting days begin in the first year.
FIRST_YEAR, LAST_YEAR = 2016, 2100

_HOW_TO_WRITE = {
    "as_of": f"an ISO 8601 instant of the years {FIRST_YEAR} to {LAST_YEAR} such as 2026-07-15T00:00:00+04:00",
    "group_reads": "true or false",
    "memory": "a size such as 8GB",
    "engine": "duckdb or spark",
    "spark_remote": "the address of a Spark Connect endpoint such as sc://host:15002, where RECON_ENGINE is spark",
    "spark_tables": "a prefix of schemas such as reconciliation, or catalog.reconciliation, in small letters, digits and _",
    "alert_channels": 'a JSON object of channels and their URLs such as {"default": "mailto://..."}',
}

PROJECT_ROOT = Path(__file__).resolve().parent.parent
_IS_CHECKOUT = (PROJECT_ROOT / "pyproject.toml").is_file()

DEFAULT_DATA_DIR = PROJECT_ROOT / "data" if _IS_CHECKOUT else Path("reconciliation-data")
"""In a checkout, the project's own folder; for an installed package, in the current folder."""

SHIPPED_SAMPLE = PROJECT_ROOT / "data/sample" if _IS_CHECKOUT else Path(__file__).with_name("sample")
"""The shipped sample company: its `inbox/`, and the true figures in `truth.json`."""


class Settings(BaseSettings):
    """The settings of CONTRACT "Where things are", from `RECON_*` environment variables.

    Attributes:
        data_dir: folder with all state of the installation.
        policy: the policy file; by default `<data_dir>/policy.yaml` if it exists, else the shipped default policy.
        sources: the file that names the outside systems to pull from; by default `<data_dir>/sources.yaml` if it exists.
        as_of: the as-of time of the run; later records do not count.
        contact_key: secret for the protected contact keys; by default made on the first run.
        group_reads: whether the group of the data directory may read it, not only its owner.
        alert_channels: Apprise URLs by channel, as a JSON object; they may contain tokens.
        ui_url: URL of the Dagster UI, for links in alerts.
        memory: memory limit of the engine before it spills to disk; by default most of the machine's memory.
        temp_dir: folder for spilling; by default next to the warehouse.
        engine: engine that makes the tables; `warehouse.duckdb` is the ledger in any case.
        spark_remote: address of the Spark Connect endpoint.
        spark_tables: prefix of the schemas on Spark, one schema per layer; each installation needs a prefix of its own.
        docs_url: URL of this project's files, for links of assets.
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
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark_remote: Annotated[str | None, Field(pattern=r"^sc://", validate_default=True)] = None
    spark_tables: Annotated[str, Field(pattern=r"^([a-z0-9_]+\.)?[a-z0-9_]+$")] = "reconciliation"

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

    @field_validator("spark_remote")
    @classmethod
    def _is_there_where_spark_is(cls, remote: str | None, given: ValidationInfo) -> str | None:
        if remote is None and given.data.get("engine") == "spark":
            raise ValueError("no address")
        return remote

    @field_validator("as_of")
    @classmethod
    def _has_an_offset_and_a_possible_year(cls, instant: datetime) -> datetime:
        if not FIRST_YEAR <= instant.year <= LAST_YEAR:
            raise ValueError("an impossible year")
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

    @property
    def is_as_of_fixed(self) -> bool:
        """Whether the as-of time is set in the environment; otherwise it is the current time."""
        return "as_of" in self.model_fields_set

    @property
    def cluster(self) -> str | None:
        """Address of the Spark cluster that makes the tables; None if DuckDB makes them."""
        return self.spark_remote if self.engine == "spark" else None

    @property
    def inbox(self) -> Path:
        """Folder of dropped files."""
        return self.data_dir / "inbox"

    @property
    def presets_dir(self) -> Path:
        """Folder of the company's own presets for exports of other products."""
        return self.data_dir / "presets"

    @property
    def warehouse_path(self) -> Path:
        """The warehouse file, private to runs."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """The published copy, for people to read."""
        return self.data_dir / "published" / "reconciliation.duckdb"

    @property
    def restricted_path(self) -> Path:
        """The protected contact keys, for people who match records; access is controlled by its folder's permissions."""
        return self.data_dir / "restricted" / "contacts.duckdb"

    @property
    def reports_dir(self) -> Path:
        """Folder of reports for people who do not use Dagster."""
        return self.data_dir / "reports"

    @property
    def queues_dir(self) -> Path:
        """Folder with one file of open items per owner."""
        return self.reports_dir / "exceptions"

    @property
    def alert_log_path(self) -> Path:
        """Log of delivered alerts, one JSON line per notice and channel."""
        return self.data_dir / "alerts.jsonl"

    @property
    def dagster_home(self) -> Path:
        """Dagster's home, with run storage."""
        return self.data_dir / ".dagster"

    @property
    def policy_path(self) -> Path | None:
        """The company's policy file; None for the shipped default."""
        own = self.data_dir / "policy.yaml"
        return self.policy or (own if own.is_file() else None)

    @property
    def sources_path(self) -> Path | None:
        """The file that names the outside systems; None if all data is dropped as files."""
        own = self.data_dir / "sources.yaml"
        return self.sources or (own if own.is_file() else None)

    @property
    def restore_copy(self) -> Path:
        """Folder to which a backup is being copied; nothing is in place yet."""
        return self.data_dir / ".restore.unfinished"

    @property
    def restore_whole(self) -> Path:
        """Folder of a completely copied backup that is being moved into place."""
        return self.data_dir / ".restore"

    @property
    def tokens_dir(self) -> Path:
        """Folder of tokens that a system replaces with every use."""
        return self.data_dir / "tokens"


class SettingsError(PlainError):
    """A setting in the environment is invalid; the message names it."""


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
        SettingsError: a `RECON_*` variable is invalid.
    """
    try:
        return Settings()
    except UnreadableSettingError as error:
        wrong = [name for name in Settings.model_fields if f'"{name}"' in str(error)]
    except ValidationError as error:
        wrong = list(dict.fromkeys(str(issue["loc"][0]) for issue in error.errors()))
    # Without the value, which may be a secret, and without the library's message about it.
    problems = "; ".join(
        f"RECON_{name.upper()} is to be {_HOW_TO_WRITE.get(name, 'a path or a URL')}" for name in wrong
    )
    raise SettingsError(f"The environment has settings that cannot be used: {problems}.")


def is_set(variable: str) -> bool:
    """Whether the environment sets a variable to a non-empty value."""
    return bool(os.environ.get(variable))
