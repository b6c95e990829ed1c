"""The names that a notebook of the workforce pipeline imports."""

from planwise_nb.workforce import charts, inspect, landing
from planwise_nb.workforce.step import open_step

__all__ = ["charts", "inspect", "landing", "open_step"]
