"""How much a rule file may hold, so that a check ends quickly whatever it is given. What is beyond is a finding."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.source import Place
from pricelang.syntax import nodes as n

MOST_LINES = 500
MOST_STEPS = 100
MOST_CASES = 200
MOST_BANDS = 1_000
MOST_LAYERS = 300
MOST_PATTERNS = 300
MOST_WINDOWS = 200
MOST_PRICES = 200

_T = TypeVar("_T")


def bounded(file: n.File, findings: Findings) -> n.File:
    """The file without what is too much; each cut is a finding."""
    blocks: list[n.Block] = []
    prices: dict[str, int] = {}
    for block in file.blocks:
        match block:
            case n.PriceBlock():
                name = block.usage.text
                prices[name] = prices.get(name, 0) + 1
                if prices[name] > MOST_PRICES:
                    if prices[name] == MOST_PRICES + 1:
                        _say(block.place, f"`{name}`", MOST_PRICES, "prices", findings)
                    continue
                lines = _cut(block.lines, MOST_LINES, block.place, "a price", "lines", findings)
                blocks.append(replace(block, lines=tuple(_line(line, findings) for line in lines)))
            case n.TableBlock():
                layers = _cut(block.layers, MOST_LAYERS, block.place, "a table", "layers", findings)
                blocks.append(replace(block, layers=layers, rows=_rows(block, findings)))
            case n.HoursBlock():
                windows = _cut(block.windows, MOST_WINDOWS, block.place, "a block of hours", "lines", findings)
                blocks.append(replace(block, windows=windows))
            case _:
                blocks.append(block)
    return replace(file, blocks=tuple(blocks))


def _line(line: n.LineDecl, findings: Findings) -> n.LineDecl:
    steps = _cut(line.steps, MOST_STEPS, line.place, "a line", "steps", findings)
    if all(len(step.cases) <= MOST_CASES and len(step.bands) <= MOST_BANDS for step in steps):
        return line if steps is line.steps else replace(line, steps=steps)
    return replace(
        line,
        steps=tuple(
            replace(
                step,
                cases=_cut(step.cases, MOST_CASES, step.place, "a line", "cases", findings),
                bands=_cut(step.bands, MOST_BANDS, step.place, "a line", "bands", findings),
            )
            for step in steps
        ),
    )


def _rows(block: n.TableBlock, findings: Findings) -> tuple[n.Cells, ...]:
    """A table's rows, with only so many patterns: each is held against every other row."""
    patterns = [row for row in block.rows if any(cell.text[:5].lower() == "like " for cell in row.cells)]
    if len(patterns) <= MOST_PATTERNS:
        return block.rows
    _say(block.place, "a table", MOST_PATTERNS, "rows with patterns", findings)
    beyond = {id(row) for row in patterns[MOST_PATTERNS:]}
    return tuple(row for row in block.rows if id(row) not in beyond)


def _cut(items: tuple[_T, ...], most: int, place: Place, what: str, of: str, findings: Findings) -> tuple[_T, ...]:
    if len(items) <= most:
        return items
    _say(place, what, most, of, findings)
    return items[:most]


def _say(place: Place, what: str, most: int, of: str, findings: Findings) -> None:
    findings.add(codes.TOO_MANY, place, what=what, most=f"{most:,}", of=of)
