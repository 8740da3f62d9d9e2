"""The command `pricelang`: imports the subcommand that is called, turns mistakes into a sentence and an exit code."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

COMMANDS = {
    "check": ("pricelang.cli.check", "Check rule files or folders of them."),
    "fmt": ("pricelang.cli.fmt", "Bring rule files into the one layout."),
    "test": ("pricelang.cli.test", "Run the examples that stand beside the rules."),
    "rate": ("pricelang.cli.rate", "Charge usage records."),
    "replay": ("pricelang.cli.replay", "Run events through accounts."),
    "rerate": ("pricelang.cli.rerate", "Price posted usage again and post the difference."),
    "report": ("pricelang.cli.report", "Report usage, spend, balance and invoices."),
    "prove": ("pricelang.cli.prove", "Prove what holds for every record, or refute it with one."),
    "ask": ("pricelang.cli.ask", "Ask what can be bought, when a limit comes, which plan is cheapest."),
    "diff": ("pricelang.cli.diff", "Tell what changed between two versions of rules, in rules and in money."),
    "explain": ("pricelang.cli.explain", "Tell one charge, step by step."),
    "rule": ("pricelang.cli.rule", "Show the page of a finding, or list all findings."),
    "schema": ("pricelang.cli.schema", "Print the JSON Schema of the usage records a ruleset takes."),
    "paths": ("pricelang.cli.paths", "Tell by which engine each line is priced, and why."),
    "import": ("pricelang.cli.import_", "Make rule files of a public price catalog."),
}
"""Each subcommand with the module that has it, as `command`, and what it does."""

DONE, FOUND, USAGE, INTERRUPTED, PIPE_CLOSED, OWN_FAULT = 0, 1, 2, 130, 141, 70

_EPILOG = """\b
Exit codes:
  0    done
  1    errors were found, examples failed, records were rejected, or a gate did not hold
  2    the command was not understood, a file cannot be read, or rules have errors
  130  interrupted

\b
Completion of commands and options by the Tab key:
  bash  eval "$(_PRICELANG_COMPLETE=bash_source pricelang)"
  zsh   eval "$(_PRICELANG_COMPLETE=zsh_source pricelang)"
  fish  _PRICELANG_COMPLETE=fish_source pricelang | source
Put the line into ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.

Set NO_COLOR for plain text without colours."""


class Commands(click.Group):
    """Subcommands by name; the module of one is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {_quoted(args[0])}; {_nearest(args[0])}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a subcommand; an interruption or a closed pipe ends it without a word of click's."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _silence()
            ctx.exit(PIPE_CLOSED)
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command line and ends the process with its exit code."""
        # trees and modules stay: looking for rubbish among them costs a tenth of `check`
        gc.set_threshold(20_000, 10, 10)
        _give_streams()
        try:
            code = super().main(args, prog_name or "pricelang", complete_var, False, **extra)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            code = INTERRUPTED
        except OSError as error:
            click.echo(f"Error: {_why(error)}", err=True)
            code = USAGE
        except RecursionError:
            click.echo("Error: something in the files is nested too deeply", err=True)
            code = USAGE
        except MemoryError:
            click.echo("Error: not enough memory", err=True)
            code = USAGE
        except Exception as error:
            if os.environ.get("PRICELANG_TRACEBACK"):
                raise
            kind = type(error).__name__
            click.echo(
                f"Error: pricelang made a mistake of its own, please report it: {kind}: {error}\n"
                "(PRICELANG_TRACEBACK=1 shows where)",
                err=True,
            )
            code = OWN_FAULT
        sys.exit(code if isinstance(code, int) else DONE)


def _quoted(word: str) -> str:
    from pricelang.number import quoted

    return quoted(word)


def _nearest(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word[:40], COMMANDS, 1, 0.5)
    return f"did you mean `{near[0]}`?" if near else f"there are {', '.join(COMMANDS)}"


def _why(error: OSError) -> str:
    """What the operating system says, in one line."""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    name = error.filename
    return f"{os.fsdecode(name)}: {reason}" if isinstance(name, str | bytes) else reason


def _give_streams() -> None:
    """Streams that are closed lead nowhere; what a terminal cannot show is written as its code point."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _silence() -> None:
    """Nobody reads any more: what is left in the buffers goes nowhere, so that Python does not complain at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        pass


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from pricelang import __version__

        click.echo(f"pricelang {__version__}")
        ctx.exit()


@click.group(cls=Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def commands() -> None:
    """Prices as code: check rule files that read like a price page, and charge usage records with them, exactly.

    RULES is a rule file (they end in .price) or the folder of one, in which it has the folder's name.
    """


def main() -> None:
    """The entry point of the command."""
    commands.main(prog_name="pricelang")
