"""What runs in environments of its own: `nox` (every Python that prldh names), `nox -s plugins` (the example plugins
with their libraries). An interpreter that is absent is said and left out; `nox --error-on-missing-interpreters` fails.

    nox -s tests-3.13 -- tests/unit/test_tables.py      # a selection
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [line.split(" :: ")[-1] for line in PROJECT["classifiers"] if "Python :: 3." in line]
EXAMPLES = sorted(path.parent.name for path in ROOT.glob("plugins/examples/*/pyproject.toml"))
#: Core and fast: no R, no browser, no GPU, nothing that takes minutes.
FAST = ("-q", "-m", "not slow and not gpu and not browser and not r", "--deselect", "tests/unit/test_gpu_check.py")

nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The core and its fast tests, from an installed wheel's dependencies, on one Python."""
    session.install("-e", ".[test,images]")
    session.run("pytest", *FAST, *(session.posargs or ("tests/unit", "tests/property")), env={"OMP_NUM_THREADS": "1"})


@nox.session(python="3.11")
@nox.parametrize("plugin", EXAMPLES)
def plugins(session: nox.Session, plugin: str) -> None:
    """An example plugin with its library: its tests, and `prldh plugins check`."""
    session.install("-e", ".[images]", "-e", f"plugins/examples/{plugin}", "pytest")
    session.run("pytest", "-q", f"plugins/examples/{plugin}", *session.posargs)
    session.run("prldh", "plugins", "check", plugin.removeprefix("prldh-"))
