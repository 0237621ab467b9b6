"""Control sequences are printed as escapes, whatever their source and destination."""

import contextlib
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import threading
import warnings

import pytest
from rich.cells import cell_len

from farm.cli import cluster
from farm.cli.output import echo, echo_json, format_table, print_error
from farm.console import Terminal
from farm.errors import FarmError
from farm.events import FramesFailed, JobStarted, WorkerLost
from farm.execute.ray.jobs_client import ClusterJob
from farm.progress import ProgressView
from farm.terminal import EscapingStream, guard_terminal

TITLE = "\x1b]0;owned\x07"
LINK = "\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\"
CLIPBOARD = "\x9d52;c;cm0gLXJm\x9c"
OVERWRITE = "failed\rdone  "
HIDDEN = "\x1b[8mhidden"
BACKWARDS = "a\u202egnp.exe"
HOSTILE = f"{TITLE}{LINK}{CLIPBOARD}{OVERWRITE}{HIDDEN}{BACKWARDS}[bold]:fire:\x7f\x85\u2028"
SHOWN = (
    r"\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\here\x1b]8;;\x1b\\x9d52;c;cm0gLXJm\x9cfailed\rdone  "
    r"\x1b[8mhiddena\u202egnp.exe[bold]:fire:\x7f\x85\u2028"
)
WIDE = ("赤い星", "e\u0301te\u0301", "🔥🔥", "plain")


def printable_lines(text):
    """Return whether a text contains no control characters except line feeds and tabs."""
    return all(line.replace("\t", "").isprintable() for line in text.split("\n"))


def on_a_terminal(*command, columns=80):
    """Return the output of a command on a terminal."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "24"}
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        output = b""
        with contextlib.suppress(OSError):  # reading past the end is an error
            while part := os.read(ours, 4096):
                output += part
        process.wait(timeout=60)
    os.close(ours)
    return output.decode().replace("\r\n", "\n")


@contextlib.contextmanager
def guarded():
    """Capture the guarded standard output and standard error of the body."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        guard_terminal()
        guard_terminal()  # harmless, since main may be called twice
        yield out, err


# --- sources of output ------------------------------------------------------------------------------------


def test_output_is_escaped():
    with guarded() as (out, err):
        echo(f"{HOSTILE}\n\tsecond line")
    assert (out.getvalue(), err.getvalue()) == (f"{SHOWN}\n\tsecond line\n", "")


def test_errors_are_escaped_and_never_read_as_markup():
    with guarded() as (out, err):
        print_error(FarmError(HOSTILE))
    assert (out.getvalue(), err.getvalue()) == ("", f"{SHOWN}\n")


def log():
    logger = logging.getLogger("some.library")
    logger.handlers = [logging.StreamHandler()]
    logger.warning("%s", HOSTILE)


def warn():
    sys.stderr.write(warnings.formatwarning(HOSTILE, UserWarning, __file__, 1, "x"))


def fail_in_a_thread():
    def fail():
        raise ValueError(HOSTILE)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    "write",
    [
        lambda: print(HOSTILE),
        lambda: print(HOSTILE, file=sys.stderr),
        lambda: sys.stderr.writelines([HOSTILE]),
        lambda: sys.__excepthook__(ValueError, ValueError(HOSTILE), None),
        log,
        warn,
        fail_in_a_thread,
    ],
    ids=[
        "print",
        "print to stderr",
        "writelines",
        "traceback",
        "logging",
        "warnings",
        "traceback of a thread",
    ],
)
def test_output_of_libraries_is_escaped(write, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)  # not pytest's
    with guarded() as streams:
        write()
    printed = "".join(stream.getvalue() for stream in streams)
    assert SHOWN in printed
    assert printable_lines(printed)


def test_the_traceback_that_ends_a_process_is_escaped():
    shown = on_a_terminal(
        sys.executable,
        "-c",
        f"from farm.terminal import guard_terminal\nguard_terminal()\nraise ValueError({HOSTILE!r})",
    )
    assert shown.splitlines()[-1] == f"ValueError: {SHOWN}"
    assert printable_lines(shown)


def test_json_is_ascii_with_the_same_content():
    with guarded() as (out, _):
        echo_json({"reason": HOSTILE, "name": "赤い星"})
    text = out.getvalue()
    assert text.isascii()
    assert printable_lines(text)
    assert json.loads(text) == {"reason": HOSTILE, "name": "赤い星"}


# --- on a real terminal -----------------------------------------------------------------------------------


def test_a_file_name_that_looks_like_an_option_is_escaped():
    shown = on_a_terminal(sys.executable, "-m", "farm.cli", "check", f"--{TITLE}{CLIPBOARD}\x1b[2J.yaml")
    assert "No such option" in shown
    assert printable_lines(re.sub(r"\x1b\[[0-9;]*m", "", shown))  # typer's colours


def test_help_has_colours_on_a_terminal_and_none_elsewhere(farm):
    assert "\x1b[1m" in on_a_terminal(sys.executable, "-m", "farm.cli", "check", "--help")
    assert "\x1b" not in farm("check", "--help")[1]


def test_a_manifest_is_refused_on_a_terminal_in_red_and_escaped(tmp_path):
    path = tmp_path / f"{TITLE.replace('/', '')}.yaml"
    path.write_text("version: 2")
    shown = on_a_terminal(sys.executable, "-m", "farm.cli", "check", str(path))
    assert r"\x1b]0;owned\x07.yaml:1:1: version: found 2" in shown
    assert shown.startswith("\x1b[31m")
    assert printable_lines(shown.replace("\x1b[31m", "").replace("\x1b[0m", ""))


# --- the progress of a run --------------------------------------------------------------------------------


@pytest.mark.parametrize("is_terminal", [True, False])
def test_events_of_a_run_are_escaped_and_never_read_as_markup(is_terminal, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", EscapingStream(shown))
    with ProgressView(Terminal(force_terminal=is_terminal, width=300)) as view:
        view(JobStarted(job="[link=https://evil.example]job[/link]", frame_count=9, kept=1))
        view(WorkerLost(worker="w", reason=f"{HOSTILE}\njob: done"))
        view(FramesFailed(job="job", frames=(4,), reason=LINK, attempts=3))
        print(f"printed {LINK}", file=sys.stderr)
        logging.StreamHandler().emit(logging.makeLogRecord({"msg": f"logged {HIDDEN}"}))
    text = shown.getvalue()
    assert "[link=https://evil.example]job[/link]" in text
    assert f"lost w: {SHOWN} job: done\n" in text
    assert r"printed \x1b]8;;https://evil.example\x1b\here" in text
    assert r"logged \x1b[8mhidden" in text
    assert "\x1b]" not in text
    assert "\x1b[8m" not in text
    assert ("\x1b[" in text) == is_terminal


# --- tables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WIDE)
def test_columns_are_aligned_whatever_the_width_of_characters(name):
    rows = format_table([("name", "state"), (name, "done"), ("x" * 9, "failed")]).split("\n")
    assert {
        cell_len(row[: row.index(word)]) for row, word in zip(rows, ("state", "done", "failed"), strict=True)
    } == {11}


def test_a_cell_is_one_printable_line():
    assert format_table([("a", f"{LINK}\nb  done"), ("c", "d")]).split("\n") == [
        r"a  \x1b]8;;https://evil.example\x1b\here\x1b]8;;\x1b\ b  done",
        "c  d",
    ]


# --- output of a cluster ----------------------------------------------------------------------------------


class Client:
    log = f"\x1b[36m(worker)\x1b[0m one\r 50%\r100%\r\nlast\t{LINK}{CLIPBOARD}\n"

    def jobs(self):
        return [
            ClusterJob(
                job_id=f"job{TITLE}",
                status="RUNNING",
                entrypoint=f"{HIDDEN}\njob2  succeeded",
                message="",
                started=None,
                ended=None,
                exit_code=None,
            )
        ]

    def logs(self, job_id):
        return self.log

    def follow(self, job_id, out):
        out.write(self.log)
        out.flush()
        return 0


LOG = (
    "(worker) one\n 50%\n100%\nlast\t"
    r"\x1b]8;;https://evil.example\x1b\here\x1b]8;;\x1b\\x9d52;c;cm0gLXJm\x9c"
    "\n"
)


@pytest.mark.parametrize("follow", [[], ["--follow"]])
def test_a_log_is_printed_without_colours_and_escaped(farm, monkeypatch, follow):
    monkeypatch.setattr(cluster, "jobs_client", lambda address: Client())
    assert farm("jobs", "logs", "job", *follow, "--address", "https://head") == (0, LOG, "")


def test_jobs_of_a_cluster_are_listed_one_per_line_and_escaped(farm, monkeypatch):
    monkeypatch.setattr(cluster, "jobs_client", lambda address: Client())
    code, out, _ = farm("jobs", "list", "--address", "http://head:8265")
    assert (code, out.splitlines()[1:]) == (
        0,
        [r"job\x1b]0;owned\x07  running                               \x1b[8mhidden job2  succeeded"],
    )
    code, out, _ = farm("jobs", "list", "--json", "--address", "http://head:8265")
    assert json.loads(out)[0]["job_id"] == f"job{TITLE}"
    assert printable_lines(out)
