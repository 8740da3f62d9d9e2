"""Bands of a quantity: graduated (each unit at its band's rate) and volume (all at the rate of the band reached)."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import KeyBand
from pricelang.engine.evaluation import Evaluation
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import in_band
from pricelang.engine.told import BandPart
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place

ZERO = Fraction(0)


@dataclass(slots=True)
class Step:
    """One band made ready: its edges in base units, and where its rate and flat amount come from."""

    band: KeyBand
    place: Place
    inline: ops.Band | None = None
    row: int | None = None


@dataclass(slots=True)
class Reached:
    """The bands of one step at one instant. `row` is left as the row of the highest band that was touched."""

    pricing: Evaluation
    step: ops.Tiers
    bands: list[Step] = field(init=False)
    row: Place | None = None
    parts: list[BandPart] = field(default_factory=list)

    def __post_init__(self) -> None:
        bands = self.step.bands
        if isinstance(bands, ops.BandTable):
            self.bands = self._from_table(bands)
        else:
            self.bands = [
                Step(KeyBand(b.low, b.low_included, b.high, b.high_included), b.place, inline=b) for b in bands
            ]

    def _from_table(self, named: ops.BandTable) -> list[Step]:
        """The rows of the table that fit the record in all other keys, in order of their bands."""
        pricing = self.pricing
        table = pricing.program.tables[named.table]
        index = next(
            i for i, _ in enumerate(table.keys) if all(isinstance(row.keys[i][0], KeyBand) for row in table.rows)
        )
        values = pricing.keys(table, index)
        rows = pricing.ready.rows[named.table].find(values, index)
        if not rows:
            raise pricing.ready.rows[named.table].no_row(values)
        found = []
        for row in rows:
            for part in table.rows[row].keys[index]:
                assert isinstance(part, KeyBand)
                low = part.low * named.factor if part.low is not None else ZERO
                high = part.high * named.factor if part.high is not None else None
                band = KeyBand(low, part.low_included, high, part.high_included)
                found.append(Step(band, table.rows[row].place, row=row))
        found.sort(key=lambda one: (one.band.low or ZERO, not one.band.low_included))
        return found

    def rate(self, band: Step) -> Fraction:
        """Money per base unit in a band; zero where it only has a flat amount."""
        if band.inline is not None:
            if band.inline.rate is None and band.inline.flat is None:
                raise RecordError("not-offered", None, f"this quantity is not offered ({band.place})")
            return self.pricing.number(band.inline.rate, band.place) if band.inline.rate is not None else ZERO
        named = self.step.bands
        assert isinstance(named, ops.BandTable)
        value = self._cell(band, named.table, named.rate)
        self.row = self.pricing.row
        return value

    def flat(self, band: Step) -> Fraction:
        """The fixed amount of a band."""
        if band.inline is not None:
            return self.pricing.number(band.inline.flat, band.place) if band.inline.flat is not None else ZERO
        named = self.step.bands
        assert isinstance(named, ops.BandTable)
        value = self._cell(band, named.table, named.flat)
        if named.rate is None:
            self.row = self.pricing.row
        return value

    def _cell(self, band: Step, name: str, column: str | None) -> Fraction:
        if column is None:
            return ZERO
        table = self.pricing.program.tables[name]
        assert band.row is not None
        value = self.pricing.cell_of_row(table, band.row, column)
        if not isinstance(value, Fraction):
            raise RecordError("wrong-type", column, f"the cell `{column}` in line {band.place} is no number")
        return value

    def at(self, total: Fraction) -> Step:
        """The band that a total lies in."""
        for band in self.bands:
            if in_band(band.band, total):
                return band
        raise RecordError("no-row", None, f"no band of line {self.step.place} covers this quantity")


def graduated(reached: Reached, before: Fraction, after: Fraction) -> Fraction:
    """What the units from `before` to `after` cost, each in its band; a band's fixed amount when it is entered (R9)."""
    if after < before:  # less than nothing gives back what the units cost
        return -graduated(reached, after, before)
    amount = ZERO
    covered = ZERO
    for band in reached.bands:
        low = band.band.low or ZERO
        high = band.band.high
        units = min(after, high) - max(before, low) if high is not None else after - max(before, low)
        if units > 0:
            rate = reached.rate(band)
            flat = reached.flat(band) if before <= low else ZERO
            amount += units * rate + flat
            covered += units
            reached.parts.append(BandPart(units, rate, flat, band.band, band.place, band.inline, band.row))
    if covered != after - before:
        raise RecordError("no-row", None, f"no band of line {reached.step.place} covers this quantity")
    return amount


def volume(reached: Reached, before: Fraction, after: Fraction) -> Fraction:
    """All units at the rate of the band the total reaches, less what they cost before (R7)."""

    def cost(total: Fraction) -> Fraction:
        if total == 0:
            return ZERO
        band = reached.at(total)
        rate, flat = reached.rate(band), reached.flat(band)
        reached.parts.append(BandPart(total, rate, flat, band.band, band.place, band.inline, band.row))
        return total * rate + flat

    earlier = cost(before)
    reached.parts.clear()
    return cost(after) - earlier


def volume_of_record(reached: Reached, before: Fraction, after: Fraction, whole: Fraction) -> Fraction:
    """A piece of a record, at the rate of the band that the whole record reaches; its fixed amount with the first."""
    band = reached.at(whole)
    rate = reached.rate(band)
    flat = reached.flat(band) if before == 0 else ZERO
    reached.parts.append(BandPart(after - before, rate, flat, band.band, band.place, band.inline, band.row))
    return (after - before) * rate + flat
