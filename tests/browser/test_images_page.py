"""The report of two tissues measured on DICOM, in Chromium: its sections on images stand in the contents, fit a phone,
and say what the files say."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from phone import cut_on_a_phone
from test_report import QUICK, open_page

import prldh

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import imaging_data

pytestmark = [pytest.mark.browser, pytest.mark.ci]
N = 16
EVIL = "disc <b>$x$</b>"


def _write(path: Path, *rows: list) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _series(folder: Path, i: int) -> list[Path]:
    """A patient's scan, slices in order, of one of two makers and field strengths."""
    import pydicom

    files = imaging_data.write_series(folder, imaging_data.values(i), patient=f"P{i:02d}")
    for file in files:
        dataset = pydicom.dcmread(file)
        dataset.Manufacturer, dataset.MagneticFieldStrength, dataset.RepetitionTime = (
            "SIEMENS" if i % 4 else "GE MEDICAL SYSTEMS",
            "1.5" if i % 2 else "3",
            "2500",
        )
        dataset.save_as(file)
    return sorted(files, key=lambda f: float(pydicom.dcmread(f).ImagePositionPatient[2]))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    pytest.importorskip("radiomics")
    folder = tmp_path_factory.mktemp("images")
    label = imaging_data.box()
    second = label.copy()
    second[1, 2, 2] = 0
    for i in range(N):
        slices = _series(folder / f"P{i:02d}", i)
        for reader, mask in enumerate((label, second), start=1):
            imaging_data.write_seg(folder / f"P{i:02d}_{reader}.dcm", slices, {"L4/5": mask == 1})
        imaging_data.write(folder / f"P{i:02d}.nii.gz", (label == 2).astype(np.uint8))
    ids = [f"P{i:02d}" for i in range(N)]
    _write(
        folder / "disc.csv",
        ["id", "image", "mask_reader1", "mask_reader2", "segment"],
        *([p, p, f"{p}_1.dcm", f"{p}_2.dcm", "L4/5"] for p in ids),
    )
    _write(folder / "muscle.csv", ["id", "image", "mask"], *([p, p, f"{p}.nii.gz"] for p in ids))
    _write(folder / "clinical.csv", ["id", "relapse"], *([p, int(i % 3 == 0)] for i, p in enumerate(ids)))
    study = {
        "title": "Images",
        **QUICK,
        "clinical": {"table": "clinical.csv", "id": "id", "outcome": "relapse", "event": 1},
        "tissues": {EVIL: {"images": "disc.csv"}, "muscle": {"images": "muscle.csv"}},
        "extraction": {"pyradiomics": {"preset": "ibsi"}},
        "selection": [{"correlation": {"outcome": 0.1}}],
        "if_empty": "best",
        "univariate": False,
        "models": [{"name": "Disc", "terms": [EVIL]}],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "report": {"figures": ["svg"], "checklists": ["ibsi"]},
    }
    (folder / "study.yaml").write_text(json.dumps(study))
    prldh.analyze(folder / "study.yaml", folder / "out", jobs=1)
    return folder / "out"


def test_sections_stand_in_the_contents_and_say_what_the_files_say(browser, images):
    page, heard = open_page(browser, images)
    assert heard == []
    for anchor, title in (
        ("acquisition", "Acquisition"),
        ("processing", "Image processing"),
        ("segmentation", "Segmentation"),
        ("image-features", "Image features"),
    ):
        assert (
            page.locator(f'nav a[href="#{anchor}"]').inner_text() == title
            and page.locator(f"#images h3#{anchor}").count() == 1
        )

    def cells(row: str) -> list[str]:
        return page.locator("#images tr", has=page.locator("th", has_text=row)).first.locator("td").all_inner_texts()

    assert cells("Scanner type") == [*["manufacturer SIEMENS (12), GE (4)"] * 2, "7"]
    assert cells("Magnetic field strength") == [*["magnetic field strength 1.5 T (8), 3 T (8)"] * 2, "27"]
    assert cells("Format of the masks") == ["DICOM SEG, manual (16)", "label map, NIfTI (16)", "48c"] and cells(
        "Readers"
    ) == ["2", "1", "48b"]
    assert page.locator("#images thead th", has_text=EVIL).count() > 3 and page.locator("#images b").count() == 0
    data = json.loads((images / "results.json").read_text())
    assert (
        data["images"][EVIL]["agreement"]["dice"]["n"] == N
        and page.locator("figure[id^=figure-agreement_]").count() == 1
    )
    shown = (
        page.locator("#images table", has_text="muscle: features by IBSI family")
        .locator("tbody td:nth-child(3)")
        .all_inner_texts()
    )
    kept = data["tissues"]["muscle"]["selection"]
    assert sum(map(int, shown)) == len(kept["features"]) + sum(len(s["dropped"]) for s in kept["steps"])


def test_a_phone_shows_the_number_of_every_table_and_a_finding_of_many_is_told_once(browser, images):
    n, cut = cut_on_a_phone(browser, images)
    assert n > 25 and cut == []
    page, _ = open_page(browser, images)
    told = page.locator("#images table:has(caption:text-is('Findings of the checks'))").first
    messages = told.locator("tbody tr td:nth-child(2)").all_text_contents()
    assert 0 < len(messages) == len(set(messages)) < N
    whose = told.locator("tbody tr").filter(has=page.locator(f"td:nth-child(3):text-is('{N}')")).first
    assert whose.locator("td:nth-child(4)").text_content() == f"{', '.join(f'P{i:02d}' for i in range(8))} and 8 more"
    assert not page.locator("#acquisition ~ p a.term", has_text="calibration").count()  # a scanner's is another


def test_they_fit_a_phone_and_are_accessible(browser, axe, images):
    page, heard = open_page(browser, images, width=390)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 and heard == []
    page.evaluate(
        "document.querySelectorAll('main > section:not(#images), #images tbody tr:nth-child(n+6)').forEach(e =>"
        " e.remove())"
    )
    page.evaluate(axe)
    audit = page.evaluate("axe.run('#images', {resultTypes: ['violations']})")
    assert [
        (v["id"], v["nodes"][0]["html"][:150]) for v in audit["violations"] if v["impact"] in ("serious", "critical")
    ] == []


def test_the_checklist_beside_it_has_the_same_words(images):
    items = {e["number"]: e for e in json.loads((images / "checklists" / "ibsi.json").read_text())["items"]}
    assert (
        items["7"]["value"] == "manufacturer SIEMENS (12), GE (4)"
        and items["7"]["remaining"] == "the models of the scanners"
    )
    assert "DICOM SEG, manual (16)" in items["48a"]["value"] and items["48a"]["status"] == "author"
    for evidence in (e for entry in items.values() for e in entry["evidence"]):
        assert (images / evidence["href"].partition("#")[0]).exists(), evidence
