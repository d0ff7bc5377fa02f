"""The checklists from a study to their files: evidence that can be followed, answers that are kept, errors before
anything is computed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from pages import unmarked

import prldh
from prldh.checklists.items import load_standard
from prldh.checklists.run import fill_again
from prldh.checklists.section import checklist_view
from prldh.cli import cli
from prldh.core.errors import DataError, PluginError
from prldh.plugins import Registry
from prldh.results.schemas import schema_of

pytestmark = pytest.mark.usefixtures("undrawn")

STANDARDS = ("ibsi", "clear", "metrics", "tripod-ai")
NAMES = ("original_shape_Sphericity", "original_glcm_Idm", "wavelet-LLH_firstorder_Mean", "deep_000")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clinical table and two readers' features of 60 patients; two features carry the outcome."""
    folder = tmp_path_factory.mktemp("checklists")
    rng = np.random.default_rng(7)
    n = 60
    outcome = np.repeat([0, 1], n // 2)
    values = rng.normal(size=(n, len(NAMES))) + outcome[:, None] * np.array([1.2, 0.0, 0.9, 1.0])
    ids = [f"P{i:02d}" for i in range(n)]
    pd.DataFrame({"id": ids, "relapse": outcome, "age": rng.normal(60, 8, n).round()}).to_csv(
        folder / "clinical.csv", index=False
    )
    for reader in (1, 2):
        noisy = values + rng.normal(scale=0.15, size=values.shape)
        pd.DataFrame({"id": ids, **dict(zip(NAMES, noisy.T, strict=True))}).to_csv(
            folder / f"reader{reader}.csv", index=False
        )
    return folder


def _study(folder: Path, **changes) -> dict:
    return {
        "title": "Disc & <b>relapse</b>",
        "seed": 4,
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "relapse",
            "event": 1,
            "covariates": {"age": "continuous"},
        },
        "tissues": {"disc": {"features": [str(folder / f"reader{r}.csv") for r in (1, 2)]}},
        "selection": ["icc", {"correlation": {"between": 0.9, "outcome": 0.1}}],
        "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Age", "terms": ["age"]}],
        "adjust": [],
        "validation": {"leave_one_out": False, "folds": 4, "bootstrap": 0},
        "univariate": False,
        "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 20, "interaction_bootstrap": 10},
        "report": {"figures": [], "checklists": list(STANDARDS), "answers": "answers.yaml"},
        **changes,
    }


@pytest.fixture(scope="module")
def run(folder):
    (folder / "answers.yaml").write_text(
        "clear:\n  '8': {answer: page 3, comment: '<i>committee</i>'}\n  '10':\nmetrics: {C1: yes, '4': no}\n"
    )
    (folder / "study.yaml").write_text(yaml.safe_dump(_study(folder)))
    done = CliRunner().invoke(cli, ["analyze", str(folder / "study.yaml"), "--out", str(folder / "out"), "--jobs", "1"])
    assert done.exit_code == 0, done.output
    return folder / "out"


def _json(run: Path, standard: str) -> dict:
    return json.loads((run / "checklists" / f"{standard}.json").read_text())


def _status(run: Path, standard: str) -> dict[str, str]:
    return {e["number"]: e["status"] for e in _json(run, standard)["items"]}


def test_every_checklist_is_there_in_every_format_with_the_questions(run):
    files = {p.name for p in (run / "checklists").iterdir()}
    assert files == {f"{s}.{form}" for s in STANDARDS for form in ("html", "csv", "json", "docx", "tex")} | {
        "checklist.yaml"
    }
    assert "no installed plugin brings" not in (run / "results.json").read_text()
    asked = yaml.safe_load((run / "checklists" / "checklist.yaml").read_text())
    assert list(asked) == list(STANDARDS)
    assert asked["clear"]["8"]["answer"] == "page 3"


def test_what_the_run_shows(run):
    clear, metrics = _status(run, "clear"), _status(run, "metrics")
    assert {clear[n] for n in ("9", "15", "17", "31", "33", "34", "40", "41", "42", "44", "47")} == {"filled"}
    assert clear["8"] == "answered" and clear["10"] == "author"
    assert {metrics[n] for n in ("14", "15", "18", "20", "21", "22", "24", "26")} == {"filled"}
    assert metrics["16"] == "contradicted"  # 60 patients are fewer than Riley's criteria ask for
    assert metrics["17"] == "not applicable" and metrics["27"] == "author"
    score = _json(run, "metrics")["score"]
    assert 0 < score["low"] < score["high"] < 100 and score["score"] is None and score["band"] is None


def test_no_text_of_a_run_shows_what_the_program_calls_things(run):
    """Of a real run, in every format that people read."""
    named = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b|[{}]|results\.json|\bscope (?:model|pipeline)\b")
    for standard in STANDARDS:
        for entry in _json(run, standard)["items"]:
            shown = [entry[k] for k in ("text", "value", "reason", "remaining", "question") if entry[k]]
            for text in (*shown, *(e["where"] for e in entry["evidence"])):
                for name in NAMES:
                    text = text.replace(name, "")
                assert not named.search(text), (standard, entry["number"], text)


def test_every_evidence_can_be_followed(run):
    """Anchors of the report, files, keys of results.json and of the study as run: all are there."""
    assert _follow_all(run, STANDARDS) > 80


def _follow_all(run: Path, standards: tuple[str, ...]) -> int:
    html, results = unmarked((run / "report.html").read_text()), json.loads((run / "results.json").read_text())
    followed = 0
    for standard in standards:
        for entry in _json(run, standard)["items"]:
            for evidence in entry["evidence"]:
                target, _, anchor = evidence["href"].partition("#")
                assert (run / target).exists(), evidence
                assert not anchor or f'id="{anchor}"' in html, evidence
                for prefix, content in (("results.json: ", results), ("study file: ", results["study"]["settings"])):
                    if evidence["key"].startswith(prefix) and "names of features" not in evidence["key"]:
                        for key in evidence["key"].removeprefix(prefix).split(", "):
                            _follow(content, key)
                followed += 1
    return followed


def _follow(content, key: str) -> None:
    """A dotted key, ``[]`` for any element of a list or value of a mapping; a step of the selection counts as a key."""
    for part in key.split("."):
        name, is_list = part.removesuffix("[]"), part.endswith("[]")
        if isinstance(content, list):
            content = next((step for step in content if name in step), content[0] if content else {name: None})
        assert name in content, key
        content = content[name]
        if is_list:
            content = next(iter(content.values() if isinstance(content, dict) else content))


def test_learner_transforms_choice_and_yardstick_are_evidence(folder, tmp_path):
    ways = {
        "own": {"selection": ["icc"]},
        "ridge": {"selection": [], "learner": {"ridge": {"folds": 3, "n_lambda": 20}}, "second_stage": "as_is"},
    }
    study = _study(
        folder,
        transforms=[{"scale": {"method": "z"}}],
        models=[{"name": "Disc", "terms": ["disc"]}, {"name": "Age", "terms": ["age"]}],
        protocols=ways,
        choose={"among": ["own", "ridge"], "folds": 3, "rule": "best"},
        validation={"leave_one_out": False, "folds": 3, "bootstrap": 0},
        report={"figures": [], "checklists": ["clear", "metrics", "tripod-ai"]},
    )
    results = prldh.analyze(study, tmp_path / "out", jobs=1)
    assert _follow_all(tmp_path / "out", ("clear", "metrics", "tripod-ai")) > 60
    clear, metrics, tripod = (
        {e["number"]: e for e in _json(tmp_path / "out", name)["items"]} for name in ("clear", "metrics", "tripod-ai")
    )
    method = results.data["tissues"]["disc"]["radscore"]["method"]
    assert f"Radscore by {'ridge' if method == 'ridge' else 'logistic'} regression" in clear["34"]["value"]
    for entry, words in (
        (clear["32"], "scaling (method z)"),
        (clear["35"], f"'{results.data['choice']['chosen']}' chosen by the rule “best” on AUC in 3 inner folds"),
        (clear["37"], "anew within every training set (nested)"),
        (metrics["25"], "a plain LASSO of all features: AUC"),
        (tripod["12b"], "transforms of features: scaling"),
        (tripod["12c"], "2 protocols compared"),
    ):
        assert entry["status"] == "filled" and words in entry["value"], entry


def test_links_of_the_html_lead_somewhere(run):
    html = (run / "checklists" / "clear.html").read_text()
    assert "&lt;b&gt;relapse&lt;/b&gt;" in html and "<b>relapse" not in html and "<i>committee" not in html
    links = set(re.findall(r'href="([^"#]+)', html)) - {load_standard("clear").url}
    assert "../report.html" in links
    for link in links:
        assert (run / "checklists" / unquote(link)).exists(), link


def test_the_report_has_a_section_of_them_and_one_of_the_features(run):
    html = unmarked((run / "report.html").read_text())
    section = re.search(r'<section id="checklists">.*?</section>', html, re.S)[0]
    assert (
        'href="checklists/metrics.html"' in section
        and "METRICS score" in section
        and "contradicted by the run" in section
    )
    features = re.search(r'<section id="features">.*?</section>', html, re.S)[0]
    assert (
        "Sphericity (QCFX)" in features
        and "disc: features by IBSI family" in features
        and "Not PyRadiomics" in features
    )
    table = pd.read_csv(run / "tables" / "features_ibsi.csv").set_index("feature")
    assert set(table.index) == set(
        json.loads((run / "results.json").read_text())["tissues"]["disc"]["selection"]["features"]
    )
    assert table.loc["original_shape_Sphericity", "deviates"] == "no"
    assert "unknown to IBSI" in table.loc["deep_000", "note"]


@pytest.fixture(scope="module")
def leaky(run, folder, tmp_path_factory):
    """A former run's folder whose questions were answered, replaced by a run of scope model alone whose study names no
    clinical model."""
    out = tmp_path_factory.mktemp("leaky") / "out"
    shutil.copytree(run, out)
    path = out / "checklists" / "checklist.yaml"
    text = path.read_text()
    place = text.index("  '11':", text.index("clear:"))
    path.write_text(text[:place] + text[place:].replace("answer:\n", "answer: page 7\n", 1))
    changes = {
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0, "scope": "model"},
        "models": [{"name": "Disc", "terms": ["disc"]}],
    }
    prldh.analyze(
        _study(folder, **changes, report={"figures": [], "checklists": ["clear", "metrics", "tripod-ai"]}),
        out,
        jobs=1,
        force=True,
    )
    return out


def test_answers_are_read_back_and_kept_by_a_run_that_replaces_the_folder(leaky):
    assert _status(leaky, "clear")["11"] == _status(leaky, "clear")["8"] == "answered"
    kept = yaml.safe_load((leaky / "checklists" / "checklist.yaml").read_text())
    assert kept["clear"]["11"]["answer"] == "page 7" and kept["metrics"]["4"]["answer"] == "no"
    assert not (leaky / "checklists" / "ibsi.json").exists()


def test_answers_given_since_are_in_a_report_that_is_rendered_again(run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(run, out)
    path = out / "checklists" / "checklist.yaml"
    path.write_text("clear: {'3': {answer: radiomics}}\n")
    fill_again(out, Registry(), out)  # as `prldh report` does before it renders
    assert _status(out, "clear")["3"] == "answered" and _status(out, "clear")["8"] == "author"
    assert "radiomics" in (out / "checklists" / "clear.html").read_text()
    assert set(yaml.safe_load(path.read_text())) == set(STANDARDS)
    before = {p.name: p.read_bytes() for p in (out / "checklists").iterdir()}
    path.write_text("clear: {'59': x}\n")
    done = CliRunner().invoke(cli, ["report", str(out)])
    assert done.exit_code == 1 and "clear has no item '59'" in done.output
    assert {p.name: p.read_bytes() for p in (out / "checklists").iterdir()} == before | {
        "checklist.yaml": path.read_bytes()
    }


def test_only_scope_model_is_a_contradiction(leaky):
    metrics, clear = _status(leaky, "metrics"), _status(leaky, "clear")
    assert {metrics[n] for n in ("18", "26")} == {"contradicted"}
    assert {clear[n] for n in ("15", "33")} == {"contradicted"}
    assert metrics["24"] == clear["42"] == "filled"  # the covariates alone are judged beside the one model
    assert _status(leaky, "tripod-ai")["12a"] == "contradicted"


@pytest.mark.parametrize(
    ("report", "answers", "error", "message"),
    [
        (
            {"checklists": ["claer"]},
            None,
            PluginError,
            r"report\.checklists: there is no checklist 'claer'.*Did you mean 'clear'",
        ),
        ({"checklists": ["clear"], "answers": "none.yaml"}, None, DataError, "answers not found"),
        (
            {"checklists": ["clear"], "answers": "a.yaml"},
            "clear: {'99': x}",
            DataError,
            "clear has no item '99'; did you mean '58'",
        ),
    ],
)
def test_a_slip_is_told_before_anything_is_computed(folder, tmp_path, report, answers, error, message):
    if answers:
        (tmp_path / "a.yaml").write_text(answers)
    study = _study(
        folder, report={**report, **({"answers": str(tmp_path / report["answers"])} if "answers" in report else {})}
    )
    stages = []
    with pytest.raises(error, match=message):
        prldh.analyze(study, tmp_path / "out", jobs=1, progress=lambda stage, done, total: stages.append(stage))
    assert not stages and not (tmp_path / "out").exists()


def _run(*arguments) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["checklist", *map(str, arguments)])
    return done.exit_code, done.output


def test_the_command_fills_one_again(run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(run, out)
    (tmp_path / "more.yaml").write_text("clear: {'3': {answer: radiomics}}\n")
    code, text = _run(out, "--standard", "clear", "--format", "csv", "--answers", tmp_path / "more.yaml")
    assert code == 0 and "58 items" in text and str(out / "checklists" / "clear.csv") in text
    assert _status(out, "clear")["3"] == "answered"  # the formats that were there are renewed
    asked = yaml.safe_load((out / "checklists" / "checklist.yaml").read_text())
    assert (
        asked["clear"]["3"]["answer"] == "radiomics"
        and asked["clear"]["8"]["answer"] == "page 3"
        and set(asked) == set(STANDARDS)
    )
    answered = [
        dict(next(c for c in checklist_view(f, f) if c["name"] == "clear")["counts"])["answered by the author"]
        for f in (run, out)
    ]
    assert answered == [1, 2]  # what the report shows when it is rendered again


def test_the_command_writes_elsewhere_with_links_that_lead_back(run, tmp_path):
    code, text = _run(run, "--standard", "metrics", "--out", tmp_path / "deep" / "m.html")
    assert code == 0, text
    links = set(re.findall(r'href="([^"#]+)', (tmp_path / "deep" / "m.html").read_text()))
    links -= {load_standard("metrics").url}
    assert links and all((tmp_path / "deep" / link).exists() for link in links)
    assert (tmp_path / "deep" / "checklist.yaml").exists()


def test_the_command_tells_what_is_wrong(run, tmp_path):
    for arguments, message in (
        ((tmp_path / "none", "--standard", "clear"), "is not there"),
        ((tmp_path, "--standard", "clear"), "holds neither"),
        ((run, "--standard", "rqs"), "there is no checklist 'rqs'"),
        ((run, "--standard", "clear", "--out", tmp_path), "is a folder"),
        ((run, "--standard", "clear", "--answers", tmp_path / "none.yaml"), "answers not found"),
        ((run / "predictions.csv", "--standard", "ibsi"), "is no table of PyRadiomics"),
    ):
        code, text = _run(*arguments)
        assert code == 1 and message in text and text.count("prldh:") == 1, text
    assert _run(run, "--standard", "clear", "--format", "pdf")[0] == 2


def test_the_format_is_the_one_that_the_name_says(run, tmp_path):
    code, text = _run(run, "--standard", "metrics", "--out", tmp_path / "m.json")
    assert code == 0 and json.loads((tmp_path / "m.json").read_text()), text
    code, text = _run(run, "--standard", "metrics", "--out", tmp_path / "m.txt")
    assert code == 0 and (tmp_path / "m.txt").read_text().startswith("<!doctype html>"), text
    code, text = _run(run, "--standard", "metrics", "--out", tmp_path / "m.html", "--format", "json")
    assert code == 1 and "m.html ends as html does, and --format is json. Leave --format out" in " ".join(text.split())
    assert not (tmp_path / "m.html").exists()


def test_the_study_schema_knows_the_answers():
    assert "answers" in schema_of("study")["$defs"]["Report"]["properties"]


def test_pyradiomics_own_output_alone(shared_data, tmp_path):
    """Its columns as its own code writes them, one row a case."""
    pytest.importorskip("radiomics")
    from radiomics import featureextractor, setVerbosity

    setVerbosity(60)
    extractor = featureextractor.RadiomicsFeatureExtractor(
        binCount=16, resampledPixelSpacing=[2, 2, 2], interpolator="sitkLinear", force2D=True
    )
    extractor.disableAllFeatures()
    for name in ("firstorder", "glcm"):
        extractor.enableFeatureClassByName(name)
    rows = [
        extractor.execute(*(str(shared_data / "pyradiomics" / f"{case}_{kind}.nrrd") for kind in ("image", "label")))
        for case in ("brain1", "breast1")
    ]
    pd.DataFrame([{"case": i, **row} for i, row in enumerate(rows)]).to_csv(tmp_path / "radiomics.csv", index=False)
    code, text = _run(tmp_path / "radiomics.csv", "--standard", "ibsi", "--format", "json")
    assert code == 0, text
    found = {e["number"]: e for e in json.loads((tmp_path / "radiomics.ibsi.json").read_text())["items"]}
    wanted = {
        "50a": "linear",
        "51": "2 × 2 × 2 mm",
        "53": "nearest neighbour",
        "56a": "FBN, K15C",
        "56b": "16 bins",
        "57": "none",
        "61": "PyRadiomics v",
        "62": "JJUI",
        "65": "1 (PyRadiomics' default), Chebyshev",
    }
    for number, said in wanted.items():
        assert found[number]["status"] == "filled" and said in found[number]["value"], found[number]
    assert found["66"]["status"] == "not applicable"
    assert (tmp_path / "radiomics.checklist.yaml").exists()


def test_what_the_command_pyradiomics_writes_is_read(shared_data, tmp_path):
    """Its default format, a line a value, by its own command."""
    command = Path(sys.executable).with_name("pyradiomics")
    if not command.exists():
        pytest.skip("the command pyradiomics is not installed")
    (tmp_path / "p.yaml").write_text(
        "setting: {binWidth: 10}\nimageType: {Original: {}}\nfeatureClass: {shape: [Sphericity], firstorder: [Mean]}\n"
    )
    case = [str(shared_data / "pyradiomics" / f"breast1_{kind}.nrrd") for kind in ("image", "label")]
    subprocess.run(
        [command, *case, "-p", tmp_path / "p.yaml", "-o", tmp_path / "f.txt"],
        check=True,
        capture_output=True,
        timeout=900,
    )
    code, text = _run(tmp_path / "f.txt", "--standard", "ibsi", "--format", "json")
    assert code == 0, text
    found = {e["number"]: e for e in json.loads((tmp_path / "f.ibsi.json").read_text())["items"]}
    assert found["56b"]["value"] == "bin width 10" and found["1"]["value"] == "1 region on 1 image, of 143 voxels"
    assert (
        found["58"]["value"].startswith("2 with PyRadiomics' names (shape 1, firstorder 1")
        and "PyRadiomics v" in found["61"]["value"]
    )


def test_patients_that_the_models_were_applied_to(run, folder, tmp_path):
    """``prldh apply`` beside the run: the checklists name the cohort, and the report has what they link to."""
    out = tmp_path / "out"
    shutil.copytree(run, out)
    for name in ("clinical", "reader1"):
        table = pd.read_csv(folder / f"{name}.csv").iloc[5:55]
        table.assign(id="N" + table["id"]).to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "b.yaml").write_text(
        "name: Hospital B\nclinical: {table: clinical.csv}\ntissues: {disc: {features: [reader1.csv]}}\n"
    )
    for command in (["apply", str(out), str(tmp_path / "b.yaml")], ["report", str(out)]):
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, done.output
    found = {e["number"]: e for e in _json(out, "tripod-ai")["items"]}
    assert (
        found["12g"]["status"] == found["20c"]["status"] == found["16"]["status"] == "filled"
        and "Hospital B (50 patients, 25 events)" in found["16"]["value"]
    )
    external = next(e for e in _json(out, "metrics")["items"] if e["number"] == "27")
    assert external["status"] == "author" and "Hospital B" in external["value"]
    html = unmarked((out / "report.html").read_text())
    for evidence in (e for n in ("12g", "16", "20c", "24") for e in found[n]["evidence"]):
        target, _, anchor = evidence["href"].partition("#")
        assert (out / target).exists() and (not anchor or f'id="{anchor}"' in html), evidence


def test_folders_of_other_kinds(run, tmp_path):
    """Without the report, with results alone, and what extraction leaves: filled, and no link leads nowhere."""
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(run / "results.json", bare)
    code, text = _run(bare, "--standard", "clear")
    assert code == 0, text
    html = (bare / "checklists" / "clear.html").read_text()
    assert "report, section validation" in html and "report.html" not in html
    linked = {unquote(link) for link in re.findall(r'href="([^"#]+)', html)} - {load_standard("clear").url}
    assert linked == {"../results.json"} and "output folder, frozen models" in html
    old = json.loads((run / "results.json").read_text()) | {"schema": "prldh-results/0"}
    (bare / "results.json").write_text(json.dumps(old))
    code, text = _run(bare, "--standard", "clear")
    assert code == 1 and text.count("prldh:") == 1 and "schema" in text
    (bare / "results.json").write_text("{")
    code, text = _run(bare, "--standard", "clear")
    assert code == 1 and text.count("prldh:") == 1
