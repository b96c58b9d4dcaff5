"""The first files of a new installation, written from a few answers and validated before they are put in place.

Here: `policy.yaml`, `sources.yaml` and `.env.example`. Not here: the questions (`questions.py`).
"""

import inspect
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from reconciliation_assets.errors import PlainError
from reconciliation_assets.files import flush
from reconciliation_assets.policy.load import PolicyError, load_policy
from reconciliation_assets.settings import Settings
from reconciliation_assets.sources.config import SourceSettings, read_entries
from reconciliation_assets.sources.errors import SourceError
from reconciliation_assets.sources.registry import SOURCE_TYPES, load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore

SHIPPED_MATURITY_DAYS = (7, 30, 60, 90)


class SetUpError(PlainError):
    """Nothing was written; the message says why and what to do."""


@dataclass(frozen=True)
class Setting:
    """A required setting of a system's entry in `sources.yaml`.

    Attributes:
        name: its key in the file.
        meaning: what it is, in words.
    """

    name: str
    meaning: str


@dataclass(frozen=True)
class Answers:
    """A company's answers for its first files.

    Attributes:
        company: its name.
        currency: ISO code of the reporting currency.
        zone: IANA zone of its days.
        locale: CLDR locale of its reports.
        mature_after: days after which a cohort is mature.
        include_tax: whether VAT counts as collected.
        include_shipping: whether shipping paid by the customer counts as collected.
        deduct_payment_fees: whether fees of providers and couriers are deducted.
        daily_at: start time of the daily run, such as 06:00.
        approved_by: who approved these definitions.
        systems: settings by type of the systems to pull from.
    """

    company: str
    currency: str
    zone: str
    locale: str
    mature_after: int
    include_tax: bool
    include_shipping: bool
    deduct_payment_fees: bool
    daily_at: str
    approved_by: str
    systems: Mapping[str, Mapping[str, str | list[str]]]

    @property
    def maturity_days(self) -> list[int]:
        """The shipped maturity days below `mature_after`, and `mature_after` itself."""
        return [*(days for days in SHIPPED_MATURITY_DAYS if days < self.mature_after), self.mature_after]


def required_settings(source_type: str) -> list[Setting]:
    """The required settings of a type of system, without `name` and `type`."""
    model = SOURCE_TYPES[source_type].settings
    meanings = _meanings(model)
    return [
        Setting(name, meanings.get(name, ""))
        for name, field in model.model_fields.items()
        if field.is_required() and name not in {"name", "type"}
    ]


def refuse_to_overwrite(settings: Settings) -> None:
    """Stop before any question if one of the files already exists.

    Raises:
        SetUpError: names the existing files.
    """
    existing = [place for place in _places(settings).values() if place.exists()]
    if existing:
        raise SetUpError(
            f"{' and '.join(str(place) for place in existing)} {'is' if len(existing) == 1 else 'are'} there already, and nothing "
            "is overwritten. Change what is there by hand, or move it away and begin again."
        )


def write_first_files(answers: Answers, settings: Settings, today: date) -> list[Path]:
    """Write the three files, all or none, and make the inbox; every file is validated as a run would load it.

    Args:
        answers: the company's answers.
        settings: give the paths of policy and sources.
        today: used as the policy's version and effective date.

    Returns:
        The files, in the order in which people read them.

    Raises:
        SetUpError: a file already exists, or the answers give files that cannot be loaded.
        OSError: the folder cannot be written.
    """
    home, places = settings.data_dir, _places(settings)
    refuse_to_overwrite(settings)
    settings.inbox.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".init-") as folder:
        written = Path(folder)
        _write(answers, written, today, home / ".env")
        _check(written)
        _put_in_place({place: (written / name).read_bytes() for name, place in places.items()})
    return list(places.values())


def _places(settings: Settings) -> dict[str, Path]:
    """The path of each file in the installation."""
    return {
        "policy.yaml": settings.policy or settings.data_dir / "policy.yaml",
        "sources.yaml": settings.sources or settings.data_dir / "sources.yaml",
        ".env.example": settings.data_dir / ".env.example",
    }


def _put_in_place(files: Mapping[Path, bytes]) -> None:
    written: list[Path] = []
    try:
        for place, content in files.items():
            # Unlike a rename, this fails if the file was created meanwhile.
            with place.open("xb") as file:
                written.append(place)
                file.write(content)
            flush(place)
    except BaseException:
        for place in written:
            place.unlink()
        raise


def _write(answers: Answers, folder: Path, today: date, environment: Path) -> None:
    templates = Environment(
        loader=PackageLoader("reconciliation_assets.commands", "templates"),
        autoescape=False,  # noqa: S701 - YAML, where every answer is quoted by the filter
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    templates.filters["quoted"] = _quoted
    told: dict[str, Any] = {"answers": answers, "today": today, "types": sorted(SOURCE_TYPES)}
    (folder / "policy.yaml").write_text(templates.get_template("policy.yaml.j2").render(told), "utf-8")
    (folder / "sources.yaml").write_text(templates.get_template("sources.yaml.j2").render(told), "utf-8")
    told |= {"variables": _variables(folder / "sources.yaml"), "environment": environment}
    (folder / ".env.example").write_text(templates.get_template("env.example.j2").render(told), "utf-8")


def _check(folder: Path) -> None:
    policy = folder / "policy.yaml"
    try:
        loaded = load_policy(policy)
        load_connectors(folder / "sources.yaml", FileTokenStore(folder / "tokens"), loaded.policy)
    except PolicyError as problem:
        raise SetUpError(f"Nothing was written: {str(problem).replace(str(policy), 'policy.yaml')}") from None
    except SourceError as problem:
        raise SetUpError(f"Nothing was written: {problem}") from None


def _variables(sources: Path) -> dict[str, str]:
    """Environment variables for the systems' credentials, and what each contains."""
    found: dict[str, str] = {}
    for entry in read_entries(sources):
        model = SOURCE_TYPES[entry.type].settings
        meanings = _meanings(model)
        for name, field in model.model_fields.items():
            if name.endswith("_env") and field.default:
                what = f"{entry.type}: {re.sub('^the (environment variable|one) with ', '', meanings[name])}"
                found[field.default] = f"{found[field.default]}; {what}" if field.default in found else what
    return found


def _meanings(model: type[SourceSettings]) -> dict[str, str]:
    """The meaning of each setting, from "Attributes" in the docstrings of the model and its base classes."""
    meanings: dict[str, str] = {}
    for each in reversed(model.__mro__):
        _, _, attributes = (inspect.getdoc(each) or "").partition("Attributes:\n")
        for name, meaning in re.findall(r"^    (\w+): ((?:.|\n        )+)", attributes, flags=re.MULTILINE):
            meanings[name] = " ".join(meaning.split())
    return meanings


def _quoted(value: object) -> str:
    """An answer quoted for YAML, as JSON, which is valid YAML."""
    return json.dumps(value, ensure_ascii=False)
