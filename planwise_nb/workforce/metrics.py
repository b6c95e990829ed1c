"""The metrics of a year: the numbers of ``fct_year_metrics``, as the models promise them."""

from __future__ import annotations

from functools import cache

import yaml

from planwise_nb.core.project import shipped

_KEYS = {"scenario_id", "simulation_year"}
_NUMBERS = ("decimal", "bigint", "integer", "double")


@cache
def metrics() -> tuple[str, ...]:
    """The names of all columns that hold a number; a new one appears by itself."""
    promised = yaml.safe_load((shipped() / "dbt/models/marts/marts.yml").read_text(encoding="utf-8"))
    [table] = [model for model in promised["models"] if model["name"] == "fct_year_metrics"]
    columns = {column["name"]: column["data_type"] for column in table["columns"]}
    return tuple(name for name, kind in columns.items() if kind.startswith(_NUMBERS) and name not in _KEYS)
