"""A finding: what is wrong with a rule file, where, and the way out. Collected as data, raised only at the edge."""

from __future__ import annotations

from collections.abc import Iterator

from pricelang.diagnostics.codes import Rule
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place

MOST_FINDINGS = 100
"""More findings of one run than these are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `advice` says what to write instead, where that is known.

    `record`: JSON of a smallest record that shows it, "" where none does. `also`: other places that have a part in it.
    A note is told and fails nothing.
    """

    code: str
    slug: str
    severity: str  # error, warning or note
    place: Place
    message: str
    advice: str = ""
    record: str = ""
    also: tuple[Place, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


@dataclass(frozen=True, slots=True)
class Waived:
    """Lines of a file in which warnings of one slug are meant, and not told. `place`: where that is said; `used`: that
    some are."""

    slug: str
    path: str
    first: int
    last: int
    place: Place
    used: bool = False


@dataclass(slots=True)
class Findings:
    """The findings of one run, in the order in which they were met, each once. Errors go before warnings where there
    are more than are listed."""

    listed: list[Finding] = field(default_factory=list)
    more: int = 0
    has_errors: bool = False  # those that are not listed included
    waivers: list[Waived] = field(default_factory=list)
    waivers_used: set[int] = field(default_factory=set)
    let: frozenset[str] = frozenset()  # codes of errors that are listed and keep nothing from being read
    _seen: set[tuple[str, Place, str]] = field(default_factory=set)
    _full: bool = False

    def add(
        self,
        rule: Rule,
        place: Place,
        advice: str | None = None,
        *,
        record: str = "",
        also: tuple[Place, ...] = (),
        **words: object,
    ) -> None:
        """Adds a finding of a rule at a place; the words fill the rule's sentence."""
        if self.full:
            self.more += 1
            return
        shown = {name: _short(value, 400 if name in ("what", "why", "advice") else 80) for name, value in words.items()}
        if rule.severity != "error" and self._is_waived(rule, place):
            return
        message = rule.message.format_map(shown)
        if advice is None:
            advice = rule.advice.format_map(shown) if rule.advice else ""
        key = (rule.code, place, message)
        if key in self._seen:
            return
        self._seen.add(key)
        self.has_errors = self.has_errors or (rule.severity == "error" and rule.code not in self.let)
        if len(self.listed) >= MOST_FINDINGS:
            self.more += 1
            warning = next((at for at, one in reversed(list(enumerate(self.listed))) if not one.is_error), None)
            if rule.severity == "warning" or warning is None:
                return
            del self.listed[warning]
        self.listed.append(Finding(rule.code, rule.slug, rule.severity, place, message, advice, record, also))

    @property
    def full(self) -> bool:
        """Whether further findings are only counted: as many errors are listed as there may be."""
        if not self._full and len(self.listed) >= MOST_FINDINGS:
            self._full = all(finding.is_error for finding in self.listed)
        return self._full

    def _is_waived(self, rule: Rule, place: Place) -> bool:
        for index, one in enumerate(self.waivers):
            if one.slug == rule.slug and one.path == place.path and one.first <= place.line <= one.last:
                self.waivers_used.add(index)
                return True
        return False

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.listed)


def _short(value: object, most: int) -> str:
    text = "".join(char if char.isprintable() else "·" for char in str(value)[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"
