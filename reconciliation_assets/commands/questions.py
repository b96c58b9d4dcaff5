"""The questions of `reconcile init`, with suggested answers, each validated with the policy at once."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import typer

from reconciliation_assets.commands.set_up import Answers, SetUpError, required_settings
from reconciliation_assets.policy.load import policy_problems
from reconciliation_assets.sources.registry import SOURCE_TYPES


@dataclass(frozen=True)
class Question:
    """A question about the company.

    Attributes:
        key: name of the answer.
        text: the question as asked.
        suggested: default answer; None if only the company knows.
        in_policy: turns an answer into policy definitions, for validation.
    """

    key: str
    text: str
    suggested: str | int | bool | None
    in_policy: Callable[[Any], dict[str, Any]]


QUESTIONS: Final = (
    Question("company", "Company name", None, lambda answer: {"company": answer}),
    Question("currency", "Reporting currency", "AED", lambda answer: {"reporting_currency": answer}),
    Question("zone", "Time zone of the books", "Asia/Dubai", lambda answer: {"zone": answer}),
    Question("locale", "Language of reports (en_AE, ar_AE, ...)", "en_AE", lambda answer: {"locale": answer}),
    Question(
        "mature_after",
        "Days until a cohort is mature (cash on delivery 60 to 90, instant payment 30)",
        90,
        lambda answer: {"cohorts": {"maturity_days": [answer]}},
    ),
    Question(
        "include_tax", "Include VAT in collected revenue", True, lambda answer: {"basis": {"include_tax": answer}}
    ),
    Question(
        "include_shipping",
        "Include shipping charged to customers",
        True,
        lambda answer: {"basis": {"include_shipping": answer}},
    ),
    Question(
        "deduct_payment_fees",
        "Deduct fees of payment providers and couriers",
        False,
        lambda answer: {"basis": {"deduct_payment_fees": answer}},
    ),
    Question("approved_by", "Definitions approved by", "nobody yet", lambda answer: {"approved_by": answer}),
    Question("daily_at", "Time of the daily run", "06:00", lambda answer: {"schedule": {"daily_at": answer}}),
)


def answers(
    given: Mapping[str, str | int | bool | None], systems: str | None, settings: Sequence[str], *, ask: bool
) -> Answers:
    """All answers: those given as options; the others are asked, or the defaults are used.

    Args:
        given: answers by key of the question; None if not given.
        systems: types of the systems to pull from, separated by commas.
        settings: settings of the systems, as `shopify.base_url=https://...`.
        ask: whether to ask for missing answers.

    Raises:
        SetUpError: an answer is missing or invalid.
    """
    values = {question.key: _answer(question, given[question.key], ask=ask) for question in QUESTIONS}
    if systems is None:
        known = ", ".join(sorted(SOURCE_TYPES))
        systems = (
            typer.prompt(
                f"Systems to pull from, separated by commas; empty if you drop files\n  {known}\n ",
                "",
                show_default=False,
            )
            if ask
            else ""
        )
    return Answers(**values, systems=_settings(_split_list(systems), settings, ask=ask))


def _answer(question: Question, given: str | int | bool | None, *, ask: bool) -> Any:
    if given is not None:
        problem = policy_problems(question.in_policy(given))
        if problem:
            raise SetUpError(f"Nothing was written: {problem}.")
        return given
    if not ask:
        if question.suggested is None:
            raise SetUpError(f"Nothing was written: say --{question.key}.")
        return question.suggested
    if isinstance(question.suggested, bool):
        return typer.confirm(question.text, default=question.suggested)
    return typer.prompt(
        question.text, default=question.suggested, value_proc=lambda typed: _validated_answer(question, typed)
    )


def _validated_answer(question: Question, typed: str) -> str | int:
    """A typed answer, validated at once, so that an invalid one is asked again."""
    typed = typed.strip()
    answer: str | int = int(typed) if isinstance(question.suggested, int) and typed.isdecimal() else typed
    problem = policy_problems(question.in_policy(answer))
    if problem:
        raise typer.BadParameter(problem)
    return answer


def _settings(types: list[str], settings: Sequence[str], *, ask: bool) -> dict[str, dict[str, str | list[str]]]:
    for source_type in types:
        if source_type not in SOURCE_TYPES:
            raise SetUpError(
                f"Nothing was written: there is no system {source_type!r}. Use: {', '.join(sorted(SOURCE_TYPES))}; "
                "drop what other systems export as files."
            )
    by_type: dict[str, dict[str, str]] = {source_type: {} for source_type in types}
    for setting in settings:
        parts = re.fullmatch(r"(\w+)\.(\w+)=(.+)", setting)
        if not parts or parts[1] not in by_type:
            raise SetUpError(
                f"Nothing was written: --set {setting} is not SYSTEM.SETTING=VALUE for one of the systems named by --systems."
            )
        by_type[parts[1]][parts[2]] = parts[3]
    missing: list[str] = []
    for source_type, values in by_type.items():
        for needed in required_settings(source_type):
            if needed.name in values:
                continue
            if ask:
                values[needed.name] = typer.prompt(f"{source_type}, {needed.name}: {needed.meaning}\n ")
            else:
                missing.append(f"--set {source_type}.{needed.name}=... ({needed.meaning.rstrip('.')})")
    if missing:
        raise SetUpError(f"Nothing was written: say {', '.join(missing)}.")
    return {
        source_type: {name: _typed(source_type, name, value) for name, value in values.items()}
        for source_type, values in by_type.items()
    }


def _typed(source_type: str, name: str, value: str) -> str | list[str]:
    field = SOURCE_TYPES[source_type].settings.model_fields.get(name)
    is_list = field is not None and str(field.annotation).startswith(("list", "tuple"))
    return _split_list(value) if is_list else value.strip()


def _split_list(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
