"""A checklist in Chromium: quiet, no wider than a phone, legible, printable; with titles and names that are hard to
show."""

from __future__ import annotations

import json

import pytest

from prldh.checklists.built_in import built_in_checklists
from prldh.checklists.dossier import Dossier
from prldh.checklists.filling import fill
from prldh.checklists.writing import write_checklist
from prldh.ibsi.extraction import from_metadata

pytestmark = pytest.mark.browser
EVIL = '<script>document.title="pwned"</script><b>& "quoted" ' + "A very long title. " * 300 + "x" * 2_000
LONG = f"{'T2_' * 60}wavelet-LLH_glszm_SizeZoneNonUniformityNormalized"


@pytest.fixture(scope="module", params=["ibsi"])
def page_path(request, tmp_path_factory):
    """A checklist of an extraction with very long names, answered by an author who tries everything."""
    computed = {
        "setting": {"binWidth": 25.0, "normalize": True},
        "imageType": {"Original": {}, "Wavelet": {}},
        "corrections": [],
    }
    content = {
        "cases": [{"spacing_mm": [0.5, 0.5, 3.0], "modality": "MR"}],
        "features": {LONG: {}, "original_glcm_Idm": {}},
        "n_readers": 1,
        "sources": {"pyradiomics": {"packages": {"pyradiomics-bhklab": "3.1.4"}, "computed": computed}},
    }
    checklist = next(c for c in built_in_checklists() if c.name == request.param)
    dossier = Dossier(extractions=(from_metadata("disc" * 40, "features/disc.json", content),), title=EVIL)
    number = "5" if request.param == "ibsi" else "1"
    filled = fill(checklist, dossier, {request.param: {number: {"answer": "yes", "comment": EVIL}}})
    path = tmp_path_factory.mktemp("page") / f"{request.param}.html"
    path.write_bytes(write_checklist(filled, "html", "../"))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_checklist_is_quiet_narrow_and_accessible(page_path, browser, axe, scheme):
    for width in (1280, 390):
        page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
        heard: list[str] = []
        page.on("console", lambda message, heard=heard: heard.append(message.text))
        page.on("pageerror", lambda error, heard=heard: heard.append(str(error)))
        page.on(
            "request",
            lambda request, heard=heard: (
                heard.append(request.url) if not request.url.endswith(page_path.name) else None
            ),
        )
        page.goto(page_path.as_uri())
        assert page.title().startswith(("IBSI", "METRICS")) and not heard
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        assert page.locator("main").bounding_box()["width"] > 0.85 * width
        if (width == 390) == (scheme == "dark"):  # each width and each scheme once: it reads the whole page
            page.evaluate(axe)
            audit = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa']})")
            serious = [v for v in audit["violations"] if v["impact"] in ("serious", "critical")]
            assert not serious, json.dumps([(v["id"], v["nodes"][0]["html"][:200]) for v in serious])
        page.context.close()


def test_it_prints(page_path, browser):
    page = browser.new_page()
    page.goto(page_path.as_uri())
    printed = page.pdf(format="A4")
    page.close()
    assert printed[:4] == b"%PDF" and printed.count(b"/Type /Page") > 3
