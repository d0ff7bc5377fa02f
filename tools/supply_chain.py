"""What prldh is tested with: versions and hashes (``constraints.txt``), and the licences of all that it may bring
(``docs/licences.md``), from the environment that ``make setup-test`` makes.

    .venv/bin/python tools/supply_chain.py constraints | licences
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
LICENCES = ROOT / "docs" / "licences.md"

HEAD = """\
# What CI tested prldh with: Linux, x86-64, CPython {python}. Ranges are in pyproject.toml; this is one choice of them.
#
#   pip install torch=={torch}    where deep features are wanted; its builds have indexes of their own
#   RPY2_CFFI_MODE=ABI pip install --no-deps --require-hashes -r constraints.txt    these files, and no others
#   pip install --no-deps prldh prldh-pyradiomics prldh-uctransnet
#
# Written by tools/supply_chain.py. Which rpy2 works depends on R: `prldh doctor` names it.
"""

#: Of packages whose metadata name no licence: what their licence file says.
BY_HAND = {"partd": "BSD-3-Clause", "monai": "Apache-2.0", "axe-playwright-python": "MIT"}

LICENCES_HEAD = """\
# Licences of what prldh brings

prldh and its two plugins are under the MIT licence. Written by `tools/supply_chain.py` from the metadata of the
packages in the environment that CI tests; `make sbom` writes the same as a CycloneDX document. A package stands
where it is first needed.

**rpy2 is under the GPL** (2 or later) and is optional: it comes with `prldh[r]` alone, nothing of it is copied into
prldh, and without it every statistic is computed in Python. R itself and the R packages that are called (pROC,
glmnet, MASS; ResourceSelection and rmda where they are installed) are under the GPL too, run in R, and are not
distributed with prldh.
"""

#: What needs a package, the first that holds: requirements as ``pip install`` is given them.
GROUPS = (
    ("prldh", "prldh", ()),
    ("prldh[images]", "prldh", ("images",)),
    ("prldh[dask]", "prldh", ("dask",)),
    ("prldh[shap]", "prldh", ("shap",)),
    ("prldh[r]", "prldh", ("r",)),
    ("prldh-pyradiomics", "prldh-pyradiomics", ()),
    ("prldh-uctransnet", "prldh-uctransnet", ()),
    ("tests and development", "prldh", ("test", "dev")),
)


def _frozen() -> list[str]:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    listed = subprocess.run([*pip, "freeze", "--exclude-editable"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if "==" in line]


def write_constraints() -> None:
    """Versions as they are installed; hashes of the files that pip would install, which it is asked for."""
    frozen = _frozen()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--dry-run"]
        subprocess.run([*pip, "--ignore-installed", "--no-deps", "--report", report, *frozen], check=True)
        found = json.loads(report.read_text())["install"]
    hashes = {
        canonicalize_name(item["metadata"]["name"]): item["download_info"]["archive_info"]["hashes"]["sha256"]
        for item in found
    }
    versions = dict(line.split("==") for line in frozen)
    torch = versions.pop("torch").split("+")[0]
    lines = [
        f"{name}=={versions[name]} --hash=sha256:{hashes[canonicalize_name(name)]}\n"
        for name in sorted(versions, key=str.lower)
    ]
    head = HEAD.format(python=".".join(map(str, sys.version_info[:2])), torch=torch)
    CONSTRAINTS.write_text(head + "".join(lines), encoding="utf-8")


def licence_of(found: Distribution) -> str:
    """A package's licence as its metadata state it: an expression, else classifiers, else the first line of a text."""
    about = found.metadata
    if stated := about.get("License-Expression"):
        return stated
    classifiers = [c.split(" :: ")[-1] for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    named = [c for c in classifiers if c != "OSI Approved"]
    if named:
        return ", ".join(sorted(named))
    text = (about.get("License") or "").strip().splitlines()
    return BY_HAND.get(canonicalize_name(about["Name"])) or (text[0][:60] if text else "not stated")


def needed_by(name: str, extras: tuple[str, ...]) -> dict[str, Distribution]:
    """A distribution's requirements, and theirs, as far as they are installed."""
    found: dict[str, Distribution] = {}
    waiting = [(name, extras)]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            there = distribution(name)
        except PackageNotFoundError:
            continue
        found[canonicalize_name(name)] = there
        for text in there.requires or ():
            wanted = Requirement(text)
            if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append((wanted.name, tuple(sorted(wanted.extras))))
    return found


def ours() -> set[str]:
    files = [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
    return {canonicalize_name(tomllib.loads(f.read_text(encoding="utf-8"))["project"]["name"]) for f in files}


def write_licences() -> None:
    """A table of every package with its licence, by what brings it."""
    listed: set[str] = ours()
    parts = [LICENCES_HEAD]
    for title, name, extras in GROUPS:
        there = {k: d for k, d in sorted(needed_by(name, extras).items()) if k not in listed}
        listed |= set(there)
        rows = "\n".join(f"| {d.metadata['Name']} | {_cell(licence_of(d))} |" for d in there.values())
        parts.append(f"\n## {title}\n\n| package | licence |\n| --- | --- |\n{rows}\n" if rows else "")
    LICENCES.write_text("".join(parts), encoding="utf-8")


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


if __name__ == "__main__":
    {"constraints": write_constraints, "licences": write_licences}[sys.argv[1]]()
