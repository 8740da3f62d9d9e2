"""The agreement on demand: `python tests/catalogs/run.py genai-prices --to 20000`, also `litellm`; `--from` goes on from a seed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from catalogs.seen import Seen
from pricelang.catalogs import genai_prices
from pricelang.catalogs import litellm
from pricelang.catalogs.folder import texts

CHUNK = 500


def imported(source: str, folder: Path) -> Path:
    """The folder with the rule files of the installed catalog."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts((genai_prices if source == "genai-prices" else litellm).read(None)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def runner(source: str) -> Callable[[Path, int, int], Seen]:
    """What holds records of a catalog against its own functions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if source == "genai-prices":
            from catalogs import genai

            return genai.run
        from catalogs import litellm_

        return litellm_.run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", choices=("genai-prices", "litellm"))
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", dest="last", type=int, default=20_000)
    parser.add_argument("--show", type=int, default=10, help="differences to print")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    total = Seen()
    with tempfile.TemporaryDirectory() as folder:
        imported(given.source, Path(folder))
        run = runner(given.source)
        for first in range(given.first, given.last, CHUNK):
            last = min(first + CHUNK, given.last)
            total.merge(run(Path(folder), first, last))
            print(f"up to {last}: {len(total.unexplained)} unexplained", file=sys.stderr, flush=True)
    print(total.report(given.show))
    for how, what in total.shown.items():
        if not how.startswith(("equal", "no cost")):
            print(f"\n{how}\n  {what}")
    return 1 if total.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
