"""The plug-in of pytest: each example beside the rules is a test, and fixtures load and rate.

Pytest imports this file at every start, wherever pricelang is installed: what it needs is imported where a rule file
is there or a fixture is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping
    from collections.abc import Sequence

    from pricelang.account.ledger import Ledger
    from pricelang.core.program import Example
    from pricelang.core.reading import Reading
    from pricelang.diagnostics.finding import Finding
    from pricelang.engine.charge import Charge
    from pricelang.library import Ruleset
    from pricelang.source import Place
    from pricelang.trial import Trial

SUFFIX = ".price"
RULES, WARNINGS = "the rules", "warnings"
"""What stands for a rule file with errors, and for its warnings where these fail."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pricelang", "rule files of pricelang")
    group.addoption("--no-pricelang", action="store_true", help="Collect no examples of .price files.")
    group.addoption("--pricelang-strict", action="store_true", help="Warnings of .price files fail.")
    parser.addini("pricelang", "Whether examples of .price files are collected.", type="bool", default=True)
    parser.addini("pricelang_strict", "Whether warnings of .price files fail.", type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A rule file that is a ruleset by itself, or that was named on the command line."""
    if file_path.suffix != SUFFIX:
        return None
    config = parent.config
    if config.getoption("no_pricelang") or not config.getini("pricelang"):
        return None
    if not parent.session.isinitpath(file_path) and not _is_own(file_path):
        return None
    return RuleFile.from_parent(parent, path=file_path)


def _is_own(file: Path) -> bool:
    """Whether a file enters by itself: in a folder with a file of its name, no other does, as with `test`."""
    own = file.parent / f"{file.parent.name}{SUFFIX}"
    return not file.name.startswith(".") and (file.name == own.name or not own.exists())


class Failed(Exception):
    """An example that does not hold, or a rule file with errors; it is told as findings, without a traceback."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(f"{findings[0].place}: {findings[0].message}" if findings else "")
        self.findings = findings


class RuleFile(pytest.File):
    """One ruleset; its examples are the items."""

    _trial: Trial | None = None
    reading: Reading

    def collect(self) -> Iterator[pytest.Item]:
        from pricelang.reading import reading_of

        self.reading = found = reading_of(self.path, examples=False)
        program = found.program
        if program is None or found.has_errors:
            yield RuleItem.from_parent(self, name=RULES, findings=found.findings)
            return
        strict = self.config.getoption("pricelang_strict") or self.config.getini("pricelang_strict")
        warnings = [one for one in found.findings if one.severity == "warning"] if strict else []
        if warnings:
            yield RuleItem.from_parent(self, name=WARNINGS, findings=warnings)
        for example in program.examples:
            # `::` parts the ids of pytest
            yield ExampleItem.from_parent(self, name=example.name.replace("::", ": "), example=example)

    def trial(self) -> Trial:
        """The examples made ready; those that are run are kept for others that compare with them."""
        if self._trial is None:
            from pricelang.trial import Trial

            assert self.reading.program is not None
            self._trial = Trial(self.reading.program)
        return self._trial


class RuleItem(pytest.Item):
    """Findings of a rule file that fail; an item of a rule file in general."""

    def __init__(self, *, findings: Sequence[Finding] = (), **more: Any) -> None:
        super().__init__(**more)
        self.findings = findings

    @property
    def place(self) -> Place | None:
        return self.findings[0].place if self.findings else None

    def runtest(self) -> None:
        raise Failed(self.findings)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What `pricelang test` would print; of any other exception the traceback."""
        error = excinfo.value
        if not isinstance(error, Failed):
            return super().repr_failure(excinfo, style)
        from pricelang.cli.findings import as_text

        assert isinstance(self.parent, RuleFile)
        file = Path(_seen_from(self.path, self.config.invocation_params.dir))
        sources = self.parent.reading.sources
        return "\n".join(as_text(finding, file, sources, False) for finding in error.findings)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        place = self.place
        if place is None:
            return self.path, None, self.name
        # an example may stand in the file that this one is based on
        path = self.path if place.path == self.path.name else self.path.parent / place.path
        return path, place.line - 1, self.name


class ExampleItem(RuleItem):
    """One example, or story."""

    def __init__(self, *, example: Example, **more: Any) -> None:
        super().__init__(**more)
        self.example = example

    @property
    def place(self) -> Place | None:
        return self.example.place

    def runtest(self) -> None:
        assert isinstance(self.parent, RuleFile)
        outcome = self.parent.trial().run(self.example)
        if outcome.failures:
            raise Failed(outcome.failures)


def _seen_from(path: Path, folder: Path) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # on another drive
        return str(path)


# --- fixtures -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def pricelang_load(pytestconfig: pytest.Config) -> Callable[[str | os.PathLike[str]], Ruleset]:
    """Loads a ruleset: `pricelang_load("rulesets/acme")`. A path is relative to pytest's root folder; each is read once
    a session. A ruleset with errors fails the test with its findings."""
    known: dict[Path, Ruleset] = {}

    def load(path: str | os.PathLike[str]) -> Ruleset:
        from pricelang.library import RulesetError
        from pricelang.library import load as load_ruleset

        file = pytestconfig.rootpath / path
        if file not in known:
            try:
                known[file] = load_ruleset(file)
            except RulesetError as error:
                pytest.fail(_told(error, file, pytestconfig), pytrace=False)
        return known[file]

    return load


def _told(error: Any, file: Path, config: pytest.Config) -> str:
    from pricelang.cli.findings import as_text
    from pricelang.files import ruleset_file

    shown = Path(_seen_from(ruleset_file(file), config.invocation_params.dir))
    return "\n".join(as_text(one, shown, error.sources, False) for one in error.findings)


@pytest.fixture
def pricelang_rate(
    pricelang_load: Callable[[str | os.PathLike[str]], Ruleset],
) -> Callable[..., Charge]:
    """Charges one record: `pricelang_rate(rules, {"type": "chat", "at": …, …}, account={"plan": "Pro"})`.

    `rules` is a ruleset or a path for `pricelang_load`; an `id` and an `account` that are missing are filled in. Raises
    `RecordError` as `Ruleset.rate` does.
    """

    def rate(
        rules: Ruleset | str | os.PathLike[str],
        record: Mapping[str, object],
        *,
        account: Mapping[str, object] | None = None,
        signup: str | None = None,
    ) -> Charge:
        made = pricelang_load(rules) if isinstance(rules, str | os.PathLike) else rules
        return made.rate({"id": "r-1", "account": "a-1", **record}, account=account, signup=signup)

    return rate


@pytest.fixture
def pricelang_ledger(
    pricelang_load: Callable[[str | os.PathLike[str]], Ruleset],
) -> Iterator[Callable[[Ruleset | str | os.PathLike[str]], Ledger]]:
    """Opens a new ledger in memory for a ruleset or a path; it is closed when the test ends."""
    opened: list[Ledger] = []

    def ledger(rules: Ruleset | str | os.PathLike[str]) -> Ledger:
        from pricelang.account.ledger import Ledger

        made = pricelang_load(rules) if isinstance(rules, str | os.PathLike) else rules
        opened.append(Ledger.open("memory://", made))
        return opened[-1]

    yield ledger
    for one in opened:
        one.close()
