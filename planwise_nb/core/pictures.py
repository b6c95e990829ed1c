"""Pictures of charts: Vega-Lite specifications drawn as SVG, without the network."""

from __future__ import annotations

import hashlib
import re
from typing import Any

SPECIFICATION = "application/vnd.vegalite.v5+json"
PICTURE = "image/svg+xml"

VEGA_LITE_VERSION = "5.8"

_SVG_ID = re.compile(r'(\bid="|url\(#|href="#)((?:clip|gradient)_?\d+)\b')


def svg(specification: dict[str, Any]) -> str:
    """The chart as a self-contained SVG element: equal charts give equal text, and its ids are its own."""
    import vl_convert  # noqa: PLC0415 - starts a JavaScript machine

    drawn: str = vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE_VERSION, allowed_base_urls=[])
    # the converter numbers its clip paths on and on: two pictures in one page must not share them, nor a rerun differ
    found = dict.fromkeys(match[2] for match in _SVG_ID.finditer(drawn))
    numbered = {name: f"clip{number}" for number, name in enumerate(found)}
    plain = _SVG_ID.sub(lambda match: match[1] + numbered[match[2]], drawn)
    digest = hashlib.sha256(plain.encode()).hexdigest()[:10]
    return _SVG_ID.sub(lambda match: f"{match[1]}c{digest}-{match[2]}", plain)
