"""What notebooks need, imported and prepared by the parent of kernels before it forks one."""

import logging

import altair  # noqa: F401
import IPython.core.completer  # noqa: F401
import ipywidgets  # noqa: F401
import pandas
import sql.magic  # noqa: F401

from planwise_nb.core import display
from planwise_nb.workforce import dbt_project, notebook, results_workbook, summary  # noqa: F401


def preload() -> None:
    """Leave this process as every notebook should find it."""
    # outside a kernel, pandas takes this process for a terminal and would fit its tables to the width of that
    pandas.set_option("display.max_columns", 20)
    display.note("warm").to_dict()  # the first chart reads the whole schema of charts
    dbt_project.parse_ahead()
    logging.getLogger().handlers.clear()  # dbt's, which would speak in every notebook
