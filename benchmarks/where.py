"""Where the time of runs went, by their executed notebooks: ``python -m benchmarks.where PICTURE RUN_FOLDER…``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert

from planwise_nb.core import display
from planwise_nb.core.manifest import read_manifest

PARTS = {
    "models": ("step.build()",),
    "tables and charts shown": ("%%sql", "charts.", "step.panel()"),
    "checks": ("step.check()",),
    "published and digested": ("step.complete()", "step.publish_year()", "step.summarise()"),
}
REST = "kernels, notebooks, records"
START = "waiting for the first kernel"
COLOURS = (display.BLUE, display.GREEN, display.ORANGE, display.VERMILLION, display.PURPLE, display.GREY)


def parts_of(folder: Path) -> dict[str, float]:
    """Seconds of each part of the run in ``folder``: by cell, and what is left of the steps and of the run."""
    manifest = read_manifest(folder)
    spent = dict.fromkeys((START, *PARTS, REST), 0.0)
    for record in manifest["steps"]:
        cells = json.loads((folder / record["notebook"]).read_text("utf-8"))["cells"]
        for cell in cells:
            seconds = cell["metadata"].get("papermill", {}).get("duration") or 0.0
            spent[_part("".join(cell["source"]))] += seconds if cell["cell_type"] == "code" else 0.0
    total = sum(record["seconds"] for record in manifest["steps"])
    first = manifest["steps"][0]
    begun = first["seconds"] - sum(
        cell["metadata"].get("papermill", {}).get("duration") or 0.0
        for cell in json.loads((folder / first["notebook"]).read_text("utf-8"))["cells"]
    )
    spent[START] = begun
    spent[REST] = total - begun - sum(spent[part] for part in PARTS)
    return spent


def _part(source: str) -> str:
    return next((part for part, signs in PARTS.items() if any(sign in source for sign in signs)), REST)


def picture(runs: dict[str, dict[str, float]]) -> bytes:
    """The parts of each run as bars of seconds, as PNG."""
    rows = pd.DataFrame(
        [
            (name, part, seconds, place)
            for name, parts in runs.items()
            for place, (part, seconds) in enumerate(parts.items())
        ],
        columns=["people", "part", "seconds", "place"],
    )
    scale = display.palette(dict(zip(next(iter(runs.values())), COLOURS, strict=True)))
    bars = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title="Seconds of five audited years"),
            y=alt.Y("people:N", title="People", sort=None),
            color=alt.Color("part:N", title=None, scale=scale),
            order="place:O",
        )
    )
    chart = display.themed(bars.properties(width=560, height=50 * len(runs)), "Where the time of a run goes")
    return bytes(vl_convert.vegalite_to_png(chart.to_dict(), scale=2))


def main() -> None:
    """Print the parts of each run, and draw them."""
    target, *folders = sys.argv[1:]
    runs = {}
    for folder in map(Path, folders):
        census = read_manifest(folder)["inputs"]["census"]
        runs[f"{census['rows']:,}"] = parts = parts_of(folder)
        print(f"{census['rows']:,} people: " + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in parts.items()))
    Path(target).write_bytes(picture(runs))


if __name__ == "__main__":
    main()
