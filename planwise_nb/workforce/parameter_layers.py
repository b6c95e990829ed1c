"""Parameter layers: every statement of a parameter as one row of facts with a rank.

A parameter may be stated in many places; which statement holds for a year and a level is decided in SQL, by the
lowest rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from planwise_nb.core.errors import Problem
from planwise_nb.workforce.csv_tables import SAMPLE
from planwise_nb.workforce.job_levels import JobLevel
from planwise_nb.workforce.levers import LeverRow
from planwise_nb.workforce.scenario import Scenario
from planwise_nb.workforce.scenario_parts import stated_figures

PARAMETERS = {
    ("compensation", "merit_base"): "merit_base",
    ("compensation", "merit_budget"): "merit_base",
    ("compensation", "cola_rate"): "cola_rate",
    ("compensation", "promotion_probability"): "promotion_probability",
    ("compensation", "promotion_raise"): "promotion_raise",
    ("hiring", "new_hire_salary_adjustment"): "new_hire_salary_adjustment",
    ("workforce", "total_termination_rate"): "total_termination_rate",
    ("workforce", "new_hire_termination_rate"): "new_hire_termination_rate",
    ("simulation", "target_growth_rate"): "target_growth_rate",
}
"""The parameters that differ by year and level, or might, by section and key of the scenario."""
_RANKS_A_LAYER = 10
_RANK = {"year and level": 0, "year": 1, "level": 2, "all": 3, "budget": 4}


@dataclass(frozen=True, kw_only=True)
class ParameterLayer:
    """One statement of a parameter's value; year or level is None for all; the lowest ``layer`` wins.

    ``parameter_source`` is ``set``, ``levers:NAME``, ``yaml:NAME`` or ``default``; ``where`` is the place, for people.
    """

    layer: int
    parameter_name: str
    fiscal_year: int | None
    job_level: int | None
    parameter_value: Decimal
    parameter_source: str
    is_locked: bool
    where: str


def part_layers(part: Scenario, rank: int, source: str, where: str) -> Iterator[ParameterLayer]:
    """What ``part`` states of the parameters, as rows of the layer number ``rank``."""
    for section, key, value in stated_figures(part):
        name = PARAMETERS.get((section, key))
        if name is None or value is None:
            continue
        for level, rate in (value if isinstance(value, dict) else {"all": value}).items():
            specificity = "budget" if key == "merit_budget" else "all" if level == "all" else "level"
            yield ParameterLayer(
                layer=rank * _RANKS_A_LAYER + _RANK[specificity],
                parameter_name=name,
                fiscal_year=None,
                job_level=None if level == "all" else level,
                parameter_value=rate,
                parameter_source=source,
                is_locked=False,
                where=f"{where} {section}.{key}" + ("" if level == "all" else f".{level}"),
            )


def lever_layers(rows: Iterable[LeverRow], rank: int, source: str) -> Iterator[ParameterLayer]:
    """Lever rows of one scenario, as rows of the layer number ``rank``."""
    for row in rows:
        named = [word for word, value in (("year", row.fiscal_year), ("level", row.job_level)) if value is not None]
        yield ParameterLayer(
            layer=rank * _RANKS_A_LAYER + _RANK[" and ".join(named) or "all"],
            parameter_name=row.parameter_name,
            fiscal_year=row.fiscal_year,
            job_level=row.job_level,
            parameter_value=row.parameter_value,
            parameter_source=source,
            is_locked=row.is_locked,
            where=row.where,
        )


def level_problems(layers: Iterable[ParameterLayer], levels: Sequence[JobLevel]) -> Iterator[Problem]:
    """Levels that ``layers`` name and ``levels`` lack, and promotions from the top level."""
    top = len(levels)
    wrong: dict[tuple[str, int, str], list[str]] = {}
    for row in layers:
        if row.job_level is None:
            continue
        if row.job_level > top:
            what = f"level {row.job_level} does not exist, levels are 1 to {top}"
        elif row.job_level == top and row.parameter_name.startswith("promotion_"):
            what = f"level {top} is the top, there is no level above it"
        else:
            continue
        wrong.setdefault((row.parameter_name, row.job_level, what), []).append(row.where)
    for (name, level, what), places in wrong.items():
        yield Problem(
            rule="job_level",
            where=places[0],
            what=f"{name}: {what}",
            fix=f"Remove {name} of level {level}, or give job_levels.csv that level.",
            count=len(places),
            sample=tuple(places[:SAMPLE]) if len(places) > 1 else (),
        )


def mix_problems(scenario: Scenario, levels: Sequence[JobLevel], place: str = "") -> Iterator[Problem]:
    """Levels that the mix of hires names and ``levels`` lack; ``place`` states the mix."""
    for level in sorted(scenario.hiring.level_mix):
        if level > len(levels):
            yield Problem(
                rule="job_level",
                where=place or f"hiring.level_mix.{level}",
                what=f"hiring.level_mix: level {level} does not exist, levels are 1 to {len(levels)}",
                fix=f"State hiring.level_mix for levels 1 to {len(levels)} in the scenario, adding up to 1.",
            )
