"""`pricelang rule`: the page of a finding."""

from __future__ import annotations

import click


@click.command("rule", short_help="Show the page of a finding, or list all findings.")
@click.argument("name", metavar="[CODE|SLUG]", required=False)
@click.pass_context
def command(ctx: click.Context, name: str | None) -> None:
    """Show the page of a finding: what it means, an example that raises it, and the way out.

    CODE is a number such as PL201, or a word such as unknown-name. Without it, all findings are listed.
    """
    from pricelang.diagnostics.codes import RULES
    from pricelang.diagnostics.codes import summary

    if name is None:
        for rule in RULES.values():
            click.echo(f"{rule.code}  {rule.slug:<24} {rule.severity:<8} {summary(rule.message)}".rstrip())
        return
    wanted = name.strip().lower()
    found = next((rule for rule in RULES.values() if wanted in (rule.code.lower(), rule.slug)), None)
    if found is None:
        from difflib import get_close_matches

        from pricelang.number import quoted

        names = {word.lower(): word for rule in RULES.values() for word in (rule.code, rule.slug)}
        near = get_close_matches(wanted[:60], names, 1, 0.5)
        advice = f"did you mean `{names[near[0]]}`?" if near else "`pricelang rule` lists them all"
        ctx.fail(f"there is no finding {quoted(name)}; {advice}")
    from importlib.resources import files

    page = files("pricelang.diagnostics").joinpath("pages", f"{found.code}.md")
    if page.is_file():
        click.echo(page.read_text(encoding="utf-8").rstrip("\n"))
        return
    click.echo(f"# {found.code} {found.slug} ({found.severity})\n\n{summary(found.message)}")
