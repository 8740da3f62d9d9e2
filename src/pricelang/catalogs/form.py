"""The form between a catalog and its rule files: a sheet a provider, sections of models, their cells with layers.

Cells are kept as they are written (`$2.50`, `free`, `—`, `as input`), a tuple with one for each band of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import date

NOT_OFFERED = "—"

Cells = tuple[str, ...]
"""The cells of one column of one model: one for each of its bands."""

Prices = Mapping[str, Cells]
"""The cells of a model by the field that they price."""

Condition = tuple[str, bool, tuple[str, ...]]
"""A field, whether it is or is not, and the words it is compared with."""


@dataclass(frozen=True, slots=True)
class Meter:
    """What is counted and priced: a field of the records, the header of its column, and what its price is per.

    `dims` say what it is a part of: of every meter whose own are among them.
    """

    field: str
    column: str
    unit: str
    per: str
    dims: frozenset[tuple[str, str]]

    @property
    def name(self) -> str:
        """The name by which a price reads the column."""
        return self.column.lower().replace(" ", "_")


@dataclass(frozen=True, slots=True, order=True)
class Hours:
    """Windows of the week in UTC: runs of days, each with spans of the clock (`00:30` to `16:30`)."""

    windows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

    @property
    def name(self) -> str:
        """A name made of the windows, so that it changes only with them."""
        parts = []
        for days, spans in self.windows:
            clock = "_".join(f"{start}_to_{end}" for start, end in spans)
            parts.append(f"{days}_{clock}".lower().replace(":", "").replace(", ", "_").replace(" ", "_"))
        return "_and_".join(parts)


@dataclass(frozen=True, slots=True)
class Layer:
    """Cells that hold from a date, until a date, in hours, under conditions. Without any of these: the table itself."""

    prices: Prices
    start: date | None = None
    until: date | None = None
    hours: Hours | None = None
    when: tuple[Condition, ...] = ()

    def with_cells(self, field: str, cells: Cells) -> Layer:
        """The layer with one more column."""
        return replace(self, prices={**self.prices, field: cells})


@dataclass(frozen=True, slots=True)
class Model:
    """A model: what records call it, where its bands end, its prices with all layers, where they come from."""

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    edges: tuple[int, ...] = ()
    shares: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    checked: str | None = None
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Words of selectors that the catalog prices, also where a price is the same as without."""

    @property
    def key(self) -> str:
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Selector:
    """A field that picks among prices: its default and its other words."""

    field: str
    default: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A percentage on top of each line that it names, from a column of the table, where a selector has a word."""

    column: str
    field: str
    word: str
    on: frozenset[str]

    @property
    def name(self) -> str:
        return self.column.lower().replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of usage with its table of models and its price."""

    usage: str
    title: str
    table: str
    meters: tuple[Meter, ...]
    models: tuple[Model, ...]
    band: str | None = None
    selectors: tuple[Selector, ...] = ()
    shares: tuple[Share, ...] = ()
    steps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What becomes one rule file."""

    name: str
    title: str
    sources: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[tuple[str, str], ...] = ()
    """What the catalog remarks: of whom, and the text."""


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """Something of the catalog that is not in the rule files, and why. `whole`: the model has no row at all."""

    provider: str
    model: str
    what: str
    reason: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """All sheets of a catalog, and what they leave out."""

    source: str
    origin: str
    models: int
    sheets: tuple[Sheet, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def imported(self) -> int:
        """How many models have a row."""
        return self.models - sum(one.whole for one in self.left_out)
