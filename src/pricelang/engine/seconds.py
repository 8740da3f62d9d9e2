"""Instants as most programs write them, 2026-02-01T12:00:00Z, read by looking up their minute."""

from __future__ import annotations

from pricelang.period import parse_instant

MOST_KEPT = 10_000
_SECONDS = {f"{second:02d}": second for second in range(60)}


class Seconds:
    """Reads instants that are whole seconds in UTC; each minute is read in full once, and each second cut once."""

    __slots__ = ("_known", "_minutes")

    def __init__(self) -> None:
        self._known: dict[object, int] = {}
        self._minutes: dict[str, int] = {}

    def second(self, text: object) -> int | None:
        """Seconds since 1970; None for any other way to write an instant, and for what is none."""
        if type(text) is not str:
            return None
        found = self._known.get(text)
        return found if found is not None else self._cut(text)

    def _cut(self, text: str) -> int | None:
        if len(text) != 20 or text[19] != "Z":
            return None
        minute = self._minutes.get(text[:17])
        seconds = _SECONDS.get(text[17:19])
        if seconds is None:
            return None
        found = minute + seconds if minute is not None else self._minute(text, seconds)
        if found is not None:
            if len(self._known) > MOST_KEPT:
                self._known.clear()
            self._known[text] = found
        return found

    def _minute(self, text: str, seconds: int) -> int | None:
        """The same of a minute that was not met before."""
        if text[10] != "T" or text[16] != ":":
            return None
        try:
            at = parse_instant(text[:17] + "00Z")
        except ValueError:
            return None
        if len(self._minutes) > MOST_KEPT:
            self._minutes.clear()
        self._minutes[text[:17]] = int(at)
        return int(at) + seconds
