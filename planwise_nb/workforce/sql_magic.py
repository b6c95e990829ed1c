"""``%%sql`` on a run's tables, by jupysql: errors raise, results are data frames, nothing is sent anywhere."""

from __future__ import annotations

import os
import warnings
from typing import Any

import duckdb
from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.getipython import get_ipython
from IPython.utils.capture import capture_output

SETTINGS = {
    "short_errors": False,
    "displaycon": False,
    "feedback": 0,
    "autopandas": True,
    "named_parameters": "disabled",
}


KEYWORDS = (
    *("select", "from", "where", "group by all", "order by all", "order by", "limit", "inner join", "left join"),
    *("using", "count(*)", "distinct", "between", "case", "when", "then", "else", "end", "filter", "having", "with"),
)


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
    if complete not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(complete)


@context_matcher()  # type: ignore[untyped-decorator]
def complete(context: CompletionContext) -> SimpleMatcherResult:
    """In a ``%%sql`` cell: the run's tables, their columns and the commonest keywords; elsewhere nothing.

    After ``table.`` the columns of that table only.
    """
    shell: Any = get_ipython()
    if not context.full_text.lstrip().startswith("%%sql"):
        return SimpleMatcherResult(completions=[])
    tables, columns = _names(shell.user_ns["_run_tables"])
    table, dot, begun = context.token.rpartition(".")
    words = (
        {name: "column" for _, name in columns} | dict.fromkeys(tables, "table") | dict.fromkeys(KEYWORDS, "keyword")
    )
    if dot:
        words = {name: "column" for its, name in columns if its == table}
    found = [
        SimpleCompletion(text=f"{table}{dot}{word}", type=kind)
        for word, kind in sorted(words.items(), key=lambda pair: (pair[1] != "table", pair))
        if word.startswith(begun.lower())
    ]
    return SimpleMatcherResult(completions=found, suppress=True)


def _names(connection: duckdb.DuckDBPyConnection) -> tuple[list[str], list[tuple[str, str]]]:
    """The tables of a run, and each with its columns; none where the notebook has let go of them."""
    query = """
        select table_name, column_name from duckdb_columns()
        where schema_name = 'main' and not internal order by all
    """
    try:
        columns = connection.execute(query).fetchall()
    except duckdb.ConnectionException:
        return [], []
    return list(dict.fromkeys(table for table, _ in columns)), columns
