"""The `vrs-bench` command: a thin layer that reads arguments, shows progress and prints results.

What a command needs is imported inside it, so that `vrs-bench --help` does not wait for it.
"""

from __future__ import annotations

import sys

from vrs_bench.cli import (  # noqa: F401  # each adds its commands
    data,
    entries,
    fit,
    products,
    reproduce,
    scores,
    shifts,
)
from vrs_bench.cli.app import app
from vrs_bench.errors import BenchError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command; a fault that the user can mend ends in one message and status 1."""
    try:
        app()
    except (BenchError, OSError) as error:
        print(f"vrs-bench: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != 130:  # what Typer makes of Ctrl-C
            raise
        print("vrs-bench: stopped; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
