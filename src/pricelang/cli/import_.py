"""`pricelang import`: public catalogs of prices as rule files."""

from __future__ import annotations

import os
from pathlib import Path

import click

SOURCES = ("genai-prices", "litellm")


@click.command("import", short_help="Make rule files of a public price catalog.")
@click.argument("source", metavar="SOURCE", type=click.Choice(SOURCES))
@click.option("--file", "file", metavar="JSON", help="The catalog's JSON. Without it, that of the installed package.")
@click.option("-o", "--output", metavar="FOLDER", help="The folder to write to. Without it, one named after SOURCE.")
@click.pass_context
def command(ctx: click.Context, source: str, file: str | None, output: str | None) -> None:
    """Make rule files of a public price catalog, one a provider.

    SOURCE is genai-prices or litellm. Another import into the same folder updates it: files are written anew, and those
    of providers that are gone are removed. Nothing that the import did not write itself is touched. What cannot be
    expressed is counted here and listed, with the reason, in the folder's README.md.

    Exit code 0: done. 2: the catalog cannot be read, or the folder not be written.
    """
    from pricelang.catalogs import genai_prices
    from pricelang.catalogs import litellm
    from pricelang.catalogs.folder import counts
    from pricelang.catalogs.folder import summary
    from pricelang.catalogs.folder import texts
    from pricelang.catalogs.reading import NoCatalog
    from pricelang.cli.writing import write_text

    try:
        catalog = (genai_prices if source == "genai-prices" else litellm).read(file)
    except NoCatalog as error:
        raise click.UsageError(str(error), ctx) from None
    folder = Path(output if output is not None else source)
    made = dict(texts(catalog))
    folder.mkdir(parents=True, exist_ok=True)
    foreign = [name for name in made if (folder / name).exists() and not _is_ours(folder / name)]
    if foreign:
        raise click.UsageError(
            f"{folder / foreign[0]} was not written by an import and would be lost; choose another folder with -o",
            ctx,
        )
    changed = 0
    for name, text in made.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != text.encode():
            write_text(str(path), text)
            changed += 1
    gone = [path for path in sorted(folder.glob("*.price")) if path.name not in made and _is_ours(path)]
    for path in gone:
        os.unlink(path)
    for line in counts(catalog):
        click.echo(line)
    told = [f"{changed:,} of {len(made):,} files written to {folder}"]
    told += (
        [f"{len(gone):,} of providers that are gone removed ({', '.join(path.name for path in gone)})"] if gone else []
    )
    click.echo("; ".join(told), err=True)
    left = summary(catalog)
    if left:
        click.echo(f"left out, listed in {folder / 'README.md'}:", err=True)
        for line in left:
            click.echo(f"  {line}", err=True)


def _is_ours(path: Path) -> bool:
    """Whether an import wrote the file: its first lines say so."""
    try:
        with path.open(encoding="utf-8", errors="replace") as text:
            return "ritten by `pricelang import" in text.read(400)
    except OSError:
        return False
