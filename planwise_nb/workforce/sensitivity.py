"""The sensitivity of a metric: each lever one step down and one step up, all simulated in one pass."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.workforce.choices import chosen
from planwise_nb.workforce.drafts import Cell, all_parameters
from planwise_nb.workforce.figures import typed_number
from planwise_nb.workforce.inputs import WorkforceInputs
from planwise_nb.workforce.metrics import metrics
from planwise_nb.workforce.outlook import planned_parameters
from planwise_nb.workforce.trials import Variant, simulated

POINT, FACTOR = Decimal("0.01"), Decimal("0.05")
TODAY = "today"

_MOVES = """
    create table moves as
    select
        steps.place,
        steps.lever,
        case when $by_level then planned.level_id end as level_id,
        planned.level_id as cell_level,
        planned.simulation_year,
        planned.is_locked,
        cast(planned.parameter_value as decimal(9, 6)) as today,
        cast(greatest(today - steps.step, steps.minimum) as decimal(9, 6)) as down,
        cast(least(today + steps.step, steps.maximum) as decimal(9, 6)) as up,
        today - steps.step < steps.minimum as is_down_cut,
        today + steps.step > steps.maximum as is_up_cut,
        min(today) over cells = max(today) over cells and not bool_or(is_locked) over cells as is_of_all_years,
        format('{}.{}', steps.lever, coalesce(case when $by_level then planned.level_id end, 0)) as name,
    from planned
    inner join steps on planned.parameter_name = steps.lever
    window cells as (partition by steps.lever, planned.level_id)
    order by steps.place, cell_level, planned.simulation_year
"""
_STEPPED = """
    select distinct
        format('{}~{}', name, direction) as variant,
        lever,
        case when not is_of_all_years then simulation_year end as fiscal_year,
        cell_level,
        value,
    from (unpivot moves on down, up into name direction value value)
    where not is_locked
    order by all
"""
_EFFECTS = """
    with measured as (
        select scenario_id, {metric} as metric from fct_year_metrics where simulation_year = $year
    ),

    levers as (
        select
            place, lever, level_id, name,
            min(today) as today_lowest, max(today) as today_highest,
            min(down) filter (not is_locked) as down_lowest, max(down) filter (not is_locked) as down_highest,
            min(up) filter (not is_locked) as up_lowest, max(up) filter (not is_locked) as up_highest,
            bool_or(is_down_cut and not is_locked) as is_down_cut,
            bool_or(is_up_cut and not is_locked) as is_up_cut,
            bool_and(is_locked) as is_locked,
            bool_or(is_locked) as is_partly_locked,
        from moves
        group by all
    ),

    effects as (
        select
            levers.* exclude (place, name),
            down.metric as metric_down,
            base.metric as metric_today,
            up.metric as metric_up,
            down.metric - base.metric as change_down,
            up.metric - base.metric as change_up,
            case
                when change_down + change_up is not null
                    then greatest(change_down, 0, change_up) - least(change_down, 0, change_up)
            end as swing,
        from levers
        inner join measured as base on base.scenario_id = $today
        left join measured as down on down.scenario_id = format('{{}}~down', levers.name)
        left join measured as up on up.scenario_id = format('{{}}~up', levers.name)
    )

    from effects
    order by swing desc nulls last, lever, level_id
"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a scenario: the effect on ``metric`` of ``year``, the last simulated one where it is None.

    ``levers``: these only; none: all. ``steps``: a lever's step in its own unit, where it is not the usual one.
    ``by_level``: each level of a lever moves on its own, else all levels together.
    """

    metric: str = "payroll"
    year: int | None = None
    levers: tuple[str, ...] = ()
    steps: Mapping[str, Decimal] = field(default_factory=dict)
    by_level: bool = False

    @classmethod
    def read(
        cls,
        metric: str = "payroll",
        year: int | None = None,
        levers: Sequence[str] = (),
        steps: Sequence[str] = (),
        by_level: bool = False,
    ) -> Question:
        """The question as people type it; ``steps`` are ``lever=size`` items.

        Raises ``InputError`` for what is no metric, no lever, or no step, and for a step of a lever that is not moved.
        """
        known = [parameter.name for parameter in all_parameters()]
        sizes = dict(named := [_step(item, known) for item in steps])
        if len(sizes) < len(named):
            raise InputError("--step: a lever has two steps.", fix="Give the step of each lever once.")
        asked = tuple(dict.fromkeys(chosen("lever", name, known) for name in levers))
        if asked and (unmoved := sizes.keys() - set(asked)):
            name = min(unmoved)
            raise InputError(f"--step {name}: this lever is not moved.", fix=f"Add --lever {name}, or leave it out.")
        return cls(metric=chosen("metric", metric, metrics()), year=year, levers=asked, steps=sizes, by_level=by_level)


def _step(item: str, known: Sequence[str]) -> tuple[str, Decimal]:
    name, _, text = item.partition("=")
    size = typed_number(text)
    if size is None or size <= 0:
        fix = "Write --step cola_rate=0.005, for example: more than 0, in six decimals at most."
        raise InputError(f"--step {item[:100]} is not lever=size.", fix=fix)
    return chosen("lever", name, known), size


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What one step of each lever does to a metric of a year.

    ``effects``: one row per lever, or per lever and level, the greatest swing first and locked ones last: ``lever``,
    ``level_id`` (null: all levels), the lever's lowest and highest value (by level and year) today, one step down and
    one step up in its own unit; whether a step is cut to the range; whether the lever is locked, wholly or in part; the
    metric and its change from today's for both steps; and ``swing``, how far the metric moves between them.
    """

    scenario_id: str
    metric: str
    year: int
    effects: pd.DataFrame

    @property
    def today(self) -> float:
        """The metric of the scenario as it is; NaN where it is not defined."""
        return float(self.effects["metric_today"].iloc[0])


def sensitivity(
    inputs: WorkforceInputs,
    question: Question,
    *,
    on_progress: Callable[[float, str], None] = lambda part, what: None,
) -> Sensitivity:
    """Answer ``question`` by simulating the scenario as it is, and once more for each step of each lever.

    Raises ``InputError`` for inputs of several scenarios and for a year that they do not simulate.
    """
    year = required_year(inputs, question)
    with planned_moves(inputs, question) as plans:
        variants = [Variant(TODAY, {}), *variants_of(plans.execute(_STEPPED).fetchall())]
        moves = plans.table("moves").to_arrow_table()
    with written(inputs) as folder, simulated(folder, inputs.periods, variants, on_progress=on_progress) as years:
        years.register("moves", moves)
        query = _EFFECTS.format(metric=question.metric)
        effects = years.execute(query, {"year": year, "today": TODAY}).df()
    return Sensitivity(inputs.members[0].scenario_id, question.metric, year, effects)


def required_year(inputs: WorkforceInputs, question: Question) -> int:
    """The year that is asked about. Raises ``InputError`` where the inputs do not simulate it, or several scenarios."""
    if len(inputs.members) > 1:
        raise InputError(f"These are {len(inputs.members):,} scenarios.", fix="Name one: its levers are moved.")
    year = inputs.periods[-1] if question.year is None else question.year
    if year not in inputs.periods:
        years = f"{inputs.periods[0]}-{inputs.periods[-1]}"
        raise InputError(f"{year} is not simulated, the years are {years}.", fix="Name one of them, or give --years.")
    return year


@contextmanager
def planned_moves(inputs: WorkforceInputs, question: Question) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the table ``moves``: of each lever asked about, by year and level, today's value, and one step
    down and up, held to the lever's range. Raises ``InputError`` where there is no such value.
    """
    steps = [
        (
            place,
            lever.name,
            question.steps.get(lever.name, POINT if lever.is_percent else FACTOR),
            Decimal(lever.schema["minimum"]),
            Decimal(lever.schema["maximum"]),
        )
        for place, lever in enumerate(all_parameters())
        if lever.name in (question.levers or (lever.name,))
    ]
    names = ["place", "lever", "step", "minimum", "maximum"]
    with store.connect() as connection:
        connection.register("planned", planned_parameters(inputs.members))
        connection.register("steps", pd.DataFrame(steps, columns=names))
        connection.execute(_MOVES, {"by_level": question.by_level})
        if not connection.execute("from moves limit 1").fetchone():
            raise InputError(f"No level has {' or '.join(question.levers)}.", fix="Choose another lever.")
        yield connection


def variants_of(rows: Iterable[tuple[str, str, int | None, int | None, Decimal]]) -> list[Variant]:
    """Variants from rows of their names and of a lever, year, level and value of each, in the order of the rows."""
    values: dict[str, dict[Cell, Decimal]] = {}
    for name, lever, year, level, value in rows:
        values.setdefault(name, {})[lever, year, level] = value
    return [Variant(name, cells) for name, cells in values.items()]


@contextmanager
def written(inputs: WorkforceInputs) -> Iterator[Path]:
    """A folder with what a run of ``inputs`` starts from, thrown away on leaving."""
    with tempfile.TemporaryDirectory(prefix="planwise-") as place:
        inputs.write(Path(place))
        yield Path(place)


def named(lever: str, level: object) -> str:
    """A lever as people read it, with its level where it is of one."""
    return lever if pd.isna(level) else f"{lever}, level {level}"  # type: ignore[call-overload]
