"""The scenario: what a planner may say about the years to come, section by section, each figure with unit and range.

The defaults of the fields are the project's defaults; a scenario file states only what differs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from planwise_nb.workforce.figures import ByLevel, Section, Shares, faulty, figure, plain

SCENARIO_NAME = r"^[a-z0-9_-]{1,64}$"
"""What the name of a scenario looks like."""

PART = {"part": True}
"""Validation context of a part of a scenario: rules over several keys wait until the parts are merged."""

MAX_YEARS = 100

MAX_SEED = 2**63 - 1


class Simulation(Section):
    """Which years are simulated, with which luck, and how fast the headcount grows."""

    start_year: int = figure(2025, "first simulated year", unit="year", minimum="1900", maximum="2200", whole=True)
    end_year: int = figure(2029, "last simulated year", unit="year", minimum="1900", maximum="2200", whole=True)
    random_seed: int = figure(42, "seed of every draw", unit="seed", minimum="0", maximum=str(MAX_SEED), whole=True)
    target_growth_rate: Decimal = figure(
        Decimal("0.03"), "growth of headcount", unit="share of headcount, a year", minimum="-1", maximum="2"
    )

    @model_validator(mode="after")
    def _years_are_in_order(self, info: ValidationInfo) -> Self:
        if info.context == PART or 0 <= self.end_year - self.start_year < MAX_YEARS:
            return self
        allowed = f"from {self.start_year} to {self.start_year + MAX_YEARS - 1}, at most {MAX_YEARS} years"
        raise faulty(("end_year", f"is {self.end_year}: with start_year {self.start_year} it must be {allowed}"))


class Workforce(Section):
    """How many people leave."""

    total_termination_rate: Decimal = figure(
        Decimal("0.12"), "exits of experienced people", unit="share of opening headcount", minimum="0", maximum="1"
    )
    new_hire_termination_rate: Decimal = figure(
        Decimal("0.25"), "hires who leave in their first year", unit="share of hires", minimum="0", maximum="0.99"
    )


class Compensation(Section):
    """How pay moves: cost of living, merit and promotion."""

    cola_rate: ByLevel = figure(
        {"all": Decimal("0.025")},
        "cost-of-living raise",
        unit="share of pay, a year",
        minimum="0",
        maximum="0.5",
        keys="levels",
    )
    merit_budget: Decimal = figure(
        Decimal("0.04"),
        "merit raise of every level for which neither merit_base nor a lever row says otherwise",
        unit="share of pay, a year",
        minimum="0",
        maximum="0.5",
    )
    merit_base: ByLevel | None = figure(
        None, "merit raise", unit="share of pay, a year", minimum="0", maximum="0.5", keys="levels"
    )
    promotion_probability: ByLevel | None = figure(
        None,
        "chance of promotion before age and tenure; not given: from the hazard",
        unit="probability, a year",
        minimum="0",
        maximum="1",
        keys="levels",
    )
    promotion_raise: ByLevel = figure(
        {"all": Decimal("0.12")},
        "raise on a promotion from the level",
        unit="share of pay",
        minimum="0",
        maximum="1",
        keys="levels",
    )


class Hiring(Section):
    """Who is hired and for what pay."""

    level_mix: Shares = figure(
        {1: Decimal("0.4"), 2: Decimal("0.3"), 3: Decimal("0.2"), 4: Decimal("0.08"), 5: Decimal("0.02")},
        "hires by job level",
        unit="share of hires",
        minimum="0",
        maximum="1",
        keys="level shares",
    )
    ages: Shares = figure(
        {
            22: Decimal("0.05"),
            25: Decimal("0.15"),
            28: Decimal("0.2"),
            32: Decimal("0.25"),
            35: Decimal("0.15"),
            40: Decimal("0.1"),
            45: Decimal("0.08"),
            50: Decimal("0.02"),
        },
        "hires by age",
        unit="share of hires",
        minimum="0",
        maximum="1",
        keys="age shares",
    )
    new_hire_salary_adjustment: ByLevel = figure(
        {"all": Decimal(1)},
        "pay of a hire against the middle of the level's range",
        unit="factor",
        minimum="0.1",
        maximum="5",
        keys="levels",
    )
    compensation_variance: Decimal = figure(
        Decimal("0.1"),
        "pay of a hire is drawn within this, up or down",
        unit="share of pay",
        minimum="0",
        maximum="0.9",
    )

    @model_validator(mode="after")
    def _shares_add_up(self, info: ValidationInfo) -> Self:
        sums = {"level_mix": sum(self.level_mix.values()), "ages": sum(self.ages.values())}
        wrong = [(key, f"adds up to {plain(Decimal(total))}, not to 1") for key, total in sums.items() if total != 1]
        if wrong and info.context != PART:
            raise faulty(*wrong)
        return self


class Validation(Section):
    """How far events may be from the requirements."""

    tolerance_percent: Decimal = figure(
        Decimal(5), "largest distance of events from requirements", unit="percent", minimum="0", maximum="100"
    )


class Census(Section):
    """Where the people of today come from; the command line's options beat this."""

    file: str | None = Field(
        None, min_length=1, description="census file; a relative path starts at this scenario's file"
    )
    map: str | None = Field(None, pattern=SCENARIO_NAME, description="name of the census mapping")
    date: dt.date | None = Field(None, description="day of the census as YYYY-MM-DD")
    mask_ssn: bool = Field(True, description="keep only the last four digits of social security numbers")


class Scenario(Section):
    """A whole scenario; ``extends`` names the scenario that it differs from."""

    description: str = Field("", description="what the scenario is about, for people")
    author: str = Field("", description="who made the scenario; no part of any result")
    created_at: dt.date | dt.datetime | None = Field(None, description="when it was made, as YYYY-MM-DD or with a time")
    changed_by: str = Field("", description="who changed the scenario last; no part of any result")
    changed_at: dt.date | dt.datetime | None = Field(None, description="when it was changed last")
    status: Literal["draft", "published"] = Field(
        "draft", description="whether it is still worked on; a published one is neither replaced nor deleted"
    )
    extends: str | None = Field(
        None, pattern=SCENARIO_NAME, description="name of the scenario that this one differs from"
    )
    simulation: Simulation = Simulation()
    workforce: Workforce = Workforce()
    compensation: Compensation = Compensation()
    hiring: Hiring = Hiring()
    validation: Validation = Validation()
    census: Census = Census()


ABOUT = {"author", "created_at", "changed_by", "changed_at", "status"}
"""What a scenario says of itself and no result depends on."""

SECTIONS: Mapping[str, type[Section]] = {
    name: field.annotation
    for name, field in Scenario.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}
"""The sections of a scenario by name."""
