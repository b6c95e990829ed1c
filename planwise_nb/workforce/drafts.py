"""A scenario with changes that nobody has saved yet: parameters as people read and type them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from planwise_nb.workforce.figures import figure_schema, number_in_range, plain, rounded, typed_number
from planwise_nb.workforce.levers import LEVERS
from planwise_nb.workforce.parameter_layers import PARAMETERS, ParameterLayer
from planwise_nb.workforce.parameters import ResolvedScenario
from planwise_nb.workforce.scenario import SECTIONS

Cell = tuple[str, int | None, int | None]
"""Parameter, year and level; None for a rate of every year and level."""

DRAFT = "draft"
DRAFT_LAYER = -10


@dataclass(frozen=True)
class Parameter:
    """A parameter as people meet it: its key in a scenario, and its unit and range from there."""

    name: str
    section: str

    @property
    def schema(self) -> dict[str, Any]:
        """Unit and range."""
        return figure_schema(SECTIONS[self.section].model_fields[self.name]) or {}

    @property
    def title(self) -> str:
        """What it is."""
        said = (SECTIONS[self.section].model_fields[self.name].description or self.name).partition(";")[0]
        return said[0].upper() + said[1:]

    @property
    def is_lever(self) -> bool:
        """Whether it may differ by year and level."""
        return self.name in LEVERS

    @property
    def is_percent(self) -> bool:
        """Whether people read it in percent: a share or a probability."""
        return str(self.schema["unit"]).startswith(("share", "probability"))

    @property
    def unit(self) -> str:
        """The unit that a shown value has."""
        unit = str(self.schema["unit"])
        if not self.is_percent:
            return unit
        return unit.replace("share of", "% of").replace("probability", "% chance")

    def shown(self, value: Decimal) -> str:
        """The value as people read it, without its unit."""
        return plain(value * 100 if self.is_percent else value)

    def meant(self, text: str) -> Decimal:
        """The value that a person typed, in percent with a sign or where people read it so. A ValueError says what it
        must be instead.
        """
        digits = text.strip().removesuffix("%")
        number = typed_number(digits.strip())
        is_percent = self.is_percent or digits != text.strip()
        value = None if number is None else number / 100 if is_percent else number
        try:
            if value is not None and number_in_range(value, self.schema) == rounded(value):
                return rounded(value)
        except ValueError:
            pass
        ends = [self.shown(Decimal(self.schema[end])) for end in ("minimum", "maximum")]
        places = 4 if self.is_percent else 6
        raise ValueError(f"must be a number from {ends[0]} to {ends[1]} with at most {places} decimals ({self.unit})")


def all_parameters() -> Iterator[Parameter]:
    """Every parameter that a scenario may state, the levers first; a new one appears by itself."""
    named = [Parameter(name, section) for (section, key), name in PARAMETERS.items() if key == name]
    yield from sorted(named, key=lambda parameter: not parameter.is_lever)


@dataclass(frozen=True)
class Draft:
    """A scenario with ``changes`` laid over it, each a value in its own unit (shares of one, factors)."""

    base: ResolvedScenario
    changes: Mapping[Cell, Decimal] = field(default_factory=dict)

    def member(self) -> ResolvedScenario:
        """The draft beside its base, as second member of one calculation."""
        return replace(laid_over(self.base, self.changes, DRAFT), member_number=2)


def laid_over(base: ResolvedScenario, changes: Mapping[Cell, Decimal], name: str) -> ResolvedScenario:
    """The scenario ``name``: ``base`` with ``changes`` laid over all that it says, which come from ``name`` too."""
    layers = [
        ParameterLayer(
            layer=DRAFT_LAYER,
            parameter_name=parameter,
            fiscal_year=year,
            job_level=level,
            parameter_value=value,
            parameter_source=name.rpartition("~")[2],
            is_locked=False,
            where=name,
        )
        for (parameter, year, level), value in changes.items()
    ]
    return replace(base, scenario_id=name, layers=(*layers, *base.layers))
