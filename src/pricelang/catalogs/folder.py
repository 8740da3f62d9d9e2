"""A catalog as the texts of a folder: a rule file a provider, and a page that says what came in and what did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from pricelang.catalogs.form import Catalog
from pricelang.catalogs.form import LeftOut
from pricelang.catalogs.form import Sheet
from pricelang.catalogs.write import layers_of
from pricelang.catalogs.write import text_of

PAGE = "README.md"
MOST_MODELS = 5_000
MOST_LAYERS = 290
MOST_CHARACTERS = 1_900_000
SUFFIX = ".price"


def texts(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Each file of the folder: its name and its text."""
    for sheet in catalog.sheets:
        for part, text in _in_parts(sheet, catalog.source):
            yield f"{part.name}{SUFFIX}", text
    yield PAGE, page(catalog)


def _in_parts(sheet: Sheet, source: str) -> list[tuple[Sheet, str]]:
    """The sheet with its text; in as many files as it takes where one would be more than a rule file may hold."""
    found: list[tuple[Sheet, str]] = []
    waiting = [sheet]
    while waiting:
        part = replace(waiting.pop(0), name=sheet.name if not found else f"{sheet.name}_part_{len(found) + 1}")
        most = max((len(section.models) for section in part.sections), default=0)
        text = text_of(part, source) if most <= MOST_MODELS and layers_of(part) <= MOST_LAYERS else None
        if most > 1 and (text is None or len(text) > MOST_CHARACTERS):
            waiting[:0] = _halves(part)
        else:
            found.append((part, text_of(part, source) if text is None else text))
    return found


def _halves(sheet: Sheet) -> list[Sheet]:
    first = [replace(one, models=one.models[: (len(one.models) + 1) // 2]) for one in sheet.sections]
    second = [replace(one, models=one.models[(len(one.models) + 1) // 2 :]) for one in sheet.sections]
    kept = tuple(one for one in second if one.models)
    return [replace(sheet, sections=tuple(first)), replace(sheet, sections=kept, notes=())]


def page(catalog: Catalog) -> str:
    """What was imported, and all that was left out with the reason."""
    lines = [
        f"# Prices from {catalog.origin}",
        "",
        f"Written by `pricelang import {catalog.source}`, one rule file a provider. The next import writes them anew:",
        "put changes into rulesets `based on` these.",
        "",
        *counts(catalog),
        "",
    ]
    if not catalog.left_out:
        return "\n".join([*lines, "Nothing is left out.", ""])
    lines += ["## Left out", ""]
    for (what, reason), group in groupby(sorted(catalog.left_out, key=_kind), key=_kind):
        found = list(group)
        lines += [f"**{what}**: {reason} ({len(found):,})", ""]
        lines += [f"- {one.provider or '—'}: {one.model}{_own(one)}" for one in found]
        lines.append("")
    return "\n".join(lines)


def counts(catalog: Catalog) -> list[str]:
    """The figures of an import, one a line; models imported and left out add up to those of the catalog."""
    left = sum(one.whole for one in catalog.left_out)
    part = len({(one.provider, one.model) for one in catalog.left_out if not one.whole})
    return [
        f"{_counted(catalog.models, 'model')} in = {catalog.imported:,} imported + {left:,} left out",
        f"{_counted(len(catalog.sheets), 'rule file')}; of {_counted(part, 'imported model')} something is left out",
    ]


def summary(catalog: Catalog) -> list[str]:
    """What is left out by kind, the most frequent first."""
    kinds = Counter(_kind(one) for one in catalog.left_out)
    return [f"{number:,} × {what}: {reason}" for (what, reason), number in kinds.most_common()]


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _kind(one: LeftOut) -> tuple[str, str]:
    what, _, shown = one.what.partition("`")
    return what.strip() or f"`{shown}", one.reason


def _own(one: LeftOut) -> str:
    what, _, shown = one.what.partition("`")
    return f" (`{shown})" if what.strip() and shown else ""
