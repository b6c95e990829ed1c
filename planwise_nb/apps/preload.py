"""What notebooks need, imported and prepared by the parent of kernels before it forks one.

No step needs dbt: it runs the SQL that dbt has compiled. For other notebooks the parent imports dbt later.
"""

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module

from planwise_nb.core.forkserver import Prepared
from planwise_nb.core.imports import quick_imports
from planwise_nb.workforce.dbt_project import compiled_beside

PARTS_OF_DBT = (
    "mashumaro.jsonschema",
    "dbt.node_types",
    "dbt.adapters.factory",
    "networkx",
    "dbt.artifacts.schemas.run",
    "dbt.config",
    "dbt.parser.manifest",
    "dbt.cli.main",
)
"""What makes up dbt, each after those that it needs: so many that none takes long."""


def preload() -> Prepared:
    """Leave this process as every notebook should find it."""
    with compiled_beside(), quick_imports():
        _import()
    return Prepared(left=_import_dbt(), warm=_warm)


def _import_dbt() -> Iterator[None]:
    for name in PARTS_OF_DBT:
        with suppress(Exception), quick_imports():  # who needs it is told why it cannot be imported
            import_module(name)
        yield


def _import() -> None:
    import altair  # noqa: F401, PLC0415 - another process compiles the models meanwhile
    import ipykernel.debugger  # noqa: F401, PLC0415 - every kernel imports these when it starts
    import IPython.core.completerlib  # noqa: PLC0415
    import IPython.core.debugger  # noqa: PLC0415
    import IPython.core.magics.extension  # noqa: PLC0415
    import IPython.core.oinspect  # noqa: PLC0415
    import IPython.extensions.storemagic  # noqa: F401, PLC0415
    import ipywidgets  # noqa: F401, PLC0415
    import pandas  # noqa: PLC0415
    import sql.magic  # noqa: F401, PLC0415
    import tornado.platform.asyncio  # noqa: PLC0415
    import tornado.queues  # noqa: F401, PLC0415
    import wcwidth  # noqa: F401, PLC0415 - jupysql measures its tables with it

    from planwise_nb.core import display  # noqa: PLC0415
    from planwise_nb.workforce import notebook, results_workbook, summary  # noqa: F401, PLC0415

    # outside a kernel, pandas takes this process for a terminal and would fit its tables to the width of that
    pandas.set_option("display.max_columns", 20)
    pandas.DataFrame().to_html()  # the first table imports what draws it
    display.note("warm").to_dict()  # the first chart reads the whole schema of charts


def _warm() -> None:
    """Do what the cells of a step do first, so that none of them is slowed by being the first."""
    from planwise_nb.core import display, store  # noqa: PLC0415

    with store.connect() as connection:
        rows = connection.execute("select 1 as rehearsed").df()
    rows.to_html()
    display.table(rows)
    display.note("rehearsed").to_dict()
