"""How long the report of a very large study takes, and how large it is."""

from __future__ import annotations

import json
import time

import pytest
from large_results import enlarge
from test_report import features_study

import prldh
from prldh.report.page import render


@pytest.mark.slow
def test_report_of_2000_patients_and_20_models(tmp_path, record_property):
    """Each model unadjusted and adjusted, all pairs, figures in every format: under 15 MB; the seconds are told."""
    features_study(tmp_path)
    prldh.analyze(tmp_path / "study.yaml", tmp_path / "out", jobs=1)
    data = enlarge(json.loads((tmp_path / "out" / "results.json").read_text()), 2000, 20)
    data["study"]["settings"]["report"]["figures"] = ["svg", "pdf", "png"]
    (tmp_path / "out" / "results.json").write_text(json.dumps(data))
    start = time.process_time()
    render(tmp_path / "out", jobs=1)
    seconds, size = time.process_time() - start, (tmp_path / "out" / "report.html").stat().st_size / 1e6
    record_property("told", f"Report of 2,000 patients and 2 x 20 models: {seconds:.0f} s of one core, {size:.1f} MB")
    assert size < 15
    assert "the first 400 of" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.slow
def test_report_of_a_study_with_features_drawn_anew(tmp_path, record_property):
    """Every figure and panel in three formats; the seconds are told."""
    features_study(tmp_path)
    prldh.analyze(tmp_path / "study.yaml", tmp_path / "out", jobs=1)
    results = tmp_path / "out" / "results.json"
    data = json.loads(results.read_text())
    data["study"]["settings"]["report"]["figures"] = ["svg", "pdf", "png"]
    results.write_text(json.dumps(data))
    start = time.process_time()
    render(tmp_path / "out", jobs=1)
    seconds, n = time.process_time() - start, len(list((tmp_path / "out" / "figures").glob("*.png")))
    record_property("told", f"Report with {n} figures, all drawn: {seconds:.0f} s of one core")
    assert n > 40
