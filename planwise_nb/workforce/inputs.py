"""What a workforce run starts from: scenario, census, notebooks and models, all checked before anything is written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from planwise_nb.core.changes import Source
from planwise_nb.core.digests import combined_digest, file_digest, tree_digest
from planwise_nb.core.errors import InputError, Problem
from planwise_nb.core.project import Project, shipped
from planwise_nb.workforce.census import Census, check_extract, read_census
from planwise_nb.workforce.census_map import CensusMap, load_census_map
from planwise_nb.workforce.dbt_project import project_files
from planwise_nb.workforce.extracts import read_extract
from planwise_nb.workforce.members import load_members, subject_of
from planwise_nb.workforce.parameters import ResolvedScenario, write_baseline, write_parameters
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.scenario_files import read_scenario
from planwise_nb.workforce.thresholds import Threshold, read_thresholds, write_thresholds


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for; what is left out comes from the scenario.

    ``scenario``: names or paths, joined by commas; ``seeds``: an ensemble of so many members of each; ``grid``:
    ``section.key=start:stop:count`` items; ``exceeds``: ``metric=threshold`` items.
    """

    scenario: str = "baseline"
    seeds: int | None = None
    grid: Sequence[str] = ()
    exceeds: Sequence[str] = ()
    years: tuple[int, int] | None = None
    seed: int | None = None
    settings: Sequence[str] = ()
    census: Path | None = None
    census_map: str | None = None
    census_date: date | None = None
    set_aside: bool = False


@dataclass(frozen=True)
class WorkforceInputs:
    """Checked inputs of a run of one scenario or of several; ``attachments``: files that are kept beside them."""

    project: Project
    subject: str
    members: tuple[ResolvedScenario, ...]
    thresholds: tuple[Threshold, ...]
    census: Census
    census_file: Path
    census_map_file: Path | None
    warnings: tuple[Problem, ...]
    attachments: tuple[Path, ...] = ()

    @property
    def periods(self) -> tuple[int, ...]:
        """The simulated years."""
        simulation = self.members[0].scenario.simulation
        return tuple(range(simulation.start_year, simulation.end_year + 1))

    @cached_property
    def baseline(self) -> ResolvedScenario | None:
        """What the project's baseline says, to hold results against; None where it cannot be used."""
        try:
            return read_scenario("baseline", self.project.folders("params/workforce")).resolve()
        except InputError:
            return None

    @cached_property
    def digest(self) -> str:
        """A digest of the accepted census and of every parameter, seed included."""
        with tempfile.TemporaryDirectory() as draft:
            folder = Path(draft)
            self.census.write(folder)
            self._write_parameters(folder / "params")
            return combined_digest(f"{name} {digest}" for name, digest in tree_digest(folder).items())

    def describe(self) -> dict[str, Any]:
        """The inputs as the manifest says them."""
        return {
            "seeds": {member.scenario_id: member.scenario.simulation.random_seed for member in self.members},
            "inputs": {
                "census": {
                    "file": self.census_file.name,
                    "sha256": file_digest(self.census_file),
                    "map": self.census_map_file.name if self.census_map_file else None,
                    "census_date": self.census.census_date.isoformat(),
                    "rows": self.census.rows,
                    "active": self.census.active,
                    "set_aside": self.census.set_aside.num_rows,
                    "warnings": {problem.rule: problem.count for problem in self.warnings},
                },
            },
            "chain": {member.chain[0]: list(member.chain) for member in self.members},
            "settings": [item for item in self.members[0].settings if self._is_of_all(item)],
            "differences": {member.scenario_id: _told(member.differences) for member in self.members},
            "baseline": _told(self.baseline.differences) if self.baseline else None,
            "inputs_digest": self.digest,
        }

    def sources(self) -> list[Source]:
        """Every file that the run starts from; notebooks and models with their copies in the run's folder."""
        read_for = [file for member in self.members for file in member.files]
        read = dict.fromkeys([self.census_file, *([self.census_map_file] if self.census_map_file else []), *read_for])
        notebooks = [
            self.project.find(f"notebooks/{WORKFORCE.name}/{step.notebook}")
            for step in (WORKFORCE.setup, *WORKFORCE.steps, WORKFORCE.summary)
        ]
        models = shipped() / "dbt"
        return [
            *(Source(path) for path in read),
            *(Source(path, f"project/notebooks/{WORKFORCE.name}/{path.name}") for path in notebooks),
            *(Source(path, f"project/dbt/{path.relative_to(models).as_posix()}") for path in project_files(models)),
        ]

    def write(self, folder: Path) -> None:
        """Write ``inputs/``, ``params/`` and ``project/`` into the run's folder."""
        (folder / "inputs").mkdir()
        self.census.write(folder / "inputs")
        if self.census_map_file:
            shutil.copy(self.census_map_file, folder / "inputs" / "census_map.yaml")
        for path in self.attachments:
            shutil.copyfile(path, folder / "inputs" / path.name)
        self._write_parameters(folder / "params")
        if self.baseline:
            write_baseline(self.baseline, folder / "params")
        for source in self.sources():
            if source.target:
                target = folder / source.target
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source.path, target)

    def _is_of_all(self, setting: str) -> bool:
        return all(setting in member.settings for member in self.members)

    def _write_parameters(self, folder: Path) -> None:
        write_parameters(self.members, folder)
        write_thresholds(self.thresholds, folder)


def _told(differences: dict[str, Any]) -> dict[str, str]:
    """The differences as texts; the census is told on its own."""
    return {key: str(value) for key, value in differences.items() if not key.startswith("census.")}


def resolve(project: Project, request: Request) -> WorkforceInputs:
    """Read and check everything that ``request`` names. Writes nothing.

    Raises ``InputError`` with all that is wrong with the scenario, the mapping and the census.
    """
    refusals: dict[str, InputError] = {}
    members: tuple[ResolvedScenario, ...] = ()
    census_map = map_file = None
    thresholds: tuple[Threshold, ...] = ()
    with _collected(refusals, "scenario"):
        members = _members(project, request)
        thresholds = read_thresholds(request.exceeds)
    with _collected(refusals, "census mapping"):
        map_file, census_map = _census_map(project, _map_name(members, request))
    if not members or refusals:
        with _collected(refusals, "census"):
            _check_file(request, members, census_map, is_map_known="census mapping" not in refusals)
        raise _together(refusals)
    return _accepted(project, request, members, thresholds, (map_file, census_map))


def _accepted(
    project: Project,
    request: Request,
    members: tuple[ResolvedScenario, ...],
    thresholds: tuple[Threshold, ...],
    mapping: tuple[Path | None, CensusMap | None],
) -> WorkforceInputs:
    """The inputs with the census, which is held to the scenarios' years and levels."""
    map_file, census_map = mapping
    first = members[0]
    said = first.scenario.census
    file = request.census or first.census_file
    if file is None:
        raise InputError(f"Scenario {first.scenario_id} names no census.", fix="Name one with --census FILE.")
    start_year = first.scenario.simulation.start_year
    opening = date(start_year - 1, 12, 31)
    stated = {
        "--census-date": request.census_date,
        map_file: census_map.census_date if census_map else None,
        f"scenario {first.scenario_id}": said.date,
    }
    place, census_date = next(((place, day) for place, day in stated.items() if day), (None, opening))
    warnings = _check_census_date(census_date, opening, str(place))
    census = read_census(
        file,
        census_map=census_map,
        census_date=census_date,
        simulated_years=range(start_year, first.scenario.simulation.end_year + 1),
        job_levels=first.tables.job_levels,
        mask_ssn=said.mask_ssn,
        set_aside=request.set_aside,
    )
    if census_map is not None:
        members = tuple(one.with_job_levels(census.job_levels or one.tables.job_levels) for one in members)
    told = (*dict.fromkeys(warning for member in members for warning in member.warnings), *warnings, *census.warnings)
    subject = subject_of(
        [*dict.fromkeys(member.chain[0] for member in members)], seeds=request.seeds, grid=request.grid
    )
    return WorkforceInputs(project, subject, members, thresholds, census, file, map_file, told)


def _members(project: Project, request: Request) -> tuple[ResolvedScenario, ...]:
    members = load_members(
        request.scenario,
        folders=project.folders("params/workforce"),
        settings=request.settings,
        years=request.years,
        seed=request.seed,
        seeds=request.seeds,
        grid=request.grid,
    )
    _refuse_unequal(members, request)
    return members


def _refuse_unequal(members: Sequence[ResolvedScenario], request: Request) -> None:
    """Members are simulated side by side: on one census, over the same years."""
    first = members[0]
    shared: dict[str, Callable[[ResolvedScenario], object]] = {
        "the years": lambda one: (one.scenario.simulation.start_year, one.scenario.simulation.end_year),
        "census.file": lambda one: request.census or one.census_file,
        "census.map": lambda one: request.census_map or one.scenario.census.map,
        "census.date": lambda one: request.census_date or one.scenario.census.date,
        "census.mask_ssn": lambda one: one.scenario.census.mask_ssn,
        "the job levels": lambda one: one.tables.job_levels,
    }
    problems = []
    for what, value in shared.items():
        if unequal := [one.scenario_id for one in members if value(one) != value(first)]:
            others = f"{unequal[0]} and {len(unequal) - 1:,} more" if len(unequal) > 1 else unequal[0]
            fix = "Give it for all on the command line (--years, --census), or run the scenarios one by one."
            told = f"not the same as in {first.scenario_id}"
            problems.append(Problem(rule="unequal_members", where=f"{what} of {others}", what=told, fix=fix))
    if problems:
        raise InputError("The scenarios of one run share census and years.", problems)


def _map_name(members: Sequence[ResolvedScenario], request: Request) -> str | None:
    if request.census_map is not None or not members:
        return request.census_map
    return members[0].scenario.census.map


@contextmanager
def _collected(refusals: dict[str, InputError], subject: str) -> Iterator[None]:
    try:
        yield
    except InputError as refusal:
        refusals[subject] = refusal


def _check_file(
    request: Request, members: Sequence[ResolvedScenario], census_map: CensusMap | None, *, is_map_known: bool
) -> None:
    """What can be said of the census while the scenario or the mapping is refused: not of its rows."""
    file = request.census or (members[0].census_file if members else None)
    if file is None:
        return
    is_map_known = is_map_known and (bool(members) or request.census_map is not None)
    check_extract(file, census_map) if is_map_known else read_extract(file)


def _together(refusals: Mapping[str, InputError]) -> InputError:
    """One error with the problems of all."""
    if len(refusals) == 1:
        return next(iter(refusals.values()))
    problems: list[Problem] = []
    for subject, refusal in refusals.items():
        single = Problem(rule=f"{subject.replace(' ', '_')}_refused", where=subject, what=refusal.what, fix=refusal.fix)
        problems += refusal.problems or [single]
    names = " and the ".join(refusals)
    return InputError(f"The {names} cannot be used; the rows of the census are checked after that.", problems)


def _census_map(project: Project, name: str | None) -> tuple[Path | None, CensusMap | None]:
    if name is None:
        return None, None
    folders = project.folders("params/census_maps")
    census_map = load_census_map(name, folders)
    named = [folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").is_file()]
    return (named or [Path(name)])[0], census_map


def _check_census_date(census_date: date, opening: date, place: str) -> tuple[Problem, ...]:
    """A census later than the opening of the first year is refused; an earlier one is warned about."""
    years = f"--years {census_date.year + 1}-{census_date.year + 5}"
    if census_date > opening:
        raise InputError(
            f"The census date {census_date} ({place}) lies after {opening}, the opening of the first simulated year.",
            fix=f"Simulate from the year after the census ({years}), or give --census-date {opening}.",
        )
    if census_date == opening:
        return ()
    problem = Problem(
        rule="census_older_than_opening",
        where="census date",
        what=f"the census is of {census_date}, the simulation opens on {opening}: people are aged up to then",
        fix=f"to start right after the census, simulate {years}",
    )
    return (problem,)
