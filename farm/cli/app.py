"""The `farm` command: its verbs, and what every verb shares - exit codes and where words go."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from farm import __version__
from farm.cli import cluster, comparing, doctor, inspecting, look, measuring, rendering, verifying
from farm.cli.interruption import interruption
from farm.cli.speech import complain, say_problems
from farm.errors import FarmError, ManifestError

app = typer.Typer(
    name="farm",
    help="Render diffusion animations from YAML manifests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all done; 1 the run failed; 2 the call or manifest is wrong; 3 partly done; 130 interrupted.",
)
app.command()(look.check)
app.command()(look.plan)
app.command()(rendering.render)
app.command()(rendering.batch)
app.command()(verifying.verify)
app.command()(rendering.assemble)
app.command()(measuring.analyze)
app.command()(measuring.report)
app.command()(inspecting.inspect)
app.command()(comparing.compare)
app.command()(cluster.submit)
app.add_typer(cluster.jobs, name="jobs")
app.command()(look.models)
app.command()(look.schema)
app.command()(doctor.doctor)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"farm {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; SIGTERM ends it as Ctrl-C does."""
    interruption.listen()
    try:
        app(args=arguments)
    except FarmError as error:
        if isinstance(error, ManifestError) and "--json" in (arguments or sys.argv):
            say_problems(error)
        complain(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
