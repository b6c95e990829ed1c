"""What goes wrong, in words: a page that stays silent, or dies, helps nobody."""

from __future__ import annotations

from pathlib import Path

import duckdb

from planwise_nb.core.errors import DamagedError, InputError, PlanwiseError


def explained(error: Exception) -> PlanwiseError:
    """``error`` as people read it: what happened, and what to do."""
    if isinstance(error, PlanwiseError):
        return error
    if isinstance(error, ProcessLookupError):
        return InputError("The process has ended already.", fix="Look at its run again.")
    if isinstance(error, OSError):
        file = Path(error.filename).name if error.filename else "A file"
        return InputError(
            f"{file} cannot be used: {error.strerror or error}.",
            fix="Check the folder, its permissions and the room on its disk.",
        )
    said = str(error).partition("\n")[0]
    what = f"Something is not as it should be: {type(error).__name__}: {said}"
    if isinstance(error, duckdb.Error):
        what = f"A table of a run cannot be read: {said}"
    return DamagedError(what, fix="See what is damaged: planwise verify RUN_ID; then put the file back, or run again.")
