"""The `farm` command: its verbs, exit codes and error output."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from farm import __version__
from farm.cli.signals import interruption
from farm.errors import FarmError, ManifestError

VERBS = {
    "check": ("farm.cli.check", "Check manifests: report every mistake with its line and column."),
    "plan": ("farm.cli.check", "Show what a manifest would render, and how long it would take."),
    "render": ("farm.cli.render", "Render manifests, keeping frames that are already finished."),
    "batch": ("farm.cli.render", "Render every manifest in a folder."),
    "verify": ("farm.cli.verify", "Render frames again and compare them with the stored ones."),
    "assemble": ("farm.cli.render", "Assemble GIF, MP4, sheets and table from finished frames."),
    "analyze": ("farm.cli.analyze", "Measure finished frames and print the insights."),
    "report": ("farm.cli.analyze", "Write the report of a job, or the gallery of a folder of jobs."),
    "inspect": (
        "farm.cli.inspect",
        "Show the state of a finished or running job, or the history of one frame.",
    ),
    "compare": ("farm.cli.compare", "Compare two jobs frame by frame."),
    "submit": ("farm.cli.cluster", "Submit a manifest to a cluster and follow its log."),
    "jobs": ("farm.cli.cluster", "Manage jobs submitted to a cluster."),
    "models": ("farm.cli.reference", "List the checkpoints shipped with the farm."),
    "schema": ("farm.cli.reference", "Print the JSON Schema of manifests, for editors."),
    "doctor": ("farm.cli.doctor", "Check that this machine can render."),
}
"""By name, in the order of `farm --help`: the module that defines it, and the first line of its help."""


class Verbs(TyperGroup):
    """The verbs, each imported when it is called: `farm --help` reads their summaries only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: dict[str, Any] = {
            name: TyperCommand(name=name, help=summary) for name, (_, summary) in VERBS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name of the verb that the arguments begin with, the verb, and the other arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else command(name), rest


def command(name: str) -> Any:
    """Import a verb and return its command."""
    verb = getattr(import_module(VERBS[name][0]), name)
    if isinstance(verb, typer.Typer):
        return typer.main.get_command(verb)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(verb)
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=Verbs,
    name="farm",
    help="Render diffusion animations from YAML manifests.",
    epilog="Exit codes: 0 done; 1 failed; 2 wrong call or manifest; 3 partly done; 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        print(f"farm {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its exit code; handle SIGTERM like Ctrl-C."""
    interruption.listen()
    try:
        app(args=arguments)
    except FarmError as error:
        from farm.cli.output import echo_problems, print_error

        if isinstance(error, ManifestError) and "--json" in (arguments or sys.argv):
            echo_problems(error)
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
