"""Why two rulesets cannot be compared."""

from __future__ import annotations


class CompareError(ValueError):
    """Rulesets or files that cannot be compared, in a sentence."""


class NothingShared(CompareError):
    """No usage type stands in both rulesets."""
