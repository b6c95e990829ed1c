"""Census mappings: how the HR extract of some company becomes a census."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.core.yaml_files import read_yaml
from planwise_nb.workforce.job_levels import JobLevel, check_job_levels

REQUIRED = (
    "employee_id",
    "employee_ssn",
    "employee_birth_date",
    "employee_hire_date",
    "employee_termination_date",
    "employee_gross_compensation",
    "active",
)
OPTIONAL = ("level_id", "department", "gender", "location", "scheduled_hours")
CONTRACT = REQUIRED + OPTIONAL
PAY = "employee_gross_compensation"

MOST_SHOWN = 200
"""How many unknown keys are named: a file with more is no mapping."""

NAME = re.compile(r"[a-z0-9_-]{1,64}")


def _as_text(value: Any) -> Any:
    """YAML reads ``5``, ``0.5``, ``true`` and dates as values; in an expression or a table of values they are text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float, Decimal, date)) else value


def _not_a_yes(value: Any) -> Any:
    """YAML reads an unquoted ``Yes`` or ``No`` as a truth value: what the extract calls it is lost."""
    if isinstance(value, bool):
        raise ValueError("write what the extract holds in quotes: 'Yes', 'No', 'true', 'false', 'on' or 'off'")
    return _as_text(value)


Text = Annotated[str, BeforeValidator(_as_text)]
ExtractValue = Annotated[str, BeforeValidator(_not_a_yes)]
Limit = Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 15, decimal_places=2)]


class CensusMap(BaseModel):
    """How the columns of an extract become the columns of a census; pay is a year's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    _path: Path | None = PrivateAttr(default=None)

    description: str = Field(default="", description="what the extract is and what its figures rest on")
    census_date: date | None = Field(default=None, description="the day that the extract describes")
    where: Text | None = Field(default=None, description="boolean expression: the rows of the extract to take")
    rename: dict[ExtractValue, str] = Field(default={}, description="census column of an extract column, unchanged")
    derive: dict[str, Text] = Field(default={}, description="expression that gives a census column")
    values: dict[str, dict[ExtractValue, Text]] = Field(
        default={}, description="per census column: the census value of each extract value, after rename and derive"
    )
    job_levels: tuple[JobLevel, ...] | None = Field(default=None, description="the company's own levels and pay ranges")
    pay_position: Text | None = Field(
        default=None, description="expression from 0 to 1: where in the level's range an employee without pay is paid"
    )
    minimum_pay: Limit = Field(default=Decimal(1_000), description="pay under this is refused")
    maximum_pay: Limit = Field(default=Decimal(100_000_000), description="pay over this is refused")

    @property
    def source(self) -> str:
        """The file that the mapping was read from, for messages."""
        return str(self._path or "the census mapping")

    @model_validator(mode="after")
    def _each_column_has_one_source(self) -> Self:
        targets = [*self.rename.values(), *self.derive, *([PAY] if self.pay_position else [])]
        for target in [*targets, *self.values]:
            if target not in CONTRACT:
                raise ValueError(f"{target!r} is not a census column{_nearest(target, CONTRACT)}")
        twice = sorted({target for target in targets if targets.count(target) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} has more than one source in rename, derive and pay_position")
        if self.minimum_pay >= self.maximum_pay:
            raise ValueError(f"minimum_pay {self.minimum_pay} is not under maximum_pay {self.maximum_pay}")
        return self


def load_census_map(name_or_path: str | Path, folders: Sequence[Path]) -> CensusMap:
    """The mapping called ``name_or_path`` in the first of ``folders`` that has it, or the one in that YAML file.

    Raises ``InputError`` for a mapping that is not there, broken YAML, a key that is unknown or appears twice, a value
    of the wrong type, and job levels that do not form a ladder.
    """
    path = _find(str(name_or_path), folders)
    document = read_yaml(path)
    _check_keys(document, path)
    try:
        census_map = CensusMap.model_validate(document)
    except ValidationError as error:
        raise InputError(
            f"The census mapping {path} is not valid.", [_problem(e, path) for e in error.errors()]
        ) from None
    if census_map.job_levels is not None:
        check_job_levels(census_map.job_levels, f"{path}: job_levels")
    census_map._path = path
    return census_map


def _find(name: str, folders: Sequence[Path]) -> Path:
    if not NAME.fullmatch(name):
        path = Path(name)
        if path.name and os.path.lexists(path):
            return path
        raise InputError(
            f"There is no census mapping file {name}.", fix="Check the path, or give the name of a mapping."
        )
    for folder in folders:
        if os.path.lexists(folder / f"{name}.yaml"):
            return folder / f"{name}.yaml"
    known = sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    raise InputError(
        f"There is no census mapping {name!r}{_nearest(name, known)}.",
        fix=f"Known mappings: {', '.join(known) or 'none'}; or give the path of a YAML file.",
    )


def _check_keys(document: Mapping[str, Any], path: Path) -> None:
    problems = [
        Problem(
            rule="unknown_key",
            where=str(path),
            what=f"unknown key {key!r}{_nearest(str(key), _known_keys())}",
            fix=f"Known keys: {', '.join(_known_keys())}.",
        )
        for key in [key for key in document if key not in CensusMap.model_fields][:MOST_SHOWN]
    ]
    if problems:
        raise InputError(f"The census mapping {path} has keys that mean nothing.", problems)


def _problem(error: Any, path: Path) -> Problem:
    key = ".".join(str(part) for part in error["loc"])
    return Problem(
        rule="invalid_value",
        where=f"{path}: {key}" if key else str(path),
        what=error["msg"].removeprefix("Value error, "),
        fix=_fix_of(error["loc"]),
    )


def _fix_of(location: Sequence[Any]) -> str:
    field = CensusMap.model_fields.get(str(location[0])) if location else None
    return f"{location[0]} is: {field.description}." if field else "Correct the mapping file."


def _known_keys() -> list[str]:
    return list(CensusMap.model_fields)


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {near[0]!r}?" if near else ""
