"""Figures of a scenario: numbers with a unit and a range, some of them by job level or as shares that add up to 1.

Rates are decimals of at most six places, so that the models can count with them exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

ByLevel = dict[Literal["all"] | int, Decimal]
"""A rate by job level; ``all`` holds for every level that is not named."""

Shares = dict[int, Decimal]
"""Shares of a whole by level or age; they add up to 1."""

_TYPED = re.compile(
    r"[-+]?(?:[0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})(?:e[-+]?[0-9]{1,2})?", re.IGNORECASE | re.ASCII
)
_GREATEST = Decimal(10) ** 18
_SIX_PLACES = Decimal("0.000001")
_LOWEST_KEY = {"levels": 1, "level shares": 1, "age shares": 16}
_HIGHEST_KEY = {"levels": 99, "level shares": 99, "age shares": 80}
_MESSAGE_WIDTH = 40


def figure(
    default: object, description: str, *, unit: str, minimum: str, maximum: str, keys: str = "", whole: bool = False
) -> Any:
    """The field of a number from ``minimum`` to ``maximum``, both included; ``whole`` for one without decimals.

    ``keys`` says what the keys of a mapping are: ``levels`` (a rate by level, or one for all), ``level shares`` or
    ``age shares`` (they add up to 1); empty for a field that takes one number. All of it is in the JSON schema.
    """
    extra: dict[str, Any] = {"unit": unit, "minimum": minimum, "maximum": maximum, "keys": keys, "whole": whole}
    return Field(default, description=description, json_schema_extra=extra)


def figure_schema(field: FieldInfo) -> dict[str, Any] | None:
    """Unit, range and keys of a figure's field, as given to ``figure``; None for a field that is no figure."""
    extra = field.json_schema_extra
    return dict(extra) if isinstance(extra, dict) and "minimum" in extra else None


def expectation(schema: Mapping[str, Any]) -> str:
    """What a value must be, as the end of a sentence: ``a number from 0 to 0.5 (share of pay)``."""
    kind = "a whole number" if schema["whole"] else "a number"
    return f"{kind} from {schema['minimum']} to {schema['maximum']} ({schema['unit']})"


def plain(number: Decimal) -> str:
    """``number`` in digits, without an exponent and without zeros at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(value: object) -> str:
    """``value`` as a message shows it, cut where it is long."""
    text = plain(value) if isinstance(value, Decimal) and abs(value.adjusted()) < _MESSAGE_WIDTH else repr(value)
    return text if len(text) <= _MESSAGE_WIDTH else f"{text[: _MESSAGE_WIDTH - 1]}…"


def typed_number(text: str) -> Decimal | None:
    """The number that a person typed, such as .05 or 60e6; None for what is none, or beyond 18 digits either way."""
    if not _TYPED.fullmatch(text) or abs(number := Decimal(text)) >= _GREATEST or number != rounded(number):
        return None
    return number


def rounded(number: Decimal) -> Decimal:
    """``number`` at six places, half away from zero."""
    return Decimal(plain(number.quantize(_SIX_PLACES, ROUND_HALF_UP))) + 0


def number_in_range(value: object, schema: Mapping[str, Any]) -> Decimal:
    """``value`` as a decimal inside the schema's range; a ValueError says what it must be instead."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"must be {expectation(schema)}")
    number = Decimal(str(value))
    if not number.is_finite() or not Decimal(schema["minimum"]) <= number <= Decimal(schema["maximum"]):
        raise ValueError(f"must be {expectation(schema)}")
    if schema["whole"] and not isinstance(value, int):
        raise ValueError(f"must be {expectation(schema)}")
    return number


def faulty(*faults: tuple[str, str]) -> PydanticCustomError:
    """The error of a figure; each fault is the key under the field (may be empty) and what is wrong with it."""
    return PydanticCustomError("figure", "a figure is wrong", {"faults": faults})


class Section(BaseModel):
    """One section of a scenario: unknown keys are refused, figures are held to their ranges and to six decimals."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _check_figures(cls, value: object, info: ValidationInfo) -> object:
        schema = figure_schema(cls.model_fields[str(info.field_name)])
        if schema is None:
            return value
        if schema["keys"] and isinstance(value, Mapping):
            return _checked_entries(value, schema)
        if schema["keys"].endswith("shares"):
            raise faulty(("", f"is {shown(value)}: it must be a mapping such as {{{_LOWEST_KEY[schema['keys']]}: 1}}"))
        try:
            number = _exact(value, schema)
        except ValueError as error:
            raise faulty(("", f"is {shown(value)}: it {error}")) from error
        if schema["whole"]:
            return int(number)
        return {"all": number} if schema["keys"] else number


def _exact(value: object, schema: Mapping[str, Any]) -> Decimal:
    number = number_in_range(value, schema)
    if number != (nearest := rounded(number)):
        raise ValueError(f"has more than 6 decimals; the nearest value is {plain(nearest)}")
    return nearest


def _checked_entries(entries: Mapping[object, object], schema: Mapping[str, Any]) -> dict[object, Decimal]:
    faults: list[tuple[str, str]] = []
    checked: dict[object, Decimal] = {}
    for key, value in entries.items():
        fault = _key_fault(key, schema["keys"])
        try:
            checked[key] = _exact(value, schema)
        except ValueError as error:
            fault = fault or f"is {shown(value)}: it {error}"
        if fault:
            faults.append((str(key), fault))
    if not entries:
        faults.append(("", "is empty: it must name at least one value"))
    if faults:
        raise faulty(*faults)
    return checked


def _key_fault(key: object, keys: str) -> str:
    if keys == "levels" and key == "all":
        return ""
    lowest, highest = _LOWEST_KEY[keys], _HIGHEST_KEY[keys]
    if isinstance(key, int) and not isinstance(key, bool) and lowest <= key <= highest:
        return ""
    what = "an age" if keys == "age shares" else "a job level"
    return f"is unknown: {what} is a whole number from {lowest} to {highest}"
