"""The `farm` command: its verbs, exit codes and error output."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from farm import __version__
from farm.cli import analyze, check, cluster, compare, doctor, inspect, reference, render, verify
from farm.cli.output import echo_problems, print_error
from farm.cli.signals import interruption
from farm.errors import FarmError, ManifestError

app = typer.Typer(
    name="farm",
    help="Render diffusion animations from YAML manifests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 failed; 2 wrong call or manifest; 3 partly done; 130 interrupted.",
)
app.command()(check.check)
app.command()(check.plan)
app.command()(render.render)
app.command()(render.batch)
app.command()(verify.verify)
app.command()(render.assemble)
app.command()(analyze.analyze)
app.command()(analyze.report)
app.command()(inspect.inspect)
app.command()(compare.compare)
app.command()(cluster.submit)
app.add_typer(cluster.jobs, name="jobs")
app.command()(reference.models)
app.command()(reference.schema)
app.command()(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
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
        if isinstance(error, ManifestError) and "--json" in (arguments or sys.argv):
            echo_problems(error)
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
