"""Finding R: its home folder, its packages, the rpy2 that works with it, and prldh's own R sources. Nothing here starts
R in this process."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from prldh.core import EngineError

REQUIRED_PACKAGES = ("pROC", "glmnet")
APT_LINE = "apt-get install r-base-core r-cran-proc r-cran-glmnet"


def r_source_dir() -> Path:
    """The folder of the R sources: ``r/R`` of a checkout, or ``prldh/_r/R`` of an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    candidates = (package.parent / "r" / "R", package / "_r" / "R")
    for folder in candidates:
        if (folder / "fit_logistic.R").is_file():
            return folder
    raise EngineError(
        f"prldh's R sources are missing: neither {candidates[0]} nor {candidates[1]} has fit_logistic.R. Install prldh"
        " again."
    )


def r_sources() -> list[Path]:
    """The R files of the statistics, by name. Those called ``prldh_*.R`` are for R users, and no engine needs them."""
    return sorted(path for path in r_source_dir().glob("*.R") if not path.name.startswith("prldh_"))


def rpy2_requirement(r_version: str) -> str:
    """The pip line whose rpy2 works with an R version; pip cannot choose by that itself.

    Examples
    --------
    >>> rpy2_requirement("4.2.2")
    'pip install rpy2==3.6.5 rpy2-rinterface==3.6.5 rpy2-robjects==3.6.6'
    >>> rpy2_requirement("4.5.1")
    'pip install "rpy2>=3.6.7"'
    """
    if _version_tuple(r_version) >= (4, 5):
        return 'pip install "rpy2>=3.6.7"'
    return "pip install rpy2==3.6.5 rpy2-rinterface==3.6.5 rpy2-robjects==3.6.6"


@functools.lru_cache(maxsize=1)
def r_available() -> tuple[bool, str]:
    """Whether R is usable through rpy2 and, if not, the reason with the line that mends it. Starts no R in this
    process."""
    try:
        r_home = find_r_home()
        script = (
            'cat(R.version$major, ".", R.version$minor, "\\n", sep = "");'
            f"for (p in c({', '.join(map(repr, REQUIRED_PACKAGES))})) if (!requireNamespace(p, quietly = TRUE)) cat(p,"
            " '\\n')"
        )
        rscript = Path(r_home) / "bin" / "Rscript"
        done = subprocess.run([rscript, "-e", script], capture_output=True, text=True, timeout=60, check=True)
        version, *missing = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        if missing:
            raise EngineError(tell_missing(missing))
        import_rinterface(r_home, version)
    except EngineError as error:
        return False, str(error)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return False, f"R was found but does not run: {error}. Install it again, e.g. {APT_LINE}."
    return True, ""


def find_r_home() -> str:
    """R's home folder, from R_HOME or the ``R`` on the PATH."""
    home = os.environ.get("R_HOME")
    if not home:
        try:
            done = subprocess.run(["R", "RHOME"], capture_output=True, text=True, timeout=60, check=True)
            home = (done.stdout.strip().splitlines() or [""])[-1]
        except (OSError, subprocess.SubprocessError):
            home = ""
    if not home:
        raise EngineError(
            "R is needed by the R engine: R_HOME is not set and there is no R on the PATH. Install it, e.g."
            f" {APT_LINE}."
        )
    if not (Path(home) / "bin").is_dir():
        raise EngineError(
            f"R is needed by the R engine: its home {home} has no bin folder. Set R_HOME rightly, or unset it."
        )
    return home


def import_rinterface(r_home: str, version: str | None = None) -> Any:
    """rpy2.rinterface, or the pip line for the R that is there."""
    logging.getLogger("rpy2").addHandler(logging.NullHandler())  # its loggers would print
    if importlib.util.find_spec("rpy2") is None:
        line = rpy2_requirement(version or ask_version(r_home))
        raise EngineError(f"the R engine needs the Python package rpy2, which is not installed. Run: {line}")
    try:
        return importlib.import_module("rpy2.rinterface")
    except Exception as error:  # cffi, the linker and rpy2 each have their own
        version = version or ask_version(r_home)
        raise EngineError(
            f"rpy2 cannot be loaded with R {version}: {error}. Run: {rpy2_requirement(version)}"
        ) from error


def ask_version(r_home: str) -> str:
    """R's version; only asked for when a message needs it."""
    try:
        done = subprocess.run(
            [Path(r_home) / "bin" / "R", "--version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    match = re.search(r"R version (\d+\.\d+\.\d+)", done.stdout)
    return match.group(1) if match else "unknown"


def tell_missing(missing: list[str]) -> str:
    """The message for R packages that are not there, with the lines that install them."""
    quoted = ", ".join(f'"{p}"' for p in missing)
    debian = " ".join(f"r-cran-{p.lower()}" for p in missing)
    return (
        f"the R engine needs the R package{'s' if len(missing) > 1 else ''} {', '.join(missing)}, which R cannot load. "
        f"Run apt-get install {debian}, or in R: install.packages(c({quoted}))."
    )


def _version_tuple(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
