"""How much of a difference between two scenarios is luck: with one seed for both, and with a seed for each."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from planwise_nb.core.project import Project, shipped
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.trials import simulated

STEPS = {
    "cola_rate": "compensation.cola_rate=0.03",
    "merit_base of level 3": "compensation.merit_base.3=0.045",
    "promotion_probability of level 2": "compensation.promotion_probability.2=0.095",
    "new_hire_salary_adjustment": "hiring.new_hire_salary_adjustment=1.05",
    "total_termination_rate": "workforce.total_termination_rate=0.13",
}
"""A lever of baseline one step on."""

VARIANCES = """
    with measured as (
        select
            split_part(scenario_id, '~seed=', 1) as scenario,
            split_part(scenario_id, '~seed=', 2) as seed,
            unnest(['payroll', 'average_compensation']) as metric,
            unnest([payroll, average_compensation])::double as value,
        from fct_year_metrics
        where simulation_year = (select max(simulation_year) from fct_year_metrics)
    )
    select
        changed.scenario,
        metric,
        avg(changed.value - base.value) filter (changed.seed = base.seed) as difference,
        var_samp(changed.value - base.value) filter (changed.seed = base.seed) as with_one_seed,
        var_samp(changed.value - base.value) filter (changed.seed != base.seed) as with_two_seeds,
    from measured as changed
    inner join measured as base using (metric)
    where base.scenario = 'baseline' and changed.scenario != 'baseline'
    group by all
    order by list_position(?, any_value(changed.scenario)), metric desc
"""


@dataclass(frozen=True)
class Luck:
    """Of the last year's ``metric``: what a lever one step on adds to it, on average over the seeds, and the variances
    of that, with one seed for both scenarios and over all pairs of different seeds.
    """

    lever: str
    metric: str
    difference: float
    with_one_seed: float
    with_two_seeds: float

    @property
    def ratio(self) -> float:
        """How many times lower the variance is with one seed for both."""
        return self.with_two_seeds / self.with_one_seed


def measured_luck(census: Path, seeds: int, years: tuple[int, int]) -> Iterator[Luck]:
    """Baseline and each step under so many seeds, all in one pass."""
    requests = {"baseline": (), **{lever: (setting,) for lever, setting in STEPS.items()}}
    found = {
        name: resolve(Project(shipped()), Request(seeds=seeds, years=years, census=census, settings=settings))
        for name, settings in requests.items()
    }
    members = [
        replace(member, scenario_id=member.scenario_id.replace("baseline", name, 1), ensemble_id=name)
        for name, inputs in found.items()
        for member in inputs.members
    ]
    numbered = tuple(replace(member, member_number=number) for number, member in enumerate(members, start=1))
    with tempfile.TemporaryDirectory(prefix="planwise-") as place:
        inputs = replace(found["baseline"], members=numbered)
        inputs.write(Path(place))
        with simulated(Path(place), inputs.periods) as connection:
            rows = connection.execute(VARIANCES, [list(STEPS)]).fetchall()
    yield from (Luck(*row) for row in rows)
