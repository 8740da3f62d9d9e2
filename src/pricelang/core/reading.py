"""What came of a rule file: a program where nothing is wrong, the findings, and every text that was read."""

from __future__ import annotations

from collections.abc import Mapping

from pricelang.core.program import Program
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Waived
from pricelang.light import TYPE_CHECKING
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Source

if TYPE_CHECKING:
    from typing import Any


@dataclass(slots=True)
class Reading:
    """A rule file, read. `more` findings are not listed; `code` is what generated functions are
    made from, by kind and usage, where it was kept; `waivers` are those of findings that proofs make."""

    program: Program | None
    findings: list[Finding]
    more: int
    sources: dict[str, Source] = field(default_factory=dict)
    code: Mapping[Any, Any] = field(default_factory=dict)
    waivers: tuple[Waived, ...] = ()

    @property
    def has_errors(self) -> bool:
        return any(finding.is_error for finding in self.findings)
