"""Strict models of answers, so that a missing field or changed type is reported by name."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from reconciliation_assets.sources.errors import SchemaDrift


class Shape(BaseModel):
    """The part of an answer that a connector needs; everything else is ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


def _number(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _any_number(value: object) -> object:
    return _number_text(value) if isinstance(value, str) else _number(value)


def _number_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("not text")  # noqa: TRY004 - pydantic reads only ValueError
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not number.is_finite():
        raise ValueError("not a number")
    return number


def _identifier(value: object) -> object:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _text(value: object) -> object:
    if isinstance(value, bool):
        return flag_text(value)
    return str(value) if isinstance(value, int | Decimal) else value


def _instant(value: object) -> object:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
        if value.tzinfo is None:
            raise ValueError("no zone")
    return value


def _unix_seconds(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    return value


def _zone(value: object) -> object:
    if isinstance(value, str):
        try:
            return ZoneInfo(value)
        except (ValueError, ZoneInfoNotFoundError):
            raise ValueError("not a zone") from None
    return value


def _local_time(value: object) -> object:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Number = Annotated[Decimal, BeforeValidator(_number)]
"""A JSON number, never converted through a float. Numbers as text are refused: with the type, the unit may have changed too."""

NumberText = Annotated[Decimal, BeforeValidator(_number_text)]
"""A number sent as text."""

AnyNumber = Annotated[Decimal, BeforeValidator(_any_number)]
"""A number, as text or not; both have the same known unit."""

Identifier = Annotated[str, BeforeValidator(_identifier)]
"""An ID as text, sent as text or integer."""

Text = Annotated[str, BeforeValidator(_text)]
"""A value as text, sent as text, number or boolean."""

Instant = Annotated[datetime, BeforeValidator(_instant)]
"""ISO 8601 text with an offset."""

LocalTime = Annotated[datetime, BeforeValidator(_local_time)]
"""ISO 8601 text that may lack an offset; its zone is in another field."""

Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
"""The IANA name of a time zone."""

UnixInstant = Annotated[datetime, BeforeValidator(_unix_seconds)]
"""Seconds since 1970."""

T = TypeVar("T")


def _side_value(value: object, read_value: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    try:
        return read_value(value)
    except ValueError:
        if info.context is not None:
            info.context.append(info.field_name)
        return None


Side = Annotated[T | None, WrapValidator(_side_value)]
"""An optional value of a record, such as the phone number of a payment: None if it cannot be read."""

S = TypeVar("S", bound=Shape)


def read(shape: type[S], body: object, *, system: str, where: str, side: list[str] | None = None) -> S:
    """Read one answer or record into its shape.

    Args:
        shape: the expected shape.
        body: the parsed JSON.
        system: the source's name, for the message.
        where: name of the answer, such as `insights`, for the message.
        side: receives the names of optional values that could not be read.

    Raises:
        SchemaDrift: names the first field that is missing or has another type, never its value.
    """
    try:
        return shape.model_validate(body, context=side)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    path = ".".join(str(part) for part in (where, *first["loc"]) if not isinstance(part, int))
    raise SchemaDrift(system, path, "is missing" if first["type"] == "missing" else "has an unexpected type or format")


def instant_text(value: datetime | None) -> str | None:
    """A time as cell text: ISO 8601 in UTC, to the second unless the source is more precise."""
    return None if value is None else value.astimezone(UTC).isoformat()


def amount_text(value: Decimal | None) -> str | None:
    """An amount as cell text: plain decimal notation with the source's own digits."""
    return None if value is None else format(value, "f")


def flag_text(value: bool | None) -> str | None:
    """A boolean as cell text."""
    return None if value is None else str(value).lower()


def full_name(*parts: str | None) -> str | None:
    """The parts of a name joined; None if the source has none."""
    return " ".join(part.strip() for part in parts if part and part.strip()) or None


def at(record: Mapping[str, object], path: str) -> str | None:
    """The text at a dotted path such as `metadata.order_id`, for custom fields; None if absent."""
    value: object = record
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None or value == "" or isinstance(value, Mapping | list | bool):
        return None
    return str(value)
