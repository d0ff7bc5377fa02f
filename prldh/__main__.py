"""The command ``prldh``, and ``python -m prldh``: an interruption before all is imported, or when all is done, ends as
any other does."""

import sys
from importlib import import_module


def main() -> None:
    """Entry point of the command line."""
    try:
        try:
            import_module("prldh.cli").main()
        finally:  # what is left to do is the interpreter's
            import_module("prldh.core").end_deaf()
    except KeyboardInterrupt as stop:
        core = import_module("prldh.core")
        print(f"prldh: {core.interruption_told(stop)}", file=sys.stderr)
        sys.exit(core.status_when_interrupted())


if __name__ == "__main__":
    main()
