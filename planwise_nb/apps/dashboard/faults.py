"""What goes wrong, in words: a page that stays silent, or dies, helps nobody."""

from __future__ import annotations

from pathlib import Path

import duckdb

from planwise_nb.core.errors import DamagedError, InputError, PlanwiseError

DAMAGED = "See what is damaged: planwise verify RUN_ID; then put the file back, or run again."


def explained(error: Exception) -> PlanwiseError:
    """``error`` as people read it: what happened, and what to do."""
    match error:
        case PlanwiseError():
            return error
        case ProcessLookupError():
            return InputError("The process has ended already.", fix="Look at its run again.")
        case OSError():
            what = f"{Path(error.filename).name if error.filename else 'A file'} cannot be used"
            fix = "Check the folder, its permissions and the room on its disk."
            return InputError(f"{what}: {error.strerror or error}.", fix=fix)
        case duckdb.Error():
            return DamagedError(f"A table of a run cannot be read: {str(error).partition(chr(10))[0]}", fix=DAMAGED)
    return DamagedError(f"Something is not as it should be: {type(error).__name__}: {error}", fix=DAMAGED)
