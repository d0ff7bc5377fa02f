"""The report in Chromium: of a study with features and of a real table; and pages that bad input made."""

from __future__ import annotations

import base64
import io
import json
import re
import unicodedata

import numpy as np
import pandas as pd
import pytest
from phone import cut_on_a_phone

import prldh

pytestmark = pytest.mark.browser
QUICK = {
    "engine": "python",
    "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 4},
    "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 20, "interaction_bootstrap": 10},
    "report": {"figures": ["svg"]},
}
ALWAYS = [
    "answer",
    "patients",
    "sample-size",
    "table-one",
    "univariate",
    "models",
    "performance",
    "validation",
    "calibration",
    "usefulness",
    "comparisons",
    "text",
    "agreement",
    "warnings",
    "provenance",
    "glossary",
]
#: What a reader sees of an element, folds and views included.
SEEN = "e => e.checkVisibility({visibilityProperty: true})"
EVIL = '<script>document.title="pwned"</script><b>& "quoted" $x_1$ \\n ' + "A very long title. " * 600


def features_study(folder) -> dict:
    """Two tissues of two sources with two readers, names that a page and a figure have to take as they are, patients
    left out."""
    g = np.random.default_rng(3)
    n = 90
    event = g.random(n) < 0.4
    clinical = pd.DataFrame(
        {
            "id": [f"P{i:03d}" for i in range(n)],
            "relapse": np.where(event, "yes", "no"),
            "age": g.normal(60, 8, n).round(),
            "sex <b>": g.choice(["f", "m"], n),
        }
    )
    clinical.loc[:2, "age"] = np.nan
    clinical.to_csv(folder / "clinical.csv", index=False)
    tissues: dict = {}
    for tissue in ("disc", "muscle"):
        tissues[tissue] = {"features": {}}
        for source in ("radiomics", "deep"):
            values = g.normal(size=(n, 12)) + 0.35 * event[:, None] * (np.arange(12) < 3)
            files = []
            for reader in (1, 2):
                frame = pd.DataFrame(
                    values + 0.1 * g.normal(size=values.shape), columns=[f"{source}_$x${j}" for j in range(12)]
                )
                files.append(f"{tissue}_{source}_{reader}.csv")
                frame.assign(id=clinical["id"]).to_csv(folder / files[-1], index=False)
            tissues[tissue]["features"][source] = files
    study = {
        "title": EVIL,
        "seed": 1,
        **QUICK,
        "clinical": {
            "table": "clinical.csv",
            "id": "id",
            "outcome": "relapse",
            "event": "yes",
            "covariates": {"age": "continuous", "sex <b>": "categorical"},
        },
        "tissues": tissues,
        "selection": [
            {"icc": {}},
            {"mrmr_forest": {"trees": 20, "features": 5, "seeds": 0, "folds": 3}},
            {"correlation": {"outcome": 0.1}},
            {"lasso_svm_rfe": {"folds": 3, "combine": "union"}},
        ],
        "if_empty": "best",
    }
    (folder / "study.yaml").write_text(json.dumps(study))
    return study


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    features_study(folder)
    prldh.analyze(folder / "study.yaml", folder / "out", jobs=1)
    return folder / "out"


@pytest.fixture(scope="module")
def asah(tmp_path_factory, shared_data):
    folder = tmp_path_factory.mktemp("asah")
    table = pd.read_csv(shared_data / "tables" / "aSAH.csv", dtype=str)
    table.insert(0, "id", [f"{i:03d}" for i in range(len(table))])
    table.to_csv(folder / "asah.csv", index=False)
    covariates = {
        "age": "continuous",
        "gender": "categorical",
        "wfns": {"type": "ordinal", "levels": ["1", "2", "3", "4", "5"]},
    }
    prldh.analyze(
        {
            "title": "aSAH",
            **QUICK,
            "clinical": {
                "table": str(folder / "asah.csv"),
                "id": "id",
                "outcome": "outcome",
                "event": "Poor",
                "covariates": covariates,
            },
            "tissues": {"S100B": {"radscore": "s100b"}, "NDKA": {"radscore": "ndka"}},
        },
        folder / "out",
        jobs=1,
    )
    return folder / "out"


def open_page(browser, out, width: int = 1280, **settings):
    """The page, and what it said and asked for."""
    page = browser.new_context(viewport={"width": width, "height": 900}, **settings).new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on(
        "request",
        lambda request: (
            heard.append(f"request: {request.url}")
            if not request.url.startswith(("data:", "blob:", "file:")) or not request.url.endswith("report.html")
            else None
        ),
    )
    page.goto((out / "report.html").as_uri())
    return page, heard


def sections(page) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('main > section')].map(s => s.id)")


def test_features_report_is_whole_quiet_and_names_its_figures(browser, features):
    page, heard = open_page(browser, features)
    assert heard == []
    assert sections(page) == [
        *ALWAYS[:5],
        "radscores",
        "features",
        *ALWAYS[5:8],
        "ways",
        *ALWAYS[8:11],
        "reclassification",
        "interaction",
        "nomogram",
        *ALWAYS[11:],
    ]
    links = page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.hash.slice(1))")
    assert links == sections(page)
    figures = page.evaluate("[...document.querySelectorAll('figure')].map(f => f.id.replace('figure-', ''))")
    for name in (
        "flow",
        "funnel_disc",
        "forest_disc_radiomics",
        "correlation_disc",
        "stability_disc",
        "scores_disc",
        "roc_unadjusted",
        "roc_bands_adjusted",
        "partial_roc_unadjusted",
        "calibration_held_out_unadjusted",
        "decision_unadjusted",
        "impact_unadjusted",
        "interaction_adjusted",
        "stratified_roc",
        "nomogram_adjusted",
    ):
        assert name in figures
    assert any(name.startswith("lasso_disc") for name in figures) and any(
        name.startswith("svm_rfe_disc") for name in figures
    )
    # alternative texts and captions say what each shows; ids are unique; header cells have a scope, tables a caption
    assert page.evaluate(
        "[...document.querySelectorAll('.drawing')].every(d => d.getAttribute('role') === 'img' &&"
        " d.getAttribute('aria-label').length > 40)"
    )
    assert page.evaluate(
        "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length === new"
        " Set(ids).size })()"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('th')].every(t => ['col', 'row', 'rowgroup'].includes(t.scope))"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('table')].every(t => t.caption && t.caption.textContent.trim().length > 5)"
    )


def test_markup_and_length_of_names_do_no_harm(browser, features):
    page, _ = open_page(browser, features)
    assert page.title() != "pwned" and page.title().startswith("<script>")
    assert page.locator("h1").inner_text().startswith('<script>document.title="pwned"</script>')
    assert page.evaluate("document.querySelectorAll('h1 b, th b, td b').length") == 0
    assert page.locator("h1").bounding_box()["height"] < 400
    assert "sex <b>" in page.locator("#table-one").inner_text()


@pytest.mark.parametrize("which", ["features", "asah"])
def test_phone_does_not_scroll_sideways(browser, which, request):
    page, heard = open_page(browser, request.getfixturevalue(which), width=390)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 and heard == []
    out = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, svg') &&"
        " e.getBoundingClientRect().right > 391).map(e => e.outerHTML.slice(0, 80))"
    )
    assert out == []
    wide = page.evaluate("[...document.querySelectorAll('.scroll')].filter(b => b.scrollWidth > b.clientWidth + 1)")
    assert wide and page.evaluate(
        "[...document.querySelectorAll('.scroll')].every(b => b.scrollWidth <= b.clientWidth + 1 || b.tabIndex === 0)"
    )


@pytest.mark.parametrize(("which", "scheme"), [("features", "light"), ("asah", "dark")])
def test_axe_finds_nothing(browser, axe, which, scheme, request):
    """Everything open; of long tables the first rows, as all are alike."""
    page, _ = open_page(browser, request.getfixturevalue(which), width=900, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(
        "document.querySelectorAll('tbody tr:nth-child(n+4), section:not(#text) li:nth-child(n+4), svg > *').forEach(e"
        " => e.remove())"
    )
    page.evaluate(axe)
    audit = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(audit["passes"]) > 20  # it did look
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in audit["violations"]] == []


def test_axe_would_find_something(browser, axe, asah):
    page, _ = open_page(browser, asah)
    page.set_content(
        "<html lang=en><title>x</title><main><h1>x</h1><img src='data:,'><p"
        " style='color:#999;background:#fff'>pale</p></main>"
    )
    page.evaluate(axe)
    assert {"image-alt", "color-contrast"} <= {v["id"] for v in page.evaluate("axe.run(document)")["violations"]}


def _download(page, act) -> bytes:
    with page.expect_download() as waiting:
        act()
    return open(waiting.value.path(), "rb").read()


def test_tables_and_figures_download_with_full_values(browser, features):
    page, _ = open_page(browser, features)
    data = json.loads((features / "results.json").read_text())
    page.locator("summary", has_text="Apparent, unadjusted").first.click()
    apparent = page.locator("#performance-apparent-unadjusted button", has_text="CSV").first
    text = _download(page, apparent.click).decode()
    table, models = pd.read_csv(io.StringIO(text)), [m for m in data["models"] if not m["adjusted"]]
    assert list(table["Model"])[0] == models[0]["name"] and len(table) == len(models)
    auc = data["models"][0]["auc"]
    assert table["AUC (95% CI)"][0] == f"{auc['estimate']!r} ({auc['low']!r}, {auc['high']!r})"
    svg = _download(page, lambda: page.locator("#figure-flow button", has_text="SVG").click())
    assert svg.startswith(b"<svg") and b"</svg>" in svg
    png = _download(page, lambda: page.locator("#figure-flow button", has_text="PNG").click())
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and int.from_bytes(png[16:20], "big") > 1000  # 85 mm


def test_everything_can_be_taken_away(browser, small, tmp_path):
    """Every table as CSV, every drawing as SVG and PNG, a plugin's picture as the PNG that it is."""
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
    html = (
        (small / "report.html")
        .read_text()
        .replace(
            "</main>",
            '<section><h2>X</h2><figure id="figure-x"><img alt="A heat map"'
            f' src="data:image/png;base64,{dot}"></figure></section></main>',
        )
    )
    (tmp_path / "report.html").write_text(html)
    page, heard = open_page(browser, tmp_path)
    assert page.evaluate(
        "[...document.querySelectorAll('main table')].every(t => (t.closest('.scroll') ||"
        " t).previousElementSibling.querySelector('button').textContent === 'CSV')"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('figure:has(> .drawing)')].every(f => [...f.querySelectorAll('.tools"
        " button')].map(b => b.textContent).join() === 'SVG,PNG')"
    )
    assert (
        _download(page, lambda: page.locator("#figure-x button", has_text="PNG").click()) == base64.b64decode(dot)
        and heard == []
    )


def test_full_values_sort_and_filter_by_keyboard(browser, features):
    page, _ = open_page(browser, features)
    data = json.loads((features / "results.json").read_text())
    page.goto(page.url + "#performance-apparent-unadjusted")
    own = page.locator("#performance-apparent-unadjusted")
    toggle = own.locator("button", has_text="Full values").first
    toggle.focus()
    page.keyboard.press("Enter")
    assert repr(data["models"][0]["auc"]["estimate"]) in own.locator("table").first.inner_text()
    assert (
        _download(page, lambda: own.locator("button", has_text="CSV").first.click())
        .decode()
        .count(repr(data["models"][0]["auc"]["estimate"]))
        == 1
    )
    page.keyboard.press("Enter")
    box = page.locator("#radscores details:has(> summary:has-text('Radscore of every patient'))").first
    box.locator("> summary").click()
    head = box.locator("th button", has_text="Radscore")
    head.focus()
    page.keyboard.press("Enter")
    values = [float(v.replace("−", "-")) for v in box.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert values == sorted(values) and box.locator("th[aria-sort=ascending]").count() == 1
    page.keyboard.press("Enter")
    assert [float(v.replace("−", "-")) for v in box.locator("tbody td:nth-child(2)").all_inner_texts()] == sorted(
        values, reverse=True
    )
    box.locator("input").fill("P01")
    assert box.locator("tbody tr:visible").count() == 10 and "10 of 87 rows" in box.inner_text()


def test_the_page_is_whole_without_its_script(browser, features):
    page, _ = open_page(browser, features, java_script_enabled=False)
    assert page.locator("main > section").count() == 22 and page.locator(".tools").count() == 0
    assert (
        page.locator("#performance table").first.inner_text().startswith("Held-out predictions, unadjusted")
        and "figures/flow.svg" in page.locator("#figure-flow").inner_text()
    )


@pytest.fixture(scope="module")
def printed(browser, features):
    """The report as a PDF, read, and the text of each of its pages."""
    pypdf = pytest.importorskip("pypdf")
    page, _ = open_page(browser, features)
    pdf = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    read = pypdf.PdfReader(io.BytesIO(pdf))
    return read, [each.extract_text() for each in read.pages]


def test_print_cuts_no_table(browser, features, printed):
    """Rows keep their cells together on one page, and no table is wider than its page."""
    page, _ = open_page(browser, features)
    rows = page.evaluate(
        """[...document.querySelectorAll(
            '#table-one tbody tr, #performance tbody tr, #radscores .view > .scroll tbody tr')]
        .map(row => [...row.cells].map(cell => cell.innerText.replace(/\\s/g, '')).filter(text => text))"""
    )
    heads = page.evaluate(
        "[...document.querySelectorAll('#table-one table, #validation .tabs .scroll table')].map(t =>"
        " t.tHead.innerText.split(/\\s+/).filter(word => word))"
    )
    pages = ["".join(unicodedata.normalize("NFKC", text).split()) for text in printed[1]]
    assert 10 < len(pages) < 160 and len(rows) > 15
    for cells in rows:
        assert any(all(unicodedata.normalize("NFKC", text) in shown for text in cells) for shown in pages), cells
    for head in heads:
        # a title of two lines is not one run of text
        assert any(all(word in shown for word in head) for shown in pages), head
    heads_of_long = page.evaluate(
        """[...document.querySelectorAll('main table')].filter(
            t => t.offsetParent && t.tHead && t.tBodies[0].rows.length > 15)
        .map(t => [t.tHead.innerText.split(/\\s+/).filter(word => word),
            [...t.tBodies[0].rows].map(r => r.innerText.replace(/\\s/g, ''))])"""
    )
    assert heads_of_long
    for head, own in heads_of_long:
        for shown in pages:
            if any(row in shown for row in own if len(row) > 25):
                assert all(word in shown for word in head), (head, shown[:200])
    page.emulate_media(media="print")
    for is_wide, width in ((False, 182), (True, 269)):  # millimetres between the margins
        page.set_viewport_size({"width": int(width / 25.4 * 96), "height": 900})
        cut = page.evaluate(
            """isWide => [...document.querySelectorAll('table')].filter(
                t => t.offsetParent && (getComputedStyle(t.closest('.scroll')).page === 'wide') === isWide)
            .filter(t => t.getBoundingClientRect().right > innerWidth + 1).map(t => t.caption.textContent)""",
            is_wide,
        )
        assert cut == []


FORMULA = "-2+3+cmd|' /C calc'!A0"
RIGHT_TO_LEFT = "מחקר קטן 😀 <i>x</i>"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """No tissues, one model, no validation, no R, 90% confidence; names that try everything."""
    folder = tmp_path_factory.mktemp("small")
    g = np.random.default_rng(0)
    names = np.array(["=1+1", "+x", FORMULA, "@sum"])
    pd.DataFrame(
        {
            "id": range(60),
            "y": g.integers(0, 2, 60),
            'x "q" </script>': g.normal(size=60),
            "level": names[g.integers(0, 4, 60)],
        }
    ).to_csv(folder / "t.csv", index=False)
    settings = {**QUICK["performance"], "confidence": 0.9}
    prldh.analyze(
        {
            "title": RIGHT_TO_LEFT,
            "engine": "python",
            "clinical": {
                "table": str(folder / "t.csv"),
                "id": "id",
                "outcome": "y",
                "event": 1,
                "covariates": {'x "q" </script>': "continuous", "level": "categorical"},
            },
            "models": [{"name": "X", "terms": ['x "q" </script>']}],
            "adjust": [],
            "univariate": False,
            "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
            "performance": settings,
            "report": QUICK["report"],
        },
        folder / "out",
        jobs=1,
    )
    return folder / "out"


def test_a_small_study_has_a_whole_page(browser, small):
    page, heard = open_page(browser, small, width=390)
    assert (
        heard == []
        and sections(page) == [s for s in ALWAYS if s != "univariate"]
        and page.evaluate("document.documentElement.scrollWidth") <= 390
    )
    assert (
        "No validation was asked for" in page.locator("#validation").inner_text()
        and "Of other patients nothing is known" in page.locator("#answer").inner_text()
    )
    assert (
        page.locator("h1").inner_text() == RIGHT_TO_LEFT
        and page.evaluate("getComputedStyle(document.querySelector('h1')).direction") == "rtl"
    )
    assert page.locator("#table-one tbody th").first.inner_text() == 'x "q" </script>'


def test_the_keyboard_starts_with_a_visible_link_to_the_content(browser, small):
    page, _ = open_page(browser, small, reduced_motion="reduce")
    page.keyboard.press("Tab")
    link = page.locator("a.skip")
    assert page.evaluate("document.activeElement.className") == "skip" and link.bounding_box()["x"] >= 0
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))


def test_the_page_says_the_studys_level_of_confidence(browser, small):
    page, _ = open_page(browser, small)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    shown = page.evaluate(
        "[...document.querySelectorAll('caption, th, .lead, figcaption')].map(e => e.textContent).join(' | ')"
    )
    assert (
        "90% CI" in shown
        and "90% bands" in shown
        and "95%" not in shown
        and "95% CI" not in page.locator("#text").inner_text()
    )


def test_no_name_becomes_a_formula_of_a_spreadsheet(browser, small):
    page, _ = open_page(browser, small)
    text = _download(page, lambda: page.locator("#table-one button", has_text="CSV").click()).decode()
    rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    cells = [cell for column in rows for cell in rows[column]]
    assert {"'=1+1", "'+x", f"'{FORMULA}", "'@sum", 'x "q" </script>'} <= set(rows["Variable"])
    assert not [c for c in cells if c[:1] in ("=", "+", "@")] and all(
        re.fullmatch(r"-[\d.e-]+( ± .*)?", c) for c in cells if c.startswith("-")
    )
    data = json.loads((small / "results.json").read_text())
    row = data["table_one"][0]
    total = row["rows"][0]["total"]
    middle = (
        f"{total['mean']!r} ± {total['sd']!r}"
        if row["summary"] == "mean"
        else f"{total['median']!r} [{total['q1']!r}, {total['q3']!r}]"
    )
    assert {middle, f"{total['min']!r} to {total['max']!r}"} <= {cell.removeprefix("'") for cell in cells}


def test_results_of_an_older_version_have_whole_pages(browser, small, tmp_path):
    """They lack what was added since."""
    from prldh.report.page import render

    data = json.loads((small / "results.json").read_text())
    data["cohort"].pop("ranges")
    for point in data["models"][0]["roc"]:
        point.pop("sensitivity_low"), point.pop("sensitivity_high")
    (tmp_path / "results.json").write_text(json.dumps(data))
    render(tmp_path)
    page, heard = open_page(browser, tmp_path)
    assert (
        heard == []
        and page.locator("#figure-roc_unadjusted").count() == 1
        and page.locator("#figure-roc_bands_unadjusted").count() == 0
    )


def test_it_opens_with_three_sentences_and_their_intervals(browser, features):
    page, _ = open_page(browser, features)
    sentences = page.locator("#answer .lead p").all_inner_texts()
    assert (
        len(sentences) == 4
        and sentences[0].startswith("What was asked:")
        and sentences[1].startswith("The honest answer:")
        and re.search(
            r"by plain LASSO 0\.\d{3} and by plain ridge regression 0\.\d{3}; “.+” has 0\.\d{3}\.$", sentences[3]
        )
    )
    assert all(re.search(r"0\.\d{3} \(95% CI 0\.\d{3} to [01]\.\d{3}\)", s) for s in sentences[1:3])


def test_alternative_texts_say_what_is_seen(browser, features):
    page, _ = open_page(browser, features)
    data = json.loads((features / "results.json").read_text())
    seen = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('figure > .drawing')].map(d =>"
        " [d.parentNode.id.replace('figure-', ''), d.getAttribute('aria-label')]))"
    )
    for m in (m for m in data["models"] if not m["adjusted"]):
        assert (
            f"{m['name']}: apparent AUC {m['auc']['estimate']:.3f}, held out"
            f" {m['validation']['pipeline']['folds']['auc']['estimate']:.3f}" in seen["roc_unadjusted"]
        )
    digits = [name for name, text in seen.items() if not re.search(r"\d", text)]
    assert not [name for name in digits if not name.startswith("nomogram")], digits
    assert (
        "lie above the cutoff" in seen["scores_disc"]
        and "Most often selected" in seen["stability_disc"]
        and "thresholds" in seen["decision_adjusted"]
    )


# ---------------------------------------------------------------- first screen, views, folds


def test_the_first_screen_is_a_picture_sentences_and_numbers(browser, features):
    """Title, figure, sentences and four numbers on 1280 × 800; on a phone the held-out AUC."""
    page, _ = open_page(browser, features)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate("document.querySelector('h1').textContent = 'A title'")
    shown = {name: page.locator(name).first.bounding_box() for name in ("h1", ".tiles", "#figure-answer", ".lead p")}
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= 800 for box in shown.values()), shown
    labels = page.locator(".tiles dt").all_inner_texts()
    assert labels == ["Held-out AUC", "Held-out calibration slope", "Patients and events", "Patients needed"]
    assert all(re.match(r"-?−?\d", value) for value in page.locator(".tiles strong").all_inner_texts())
    page.set_viewport_size({"width": 390, "height": 800})
    box = page.locator(".tiles strong").first.bounding_box()
    assert box["y"] + box["height"] < 800 and re.fullmatch(
        r"0\.\d{3}", page.locator(".tiles strong").first.inner_text()
    )


@pytest.mark.parametrize(
    ("width", "shown", "hidden"), [(1280, "answer", "answer_narrow"), (390, "answer_narrow", "answer")]
)
def test_the_first_picture_is_seen_whole(browser, features, width, shown, hidden):
    """On a phone too, at the one size of type, without scrolling it."""
    page, _ = open_page(browser, features, width=width)
    box = page.locator(f"#figure-{shown} svg").bounding_box()
    assert 0 <= box["x"] and box["x"] + box["width"] <= width and box["width"] > 0.5 * min(width, 660)
    drawing = page.locator(f"#figure-{shown} .drawing")
    assert drawing.evaluate("e => e.scrollWidth <= e.clientWidth") and drawing.get_attribute("aria-label")
    assert not page.locator(f"#figure-{hidden}").is_visible()
    told = [
        {word for text in page.locator(f"#figure-{name} svg text").all_text_contents() for word in text.split()}
        for name in (shown, hidden)
    ]
    assert {word for word in told[0] if word.isalpha()} == {word for word in told[1] if word.isalpha()} != set()


def test_what_is_not_known_is_said_with_its_reason(browser, small):
    page, _ = open_page(browser, small)
    tiles = page.locator(".tiles div").all_inner_texts()
    assert all("not known" in tile and "no validation was asked for" in tile for tile in tiles[:2])


def test_a_page_is_not_longer_than_a_reader(browser, features):
    page, _ = open_page(browser, features)
    assert page.evaluate("document.documentElement.scrollHeight") <= 18_000


def test_the_flow_of_patients_is_seen_whole_on_a_phone_and_no_row_is_tall_for_what_is_off_the_screen(browser, features):
    page, _ = open_page(browser, features, width=390)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.removeAttribute('name'); d.open = true; })")
    assert page.evaluate("(b => b.scrollWidth <= b.clientWidth)(document.querySelector('#figure-flow > .drawing'))")
    tall = page.evaluate(
        """[...document.querySelectorAll('main .scroll td')].filter(c => c.textContent.length <= 24).filter(c => {
            const text = document.createRange();
            text.selectNodeContents(c);
            return text.getBoundingClientRect().height > 2.5 * parseFloat(getComputedStyle(c).lineHeight);
        }).map(c => c.textContent)"""
    )
    assert tall == []


def test_tables_that_stand_open_are_seen_whole_on_a_desk(browser, features):
    page, _ = open_page(browser, features)
    cut = page.evaluate(
        f"[...document.querySelectorAll('main .scroll')].filter({SEEN})"
        ".filter(b => b.scrollWidth > b.clientWidth + 1).map(b => b.innerText.slice(0, 90))"
    )
    assert cut == []


def test_print_has_one_scale_of_type_and_long_lists_stand_side_by_side(browser, features):
    page, _ = open_page(browser, features)
    page.emulate_media(media="print")
    size = "[...document.querySelectorAll('main {}')].map(e => parseFloat(getComputedStyle(e).fontSize))"
    text, notes = (
        page.evaluate(size.format("section > p:not(.note)")),
        page.evaluate(size.format(":is(.note, figcaption)")),
    )
    assert text and notes and max(notes) < min(text) < 14  # pixels: ten points are 13.3
    columns = page.evaluate(
        """[...document.querySelectorAll('main .scroll')].filter(b => b.querySelector('tbody tr:nth-child(40)'))
        .map(b => [b.querySelector('thead tr')?.cells.length ?? 9, getComputedStyle(b).columnCount])"""
    )
    assert {n: count for n, count in columns if n < 5} and all((n < 5) == (count == "2") for n, count in columns)


def test_percentages_and_signs_are_set_alike_everywhere(browser, features):
    """No space before a per cent sign, no number of a program among those of a journal."""
    page, _ = open_page(browser, features)
    read = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('pre, code, style, #provenance, #text'))"
        ".flatMap(e => [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data))"
    )
    assert [text for text in read if re.search(r"\d[ \u00a0]%|\d e[-+]\d|\de-\d|<= ?\d|>= ?\d|– \(–", text)] == []


VIEWS = ("#calibration-held-out-unadjusted", "#calibration-apparent-unadjusted")


def test_views_are_chosen_by_keyboard_and_by_address(browser, features):
    """By the parts of HTML alone: the script is off."""
    page, _ = open_page(browser, features, java_script_enabled=False)
    tables = [page.locator(name).locator("table").first for name in VIEWS]
    assert [t.evaluate(SEEN) for t in tables] == [True, False]
    tabs = [page.locator(f".tabs > details:has({name}) > summary") for name in VIEWS]
    tabs[1].focus()
    page.keyboard.press("Enter")
    assert [t.evaluate(SEEN) for t in tables] == [False, True]
    tops = [tab.bounding_box()["y"] for tab in tabs]
    assert (
        tops[0] == tops[1] and tables[1].bounding_box()["width"] > 500
    )  # side by side, the view over all of the width
    page.goto(page.url + "#usefulness-apparent-adjusted")
    assert page.locator("#usefulness-apparent-adjusted figure").first.evaluate(SEEN)
    views = page.locator(".tabs > details > .view")
    ids = [view.get_attribute("id") for view in views.all()]
    assert len(ids) == len(set(ids)) > 12 and all(ids)
    summaries = page.locator("summary").all_text_contents()
    assert all(len(text) > 3 for text in summaries), summaries


def test_everything_is_printed(browser, features):
    """Views and folds alike, with the script and without; the calculator is for a screen alone."""
    for settings in ({}, {"java_script_enabled": False}):
        page, _ = open_page(browser, features, **settings)
        page.emulate_media(media="print")
        hidden = page.evaluate(
            f"[...document.querySelectorAll('main :is(table, figure, p, li)')].filter(e => !({SEEN})(e))"
            ".filter(e => !e.closest('.on-screen')).map(e => e.outerHTML.slice(0, 90))"
        )
        assert hidden == []


def test_the_contents_follow_the_reader(browser, features):
    for width in (1280, 390):
        page, _ = open_page(browser, features, width=width)
        for name in ("validation", "usefulness", "glossary", "patients"):
            page.evaluate(f"document.getElementById('{name}').scrollIntoView()")
            page.wait_for_function(f"document.querySelector('nav [aria-current]')?.hash === '#{name}'")
            box = page.locator("nav [aria-current]").bounding_box()
            assert 0 <= box["y"] < 900 and 0 <= box["x"] and box["x"] + box["width"] <= width, (width, name, box)


@pytest.mark.parametrize("which", ["features", "asah", "small"])
def test_a_phone_shows_the_number_of_every_table(browser, which, request):
    """Without scrolling sideways. Reports of other kinds of studies: in the tests of these."""
    n, cut = cut_on_a_phone(browser, request.getfixturevalue(which))
    assert n > 10 and cut == []


def test_a_phone_shows_the_honest_number_of_every_table(browser, features):
    """Without scrolling sideways: the column that is marked as such, or else the first that has values."""
    page, _ = open_page(browser, features, width=390)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.removeAttribute('name'); d.open = true; })")
    cut = page.evaluate(
        """[...document.querySelectorAll('main table')].filter(t => t.rows.length > 1).map(t => {
            const heads = t.tHead ? [...t.tHead.rows[0].cells] : [];
            const cell = t.tBodies[0].rows[0].cells[Math.max(1, heads.findIndex(h => h.matches('.honest')))];
            const box = cell?.getBoundingClientRect();
            return box && [t.caption.textContent, box.left, box.right];
        }).filter(each => each && (each[1] < 0 || each[2] > 390))"""
    )
    assert cut == []
    unmarked = page.evaluate(
        """[...document.querySelectorAll('#performance table, #validation table, #calibration table, #ways table')]
        .filter(t => /Held-out pred|, held out|Table 3|Bootstrap val/.test(t.caption.textContent))
        .filter(t => !t.querySelector('.honest') && t.tHead.innerText.match(/AUC|Slope|Brier/))
        .map(t => t.caption.textContent)"""
    )
    assert unmarked == []


def test_pages_of_the_pdf_are_tagged_and_none_ends_within_a_heading_or_a_head(browser, features, printed):
    """Neither with a heading, a table's title or its head, nor with a part of one."""
    page, _ = open_page(browser, features)

    def squeezed(text: str) -> str:
        return "".join(unicodedata.normalize("NFKC", text).split())

    read, texts = printed
    assert "/StructTreeRoot" in read.trailer["/Root"] and len(read.outline) > 0
    heads = page.evaluate(
        "[...document.querySelectorAll('main :is(h2, h3, h4, summary, caption, dt)')].map(h => h.textContent)"
    )
    columns = page.evaluate(
        "[...document.querySelectorAll('main thead')].map(h => [...h.rows].map(r => r.textContent).join(''))"
    )
    heads, columns = {squeezed(text) for text in heads}, tuple({squeezed(text) for text in columns})
    assert len(heads) > 100 and len(columns) > 20
    for text in texts[:-1]:
        lines = [squeezed(line) for line in text.splitlines() if not re.fullmatch(r"\s*(\d+ / \d+)?\s*", line)]
        assert not [head for head in heads if head == lines[-1] or (len(lines[-1]) > 12 and head.startswith(lines[-1]))]
        assert not "".join(lines).endswith(columns), lines[-5:]


def test_print_breaks_no_name_and_no_table_of_one_row_from_what_precedes_it(browser, features):
    """Names of features stand in one line in long lists; what is longer than its column is broken and not cut."""
    page, _ = open_page(browser, features)
    page.set_viewport_size({"width": int(182 / 25.4 * 96), "height": 900})
    page.emulate_media(media="print")
    shown = """long => {
            const row = name => `<tr><th scope="row">${name}</th><td class="text">${"not among those that were chosen ".repeat(3)}</td></tr>`;
            const names = [...Array(45).keys()].map(k => `original_firstorder_Variance${k}${long}`);
            const box = document.createElement("div");
            box.className = "scroll";
            box.innerHTML = `<table><caption>X</caption><thead><tr><th scope="col">Feature</th><th scope="col">Reason</th></tr></thead><tbody>${names.map(row).join("")}</tbody></table>`;
            document.querySelector("main").append(box);
            const wide = box.getBoundingClientRect().width / 2;
            return [...box.querySelectorAll("tbody tr")].map(r => {
                const text = document.createRange();
                text.selectNodeContents(r.cells[0]);
                return [new Set([...text.getClientRects()].map(c => c.top)).size, r.getBoundingClientRect().width <= wide];
            });
        }"""  # noqa: E501
    short, long = page.evaluate(shown, ""), page.evaluate(shown, "x" * 300)
    assert {lines for lines, _ in short} == {1} and min(lines for lines, _ in long) > 4
    assert all(fits for _, fits in short + long)
    # what is asked of a first or last row is asked of its table where it is both
    asked = page.evaluate(
        "[...document.querySelectorAll('main tbody')].filter(b => b.rows.length === 1).map(b =>"
        " [getComputedStyle(b.rows[0]).breakBefore, getComputedStyle(b.rows[0]).breakAfter].join())"
    )
    assert asked and set(asked) == {"auto,auto"}


def test_terms_are_explained_where_they_are_used(browser, features):
    """Each link finds its meaning, which it opens; each entry of the glossary is linked."""
    page, _ = open_page(browser, features)
    linked = page.evaluate("[...new Set([...document.querySelectorAll('a.term')].map(a => a.hash.slice(1)))]")
    entries = page.evaluate("[...document.querySelectorAll('.glossary > div')].map(d => d.id)")
    heads = page.evaluate("[...document.querySelectorAll('abbr.term')].map(a => a.title)")
    meanings = page.evaluate("[...document.querySelectorAll('.glossary dd')].map(d => d.textContent)")
    assert len(entries) > 35 and set(linked) <= set(entries) and set(heads) <= set(meanings)
    assert page.evaluate("[...document.querySelectorAll('.term')].every(t => t.title.length > 20)")
    page.locator("#calibration a.term").first.click()
    assert page.locator(page.url[page.url.index("#") :]).evaluate(SEEN)


def test_nothing_that_is_read_says_the_words_of_this_house(browser, features):
    page, _ = open_page(browser, features)
    house = re.compile(
        r"\bscope (pipeline|model)\b|cost of leakage|\bnull\b(?! (run|hypothesis|band))|\bledger\b|\bthe whole chain\b"
        r"|\(scheme|\b(b632|oob|boot|auc)_",
        re.IGNORECASE,
    )
    page.evaluate("document.querySelectorAll('script, style, pre, code, #agreement').forEach(e => e.remove())")
    shown = page.evaluate("document.body.textContent") + " ".join(
        page.evaluate("[...document.querySelectorAll('[aria-label]')].map(e => e.getAttribute('aria-label'))")
    )
    assert house.findall(shown) == []
    for path in [*(features / "tables").glob("*.tex"), *(features / "checklists").glob("*.html")]:
        assert not house.search(path.read_text(encoding="utf-8")), path.name


def test_figures_are_as_large_as_in_print_and_dark_on_a_dark_page(browser, small):
    """One size of type in all: 8 points at 1280 pixels, on a phone and in print; what is saved is black on white."""
    type_of = (
        "[...new Set([...document.querySelectorAll('.drawing svg text')].filter(t =>"
        " t.ownerSVGElement.getBoundingClientRect().width).map(t => { const s = t.ownerSVGElement;"
        " return [getComputedStyle(t).fontSize, getComputedStyle(t).fontFamily.split(',')[0],"
        " (s.getBoundingClientRect().width / s.viewBox.baseVal.width).toFixed(2)].join(' ') }))]"
    )
    inks = (
        "(() => { const f = document.querySelector('#figure-roc_unadjusted'), of = e => getComputedStyle(e);"
        " const lines = [...f.querySelectorAll('[style*=figure-0072b2]')].map(e => of(e).stroke);"
        " return [of(document.body).color, of(f.querySelector('text')).fill,"
        " of(f.querySelector('svg')).backgroundColor, ...new Set(lines)] })()"
    )
    seen = {}
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
        page, heard = open_page(browser, small, width=width, color_scheme=scheme)
        assert page.evaluate(type_of) == ['8px "Arimo of prldh" 1.33'] and heard == []
        assert page.evaluate("[...document.fonts].map(f => f.status)") == ["loaded"]
        seen[scheme] = page.evaluate(inks)
        cut = page.evaluate(
            "[...document.querySelectorAll('.drawing')].filter(d => d.scrollWidth > d.clientWidth + 1).length"
        )
        assert width == 390 or cut == 0  # a wide one scrolls on a phone alone
    page.emulate_media(media="print")
    assert page.evaluate(type_of) == ['8px "Arimo of prldh" 1.33']
    for body, text, paper, *_ in seen.values():
        assert text == body and paper == "rgba(0, 0, 0, 0)"
    assert seen["light"][3] == "rgb(0, 114, 178)" and seen["dark"][3] == "rgb(79, 159, 224)"
    page, _ = open_page(browser, small, color_scheme="dark")
    svg = _download(page, lambda: page.locator("#figure-roc_unadjusted button", has_text="SVG").click())
    assert b"@font-face" in svg and b"var(" not in svg and b"currentColor" not in svg and b"#0072b2" in svg
