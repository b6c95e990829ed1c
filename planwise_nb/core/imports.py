"""Imports that are quick: what nobody needs here is left out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PARSER = "rfc3987_syntax"


@contextmanager
def quick_imports() -> Iterator[None]:
    """Let jsonschema, with which notebooks and charts are checked, do without its parser of international addresses
    where the body imports it: their schemas hold no such address, and the parser takes a second to prepare itself.
    """
    if _PARSER in sys.modules:
        yield
        return
    # to import it fails meanwhile, as where it is not installed
    sys.modules[_PARSER] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.pop(_PARSER, None)
