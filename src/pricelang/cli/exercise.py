"""`pricelang test --coverage` and `--mutate`: what the examples touch, and which changes they would notice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pricelang.cli.findings import counted
from pricelang.cli.findings import path_of
from pricelang.core.reading import Reading
from pricelang.trial.coverage import KINDS
from pricelang.trial.coverage import Coverage
from pricelang.trial.coverage import coverage_of
from pricelang.trial.watch import watched


class Exercise:
    """What was asked of the examples of each ruleset, and whether it is enough."""

    def __init__(
        self, coverage: bool, mutate: bool, fail_under: int | None, most: int | None, seed: int, as_json: bool
    ) -> None:
        self.coverage = coverage
        self.mutate = mutate
        self.fail_under = fail_under
        self.most = most
        self.seed = seed
        self.as_json = as_json
        self.told: list[dict[str, Any]] = []
        self.short = False

    def add(self, file: Path, reading: Reading) -> None:
        """Runs the examples of a ruleset once more, watched, and tells what was seen."""
        program = reading.program
        assert program is not None
        watch, outcomes = watched(program)
        one: dict[str, Any] = {"path": str(file), "ruleset": program.name}
        self.told.append(one)
        if self.coverage:
            coverage = coverage_of(program, watch)
            one["coverage"] = _coverage_data(coverage, file)
            self.say(_coverage_text(coverage, file))
            self.gate(file, "coverage", coverage.percent)
        if self.mutate:
            from pricelang.cli.proposals import written
            from pricelang.trial.mutate import mutate
            from pricelang.trial.mutate import sharing
            from pricelang.trial.propose import proposals

            passing = {name for name, outcome in outcomes.items() if not outcome.failures}
            mutation = mutate(program, reading.sources, watch, passing, self.most, self.seed)
            found = proposals(program, mutation.survivors, sharing())
            texts = written(program, file, reading.sources, found.proposals)
            dropped = {id(one.mutant) for one in found.proposals} - {id(mutant) for mutant, _ in texts}
            without = dropped | {id(mutant) for mutant in found.without}
            one["mutation"] = {
                "changes": mutation.mutants,
                "tried": mutation.tried,
                "noticed": mutation.noticed,
                "percent": mutation.percent,
                "unnoticed": [
                    {
                        "path": path_of(file, mutant.place.path),
                        "line": mutant.place.line,
                        "kind": mutant.kind,
                        "what": mutant.what,
                        "from": mutant.old,
                        "to": mutant.new,
                        "without_example": id(mutant) in without,
                    }
                    for mutant in mutation.survivors
                ],
                "proposed": [text for _, text in texts],
            }
            of = f" of {mutation.mutants} drawn" if mutation.tried < mutation.mutants else ""
            noticed = f"{mutation.noticed} of {counted(mutation.tried, 'change')}{of} noticed"
            lines = [f"{file}: {noticed}, {mutation.percent}%"]
            for mutant in mutation.survivors:
                place = f"{path_of(file, mutant.place.path)}:{mutant.place.line}"
                none = ", and none was found that would" if id(mutant) in without else ""
                lines.append(f"  {place}  {mutant}: no example notices{none}")
            if found.not_looked:
                lines.append(f"  examples were not looked for of the last {counted(found.not_looked, 'change')}")
            if texts:
                lines += ["", "Examples that notice more:", "", "\n".join(text for _, text in texts)]
            self.say("\n".join(lines))
            self.gate(file, "noticed changes", mutation.percent)

    def say(self, text: str) -> None:
        if not self.as_json:
            click.echo(text)

    def gate(self, file: Path, what: str, percent: int) -> None:
        if self.fail_under is not None and percent < self.fail_under:
            self.short = True
            click.echo(f"{file}: {what} {percent}% is less than {self.fail_under}%", err=True)

    def finish(self) -> None:
        if self.as_json:
            click.echo(json.dumps(self.told, ensure_ascii=False, indent=2))


def _coverage_text(coverage: Coverage, file: Path) -> str:
    touched, total = coverage.total
    counts = ", ".join(f"{KINDS[kind]} {mine}/{of}" for kind, (mine, of) in coverage.counts().items())
    lines = [f"{file}: coverage {coverage.percent}% ({touched} of {total}: {counts})"]
    for point in coverage.missed:
        lines.append(f"  {path_of(file, point.place.path)}:{point.place.line}  {point.what}: no example")
    return "\n".join(lines)


def _coverage_data(coverage: Coverage, file: Path) -> dict[str, Any]:
    touched, total = coverage.total
    return {
        "percent": coverage.percent,
        "touched": touched,
        "total": total,
        "kinds": {KINDS[kind]: {"touched": mine, "total": of} for kind, (mine, of) in coverage.counts().items()},
        "missed": [
            {
                "path": path_of(file, point.place.path),
                "line": point.place.line,
                "column": point.place.column,
                "kind": point.kind,
                "what": point.what,
            }
            for point in coverage.missed
        ],
    }
