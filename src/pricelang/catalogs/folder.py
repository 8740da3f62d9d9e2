"""A catalog as the texts of a folder: a rule file a provider, and a page that says what came in and what did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from pricelang.catalogs.form import Catalog
from pricelang.catalogs.form import LeftOut
from pricelang.catalogs.write import text_of

PAGE = "README.md"
SUFFIX = ".price"


def texts(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Each file of the folder: its name and its text."""
    for sheet in catalog.sheets:
        yield f"{sheet.name}{SUFFIX}", text_of(sheet, catalog.source)
    yield PAGE, page(catalog)


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
