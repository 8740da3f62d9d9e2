"""`based on`: a file laid on another replaces the rows and lines it names, and adds what is new (R20)."""

from __future__ import annotations

from dataclasses import replace

from pricelang.syntax import nodes as n


def lay_on(base: n.File, top: n.File) -> n.File:
    """One tree of two: the top one's rows, lines and settings over those beneath. Examples beneath are not taken."""
    blocks: list[n.Block] = [block for block in base.blocks if not isinstance(block, n.ExampleBlock)]
    for block in top.blocks:
        index = _same(blocks, block)
        if index is None:
            blocks.append(block)
        else:
            blocks[index] = _merged(blocks[index], block)
    return n.File(tuple(blocks), (*base.waivers, *top.waivers), top.path)


def _same(blocks: list[n.Block], top: n.Block) -> int | None:
    for index, block in enumerate(blocks):
        if type(block) is not type(top) or isinstance(top, n.ExampleBlock):
            continue
        if isinstance(top, n.PriceBlock) and isinstance(block, n.PriceBlock):
            if block.usage == top.usage and block.when == top.when:
                return index
        elif isinstance(top, n.RulesetBlock) or getattr(block, "name", None) == getattr(top, "name", None):
            return index
    return None


def _merged(base: n.Block, top: n.Block) -> n.Block:
    match base, top:
        case n.RulesetBlock(), n.RulesetBlock():
            kinds = {(one.kind, one.word if one.kind == "round" else "") for one in top.settings}
            kept = [one for one in base.settings if (one.kind, one.word if one.kind == "round" else "") not in kinds]
            return replace(top, settings=(*kept, *top.settings), sources=(*base.sources, *top.sources))
        case n.TableBlock(), n.TableBlock():
            return _table(base, top)
        case n.UsageBlock(), n.UsageBlock():
            names = {one.name for one in top.fields}
            return replace(base, fields=(*(one for one in base.fields if one.name not in names), *top.fields))
        case n.AccountBlock(), n.AccountBlock():
            names = {one.name for one in top.fields}
            return replace(base, fields=(*(one for one in base.fields if one.name not in names), *top.fields))
        case n.PriceBlock(), n.PriceBlock():
            named = {line.label.text: line for line in top.lines}
            lines = [named.pop(line.label.text, line) for line in base.lines]
            together = top.together if top.together is not None else base.together
            return replace(base, lines=(*lines, *named.values()), together=together)
    return top


def _table(base: n.TableBlock, top: n.TableBlock) -> n.TableBlock:
    """The rows on top become a layer over all layers beneath; those under `new rows` become rows of the table."""
    level = 1 + max((layer.level for layer in base.layers), default=0)
    layers = [replace(layer, level=level) for layer in top.layers]
    if top.header is not None:
        layers.append(n.LayerDecl(None, None, None, (), None, top.header, top.rows, (), False, level, top.place))
    return replace(base, layers=(*base.layers, *layers), sources=(*base.sources, *top.sources))
