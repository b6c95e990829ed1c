"""The charts of a workforce simulation: each takes a small frame and returns an Altair chart, all in one theme.

Colours are those of Okabe and Ito, told apart by the colour-blind, and by their order, shape or dash in black and
white. A frame without rows gives a note.
"""

from planwise_nb.workforce.charts.people import age_tenure, event_calendar, pay_by_level, validation
from planwise_nb.workforce.charts.years import fan, flows, growth, headcount, headcount_bridge, level_mix, payroll

__all__ = [
    "age_tenure",
    "event_calendar",
    "fan",
    "flows",
    "growth",
    "headcount",
    "headcount_bridge",
    "level_mix",
    "pay_by_level",
    "payroll",
    "validation",
]
