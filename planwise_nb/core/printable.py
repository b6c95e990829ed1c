"""Makes text from outside safe to print: what a terminal would obey, or cannot show, is written out."""

from __future__ import annotations

LONGEST = 60


def inert(text: str, keep: str = "") -> str:
    """``text`` with its control characters, but those of ``keep``, written out as Python writes them."""
    return "".join(sign if sign.isprintable() or sign in keep else repr(sign)[1:-1] for sign in text)


def printable(value: object, longest: int = LONGEST) -> str:
    """``value`` as one line of text without control characters, its middle left out where it is over ``longest``
    characters; letters of every language stay.
    """
    text = inert(str(value))
    if len(text) <= longest:
        return text
    tail = longest // 3
    return f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"
