"""The two names that a notebook of the workforce pipeline imports."""

from planwise_nb.workforce import charts
from planwise_nb.workforce.step import open_step

__all__ = ["charts", "open_step"]
