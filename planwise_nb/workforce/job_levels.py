"""Job levels and their pay ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from planwise_nb.core.errors import InputError, Problem

AnnualPay = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)]


class JobLevel(BaseModel):
    """One level of a company's job ladder; pay is a year's, in whole currency units with up to two decimals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level_id: int = Field(ge=1, description="number of the level, 1 is the lowest")
    name: str = Field(min_length=1, description="what the company calls the level")
    min_compensation: AnnualPay = Field(description="lowest pay of the level, a year")
    max_compensation: AnnualPay = Field(description="highest pay of the level, a year")

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.min_compensation >= self.max_compensation:
            raise ValueError(
                f"min_compensation {self.min_compensation} is not under max_compensation {self.max_compensation}"
            )
        return self


def check_job_levels(levels: Sequence[JobLevel], where: str) -> tuple[JobLevel, ...]:
    """The levels in order of their numbers.

    ``where`` names the file or key that they come from. Raises ``InputError`` unless there is at least one level,
    the numbers are 1 to K without a gap or a repetition, and each minimum is above the one before.
    """
    ordered = tuple(sorted(levels, key=lambda level: level.level_id))
    problems = tuple(_problems(ordered, where))
    if problems:
        raise InputError(f"The job levels in {where} do not form a ladder.", problems)
    return ordered


def _problems(levels: tuple[JobLevel, ...], where: str) -> Iterator[Problem]:
    numbers = [level.level_id for level in levels]
    if not levels or numbers != list(range(1, len(levels) + 1)):
        yield Problem(
            rule="level_numbers",
            where=where,
            what=f"levels are numbered {', '.join(map(str, numbers)) or 'not at all'}",
            fix="Number them 1, 2, 3 and so on, each number once, without a gap.",
        )
    falling = [
        f"level {upper.level_id} starts at {upper.min_compensation}, level {lower.level_id} at {lower.min_compensation}"
        for lower, upper in pairwise(levels)
        if upper.min_compensation <= lower.min_compensation
    ]
    if falling:
        yield Problem(
            rule="level_minimums",
            where=where,
            what="a level's min_compensation is not above that of the level below",
            fix="Make every min_compensation larger than the one before; ranges may overlap.",
            count=len(falling),
            sample=tuple(falling[:5]),
        )
