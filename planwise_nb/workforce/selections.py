"""What a person picks of a run's rows: by status, level, year and member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from planwise_nb.core.errors import InputError

STATUSES = ("continuous_active", "new_hire_active", "experienced_termination", "new_hire_termination")
"""Every ``detailed_status_code``."""


@dataclass(frozen=True)
class Selection:
    """Statuses, levels, years and members of the run; empty: all of them."""

    statuses: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    years: tuple[int, ...] = ()
    members: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, statuses: Sequence[str], levels: Sequence[str], years: Sequence[str], members: Sequence[str] = ()
    ) -> Selection:
        """A selection from texts. Raises ``InputError`` for what is no status, level or year."""
        unknown = [text for text in statuses if text not in STATUSES]
        unknown += [text for text in (*levels, *years) if not (text.isdecimal() and len(text) <= 4)]  # noqa: PLR2004
        if unknown:
            raise InputError(f"{unknown[0][:40]!r} is no status, level or year of a run.", fix="Choose from the lists.")
        return cls(tuple(statuses), tuple(map(int, levels)), tuple(map(int, years)), tuple(members))

    @property
    def condition(self) -> str:
        """The SQL of the selection on the snapshot's columns."""
        return " and ".join(self._conditions({"detailed_status_code", "level_id", "simulation_year"})) or "true"

    def of(self, rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        """The rows that are picked; what a table has no column for does not limit it."""
        if self.members and "scenario_id" in rows.columns:
            named = map(duckdb.ConstantExpression, self.members)
            rows = rows.filter(duckdb.ColumnExpression("scenario_id").isin(*named))
        conditions = " and ".join(self._conditions(set(rows.columns)))
        return rows.filter(conditions) if conditions else rows

    def _conditions(self, columns: set[str]) -> Iterator[str]:
        if self.statuses and "detailed_status_code" in columns:
            yield f"detailed_status_code in ({', '.join(repr(code) for code in self.statuses)})"
        if self.levels and "level_id" in columns:
            yield f"level_id in ({', '.join(map(str, self.levels))})"
        if self.years and "simulation_year" in columns:
            yield f"simulation_year in ({', '.join(map(str, self.years))})"
