"""The `bangban` command: as a process of its own, and called here, which spares the seconds that imports take."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest
import structlog

from channels import cli, terminal
from core import logs
from tests.channels.conftest import ROOT

WIDE = 400  # columns, so that no sentence is broken


def run(*arguments: str, **variables: str) -> CompletedProcess[str]:
    """What a process of its own answers."""
    command = [sys.executable, "-m", "channels", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
    )


def call(*arguments: str, **variables: str) -> CompletedProcess[str]:
    """The same without a process. What a process would end with a traceback is raised."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _logging(patch),
    ):
        patch.setattr(sys, "argv", ["bangban", *arguments])
        patch.setattr(sys, "excepthook", sys.excepthook)  # Typer sets its own
        for name, value in {**variables, "COLUMNS": str(WIDE)}.items():
            patch.setenv(name, value)
        for console in (terminal.out, terminal.err):
            patch.setattr(console, "width", WIDE)
        status = _status()
    return CompletedProcess(["bangban", *arguments], status, out.getvalue(), err.getvalue())


def _status() -> int:
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@contextlib.contextmanager
def _logging(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the command sets up is gone afterwards, and no logger holds on to the stream of this call."""
    configure, before, was = logs.configure, structlog.get_config(), structlog.is_configured()

    def configured(level: str, *, pretty: bool = False) -> None:
        configure(level, pretty=pretty)
        structlog.configure(**{**structlog.get_config(), "cache_logger_on_first_use": False})

    patch.setattr(logs, "configure", configured)
    patch.setattr(logging.root, "handlers", list(logging.root.handlers))
    level = logging.root.level
    try:
        yield
    finally:
        logging.root.setLevel(level)
        structlog.configure(**before) if was else structlog.reset_defaults()
