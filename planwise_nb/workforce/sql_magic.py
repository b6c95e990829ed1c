"""``%%sql`` on a run's tables, by jupysql: errors raise, results are data frames, nothing is sent anywhere."""

from __future__ import annotations

import os
import warnings
from typing import Any

import duckdb
from IPython.core.getipython import get_ipython
from IPython.utils.capture import capture_output

SETTINGS = {
    "short_errors": False,
    "displaycon": False,
    "feedback": 0,
    "autopandas": True,
    "named_parameters": "disabled",
}


def connect(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the kernel's ``%%sql`` cells this connection. Does nothing outside of a kernel."""
    shell: Any = get_ipython()
    if shell is None:
        return
    os.environ["PLOOMBER_STATS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "sql" not in shell.extension_manager.loaded:
            with capture_output():
                shell.run_line_magic("load_ext", "sql")
        magic = shell.find_line_magic("sql").__self__
        for name, value in SETTINGS.items():
            setattr(magic, name, value)
        shell.user_ns["_run_tables"] = connection
        shell.run_line_magic("sql", "_run_tables --alias run")
