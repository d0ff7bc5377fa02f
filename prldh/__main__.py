"""The command ``prldh``, and ``python -m prldh``: an interruption before all is imported, or when all is done, ends as
any other does, and no thread of a plugin keeps the process from its end."""

import signal
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Entry point of the command line."""
    status = 1
    try:
        try:
            try:
                import_module("prldh.cli").main()
            finally:  # what is left to do is the interpreter's
                if known := _imported("interruptions"):
                    known.end_at_once()
        except KeyboardInterrupt as stop:
            if known := _imported("interruptions"):
                known.end_at_once()
            told = known.interruption_told(stop) if known else "interrupted; nothing was left half written."
            print(f"prldh: {told}", file=sys.stderr)
            sys.exit(known.status_when_interrupted() if known else 128 + signal.SIGINT)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        if known := _imported("leaving"):
            known.leave_behind(status)


def _imported(name: str) -> Any:
    """A module of the core, if it is imported: what an interrupted import began cannot be imported again."""
    return sys.modules.get(f"prldh.core.{name}")


if __name__ == "__main__":
    main()
