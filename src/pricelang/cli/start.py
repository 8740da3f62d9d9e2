"""Where the command begins: a plain `check` without findings is done here, all else by the commands themselves.

Most checks find nothing, and run before every commit: they need no library for command lines, whose import takes longer
than they do. Whatever is unusual – an option, a path that is not there, a finding to be shown – is left to the command,
which begins anew; what was read is kept by then.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """The entry point of the command."""
    words = sys.argv[1:]
    told = None
    if words[:1] == ["check"] and "_PRICELANG_COMPLETE" not in os.environ:
        gc.set_threshold(20_000, 10, 10)  # as `cli/main.py` does
        try:
            told = _checked(words[1:])
        except (OSError, ValueError, RecursionError, MemoryError):
            told = None
        except KeyboardInterrupt:
            sys.exit(130)
    if told is not None and _said(told):
        return
    from pricelang.cli.main import main as commands

    commands()


def _checked(words: list[str]) -> str | None:
    """What is said of rule files in which nothing is found; None where the command has to say more."""
    flags = {word for word in words if word.startswith("-")}
    paths = [word for word in words if not word.startswith("-")]
    if not paths or not flags <= {"--quick", "--strict"}:
        return None
    from pricelang.files import NotReadable
    from pricelang.files import ruleset_paths
    from pricelang.reading import reading_of

    files: dict[str, str] = {}
    try:
        for path in paths:
            for file in ruleset_paths(path):
                files.setdefault(os.path.realpath(file), file)
    except NotReadable:
        return None
    for file in files.values():
        is_whole = "--quick" not in flags
        reading = reading_of(file, examples=is_whole, proofs=is_whole)
        if reading.program is None or reading.findings or reading.more:
            return None
    return f"{len(files)} ruleset{'' if len(files) == 1 else 's'} checked: no findings"


def _said(text: str) -> bool:
    """Writes a line; where that fails, the command finds out why."""
    if sys.stdout is None:
        return False
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(141)
    except OSError:
        return False
    return True
