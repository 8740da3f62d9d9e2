"""Generated code as a tree: lines, and blocks that stand indented beneath them."""

from __future__ import annotations

import re

from pricelang.plain import dataclass


@dataclass(slots=True)
class Later:
    """A line that is filled in when more is known; empty, it is left out."""

    text: str = ""


@dataclass(slots=True)
class Block:
    """Lines and the blocks beneath them, in order."""

    items: list[str | Later | Block]

    @property
    def empty(self) -> bool:
        return not self.items


def render(block: Block, depth: int = 0) -> list[str]:
    """The lines of a block with their indentation; `else:` with nothing but an `if` beneath becomes `elif`."""
    found: list[str] = []
    written = [one for one in block.items if not isinstance(one, Later) or one.text]
    lines = [one.text if isinstance(one, Later) else one for one in written]
    if not lines:
        return ["    " * depth + "pass"]
    for index, one in enumerate(lines):
        if isinstance(one, Block):
            before = lines[index - 1]
            if before == "else:" and _is_choice(one):
                del found[-1]
                inner = render(one, depth)
                head = inner[0].lstrip()
                found += ["    " * depth + "el" + head, *inner[1:]]
            else:
                found += render(one, depth + 1)
        else:
            found.append("    " * depth + one)
    return found


def _is_choice(block: Block) -> bool:
    """Whether a block is one `if` with what belongs to it."""
    heads = [one for one in block.items if not isinstance(one, Block) and not (isinstance(one, Later) and not one.text)]
    return (
        bool(heads)
        and isinstance(heads[0], str)
        and heads[0].startswith("if ")
        and all(isinstance(one, str) and one.startswith(("elif ", "else:")) for one in heads[1:])
    )


def started(lines: list[str], names: dict[str, str]) -> list[str]:
    """The lines that give short names to what a function reads, as far as it does."""
    used = set(re.findall(r"\w+", "\n".join(lines)))
    return [f"    {name} = {of}" for name, of in names.items() if name in used]
