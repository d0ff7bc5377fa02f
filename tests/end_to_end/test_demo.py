"""`prldh demo` as a user runs it: the paper's printed values, the engines' agreement, plain R, known signal, time."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from pages import unmarked
from phone import cut_on_a_phone
from plain_r import compare_with_plain_r
from schemas import check_schema

import prldh.demo.run
from prldh.cli import cli
from prldh.demo.features import demo_cohort
from prldh.demo.published import compare_with_paper, published_study
from prldh.results.agreement import judged
from prldh.results.lead import honest_auc

pytestmark = pytest.mark.r


#: What `make test` leaves out of the demo: most resamples, trees and formats of figures.
FEWER: dict[str, Any] = {
    "performance": {"decision_bootstrap": 50, "partial_auc_bootstrap": 50, "interaction_bootstrap": 50},
    "report": {"figures": ["svg"]},
}


@pytest.fixture(scope="module", params=["fewer resamples", pytest.param("whole", marks=pytest.mark.slow)])
def demo(request, tmp_path_factory):
    """Its folder, what it printed, the results of both studies and the CPU seconds that it took."""
    out = tmp_path_factory.mktemp("demo") / "out"
    before = _cpu_s()
    if request.param == "whole":
        done = subprocess.run(
            [sys.executable, "-m", "prldh", "demo", "--out", str(out)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    else:
        with pytest.MonkeyPatch.context() as patch:
            _shorten(patch)
            done = CliRunner().invoke(cli, ["demo", "--out", str(out), "--jobs", "1"])
        assert done.exit_code == 0, done.output
        printed = done.stdout
    results = {name: json.loads((out / name / "results.json").read_text()) for name in ("published", "features")}
    return out, printed, results, _cpu_s() - before


def _shorten(patch: pytest.MonkeyPatch) -> None:
    published, write = published_study(), prldh.demo.run.write_features_study
    fewer = FEWER | {"validation": published["validation"] | {"bootstrap": 50}}
    patch.setattr("prldh.demo.data.published_study", lambda: published | fewer)
    patch.setattr("prldh.demo.run.FEATURES_VALIDATION", prldh.demo.run.FEATURES_VALIDATION | {"bootstrap": 5})
    patch.setattr("prldh.demo.run.FEATURES_FOREST", {"trees": 60, "sizes": [1, 3, 8, 20]})

    def write_shortened(*given) -> Path:
        path = write(*given)
        head, _, text = path.read_text().partition("\n")
        study = yaml.safe_load(text)
        fewer = FEWER | {"report": study["report"] | FEWER["report"]}
        path.write_text(head + "\n" + yaml.safe_dump(study | fewer, sort_keys=False))
        return path

    patch.setattr("prldh.demo.run.write_features_study", write_shortened)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def test_every_value_that_the_papers_tables_determine_appears(demo):
    rows = [row for row in compare_with_paper(demo[2]["published"]) if row["exact"]]
    assert len(rows) >= 124
    assert not [row for row in rows if not row["agrees"]]
    told = f"{len(rows)} of {len(rows)} values that the printed tables determine appear to every printed digit;"
    assert told in " ".join(demo[1].split())


def test_both_studies_are_called_synthetic_wherever_they_appear(demo):
    out, printed, results, _ = demo
    assert printed.count("SYNTHETIC") >= 2
    for name in ("published", "features"):
        assert results[name]["study"]["title"].startswith("Synthetic")
        assert "synthetic data, no patients" in unmarked((out / name / "report.html").read_text())
        assert "SYNTHETIC" in (out / f"{name}_input" / "study.yaml").read_text()
        assert printed.rstrip().splitlines()[-1 if name == "published" else -2].strip().endswith(f"{name}/report.html")


@pytest.mark.parametrize("name", ["published", "features"])
def test_results_follow_the_schema(demo, name):
    check_schema(demo[2][name])


def test_the_engines_agree_over_the_whole_demo(demo, record_property):
    """Every quantity that both engines compute, resampled ones too: they use the same rows. glmnet stops along the path
    of the LASSO where the deviance no longer changes, which leaves its coefficients some digits fewer."""
    rows = [{**r, "study": name} for name, data in demo[2].items() for r in data["agreement"]]
    alone = [r for r in rows if r["difference"] is None]
    assert not alone, alone[:5]
    assert len(rows) > 9_000
    worst = max(rows, key=lambda r: judged(r["r"], r["python"]))
    relative = judged(worst["r"], worst["python"])
    record_property(
        "told",
        f"R and Python over the demo: {len(rows)} quantities, largest relative difference {relative:.1e}"
        f" ({worst['study']}: {worst['quantity']})",
    )
    assert relative < 1e-5, worst
    assert all(judged(r["r"], r["python"]) < 1e-6 for r in rows if ".lasso.path." not in r["quantity"])


def test_separated_models_have_finite_odds_ratios(demo):
    data = demo[2]["published"]
    adjusted = [m for m in data["models"] if m["adjusted"]]
    assert adjusted
    for model in adjusted:
        assert model["fit"] == "firth"
        assert "segmentL3/5" in {s["term"] for s in model["separation"]}
        for term in model["terms"][1:]:
            assert 1e-4 < term["or"] < 1e4, term


def test_profile_limits_agree_under_separation(demo):
    rows = [
        r
        for r in demo[2]["published"]["agreement"]
        if ".terms[" in r["quantity"] and r["quantity"].endswith((".low", ".high"))
    ]
    assert len(rows) > 100
    for row in rows:
        assert row["difference"] is not None and abs(row["difference"]) < 1e-7 * max(1, abs(row["r"])), row


@pytest.mark.ci
@pytest.mark.parametrize("name", [pytest.param("published", marks=pytest.mark.slow), "features"])
def test_plain_r_prints_the_numbers_again(demo, name):
    out, _, results, _ = demo
    assert compare_with_plain_r(results[name], out / name) > 200


def test_known_signal_is_selected(demo):
    for tissue, signal in demo_cohort().signal.items():
        assert set(signal) <= set(demo[2]["features"]["tissues"][tissue]["selection"]["features"])


def test_new_patients_are_predicted(demo):
    """Drawn from the same population: the honest AUC of the study is what they show, within their interval."""
    out, printed, results, _ = demo
    found = json.loads((out / "features" / "external" / "Synthetic hospital B" / "external.json").read_text())
    assert found["n"] == 150 and "150 new patients" in printed and not found["warnings"]
    for model, entry in zip(found["models"], results["features"]["models"], strict=True):
        assert model["auc"]["low"] < honest_auc(entry)[2]["estimate"] < model["auc"]["high"]
    assert "Synthetic hospital B" in unmarked((out / "features" / "report.html").read_text())


def test_how_long_it_takes_is_told(demo, request, record_property):
    record_property("told", f"prldh demo ({request.node.callspec.params['demo']}): {demo[3]:.0f} s of one core")


@pytest.mark.browser
@pytest.mark.parametrize("name", ["published", "features"])
def test_a_phone_shows_the_number_of_every_table(browser, demo, name):
    n, cut = cut_on_a_phone(browser, demo[0] / name)
    assert n > 60 and cut == []


@pytest.mark.parametrize("name", ["published", "features"])
def test_the_report_opens_with_the_held_out_number_and_says_what_is_known_of_leakage(demo, name):
    """The published study's scores are columns: how they were made is not known to the run."""
    page = unmarked((demo[0] / name / "report.html").read_text())
    lead = page[page.index('<div class="lead">') :]
    asked, answer, hopeful, *yardstick = (
        re.sub("<[^>]+>", "", part.split("</p>")[0]) for part in lead[: lead.index("</div>")].split("<p>")[1:]
    )
    assert len(yardstick) == (name == "features") and all("by plain LASSO 0." in text for text in yardstick)
    n = demo[2][name]["cohort"]
    assert asked.startswith("What was asked: how well") and f"recurrence = yes ({n['events']} of {n['n']}" in asked
    found = max(m["validation"]["pipeline"]["folds"]["auc"]["estimate"] for m in demo[2][name]["models"])
    assert "held out from fitting (10-fold cross-validation, " in answer and f"an AUC of {found:.3f} (95% CI" in answer
    if name == "features":
        assert (
            answer.startswith("The honest answer: in")
            and "everything fitted anew each time, selection included" in answer
        )
        assert (
            "where the logistic model alone is fitted anew each time, so that the optimism from selection is" in hopeful
        )
    else:
        assert "onest" not in answer and "everything" not in answer and "optimism from selection" not in hopeful
        assert answer.endswith("came as a column: this run cannot know how it was made, so leakage is unknown.")


@pytest.mark.ci
@pytest.mark.parametrize("name", ["published", "features"])
def test_a_report_that_is_rendered_again_draws_nothing_anew_and_is_small(demo, name, record_property):
    drawn = {path.name: path.stat().st_mtime_ns for path in (demo[0] / name / "figures").glob("*.svg")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "prldh", "report", str(demo[0] / name)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, size = (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        (demo[0] / name / "report.html").stat().st_size / 1e6,
    )
    record_property("told", f"Report of the demo ({name}): {seconds:.1f} s of one core, {size:.1f} MB")
    assert drawn and size < 5
    assert {path.name: path.stat().st_mtime_ns for path in (demo[0] / name / "figures").glob("*.svg")} == drawn


@pytest.mark.parametrize("name", ["published", "features"])
def test_a_report_is_not_longer_than_a_reader(demo, browser, name):
    """In pixels of a page 1280 wide, with everything in it; and in bytes."""
    file = demo[0] / name / "report.html"
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(file.as_uri())
    assert 8_000 < page.evaluate("document.documentElement.scrollHeight") <= 18_000
    assert file.stat().st_size < 4_000_000
    page.close()
