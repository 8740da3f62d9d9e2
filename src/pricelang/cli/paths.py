"""`pricelang paths`: by which engine each line of a ruleset is priced, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

import click

if TYPE_CHECKING:
    from pricelang.library import Ruleset


@click.command("paths", short_help="Tell by which engine each line is priced, and why.")
@click.argument("rules", metavar="RULES")
@click.option("--format", "kind", type=click.Choice(("text", "json")), default="text", help="How it is written.")
def command(rules: str, kind: str) -> None:
    """Tell by which engine each line of RULES is priced, and why.

    Single records are priced by compiled code where there is any, else by the definition. Files in columns are priced
    by 64-bit whole numbers as far as these are proved to suffice, beyond that by longer ones; what can't be priced in
    columns is priced one record at a time. Every path gives the same charges.
    """
    from pricelang.cli.rules import loaded

    found = paths_of(loaded(rules))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if kind == "json" else _text(found))


def paths_of(rules: Ruleset) -> list[dict[str, Any]]:
    """For each line of each usage: where it stands, and its paths."""
    from pricelang.engine.compiled import path_of

    found = []
    for name in rules.program.usages:
        single, why = path_of(rules.program, name)
        many, reason = _columns(rules, name)
        for price in rules.program.prices:
            if price.usage != name:
                continue
            for line in price.lines:
                found.append(
                    {
                        "usage": name,
                        "line": line.label,
                        "place": str(line.place),
                        "one": {"path": single, "why": why},
                        "many": {"path": many, "why": reason},
                    }
                )
    return found


def _columns(rules: Ruleset, name: str) -> tuple[str, str]:
    """How records of a usage are priced in columns, and why."""
    from pricelang.columns import MissingExtra

    try:
        columnar = rules.columnar()
    except MissingExtra as missing:
        return "records", str(missing)
    from pricelang.engine.columnar.figures import NotColumnar
    from pricelang.engine.columnar.nodes import needed
    from pricelang.engine.columnar.plan import UsagePlan
    from pricelang.engine.columnar.plan import built
    from pricelang.engine.columnar.terms import Shape

    usage = rules.program.usages[name]
    try:
        graph = built(columnar.engine, usage, Shape((), 6), columnar.sources.accounts)
    except NotColumnar as reason:
        return "records", str(reason)
    plan = UsagePlan(columnar.sources, graph)
    if plan.always_wide:
        return "columns, long integers", "64 bits are not proved to hold its figures"
    counted = any(node.op == "before" for node in needed(plan.outputs))
    reach = f"64 bits hold every figure while no number sent is above {plan.limit:,}; others take longer integers"
    return ("columns, in order of time" if counted else "columns"), reach


def _text(found: list[dict[str, Any]]) -> str:
    lines: list[str] = []
    usage = None
    for one in found:
        if one["usage"] != usage:
            usage = one["usage"]
            lines += ["", usage] if lines else [usage]
            lines.append(f"  one record:   {one['one']['path']}: {one['one']['why']}")
            lines.append(f"  many records: {one['many']['path']}: {one['many']['why']}")
        lines.append(f"    {one['line']} ({one['place']})")
    return "\n".join(lines)
