"""Settings that nothing reads are an error, and `extract --check` tests what sources need as `extract` does."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner

from prldh.cli import cli
from prldh.core import StudyError
from prldh.study import read_study

CLINICAL = {"table": "clinical.csv", "id": "id", "outcome": "ill", "event": 1}
SCORE, FEATURES, IMAGES = {"radscore": "score"}, {"features": "features.csv"}, {"images": "cases.csv"}

UNREAD = {
    "extraction without images": (
        FEATURES,
        {"extraction": {"pyradiomics": {"presett": "a"}}},
        "extraction: nothing reads it: no tissue is given as images",
    ),
    "perturb without images": (FEATURES, {"extraction": {"perturb": {"n": 3}}}, "extraction: nothing reads it"),
    "imaging without images": (SCORE, {"imaging": {"pet": "suv_bw"}}, "imaging: nothing reads it"),
    "image steps without images": (SCORE, {"image_steps": ["z_score"]}, "image_steps: nothing reads it"),
    "selection of a score": (
        SCORE,
        {"selection": ["lasso"]},
        "selection: nothing reads it: no tissue has features or images",
    ),
    "learner of a score": (SCORE, {"learner": "ridge"}, "learner: nothing reads it"),
    "transforms of a score": (SCORE, {"transforms": ["scale"]}, "transforms: nothing reads it"),
    "repeats without folds": (
        FEATURES,
        {"validation": {"folds": 0, "repeats": 5}},
        "validation.repeats: nothing reads it: folds are switched off",
    ),
    "sources of a score": (
        SCORE,
        {"tissues": {"disc": SCORE | {"sources": ["uctransnet"]}}},
        "tissues.disc: sources is about images, and radscore is given",
    ),
}


@pytest.mark.parametrize(("tissue", "settings", "message"), UNREAD.values(), ids=UNREAD)
def test_settings_that_nothing_reads_are_an_error(tissue, settings, message):
    study = {"clinical": CLINICAL, "tissues": {"disc": tissue}}
    read_study(study)
    with pytest.raises(StudyError, match=message):
        read_study(study | settings)


def test_what_a_switch_turns_off_may_stay():
    study = {"clinical": CLINICAL, "tissues": {"disc": FEATURES}}
    read_study(study | {"imputation": {"imputations": 5}, "missing": "complete_case"})
    read_study(study | {"firth": {"predictions": "flic"}, "separation": "warn"})
    with pytest.raises(StudyError, match="did you mean 'imputations'"):
        read_study(study | {"imputation": {"imputation": 5}})


def test_settings_written_out_as_they_would_be_are_none():
    whole, _ = read_study({"clinical": CLINICAL, "tissues": {"disc": SCORE}})
    assert read_study(whole.model_dump()) == (whole, read_study(whole.model_dump())[1])


@pytest.fixture
def write(tmp_path):
    (tmp_path / "clinical.csv").write_text("id,ill\na,0\nb,1\n")
    (tmp_path / "cases.csv").write_text("id,image,mask\na,a.nii,am.nii\nb,b.nii,bm.nii\n")

    def write(**settings):
        study = {"clinical": CLINICAL, "tissues": {"disc": IMAGES | settings.pop("disc", {})}} | settings
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
        return str(tmp_path / "study.yaml")

    return write


def run(*arguments):
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stderr


PYRADIOMICS = pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
OF_SOURCES = {
    "a misspelt key": ({"extraction": {"pyradiomics": {"presett": "a"}}}, "did you mean 'preset'?"),
    "no such preset": (
        {"extraction": {"pyradiomics": {"preset": "ibsy"}}},
        "extraction.pyradiomics.preset: there is no preset",
    ),
    "no such file": ({"extraction": {"pyradiomics": {"preset": "own.yaml"}}}, "parameter file not found"),
    "a source nobody uses": (
        {"extraction": {"strange": {}}},
        "extraction.strange: there is no feature source of that name",
    ),
    "no such source": ({"disc": {"sources": ["pyradiomic"]}}, "pyradiomics"),
    "perturbation": ({"extraction": {"perturb": {"n": 1000}}}, "extraction.perturb: n: "),
    "an image step": ({"image_steps": [{"z_score": {"scal": 1}}]}, "did you mean 'scale'?"),
}


@pytest.mark.parametrize(("settings", "message"), OF_SOURCES.values(), ids=OF_SOURCES)
def test_check_tells_what_extract_tells(settings, message, write, tmp_path):
    study = write(**settings)
    checked = run("extract", study, "--check")
    assert checked == run("extract", study, "--out", str(tmp_path / "out"))
    assert checked[0] == 1 and checked[1].count("\n") == 1 and message in checked[1]
    assert not (tmp_path / "out").exists()


def test_check_tells_of_a_checkpoint_that_is_not_there(write, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("prldh_uctransnet", reason="the plugin prldh-uctransnet is not installed")
    study = write(disc={"sources": ["uctransnet"]}, extraction={"uctransnet": {"checkpoint": "none.pt"}})
    checked = run("extract", study, "--check")
    assert checked == run("extract", study, "--out", str(tmp_path / "out"))
    assert checked[0] == 1 and "none.pt" in checked[1]


def test_settings_of_a_source_that_measures_nothing(write, tmp_path):
    pytest.importorskip("prldh_uctransnet", reason="the plugin prldh-uctransnet is not installed")
    both = {"sources": ["uctransnet"]}
    code, told = run("extract", write(disc=both, extraction={"pyradiomics": {}}), "--check")
    assert code == 1 and "extraction.pyradiomics: nothing reads it: no tissue is measured by 'pyradiomics'" in told
    # its commands read them, from the same study file
    training = {"train": {"epochs": 3}}
    code, told = run("plan", write(extraction={"uctransnet": training}), "--out", str(tmp_path / "plan.json"))
    assert "nothing reads" not in told and "unknown key" not in told
    code, told = run("extract", write(extraction={"uctransnet": {"trian": {"epochs": 3}}}), "--check")
    assert code == 1 and "did you mean 'train'" in told
