"""The command ``prldh``, and ``python -m prldh``: an interruption before all is imported, or when all is done, ends as
any other does."""

import signal
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Entry point of the command line."""
    try:
        try:
            import_module("prldh.cli").main()
        finally:  # what is left to do is the interpreter's
            if known := _interruptions():
                known.end_at_once()
    except KeyboardInterrupt as stop:
        if known := _interruptions():
            known.end_at_once()
        told = known.interruption_told(stop) if known else "interrupted; nothing was left half written."
        print(f"prldh: {told}", file=sys.stderr)
        sys.exit(known.status_when_interrupted() if known else 128 + signal.SIGINT)


def _interruptions() -> Any:
    """What tells of interruptions, if it is imported: what an interrupted import began cannot be imported again."""
    return sys.modules.get("prldh.core.interruptions")


if __name__ == "__main__":
    main()
