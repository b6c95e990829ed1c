"""What a person asks of a tuning, checked before anything is simulated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import write_json
from planwise_nb.workforce.inputs import WorkforceInputs
from planwise_nb.workforce.outlook import planned_parameters
from planwise_nb.workforce.tuning.movable import STRATEGIES, Bounds, movables, read_bounds, read_locks
from planwise_nb.workforce.tuning.targets import Target, read_target_file, read_targets

REQUEST = Path("inputs/tuning_request.json")
MOST_ITERATIONS = 100


@dataclass(frozen=True, kw_only=True)
class TuningRequest:
    """What a person asks of a search: the targets, at most how many iterations, and how levers may move."""

    targets: tuple[Target, ...]
    years: tuple[int, ...]
    iterations: int = 10
    strategy: str = "balanced"
    bounds: Bounds
    locks: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise ``InputError`` for a strategy that is none, and for a number of iterations that cannot be."""
        if self.strategy not in STRATEGIES:
            raise InputError(f"There is no strategy {self.strategy[:60]}.", fix=f"Choose from {', '.join(STRATEGIES)}.")
        if not 1 <= self.iterations <= MOST_ITERATIONS:
            raise InputError(
                f"--max-iterations {self.iterations} is not from 1 to {MOST_ITERATIONS}.", fix="Give 10, for example."
            )
        if not self.targets:
            raise InputError("There is no target.", fix="Give one: --target growth=0.02")

    def write(self, folder: Path) -> None:
        """Write the request beside the inputs in ``folder``."""
        write_json(folder / REQUEST, json.loads(json.dumps(asdict(self), default=str)))

    @classmethod
    def read(cls, folder: Path) -> TuningRequest:
        """The request that lies beside the inputs in ``folder``."""
        said = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
        decimals = {"value", "tolerance"}
        targets = [
            Target(**{key: Decimal(value) if key in decimals else value for key, value in target.items()} | {
                "years": tuple(target["years"])
            })
            for target in said.pop("targets")
        ]  # fmt: skip
        bounds = {name: (Decimal(lowest), Decimal(highest)) for name, (lowest, highest) in said.pop("bounds").items()}
        years, locks = tuple(said.pop("years")), tuple(said.pop("locks"))
        return cls(targets=tuple(targets), bounds=bounds, years=years, locks=locks, **said)


def read_request(
    inputs: WorkforceInputs,
    targets: Sequence[str],
    *,
    target_file: Path | None = None,
    tolerance: Decimal = Decimal("0.001"),
    iterations: int = 10,
    strategy: str = "balanced",
    bounds: Sequence[str] = (),
    locks: Sequence[str] = (),
) -> TuningRequest:
    """What a person typed, for the scenario of ``inputs``. Raises ``InputError`` for what cannot be used."""
    if len(inputs.members) > 1:
        raise InputError("One scenario is tuned at a time.", fix="Name one scenario.")
    if not (tolerance.is_finite() and 0 < tolerance < 1):
        raise InputError(f"--tolerance {tolerance} is not between 0 and 1.", fix="Give 0.001, for example.")
    scenario = inputs.members[0]
    levels = max(level.level_id for level in scenario.tables.job_levels)
    found = read_targets(targets, tolerance, years=inputs.periods, levels=levels)
    if target_file is not None:
        found += read_target_file(target_file, scenario.scenario_id, years=inputs.periods, levels=levels)
    aimed = Counter((target.metric, target.years) for target in found)
    if twice := [metric for (metric, _), count in aimed.items() if count > 1]:
        what = f"There are two targets for {', '.join(dict.fromkeys(twice))} in the same years."
        raise InputError(what, fix="Give one of them; for a corridor its middle, and half its width as --tolerance.")
    request = TuningRequest(
        targets=found,
        years=inputs.periods,
        iterations=iterations,
        strategy=strategy,
        bounds=read_bounds(bounds),
        locks=read_locks(locks, levels),
    )
    request.check()
    movables(planned_parameters(inputs.members), STRATEGIES[strategy], request.bounds, request.locks)
    return request
