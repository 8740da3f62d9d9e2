"""A finding: what is wrong with a rule file, where, and the way out. Collected as data, raised only at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from pricelang.diagnostics.codes import Rule
from pricelang.plain import dataclass
from pricelang.source import Place

MOST_FINDINGS = 100
"""More findings of one run than these are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `advice` says what to write instead, where that is known."""

    code: str
    slug: str
    severity: str  # error or warning
    place: Place
    message: str
    advice: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


@dataclass(slots=True)
class Findings:
    """The findings of one run, in the order in which they were met, each once."""

    listed: list[Finding] = field(default_factory=list)
    more: int = 0
    _seen: set[tuple[str, Place, str]] = field(default_factory=set)

    def add(self, rule: Rule, place: Place, advice: str | None = None, **words: object) -> None:
        """Adds a finding of a rule at a place; the words fill the rule's sentence."""
        shown = {name: _short(value, 400 if name in ("what", "why", "advice") else 80) for name, value in words.items()}
        message = rule.message.format_map(shown)
        if advice is None:
            advice = rule.advice.format_map(shown) if rule.advice else ""
        key = (rule.code, place, message)
        if key in self._seen:
            return
        self._seen.add(key)
        if len(self.listed) >= MOST_FINDINGS:
            self.more += 1
            return
        self.listed.append(Finding(rule.code, rule.slug, rule.severity, place, message, advice))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.listed)

    @property
    def has_errors(self) -> bool:
        return any(finding.is_error for finding in self.listed)


def _short(value: object, most: int) -> str:
    text = "".join(char if char.isprintable() else "·" for char in str(value)[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"
