"""One charge in words."""

from __future__ import annotations

from collections.abc import Mapping

from pricelang.core.program import Program
from pricelang.engine.charge import Charge
from pricelang.source import Source


def explain(charge: Charge, program: Program, sources: Mapping[str, Source]) -> str:
    """The charge in words that a customer-support person can read out."""
    return f"{charge.id}: {charge.amount} {charge.currency}"
