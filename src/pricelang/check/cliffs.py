"""Price cliffs: volume bands in which using more costs less, with both quantities and both charges."""

from __future__ import annotations

import itertools
from fractions import Fraction

from pricelang.check.measures import constant_value
from pricelang.check.scope import Scope
from pricelang.check.shown import amount
from pricelang.check.shown import quantity
from pricelang.core import ops
from pricelang.core.program import CellValue
from pricelang.core.program import KeyBand
from pricelang.core.program import Layer
from pricelang.core.program import Line
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.diagnostics import codes
from pricelang.plain import dataclass
from pricelang.units import WHOLE

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Band:
    """One band with its figures. Base units."""

    low: Fraction
    high: Fraction | None
    high_included: bool
    rate: Fraction
    flat: Fraction

    def cost(self, count: Fraction) -> Fraction:
        return count * self.rate + self.flat


def find_cliffs(line: Line, scope: Scope) -> None:
    """Each step by volume whose next band takes back more than its first unit costs."""
    for step in line.steps:
        if not isinstance(step, ops.Tiers) or step.graduated:
            continue
        whole = line.unit in WHOLE or any(isinstance(one, ops.Packages | ops.RoundUp) for one in line.steps)
        sizes = [constant_value(one.size) for one in line.steps if isinstance(one, ops.RoundUp)]
        size = next((one for one in sizes if one), Fraction(1))
        for bands in _ladders(step, scope):
            pairs = (_cliff(below, above, line, whole, size) for below, above in itertools.pairwise(bands))
            found = next((pair for pair in pairs if pair is not None), None)
            if found is not None:
                (low, dear), (high, cheap) = found
                scope.findings.add(
                    codes.TIER_CLIFF,
                    step.place,
                    low=quantity(low, line.unit, line.factor),
                    dear=amount(dear, scope),
                    high=quantity(high, line.unit, line.factor),
                    cheap=amount(cheap, scope),
                )
                break


def _cliff(
    below: _Band, above: _Band, line: Line, whole: bool, size: Fraction
) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]] | None:
    """The two quantities on either side of an edge and what they cost, where the larger costs less."""
    edge = below.high
    if edge is None or below.cost(edge) <= above.cost(edge):
        return None
    steps = [size] if whole else [line.factor / 10**power for power in range(12)]
    for step in steps:
        low, high = (edge, edge + step) if below.high_included else (edge - step, edge)
        if low < 0 or (above.high is not None and high > above.high):
            continue
        if below.cost(low) > above.cost(high):
            return (low, below.cost(low)), (high, above.cost(high))
    return None


def _ladders(step: ops.Tiers, scope: Scope) -> list[list[_Band]]:
    """The bands that stand above each other: those in the line, or those of a table for each of its other keys."""
    if not isinstance(step.bands, ops.BandTable):
        bands = []
        for band in step.bands:
            rate = constant_value(band.rate) if band.rate is not None else ZERO
            flat = constant_value(band.flat) if band.flat is not None else ZERO
            if rate is None or flat is None or (band.rate is None and band.flat is None):
                return []
            bands.append(_Band(band.low, band.high, band.high_included, rate, flat))
        return [bands]
    info = scope.tables.get(step.bands.table)
    if info is None or info.table is None or info.band_key is None:
        return []
    table, index = info.table, info.band_key
    groups: dict[object, list[int]] = {}
    for number, row in enumerate(table.rows):
        groups.setdefault(tuple(part for i, part in enumerate(row.keys) if i != index), []).append(number)
    return [
        ladder
        for over in (None, *(layer for layer in table.layers if layer.when is not None))
        for rows in groups.values()
        if (ladder := _ladder(table, index, rows, over, step.bands)) is not None
    ]


def _ladder(table: Table, index: int, rows: list[int], over: Layer | None, named: ops.BandTable) -> list[_Band] | None:
    """The bands of some rows, as they are without layers, or under one of them."""
    if over is not None and not any(row in rows for row, _ in over.cells):
        return None
    bands = []
    for row in rows:
        rate = _cell(table, row, named.rate, over)
        flat = _cell(table, row, named.flat, over)
        if rate is None or flat is None:
            return None
        for part in table.rows[row].keys[index]:
            if not isinstance(part, KeyBand):
                return None
            high = part.high * named.factor if part.high is not None else None
            bands.append(_Band((part.low or ZERO) * named.factor, high, part.high_included, rate, flat))
    return sorted(bands, key=lambda band: band.low)


def _cell(table: Table, row: int, column: str | None, over: Layer | None, depth: int = 0) -> Fraction | None:
    if column is None:
        return ZERO
    value: CellValue | None = None
    if over is not None and (row, column) in over.cells:
        value = over.cells[row, column][0]
    else:
        base = [layer for layer in table.layers if layer.when is None and (row, column) in layer.cells]
        value = base[0].cells[row, column][0] if base else None
    if isinstance(value, Share) and depth < 8:
        whole = _cell(table, row, value.column, over, depth + 1)
        return whole * value.share if whole is not None else None
    return value if isinstance(value, Fraction) else None
