"""Which row is which: by keys, whatever line it stands in; bands by their edges."""

from __future__ import annotations

import pytest

import pricelang
from pricelang.compare.rows import rows_of

HEAD = """ruleset acme
  currency USD

usage chat
  model   text
  tokens  tokens

"""
TAIL = "\nprice chat\n  tokens:  tokens at models.price\n"


def ruleset(*rows: str, by: str = "model", name: str = "models") -> pricelang.Ruleset:
    keys = by.split(", ")
    lines = [
        f"table {name} by {by}, per 1M tokens",
        f"  | {' | '.join(keys)} | price |",
        f"  |{'---|' * (len(keys) + 1)}",
    ]
    lines += [f"  | {row} | $1 |" for row in rows]
    return pricelang.load_text(HEAD + "\n".join(lines) + "\n" + TAIL.replace("models", name), name="x.price")


def same(old: pricelang.Ruleset, new: pricelang.Ruleset) -> list[tuple[str, str]]:
    """The rows that are the same, as shown."""
    left, right = rows_of(old.program, new.program)
    return [(left.shown[one], right.shown[one]) for one in left.shown if one in right.shown]


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        (["a", "b"], ["b", "a"], {0: 1, 1: 0}),
        (["a", "b"], ["b"], {1: 0}),
        (["a", "any"], ["a", "b", "any"], {0: 0, 1: 2}),
        (["a, b"], ["b, a"], {0: 0}),
        (["a", "b"], ["a, c", "b, d"], {0: 0, 1: 1}),
        (["a"], ["b"], {}),
        (["like a*"], ["b", "like a*"], {0: 1}),
    ],
)
def test_rows_by_keys(old: list[str], new: list[str], pairs: dict[int, int]) -> None:
    found = same(ruleset(*old), ruleset(*new))
    assert found == [(f"row {old[left]} of models", f"row {new[right]} of models") for left, right in pairs.items()]


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        (["up to 5", "above 5 up to 9", "above 9"], ["up to 6", "above 6 up to 8", "above 8"], {0: 0, 2: 2, 1: 1}),
        (["up to 5", "above 5 up to 9", "above 9"], ["above 6 up to 9", "above 9"], {2: 1, 1: 0}),
        (["up to 5", "above 5"], ["up to 5", "above 5 up to 7", "above 7"], {0: 0, 1: 1}),
    ],
)
def test_rows_by_bands(old: list[str], new: list[str], pairs: dict[int, int]) -> None:
    before, after = ([f"a | {band}" for band in bands] for bands in (old, new))
    found = same(ruleset(*before, by="model, tokens"), ruleset(*after, by="model, tokens"))
    told = [(f"row a and {old[left]} of models", f"row a and {new[right]} of models") for left, right in pairs.items()]
    assert sorted(found) == sorted(told)


def test_another_name_of_the_table() -> None:
    found = same(ruleset("a", "b"), ruleset("b", "c", name="prices"))
    assert found == [("row b of models", "row b of prices")]


def test_another_key() -> None:
    """A row that is split is the first of its parts; the others are new."""
    found = same(ruleset("a"), ruleset("a | up to 5", "a | above 5", by="model, tokens"))
    assert found == [("row a of models", "row a and up to 5 of models")]
