"""What notebooks need, imported and prepared by the parent of kernels before it forks one.

dbt is not among it: a step runs the SQL that dbt has compiled.
"""

from planwise_nb.core.imports import quick_imports
from planwise_nb.workforce.dbt_project import compiled_beside


def preload() -> None:
    """Leave this process as every notebook should find it."""
    with compiled_beside(), quick_imports():
        _import()


def _import() -> None:
    import altair  # noqa: F401, PLC0415 - another process compiles the models meanwhile
    import IPython.core.completer  # noqa: F401, PLC0415
    import ipywidgets  # noqa: F401, PLC0415
    import pandas  # noqa: PLC0415
    import sql.magic  # noqa: F401, PLC0415
    import wcwidth  # noqa: F401, PLC0415 - jupysql measures its tables with it

    from planwise_nb.core import display  # noqa: PLC0415
    from planwise_nb.workforce import notebook, results_workbook, summary  # noqa: F401, PLC0415

    # outside a kernel, pandas takes this process for a terminal and would fit its tables to the width of that
    pandas.set_option("display.max_columns", 20)
    pandas.DataFrame().to_html()  # the first table imports what draws it
    display.note("warm").to_dict()  # the first chart reads the whole schema of charts
