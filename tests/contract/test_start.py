"""A command imports what it uses: what a start must not import, which no clock need tell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

#: Libraries that take longer to import than a small case to measure, and the rooms of the statistics.
STATISTICS = ("scipy", "pandas", "statsmodels", "sklearn", "matplotlib", "rpy2", "jinja2", "torch", "shap")
ROOMS = ("stats", "engines", "chain", "models", "validation", "results", "report", "checklists", "reproduce", "apply")
IMAGES = ("SimpleITK", "radiomics", "pydicom", "highdicom", "numba", "llvmlite", "pyarrow", "joblib")

RUN = """
import sys
from prldh.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("IMPORTED", *sys.modules)
"""


def imported_by(*arguments: str) -> set[str]:
    """The modules that a process has imported at the end of a command."""
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(done.stdout.rpartition("IMPORTED ")[2].split())


def test_help_imports_no_library_of_a_study():
    imported = imported_by("--help")
    assert not imported & {*STATISTICS, *IMAGES}
    assert not imported & {f"prldh.{room}" for room in (*ROOMS, "data", "run")}


def test_the_demo_says_what_it_does_before_it_imports_what_takes_long(tmp_path):
    """A newcomer sees within a second that something goes on."""
    said = "\n".join(
        (
            "import sys, prldh.work",
            "def say(self, text):",
            "    print(text, 'IMPORTED', *sys.modules)",
            "    sys.exit()",
            "prldh.work.Teller.say = say",
            "from prldh.cli import main",
            f"sys.argv = ['prldh', 'demo', '--out', {str(tmp_path / 'demo')!r}]",
            "main()",
        )
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True)
    told, _, imported = done.stdout.partition("IMPORTED ")
    assert "SYNTHETIC" in told and not {*imported.split()} & {*STATISTICS, *IMAGES}, done.stderr


@pytest.fixture
def study(tmp_path) -> Path:
    """Two small cases."""
    sitk = pytest.importorskip("SimpleITK")
    rng = np.random.default_rng(1)
    rows = ["patient_id,image,mask"]
    mask = np.zeros((8, 12, 12), np.uint8)
    mask[2:6, 3:9, 3:9] = 1
    for name in "AB":
        for kind, values in (("image", rng.normal(100, 30, mask.shape).astype(np.int16)), ("mask", mask)):
            sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / f"{name}_{kind}.nii.gz"))
        rows.append(f"{name},{name}_image.nii.gz,{name}_mask.nii.gz")
    (tmp_path / "cases.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "clinical.csv").write_text("patient_id,outcome\nA,0\nB,1\n")
    path = tmp_path / "study.yaml"
    path.write_text(
        "title: Start\nclinical: {table: clinical.csv, id: patient_id, outcome: outcome, event: 1}\n"
        "tissues: {disc: {images: cases.csv, sources: [pyradiomics]}}\n"
    )
    return path


def test_extract_imports_neither_statistics_nor_the_compiler(study, tmp_path, monkeypatch):
    pytest.importorskip("radiomics", reason="PyRadiomics is not installed (it needs a C compiler)")
    pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    imported = imported_by("extract", str(study), "--out", str(out), "--jobs", "2")
    if "numba" in imported:  # which compiled, once in a checkout
        shutil.rmtree(tmp_path / "cache" / "extraction", ignore_errors=True)  # measured again, by what was compiled
        imported = imported_by("extract", str(study), "--out", str(out), "--force", "--jobs", "2")
    assert (out / "features" / "disc.reader1.csv").is_file()
    assert not imported & {*STATISTICS, "numba", "joblib"}
    assert not imported & {f"prldh.{room}" for room in ROOMS}
