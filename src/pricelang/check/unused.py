"""Tables, hours and allowances that nothing names: often a name that was mistyped where they were meant."""

from __future__ import annotations

from pricelang.check.scope import Scope
from pricelang.diagnostics import codes
from pricelang.source import Place
from pricelang.syntax import nodes as n


def check_unused(blocks: tuple[n.Block, ...], scope: Scope) -> None:
    """Warnings about blocks that change no amount."""
    used = _used(blocks)
    own = next((block.place.path for block in blocks if isinstance(block, n.RulesetBlock)), "")
    for block in blocks:
        if block.place.path != own:
            continue  # a file on top may well leave aside what stands beneath
        match block:
            case n.TableBlock():
                kind = "table"
            case n.HoursBlock():
                kind = "hours"
            case n.AllowanceBlock():
                kind = "allowance"
            case _:
                continue
        if (kind, block.name) not in used:
            scope.findings.add(codes.UNUSED_BLOCK, block.place, kind=kind, name=block.name)


def _used(blocks: tuple[n.Block, ...]) -> set[tuple[str, str]]:
    """Each kind of block with the names that stand somewhere."""
    found: set[tuple[str, str]] = set()
    todo: list[object] = [*blocks]
    while todo:
        one = todo.pop()
        match one:
            case n.Member():
                found.add(("table", one.of))
                continue
            case n.During():
                found.add(("hours", one.hours))
                continue
            case n.FieldDecl():
                found.update(("table", word.text) for word in one.choices)
                continue
            case n.StepDecl(word="beyond", amount=n.Name(text=name)):
                found.add(("allowance", name))
            case n.Cells() | n.Word() | Place() | n.ExampleBlock():
                continue
        if isinstance(one, tuple):
            todo.extend(one)
        elif hasattr(one, "__dataclass_fields__"):
            todo.extend(getattr(one, name) for name in one.__dataclass_fields__)
    return found
