"""`tally` by its own entry point, in this process: thirty commands would else start thirty Pythons."""

from __future__ import annotations

import contextlib
import io
import sys
from unittest.mock import patch

from cli.main import main
from tests.program import Ran

__all__ = ["ok", "tally"]


def tally(*arguments: object) -> Ran:
    """Run one command as the installed program would, with its exit code."""
    out, err = io.StringIO(), io.StringIO()
    words = ["tally", *map(str, arguments)]
    with patch.object(sys, "argv", words), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 1
        else:
            code = 0
    return Ran(code, out.getvalue(), err.getvalue())


def ok(*arguments: object) -> Ran:
    """Run a command and expect exit code 0."""
    ran = tally(*arguments)
    assert ran.code == 0, ran.err + ran.out
    return ran
