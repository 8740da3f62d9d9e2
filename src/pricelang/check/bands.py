"""Bands of a quantity: what is written (`up to 10K`, `above 10K`) into edges that meet; gaps and overlaps found."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from fractions import Fraction

from pricelang.core.program import KeyBand
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.number import decimal_text
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.units import Unit

_FORMS = (
    ("up_to", re.compile(r"up to (.+)$", re.I)),
    ("at_most", re.compile(r"at most (.+)$", re.I)),
    ("below", re.compile(r"below (.+)$", re.I)),
    ("above_to", re.compile(r"above (.+?) up to (.+)$", re.I)),
    ("above", re.compile(r"above (.+)$", re.I)),
    ("from_below", re.compile(r"from (.+?) below (.+)$", re.I)),
    ("from_to", re.compile(r"from (.+?) up to (.+)$", re.I)),
    ("from", re.compile(r"(?:from|at least) (.+)$", re.I)),
)


@dataclass(frozen=True, slots=True)
class Edges:
    """A band as written: an open low edge of `up to` and `below` is where the band before ends."""

    low: Fraction | None
    low_included: bool
    high: Fraction | None
    high_included: bool
    place: Place


def band_words(text: str) -> tuple[str | None, bool, str | None, bool] | None:
    """A band's words cut into its edges, or None where the text is no band."""
    for form, pattern in _FORMS:
        match = pattern.match(text.strip())
        if match is None:
            continue
        match form:
            case "up_to" | "at_most":
                return None, False, match[1], True
            case "below":
                return None, False, match[1], False
            case "above_to":
                return match[1], False, match[2], True
            case "above":
                return match[1], False, None, False
            case "from_below":
                return match[1], True, match[2], False
            case "from_to":
                return match[1], True, match[2], True
        return match[1], True, None, False
    return None


def meet(bands: list[Edges]) -> list[Edges]:
    """Gives each open low edge the end of the band below it."""
    order = sorted(range(len(bands)), key=lambda i: _key(bands[i]))
    found = list(bands)
    before: Edges | None = None
    for index in order:
        band = found[index]
        if band.low is None and before is not None and before.high is not None:
            band = replace(band, low=before.high, low_included=not before.high_included)
            found[index] = band
        before = band
    return found


def check_bands(bands: list[Edges], findings: Findings, unit: str, open_ends: bool, gaps: bool = True) -> None:
    """Overlaps and gaps between bands; with `open_ends`, nothing may be left below the first or above the last either.

    Quantities are never negative, so a band that starts at zero leaves nothing below.
    """
    if not bands:
        return
    for band in bands:
        if (
            band.low is not None
            and band.high is not None
            and (band.low > band.high or (band.low == band.high and not (band.low_included and band.high_included)))
        ):
            findings.add(codes.BAND_OVERLAP, band.place, what=f"{_show(band.high, unit)} and less")
            return
    order = sorted(bands, key=_key)
    first, last = order[0], order[-1]
    for low, high in itertools.pairwise(order):
        edge = low.high
        if (
            edge is None
            or high.low is None
            or edge > high.low
            or (edge == high.low and low.high_included and high.low_included)
        ):
            what = _show(high.low if high.low is not None else Fraction(0), unit)
            findings.add(codes.BAND_OVERLAP, high.place, what=f"{what} and more" if edge != high.low else what)
        elif gaps and (edge < high.low or not (low.high_included or high.low_included)):
            said = (
                f"{_show(edge, unit)} to {_show(high.low, unit)}" if edge < high.low else f"exactly {_show(edge, unit)}"
            )
            findings.add(codes.BAND_GAP, high.place, what=said)
    if not open_ends:
        return
    if first.low is not None and (first.low > 0):
        findings.add(
            codes.BAND_GAP,
            first.place,
            f"add a band `up to {_show(first.low, '')}`",
            what=f"less than {_show(first.low, unit)}",
        )
    if last.high is not None:
        word = "above" if last.high_included else "at least"
        findings.add(
            codes.BAND_GAP,
            last.place,
            f"add a band `{word} {_show(last.high, '')}`",
            what=f"more than {_show(last.high, unit)}",
        )


def shown_edges(edges: Edges, unit: Unit) -> Edges:
    """Edges in the unit that people read, not in base units."""
    low = edges.low / unit.factor if edges.low is not None else None
    high = edges.high / unit.factor if edges.high is not None else None
    return replace(edges, low=low, high=high)


def as_key(edges: Edges) -> KeyBand:
    return KeyBand(edges.low, edges.low_included, edges.high, edges.high_included)


def _key(band: Edges) -> tuple[int, Fraction, int]:
    """Bands in order: by where they end, one without an end last; of those by where they begin."""
    if band.high is None:
        return 1, band.low if band.low is not None else Fraction(-1), 0
    return 0, band.high, int(band.high_included)


def _show(value: Fraction, unit: str) -> str:
    text = decimal_text(value)
    if "/" not in text and "." not in text:
        text = f"{int(value):,}"
    return f"{text} {unit}".strip()
