"""Tables that come from a CSV file beside the ruleset: the same rows, with places in that file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace

from pricelang.check.scope import Scope
from pricelang.diagnostics import codes
from pricelang.source import Place
from pricelang.source import Source
from pricelang.syntax import nodes as n
from pricelang.syntax.outline import without_deceit

MOST_ROWS = 200_000


def with_csv(
    table: n.TableBlock, load: Callable[[str, str], Source | str], sources: dict[str, Source], scope: Scope
) -> n.TableBlock:
    """The table with the rows of its file, where it names one."""
    if table.csv is None:
        return table
    loaded = load(table.csv.text, table.place.path)
    if isinstance(loaded, str):
        scope.findings.add(codes.FILE_REFUSED, table.csv.place, path=table.csv.text, why=loaded)
        return table
    sources[loaded.path] = loaded
    if table.header is not None:
        scope.findings.add(
            codes.OUT_OF_PLACE,
            table.header.place,
            what="a row",
            advice="the rows come from the file; change one with a layer such as `from DATE`",
        )
    rows = _rows(loaded, scope)
    if rows is None:
        return replace(table, header=None, rows=())
    if not rows:
        scope.findings.add(
            codes.FILE_REFUSED,
            table.csv.place,
            "write a header line and one line for each row",
            path=table.csv.text,
            why="is empty",
        )
        return table
    return replace(table, header=rows[0], rows=tuple(rows[1:]))


def _rows(source: Source, scope: Scope) -> list[n.Cells] | None:
    text = source.text.removeprefix("\ufeff")
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else "\t" if first.count("\t") > first.count(",") else ","
    if delimiter == "\t":
        text, delimiter = text.replace("\t", "\x1f"), "\x1f"
    text = without_deceit(text, source, scope.findings, "\x1f")
    found: list[n.Cells] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            place = Place(source.path, line, 1, len(source.line(line)) + 1)
            line = reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            doubtful = next((cell for cell in cells if delimiter == ";" and re.search(r"\d,\d", cell)), None)
            if doubtful is not None:
                kind = "a figure: in a file cut at `;` a comma can be either"
                advice = "write decimals with a point, and thousands without a comma"
                scope.findings.add(codes.BAD_CELL, place, advice, text=doubtful, kind=kind)
            found.append(n.Cells(tuple(n.Word(cell.strip(), place) for cell in cells), place))
            if len(found) > MOST_ROWS:
                scope.findings.add(codes.FILE_TOO_LARGE, place, what="table", most=f"{MOST_ROWS:,} rows")
                break
    except csv.Error as error:
        what = "a quote is not closed" if "unexpected end" in str(error) else "this line cannot be read as CSV"
        scope.findings.add(
            codes.SYNTAX,
            Place(source.path, line, 1, len(source.line(line)) + 1),
            what=what,
            advice='a text with quotes in it is written `"He said ""yes"""`',
        )
        return None
    return found
