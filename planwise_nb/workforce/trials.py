"""Variants of a scenario, simulated side by side without notebooks: by the models of a run, in a folder thrown away."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from planwise_nb.core import store
from planwise_nb.core.digests import quoted
from planwise_nb.workforce import dbt_project, models
from planwise_nb.workforce.drafts import DRAFT_LAYER, Cell
from planwise_nb.workforce.figures import plain
from planwise_nb.workforce.parameters import COLUMNS

Progress = Callable[[float, str], None]
Build = Callable[[Sequence[int], Progress], None]
"""Builds the models of years, in the folder of a run as working directory, and tells how far it is."""

COPIED = ("inputs", "params", "project", dbt_project.COMPILED.name)
"""What a run starts from, in its folder; with the SQL of its models where it is there, so that none is made anew."""

_OTHER_COLUMNS = {"scenarios": "* replace (variant as scenario_id, variant as ensemble_id, place as member_number)"}


@dataclass(frozen=True)
class Variant:
    """A scenario by the name that its rows have as ``scenario_id``, with ``values`` laid over all that it says."""

    name: str
    values: Mapping[Cell, Decimal]


@contextmanager
def simulated(
    folder: Path,
    years: Sequence[int],
    variants: Sequence[Variant] = (),
    *,
    build: Build = models.build_years,
    on_progress: Progress = lambda part, what: None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the tables of all ``years``, simulated in one pass from what a run starts from, in ``folder``.

    ``build`` builds them. With ``variants``, they take the place of the run's members, each laid over the first of
    them; they share its draws. While the body runs, the working directory is the folder that is thrown away. Raises
    ``ModelError`` where a model fails.
    """
    source = folder.resolve()
    with tempfile.TemporaryDirectory(prefix="planwise-") as place, chdir(place):
        for name in filter(lambda name: (source / name).is_dir(), COPIED):
            shutil.copytree(source / name, name)
        if variants:
            _write_variants(source / "params", Path("params"), variants)
        build(years, on_progress)
        with store.connect(Path(store.DATABASE), read_only=True) as connection:
            yield connection


def _write_variants(source: Path, target: Path, variants: Sequence[Variant]) -> None:
    """Write the parameters of ``variants``: of each what the first member of the run has, its values before all."""
    with store.connect() as connection:
        names = [variant.name for variant in variants]
        connection.from_arrow(pa.table({"place": range(1, len(names) + 1), "variant": names})).create_view("variants")
        for table in COLUMNS:
            connection.read_csv(str(source / f"{table}.csv"), all_varchar=True, header=True).create_view("given")
            columns = _OTHER_COLUMNS.get(table, "* replace (variant as scenario_id)")
            rows = connection.sql(
                f"select {columns} from variants, given"  # noqa: S608 - the project's own names
                " where scenario_id = (select scenario_id from given limit 1) order by place"
            )
            kept = rows.project(", ".join(map(quoted, COLUMNS[table])))
            if table == "parameter_layers" and (said := _layers(connection, variants)):
                kept = kept.union(said)
            kept.write_csv(str(target / f"{table}.csv"), header=True)
            connection.execute("drop view given")


def _layers(connection: duckdb.DuckDBPyConnection, variants: Sequence[Variant]) -> duckdb.DuckDBPyRelation | None:
    """The values of the variants as rows of ``parameter_layers``."""
    rows = [
        (variant.name, str(DRAFT_LAYER), name, _text(year), _text(level), plain(value), _source(variant), "false")
        for variant in variants
        for (name, year, level), value in variant.values.items()
    ]
    if not rows:
        return None
    columns = zip(COLUMNS["parameter_layers"], zip(*rows, strict=True), strict=True)
    return connection.from_arrow(pa.table({name: pa.array(values, pa.string()) for name, values in columns}))


def _source(variant: Variant) -> str:
    return variant.name.rpartition("~")[2]


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
