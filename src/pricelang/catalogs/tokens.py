"""Tokens by direction, modality and kind: the columns that both catalogs price them in, and what is a part of what."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from itertools import combinations

from pricelang.catalogs.form import Meter

PER = "1M tokens"
_MODALITIES = ("", "text", "audio", "image", "video")
_KINDS = {
    "input": ("", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "tool"),
    "output": ("", "reasoning", "citation"),
}


def _token_meters() -> Iterator[tuple[str, Meter]]:
    for direction, kinds in _KINDS.items():
        for modality in _MODALITIES:
            for kind in kinds:
                stem = _stem(direction, modality, kind)
                dims = {("family", "tokens"), ("direction", direction)}
                if modality:
                    dims.add(("modality", modality))
                if kind:
                    token_type, _, lifetime = kind.partition("_write_")
                    dims.add(("token_type", "cache_write" if lifetime else token_type))
                    if lifetime:
                        dims.add(("cache_ttl", lifetime))
                column = stem.replace("_", " ").capitalize()
                yield stem, Meter(f"{stem}_tokens", column, "token", PER, frozenset(dims))


def _stem(direction: str, modality: str, kind: str) -> str:
    if kind.startswith("cache_"):
        action = kind.removeprefix("cache_")
        return "_".join(part for part in ("cache", modality, action) if part)
    return "_".join(part for part in (direction, modality, kind) if part)


TOKENS: dict[str, Meter] = dict(_token_meters())
"""Each meter of tokens by the stem of its field, in the order of columns."""


def with_joins(
    keys: Iterable[str], meters: Mapping[str, Meter], allowed: Callable[[str], bool] = lambda key: True
) -> list[str]:
    """The keys, what they are parts of, and what is a part of two of them, in the order of columns.

    Without a column for what is both cached and audio, say, such tokens would be counted twice.
    """
    found = {key for key in keys if key in meters}
    for key in list(found):
        found |= {above for above, meter in meters.items() if meter.dims < meters[key].dims}
    by_dims = {meter.dims: key for key, meter in meters.items()}
    grew = True
    while grew:
        grew = False
        for one, other in combinations(sorted(found), 2):
            a, b = meters[one].dims, meters[other].dims
            values = dict(a)
            joined = by_dims.get(a | b) if a & b and all(values.get(k, v) == v for k, v in b) else None
            if joined is not None and joined not in found and allowed(joined):
                found.add(joined)
                grew = True
    order = list(meters)
    return sorted(found, key=order.index)


def standing_for(key: str, priced: Iterable[str], meters: Mapping[str, Meter]) -> str | None:
    """The priced meter whose price a unit takes that has none of its own: the nearest that it is a part of."""
    above = [one for one in priced if meters[one].dims < meters[key].dims]
    nearest = [one for one in above if not any(meters[one].dims < meters[other].dims for other in above)]
    return min(nearest, default=None, key=list(meters).index)
