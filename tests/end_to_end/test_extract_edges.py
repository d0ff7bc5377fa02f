"""`prldh extract` as a stranger's script meets it: a third party's source, odd tables and names, settings that are
wrong, what is not written."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
from imaging_data import (
    BIRTH,
    HOSPITAL_ID,
    NAME,
    box,
    values,
    write,
    write_rtstruct,
    write_seg,
    write_series,
    write_slicer,
)

import prldh
from prldh.cli import cli
from prldh.core.errors import DataError, PluginError, PrldhError
from prldh.data.imaging import measuring

pytestmark = pytest.mark.ci

N = 6
PLUGIN = """
import time
import numpy as np
from pydantic import BaseModel, ConfigDict
from prldh.core.errors import DataError
from prldh.plugins.hookspecs import hookimpl

SIZES = []  # how many cases came at once

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    scale: float = 1.0
    wrong: str = ""
    seconds: float = 0

class Plain:
    name, version, Settings = "plain", "1", Settings
    prefix = ""

    def extract(self, case, settings):
        time.sleep(settings.seconds)
        is_odd = case.patient.endswith("01")
        if is_odd and settings.wrong == "breaks":
            raise ValueError("no good")
        if is_odd and settings.wrong == "refuses":
            raise DataError("too dark.")
        masks = case.masks[:1] if settings.wrong == "few" else case.masks
        return tuple(
            {self.prefix + "mean": np.float32(case.image.values[m].mean()) * settings.scale,
             self.prefix + "top": np.nan if is_odd and settings.wrong == "nan" else case.image.values[m].max()}
            for m in masks
        )

class Many(Plain):
    name, prefix = "many", "many_"

    def extract_many(self, cases, settings):
        SIZES.append(len(cases))
        if settings.wrong == "short":
            return []
        found = []
        for case in cases:
            try:
                found.append(self.extract(case, settings))
            except DataError as error:
                found.append(error)
        return found

@hookimpl
def register_feature_sources():
    return [Plain(), Many()]
"""
STUDY = """\
clinical: {{table: clinical.csv, id: {id}, outcome: y, event: yes}}
tissues: {{disc: {{images: cases.csv, sources: [{sources}]}}}}
{more}
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """A third party's plugin on the path, for this process and those it starts."""
    folder = tmp_path_factory.mktemp("plugin")
    info = folder / "third_source-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-source\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[prldh]\nthird = third_source\n")
    (folder / "third_source.py").write_text(PLUGIN)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("third_source", None)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch, plugin) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("PRLDH_CACHE", str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(plugin), os.environ.get("PYTHONPATH")))))
    return folder


def _table(path: Path, rows: list[list]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _study(folder: Path, sources: str = "plain", more: str = "", id_column: str = "patient_id") -> Path:
    path = folder / "study.yaml"
    path.write_text(STUDY.format(id=id_column, sources=sources, more=more), encoding="utf-8")
    return path


@pytest.fixture
def cohort(tmp_path) -> Path:
    """Patients 0000 to 0005 with two readers; a clinical table of ids alone, with one patient more than there are
    images of."""
    folder = tmp_path / "Bilder und Ö"
    folder.mkdir()
    ids = [f"{k:04d}" for k in range(N)]
    for k in range(N):
        write(folder / f"Erika Müller {k}.nii.gz", values(k))
        write(folder / f"mask {k}.nrrd", box())
        write(folder / f"second {k}.mha", box() * (np.arange(12) < 9).astype(np.uint8))
    _table(
        folder / "cases.csv",
        [
            ["patient_id", "image", "mask_reader1", "mask_reader2"],
            *(
                [i, f"Erika Müller {k}.nii.gz", str(folder / f"mask {k}.nrrd"), f"second {k}.mha"]
                for k, i in enumerate(ids)
            ),
        ],
    )
    _table(folder / "clinical.csv", [["patient_id"], *([i] for i in [*ids, "7777"])])
    return folder


def _run(*arguments: object, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "prldh", *map(str, arguments)], capture_output=True, text=True, timeout=900, **options
    )


# ---------------------------------------------------------------- a third party's source


def test_a_source_that_takes_many_gets_them_together_and_gives_the_same(cohort, monkeypatch):
    monkeypatch.setattr(measuring, "BATCH", 4)
    calls = []
    done = prldh.extract(_study(cohort, "plain, many"), None, jobs=1, progress=lambda *a: calls.append(a))
    assert sys.modules["third_source"].SIZES == [4, 2]
    first, second = done.tables["disc"]
    assert list(first.columns) == ["mean", "top", "many_mean", "many_top"] and first.index.tolist() == [
        f"{k:04d}" for k in range(N)
    ]
    for frame in (first, second):
        np.testing.assert_array_equal(frame[["mean", "top"]], frame[["many_mean", "many_top"]])
    image, mask = values(2), box() > 0
    assert first.loc["0002", "top"] == image[mask].max() and first.loc["0002", "mean"] == np.float32(image[mask].mean())
    assert [done_ for stage, done_, _ in calls if "features" in stage] == [3, 6]
    again = prldh.extract(_study(cohort, "plain, many", "extraction: {many: {scale: 2}}"), None, jobs=1)
    assert [r.n_computed for r in again.images.tissues["disc"].results] == [1] * N
    np.testing.assert_array_equal(again.tables["disc"][0]["many_mean"], 2 * first["mean"])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("breaks", "the source 'many' failed on it (ValueError in third_source.py, line"),
        ("refuses", "too dark."),
    ],
)
def test_one_bad_case_among_many_does_not_end_the_others(cohort, wrong, reason):
    done = prldh.extract(_study(cohort, "many", f"extraction: {{many: {{wrong: {wrong}}}}}"), None, jobs=1)
    aside = dict(done.images.tissues["disc"].aside)
    assert set(aside) == {"0001", "7777"} and aside["0001"].startswith(reason)
    assert len(done.tables["disc"][0]) == N - 1


@pytest.mark.parametrize(
    ("wrong", "message"), [("few", "gives 1 sets of values for 2 masks"), ("short", "gives 0 answers for 6 cases")]
)
def test_a_source_that_keeps_no_promise_is_told_of(cohort, tmp_path, wrong, message):
    with pytest.raises(PluginError, match=message):
        prldh.extract(_study(cohort, "many", f"extraction: {{many: {{wrong: {wrong}}}}}"), tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_a_feature_that_one_patient_lacks_is_kept_blank_and_told(cohort, tmp_path):
    from prldh.run.image_terminal import summarise_extraction

    done = prldh.extract(_study(cohort, "plain", "extraction: {plain: {wrong: nan}}"), tmp_path / "out", jobs=1)
    assert np.isnan(done.tables["disc"][0]["top"]).tolist() == [k == 1 for k in range(N)]
    assert "without a value for some patient: 1 feature (top)." in summarise_extraction(done, tmp_path / "out")
    tissue = done.images.tissues["disc"]
    (block,), told = tissue.blocks(tissue.ids)
    assert block.names == ("mean",) and "top" in told[0].message
    (block,), told = tissue.blocks([i for i in tissue.ids if i != "0001"])
    assert block.names == ("mean", "top") and not told


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("sources", "more", "message"),
    [
        (
            "plain",
            "extraction: {plane: {scale: 2}}",
            "extraction.plane: there is no feature source of that name; did you mean 'plain'?",
        ),
        ("plain", "extraction: {plain: {scael: 2}}", "extraction.plain: unknown key 'scael'; did you mean 'scale'?"),
        (
            "plain",
            "extraction: {perturb: {contour: 2}}",
            "extraction.perturb: unknown key 'contour'; did you mean 'contour_mm'?",
        ),
        ("plain", "extraction: {perturb: {n: 0}}", "extraction.perturb: n: "),
        ("plain", "imaging: {memry_gb: 2}", "imaging.memry_gb: unknown key 'memry_gb'; did you mean 'memory_gb'?"),
        ("plian", "", "there is no feature source 'plian'"),
        ("plian", "extraction: {plain: {scale: 2}}", "tissues.disc.sources: there is no feature source 'plian'"),
        ("", "", "sources: must have at least 1 (found none). Add one."),
        ("plain, plain", "", "'plain' is named twice"),
    ],
)
def test_wrong_settings_are_told_before_anything_is_read(cohort, sources, more, message):
    read = []
    with pytest.raises(PrldhError) as error:
        prldh.extract(_study(cohort, sources, more), None, jobs=1, progress=lambda *a: read.append(a))
    assert message in str(error.value) and not read


def test_a_source_of_this_project_that_is_absent_is_named_with_its_plugin(cohort, monkeypatch):
    monkeypatch.setattr("prldh.plugins.registry.Registry.registered", lambda registry, hook: {})
    with pytest.raises(PluginError, match="'pyradiomics' is not installed.*pip install prldh-pyradiomics"):
        prldh.extract(_study(cohort, "pyradiomics"), None, jobs=1)


def test_a_parameter_file_lies_beside_the_study_wherever_the_command_runs(cohort, tmp_path, monkeypatch):
    pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
    monkeypatch.chdir(tmp_path)
    study = _study(cohort, "pyradiomics", "extraction: {pyradiomics: {preset: mine.yaml}}")
    with pytest.raises(PrldhError, match=r"mine\.yaml"):
        prldh.extract(study, None, jobs=1)
    (cohort / "mine.yaml").write_text("imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean]}\n")
    done = prldh.extract(study, tmp_path / "out", jobs=1)
    assert list(done.tables["disc"][0].columns) == ["original_firstorder_Mean"]
    assert str(cohort) not in (tmp_path / "out" / "features" / "disc.json").read_text(encoding="utf-8")
    (cohort / "mine.yaml").write_text("imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean, Range]}\n")
    assert prldh.extract(study, None, jobs=1).tables["disc"][0].shape == (
        N,
        2,
    ), "the content of the file counts, not its name"


def test_tissues_whose_files_would_have_one_name_are_refused_at_once(cohort):
    study = _study(cohort)
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace("disc: {", "A/b: {images: cases.csv, sources: [plain]}, 'a:b': {"), encoding="utf-8")
    with pytest.raises(PrldhError, match="'A/b' and 'a:b' would be written to files of one name"):
        prldh.extract(study, None, jobs=1)


def test_verifying_without_a_reference_says_that_nothing_was_verified(cohort, tmp_path):
    from prldh.run.image_terminal import summarise_extraction

    done = prldh.extract(_study(cohort), tmp_path / "out", jobs=1, verify=1)
    assert done.verified == {} and "Nothing was verified" in summarise_extraction(done, tmp_path / "out")


# ---------------------------------------------------------------- tables and names


def test_many_formats_odd_ids_and_nobody_s_name_in_what_is_written(tmp_path, own_cache):
    """DICOM with SEG and RTSTRUCT, segments, labels and blanks side by side, the id column called otherwise, run from
    elsewhere."""
    import jsonschema

    from prldh.core.jsonable import clean
    from prldh.data.imaging.describe import describe_images
    from prldh.results.schemas import IMAGES

    folder = tmp_path / "Klinik Ö"
    slices = write_series(folder / "Mustermann Erika", values(1))
    parts = {"Disc L4": (box() == 1).astype(np.uint8), "Disc L5": (box() == 2).astype(np.uint8)}
    write_seg(folder / "Mustermann.seg.dcm", slices, parts)
    corners = [
        np.array(
            [[-20 + 0.8 * x, 5 + 0.9 * y, 30 + 2.5 * z] for x, y in ((1.6, 1.6), (5.4, 1.6), (5.4, 6.4), (1.6, 6.4))]
        )
        for z in (1, 2, 3)
    ]
    write_rtstruct(folder / "Mustermann.rt.dcm", {"Disc L4": corners})
    write(folder / "Mustermann.nii.gz", values(2))
    write(folder / "labels.nii.gz", box())
    write_slicer(folder / "Mustermann.seg.nrrd", np.stack([box()]), [("Disc L4", 1, 0), ("Disc L5", 2, 0)])
    _table(folder / "clinical.csv", [["Fall-Nr"], ["0012"], ["0003"], ["0004"]])
    _table(
        folder / "cases.csv",
        [
            ["Fall-Nr", "image", "mask", "label", "segment"],
            ["0012", "Mustermann Erika", "Mustermann.seg.dcm", "", "Disc L4"],
            ["0012", str(folder / "Mustermann Erika"), "Mustermann.rt.dcm", "", "Disc L4"],
            ["0003", "Mustermann.nii.gz", "Mustermann.seg.nrrd", "", "Disc L4"],
            ["0003", "Mustermann.nii.gz", "labels.nii.gz", "1.0", ""],
            ["0003", "Mustermann.nii.gz", str(folder / "labels.nii.gz"), "2", ""],
            ["0004", "Mustermann_absent.nii.gz", "labels.nii.gz", "", ""],
            ["12", "Mustermann.nii.gz", "labels.nii.gz", "", ""],
        ],
    )
    study = _study(folder, "plain", "extraction: {perturb: {n: 1}}", "Fall-Nr")
    ran = _run(
        "extract", os.path.relpath(study, folder.parent), "--out", tmp_path / "out", "--jobs", 1, cwd=folder.parent
    )
    assert ran.returncode == 0, ran.stderr
    assert "patient 0004 (line 7): not found: the image." in ran.stdout
    assert "Mustermann" not in ran.stdout + ran.stderr, "a log that is kept names no file"
    assert "1 patient of cases.csv is not in the clinical table and was left out: 12." in ran.stdout
    features = tmp_path / "out" / "features"
    written = ["disc.json", "disc.perturbed.csv", "disc.pictures", "disc.reader1.csv", "disc.reader1.parquet"]
    assert sorted(p.name for p in features.iterdir()) == written
    frame = pd.read_csv(features / "disc.reader1.csv", dtype={"Fall-Nr": str})
    assert frame.columns.tolist() == ["Fall-Nr", "mean", "top"] and frame["Fall-Nr"].tolist() == ["0012", "0003"]
    first, second = values(1), values(2)
    assert frame["top"].tolist() == pytest.approx(
        [first[box() == 1].max(), np.mean([second[box() == k].max() for k in (1, 1, 2)])]
    )
    for path in [*(tmp_path / "out").rglob("*"), *own_cache.rglob("*")]:
        content = path.read_bytes() if path.is_file() else b""
        for secret in ("Mustermann", NAME, HOSPITAL_ID, BIRTH, "Erika", str(folder)):
            assert secret.encode() not in content and secret not in path.name, (path, secret)
    about = json.loads((features / "disc.json").read_text())
    assert [c["reason"] for c in about["put_aside"]][0].startswith("not found: the image.")
    done = prldh.extract(study, None, jobs=1)
    assert all(r.n_computed == 0 for r in done.images.tissues["disc"].results)
    tissue = done.images.tissues["disc"]
    jsonschema.validate(json.loads(json.dumps(clean(describe_images(tissue, tissue.ids)), allow_nan=False)), IMAGES)


def test_one_patient_in_all_and_not_an_outcome(cohort):
    _table(cohort / "clinical.csv", [["patient_id"], ["0003"]])
    done = prldh.extract(_study(cohort), None, jobs=2)
    assert done.tables["disc"][0].index.tolist() == ["0003"]
    assert done.images.warnings[0].message.startswith(
        "tissue disc: 5 patients of cases.csv are not in the clinical table"
    )


def test_where_all_cases_are_bad_the_first_is_told_with_its_path(cohort, tmp_path):
    table = pd.read_csv(cohort / "cases.csv", dtype=str)
    table.assign(image="elsewhere/" + table["image"]).to_csv(cohort / "cases.csv", index=False)
    with pytest.raises(
        DataError,
        match=(
            "none of 6 cases can be measured; the first, patient 0000 .line 2.: not found: .*elsewhere/Erika Müller 0"
        ),
    ):
        prldh.extract(_study(cohort), tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_an_image_larger_than_allowed_is_refused_by_its_header(cohort):
    """300 MB that take no room on the disk: a sparse file."""
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 512 512 600\nspace directions:"
        " (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nkinds: domain domain domain\nendian: little\nencoding:"
        " raw\n\n"
    )
    with (cohort / "big.nrrd").open("wb") as file:
        file.write(header.encode())
        file.truncate(len(header) + 2 * 512 * 512 * 600)
    table = pd.read_csv(cohort / "cases.csv", dtype=str)
    table.loc[0, "image"] = "big.nrrd"
    table.to_csv(cohort / "cases.csv", index=False)
    done = prldh.extract(_study(cohort, more="imaging: {memory_gb: 0.2}"), None, jobs=1)
    assert "memory_gb" in dict(done.images.tissues["disc"].aside)["0000"] and len(done.tables["disc"][0]) == N - 1


# ---------------------------------------------------------------- where things are kept, and interruptions


def test_where_nothing_can_be_kept_the_features_are_there_all_the_same(cohort, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "file"))
    done = prldh.extract(_study(cohort), None, jobs=1)
    assert len(done.tables["disc"][0]) == N and any("could not be kept" in w.message for w in done.images.warnings)


def test_interrupted_it_says_so_and_goes_on_the_next_time(cohort, tmp_path, own_cache):
    study = _study(cohort, "plain", "extraction: {plain: {seconds: 1}}")
    running = subprocess.Popen(
        [sys.executable, "-m", "prldh", "extract", str(study), "--out", str(tmp_path / "out"), "--jobs", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 600
    while len(list(own_cache.rglob("*.json"))) < 3 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=900)
    assert (
        running.returncode == 130
        and said.count("prldh: interrupted") == 1
        and "are kept" in said
        and "Traceback" not in said
    )
    assert not (tmp_path / "out").exists() and [p.name for p in tmp_path.iterdir()] == [cohort.name]
    done = prldh.extract(study, tmp_path / "out", jobs=1)
    assert sum(r.n_computed for r in done.images.tissues["disc"].results) < N


def test_like_findings_are_counted_on_the_terminal():
    from prldh.data.imaging.check import Finding
    from prldh.run.image_terminal import summarise_findings

    found = [
        Finding(f"P{k}", "disc", k, "refused" if k in (2, 9) else "warning", "border", f"case {k}")
        for k in range(2, 12)
    ]
    text, is_well = summarise_findings({"disc": found})
    lines = text.splitlines()
    assert not is_well and lines[0] == "check    tissue  patient  line  found"
    assert lines[1:3] == [f"refused  disc    P{k}       {k}     case {k}" for k in (2, 9)]
    assert lines[3:6] == [f"warning  disc    P{k}       {k}     case {k}" for k in (3, 4, 5)]
    assert lines[6] == "warning  disc                   and 5 more like these."
    assert lines[7:] == ["2 cases would be put aside, 8 warnings, 0 notes."]


def test_the_check_tells_whose_rows_and_whose_patients_are_nobodys(cohort):
    """Before anything is measured, as the run says it afterwards."""
    cases = cohort / "cases.csv"
    cases.write_text(cases.read_text(encoding="utf-8").replace("\n0005,", "\n0005x,"), encoding="utf-8")
    done = CliRunner().invoke(cli, ["extract", str(_study(cohort)), "--check", "--jobs", "1"])
    told = " ".join(done.stdout.split())
    assert done.exit_code == 0 and "0 cases would be put aside" in told, done.output
    assert "warning disc 1 patient of cases.csv is not in the clinical table and was left out: 0005x." in told
    assert "warning disc 2 patients of the clinical table have no row: 0005, 7777." in told


def test_warnings_of_the_checks_are_counted_at_the_end_of_extract(tmp_path):
    from types import SimpleNamespace

    from prldh.data.imaging.check import Finding
    from prldh.run.image_terminal import summarise_extraction

    found = tuple(Finding("P1", "disc/L4", 2, severity, "border", "…") for severity in ("warning", "warning", "note"))
    tissue = SimpleNamespace(results=(), aside=(), absent=[], findings=found)
    about = {"n_measured": 1, "n_cases": 1, "n_patients": 1, "features": ["a"], "n_readers": 1, "lesions": None}
    done = SimpleNamespace(
        about={"disc/L4": about}, images=SimpleNamespace(tissues={"disc/L4": tissue}), warnings=[], verified=None
    )
    said = summarise_extraction(done, tmp_path)
    assert (
        f"  the checks warn of 2 things: see {tmp_path / 'features' / 'disc_L4'}.json, or `prldh extract STUDY.yaml"
        " --check`." in said.splitlines()
    )


def test_analysing_images_never_replaces_a_table_that_the_study_reads(tmp_path):
    from make_image_cohort import write_cohort

    study = write_cohort(tmp_path / "images", 4)
    folder = tmp_path / "out" / "features"
    folder.mkdir(parents=True)
    given = folder / "x.csv"
    given.write_text("patient_id,f\nP001,1\nP002,2\nP003,3\nP004,4\n")
    text = study.read_text().replace("models: [", f"  muscle: {{features: [{given}]}}\nmodels: [")
    study.write_text(text.replace("folds: 5", "folds: 0"))
    with pytest.raises(PrldhError, match="x.csv is read by the study and lies in .*features"):
        prldh.analyze(study, tmp_path / "out", force=True)
    assert given.read_text().startswith("patient_id,f")
