"""``prldh calculator`` in Chromium: its numbers are those of ``prldh apply``, and what it may not say it refuses."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import prldh
from prldh.cli import cli
from prldh.core.errors import DataError, OutputError
from prldh.report.calculator import NOT_A_DEVICE, range_text
from prldh.results import make_nomogram

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("undrawn")]

QUICK = {
    "engine": "python",
    "seed": 1,
    "report": {"figures": []},
    "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 20, "interaction_bootstrap": 10},
}
NOTHING = {"leave_one_out": False, "folds": 0, "bootstrap": 0}
COVARIATES = {
    "age": {"type": "continuous", "label": "Age at surgery", "unit": "years"},
    "psa": {"type": "continuous", "label": "PSA", "unit": "ng/ml"},
    "sex": "categorical",
    "grade": {"type": "ordinal", "levels": ["I", "II", "III"]},
}
MODELS = [
    {"name": "Clinical", "terms": ["age", "sex", "grade"]},
    {"name": "Functions", "terms": ["rcs(age, 4)", "log(psa)", "psa^2", "sex:grade", "age:sex"]},
    {"name": "Disc", "terms": ["disc"]},
    {"name": "Scores", "terms": ["disc", "rcs(muscle, 3):sex", "log(given)"]},
    {"name": "Groups", "terms": ["groups(disc, muscle)", "age"]},
]


def write_patients(folder: Path, n: int, seed: int, blank: float = 0.0) -> pd.DataFrame:
    """A clinical table and features of two tissues; a score above 0 as a column."""
    folder.mkdir()
    g = np.random.default_rng(seed)
    values = {tissue: g.normal(size=(n, 6)) for tissue in ("disc", "muscle")}
    age, psa = g.normal(60, 9, n).round(1), np.exp(g.normal(1.5, 0.7, n)).round(3)
    sex, grade = g.choice(["f", "m"], n), g.choice(["I", "II", "III"], n)
    eta = (
        -0.6
        + 0.04 * (age - 60)
        + 0.5 * (sex == "m")
        + 0.4 * np.log(psa)
        - 0.6
        + values["disc"][:, 0]
        + 0.6 * values["muscle"][:, 1]
    )
    event = g.random(n) < 1 / (1 + np.exp(-eta))
    clinical = pd.DataFrame(
        {
            "id": [f"{folder.name}{i:03d}" for i in range(n)],
            "relapse": np.where(event, "yes", "no"),
            "age": age,
            "psa": psa,
            "sex": sex,
            "grade": grade,
            "given": np.exp(0.3 * eta + g.normal(0, 0.5, n)),
            "rare": np.where(event & (g.random(n) < 0.2), "present", "absent"),
        }
    )
    clinical.loc[g.random(n) < blank, "age"] = np.nan
    clinical.to_csv(folder / "clinical.csv", index=False)
    for tissue, own in values.items():
        frame = pd.DataFrame(own, columns=[f"{tissue}_{j}" for j in range(6)])
        frame.assign(id=clinical["id"]).to_csv(folder / f"{tissue}.csv", index=False)
    return clinical


TISSUES = {"disc": {"features": "disc.csv"}, "muscle": {"features": "muscle.csv"}}
CLINICAL = {"table": "clinical.csv", "id": "id", "outcome": "relapse", "event": "yes"}


def analysed(folder: Path, name: str, **changes) -> Path:
    study = {
        "title": f"A study <b>{name}</b>",
        **QUICK,
        "clinical": {**CLINICAL, "covariates": COVARIATES},
        "tissues": {**TISSUES, "given": {"radscore": "given"}},
        "selection": [{"correlation": {"outcome": 0.1}}],
        "if_empty": "best",
        "validation": NOTHING,
        "models": MODELS,
        **changes,
    }
    (folder / f"{name}.yaml").write_text(json.dumps(study))
    prldh.analyze(folder / f"{name}.yaml", folder.parent / name, jobs=1)
    return folder.parent / name


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of the study's tables, and of new patients beside it."""
    home = tmp_path_factory.mktemp("bedside")
    write_patients(home / "study", 170, 0)
    write_patients(home / "new", 120, 1)
    write_patients(home / "blanks", 170, 0, blank=0.1)
    return home / "study"


@pytest.fixture(scope="module")
def run(study):
    return analysed(study, "run", validation={"leave_one_out": False, "folds": 3, "bootstrap": 0}, comparisons=[])


@pytest.fixture(scope="module")
def firth(study):
    """A covariate that only patients with the event have: Firth's likelihood, with FLIC's intercept."""
    clinical = {**CLINICAL, "covariates": {**COVARIATES, "rare": "categorical"}}
    models = [{"name": "Rare", "terms": ["rare", "age"]}]
    return analysed(study, "firth", clinical=clinical, models=models, firth={"predictions": "flic"}, adjust=["sex"])


@pytest.fixture(scope="module")
def imputed(study):
    models = [{"name": "Imputed", "terms": ["age", "log(psa)", "disc"]}]
    missing = {"missing": "multiple_imputation", "imputation": {"imputations": 3}}
    return analysed(study.parent / "blanks", "imputed", models=models, adjust=[], **missing)


@pytest.fixture(scope="module")
def forest(study):
    """A Radscore that no one can sum."""
    models = [{"name": "Forest", "terms": ["disc"]}]
    learner = {"learner": {"random_forest": {"trees": 20}}, "selection": [], "second_stage": "as_is"}
    return analysed(study, "forest", tissues=TISSUES, models=models, adjust=[], **learner)


@pytest.fixture(scope="module")
def recalibrated(run):
    cohort = {
        "name": "Hospital B",
        "clinical": {"table": "clinical.csv"},
        "tissues": {**TISSUES, "given": {"radscore": "given"}},
    }
    path = run.parent / "new" / "recalibrated.yaml"
    path.write_text(json.dumps({**cohort, "recalibrate": {"share": 0.5}}))
    return run / prldh.apply_models(run, path, recalibrate="slope", force=True)["folder"]


def applied(run: Path, patients: Path) -> pd.DataFrame:
    """What ``prldh apply`` predicts, with the patients' own values."""
    tissues = json.loads((home_of(run) / "results.json").read_text())["study"]["settings"]["tissues"]
    given = {name: {"radscore": "given"} if own.get("radscore") else TISSUES[name] for name, own in tissues.items()}
    path = patients / "cohort.yaml"
    path.write_text(json.dumps({"name": "bedside", "clinical": {"table": "clinical.csv"}, "tissues": given}))
    found = prldh.apply_models(run, path, force=True)
    predictions = pd.read_csv(run / found["folder"] / "predictions.csv", dtype={"id": str})
    clinical = pd.read_csv(patients / "clinical.csv", dtype=str).set_index("id")
    return predictions.join(clinical.drop(columns="relapse"), on="id")


def home_of(run: Path) -> Path:
    return run if (run / "results.json").exists() else run.parents[1]


def opened(browser, page_file: Path, width: int = 1100, **settings):
    page = browser.new_context(viewport={"width": width, "height": 900}, **settings).new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else heard.append(asked.url))
    page.goto(page_file.as_uri())
    return page, heard


def asked(page, at: str = "[data-calculator]") -> list[dict]:
    return page.evaluate(f"JSON.parse(document.querySelector('{at} script').textContent).fields")


ALL = """(patients) => {
  const box = document.querySelector('[data-calculator]'), form = box.querySelector('form');
  return patients.map(values => {
    values.forEach((value, k) => { form.querySelector(`[data-field="${k}"]`).value = value; });
    form.dispatchEvent(new Event('input', { bubbles: true }));
    const told = [...box.querySelectorAll('form > .field > .problem')].map(each => each.textContent).filter(Boolean);
    return [...['risk', 'logOdds', 'low', 'high'].map(key => box.dataset[key] ?? null), told];
  });
}"""


def typed(fields: list[dict], patient: pd.Series) -> list[str]:
    """What somebody types of a patient."""
    cells = []
    for field in fields:
        if field["levels"]:
            cells.append(str(field["levels"].index(patient[field["variable"]])))
        elif field["is_score"]:
            cells.append(repr(float(patient[f"radscore_{field['variable']}"])))
        else:
            cells.append(str(patient[field["variable"]]))
    return cells


@pytest.mark.parametrize("which", ["run", "firth", "imputed", "forest", "recalibrated"])
def test_numbers_are_those_of_apply(browser, which, request, tmp_path):
    """Every model of every run, and two of the recalibrated ones; who is outside the training range is refused, and
    told so, and nobody else."""
    run = request.getfixturevalue(which)
    predictions = applied(run, home_of(run).parent / "new")
    if which == "recalibrated":  # the page of each model is that of the run with another intercept and slope
        predictions = predictions[predictions["model"].isin(["Clinical", "Scores"])]
    n_models = 0
    for (name, adjusted), own in predictions.groupby(["model", "adjusted"]):
        title = f"{name}, adjusted" if adjusted else str(name)
        prldh.write_calculator(run, tmp_path / "page.html", model=title, force=True)
        page, heard = opened(browser, tmp_path / "page.html")
        fields = asked(page)
        answers = page.evaluate(ALL, [typed(fields, patient) for _, patient in own.iterrows()])
        n_given = 0
        for (_, patient), (risk, log_odds, low, high, told) in zip(own.iterrows(), answers, strict=True):
            values = [
                float(patient[f["variable"] if not f["is_score"] else f"radscore_{f['variable']}"])
                for f in fields
                if not f["levels"]
            ]
            ends = [(f["low"], f["high"]) for f in fields if not f["levels"]]
            outside = [not low_ <= value <= high_ for value, (low_, high_) in zip(values, ends, strict=True)]
            assert len(told) == sum(outside) and (risk is None) == any(outside)
            if risk is not None:
                n_given += 1
                assert float(risk) == pytest.approx(patient["probability"], abs=1e-9)
                assert float(log_odds) == pytest.approx(patient["log_odds"], abs=1e-9)
                assert low is None or float(low) < float(risk) < float(high)
        assert n_given > 60, title
        assert heard == []
        n_models += 1
    assert n_models == {"run": 10, "firth": 2, "imputed": 1, "forest": 1, "recalibrated": 4}[which]


@pytest.fixture(scope="module")
def pages(run, tmp_path_factory):
    """A page of each model of the run, by its name."""
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for k, name in enumerate(("Clinical", "Disc", "Functions", "Scores, adjusted", "Groups")):
        prldh.write_calculator(run, folder / f"{k}.html", model=name)
        made[name] = folder / f"{k}.html"
    return made


def told(page, name: str) -> str:
    return page.locator(f"[data-out={name}]").text_content()


def fill(page, **values: str) -> None:
    for field, value in values.items():
        k = next(k for k, f in enumerate(asked(page)) if f["variable"] == field)
        at = page.locator(f'[data-field="{k}"]')
        at.select_option(label=value) if at.evaluate("e => e.localName") == "select" else at.fill(value)


def test_numbers_are_read_as_people_write_them(browser, pages):
    page, heard = opened(browser, pages["Clinical"])
    age = page.get_by_label("Age at surgery")
    problem = page.locator("#calculator-0-told")
    assert told(page, "waiting") == "Still to fill in: Age at surgery, sex, grade."
    fill(page, sex="m", grade="II")
    found = {}
    for text in ("61.5", "61,5", " 61,5 years", "6.15e1", "61.50YEARS", "6.15 × 10¹", "615·10⁻¹ years", "0,615x10^2"):
        age.fill(text)
        found[text] = page.locator("#calculator").get_attribute("data-risk")
    assert len(set(found.values())) == 1 and found["61.5"] is not None
    wrong = {
        "61.5.2": "“61.5.2” is not a number in years: write it as 1.5 or 1,5, and nothing else.",
        "6 months": "“6 months” is not a number in years: write it as 1.5 or 1,5, and nothing else.",
        "1,234": "1,234 may be 1.234 or 1234: write a number in years with a point, or without a comma.",
        "1e999": "1e999 is too large for a number.",
    }
    for text, message in wrong.items():
        age.fill(text)
        assert problem.inner_text() == message and age.get_attribute("aria-invalid") == "true"
        assert told(page, "waiting") == "No risk: Age at surgery must be corrected." and told(page, "risk") == ""
        assert page.locator("#calculator").get_attribute("data-risk") is None
    page.get_by_role("button", name="Clear").click()
    page.locator("[data-out=waiting]", has_text="Still to fill in: Age").wait_for()
    assert not problem.is_visible() and heard == []


def test_units_are_known_however_they_are_typed_and_a_point_may_part_thousands(browser, pages, tmp_path):
    """A Greek mu is a micro sign, and where 1.234 and 1234 both are usual nobody guesses."""
    page_of_another = tmp_path / "calculator.html"
    text = pages["Clinical"].read_text(encoding="utf-8")
    (field,) = [f for f in asked(opened(browser, pages["Clinical"])[0]) if f["variable"] == "age"]
    ends = json.dumps(field["low"]), json.dumps(field["high"])
    edited = text.replace('"unit": "years"', '"unit": "µmol/mm²"')
    edited = edited.replace(f'"low": {ends[0]}', '"low": 1').replace(f'"high": {ends[1]}', '"high": 3000')
    assert edited != text
    page_of_another.write_text(edited, encoding="utf-8")
    page, _ = opened(browser, page_of_another)
    fill(page, sex="m", grade="II")
    age, risk = page.get_by_label("Age at surgery"), lambda: page.locator("#calculator").get_attribute("data-risk")
    for typed in ("61.5 µmol/mm²", "61.5 μmol/mm2", "61,5µMOL/MM2"):
        age.fill(typed)
        assert risk() is not None, typed
    age.fill("1.200")
    assert risk() is None and page.locator("#calculator-0-told").inner_text() == (
        "1.200 may be 1.2 or 1200, and both were seen in training: write 1.2000 or 1200."
    )
    for typed in ("1.2000", "1200", "61.500", "0.001e3"):
        age.fill(typed)
        assert risk() is not None, typed


def test_outside_the_training_range_there_is_no_risk(browser, pages, run):
    table = pd.read_csv(run.parent / "study" / "clinical.csv")
    page, _ = opened(browser, pages["Clinical"])
    (field,) = [f for f in asked(page) if f["variable"] == "age"]
    assert (field["low"], field["high"]) == (table["age"].min(), table["age"].max())
    fill(page, sex="f", grade="I")
    for value, is_within in ((field["low"], True), (field["high"], True), (field["low"] - 0.1, False), (120, False)):
        fill(page, age=str(value))
        assert (page.locator("#calculator").get_attribute("data-risk") is not None) == is_within
    assert page.locator("#calculator-0-told").inner_text() == (
        f"120 is outside what was seen in training ({field['range']} years): the model knows nothing of such values,"
        " and gives no risk."
    )
    for end in field["range"].split(" to "):  # what is shown as the range can be typed
        fill(page, age=end)
        assert page.locator("#calculator").get_attribute("data-risk") is not None


def test_a_radscore_is_typed_or_made_of_its_features(browser, pages, run):
    """A clinician has the Radscore that `prldh apply` writes, or the features themselves."""
    patients = pd.read_csv(run.parent / "study" / "disc.csv", dtype=str)
    own = pd.read_csv(run / "predictions.csv").query("scheme == 'apparent' and model == 'Disc' and not adjusted")
    probabilities = dict(zip(own["id"], own["probability"], strict=True))
    page, _ = opened(browser, pages["Disc"])
    form = page.locator("[data-form]")
    form.locator("summary").click()
    names = form.locator("code").all_inner_texts()
    assert names == json.loads((run / "results.json").read_text())["tissues"]["disc"]["selection"]["features"]
    for _, patient in patients.head(5).iterrows():
        for k, name in enumerate(names):
            form.locator("input").nth(k).fill(patient[name])
        risk = float(page.locator("#calculator").get_attribute("data-risk"))
        assert risk == pytest.approx(probabilities[patient["id"]], abs=1e-9)
    form.locator("input").first.fill("99")
    assert "outside what was seen in training" in form.locator(".problem").first.inner_text()
    assert page.locator("#calculator").get_attribute("data-risk") is None


def test_the_interval_is_walds_where_its_coverage_is_known(browser, pages, run):
    """Held to statsmodels; a Radscore made of the same outcomes has none, with the reason."""
    import statsmodels.formula.api as smf

    table = pd.read_csv(run.parent / "study" / "clinical.csv").assign(y=lambda t: (t["relapse"] == "yes").astype(int))
    fitted = smf.logit("y ~ age + sex + grade", table).fit(disp=0)
    page, _ = opened(browser, pages["Clinical"])
    for _, patient in table.head(6).iterrows():
        fill(page, age=str(patient["age"]), sex=patient["sex"], grade=patient["grade"])
        box = page.locator("#calculator")
        expected = fitted.get_prediction(patient.to_frame().T.infer_objects()).summary_frame()
        assert float(box.get_attribute("data-low")) == pytest.approx(expected["ci_lower"].iloc[0], abs=1e-4)
        assert float(box.get_attribute("data-high")) == pytest.approx(expected["ci_upper"].iloc[0], abs=1e-4)
    assert told(page, "interval").startswith("95% CI ")
    for name, reason in (
        ("Disc", "the Radscore was made of these patients' outcomes"),
        ("Groups", "the Radscore was made of these patients' outcomes"),
    ):
        text = pages[name].read_text()
        assert f"The risk has no interval: {reason}" in text.replace("&#39;", "'") and '"covariance": null' in text


def test_why_there_is_no_interval(run, firth, imputed, forest, recalibrated):
    """One reason for every way of making a model of which no coverage is known."""

    def reasons(folder: Path) -> dict:
        models = json.loads((folder / "model.json").read_text())["models"]
        for m in models:
            assert (m["risk_interval"]["covariance"] is None) == (m["risk_interval"]["reason"] is not None)
        return {m["name"]: m["risk_interval"]["reason"] for m in models if not m["adjusted"]}

    assert reasons(run)["Clinical"] is None and reasons(run)["Functions"] is None
    assert "Firth's penalised likelihood" in reasons(firth)["Rare"]
    assert "Radscore was made of these patients' outcomes" in reasons(imputed)["Imputed"]
    assert "a score as it is" in reasons(forest)["Forest"]
    assert "recalibrated" in reasons(recalibrated)["Clinical"]


def test_standing_threshold_and_validation_are_told(browser, pages, run, firth, tmp_path):
    data = json.loads((run / "results.json").read_text())
    own = pd.read_csv(run / "predictions.csv").query("scheme == 'apparent' and model == 'Clinical' and not adjusted")
    page, _ = opened(browser, pages["Clinical"])
    table = pd.read_csv(run.parent / "study" / "clinical.csv").set_index("id")
    for _, patient in own.head(8).iterrows():
        row = table.loc[patient["id"]]
        fill(page, age=str(row["age"]), sex=row["sex"], grade=row["grade"])
        told_share = int(told(page, "standing").split("about ")[1].split("%")[0].replace("< ", "").replace("> ", ""))
        assert told_share == pytest.approx(100 * np.mean(own["probability"] < patient["probability"]), abs=2)
        threshold = next(m for m in data["models"] if m["name"] == "Clinical")["threshold"]
        is_above = patient["probability"] > threshold
        assert told(page, "side").startswith("Above" if is_above else "Not above")
    model = next(m for m in data["models"] if m["name"] == "Clinical" and not m["adjusted"])
    held = model["validation"]["pipeline"]["folds"]["auc"]
    text = page.locator("#validation").inner_text()
    assert f"Held-out AUC {held['estimate']:.3f} (95% CI {held['low']:.3f} to {held['high']:.3f})" in text
    shutil.copytree(run, tmp_path / "alone", ignore=shutil.ignore_patterns("external"))
    prldh.write_calculator(tmp_path / "alone", tmp_path / "alone.html", model="Clinical")
    assert "In patients of no other study or hospital was it tried" in (tmp_path / "alone.html").read_text()
    assert page.locator(".device").inner_text() == NOT_A_DEVICE
    assert NOT_A_DEVICE.startswith("Not a medical device.")
    prldh.write_calculator(firth, tmp_path / "firth.html", model="Rare")
    page, _ = opened(browser, tmp_path / "firth.html")
    text = page.locator("#validation").inner_text()
    assert "Not validated: the run asked for no validation" in text and "Held-out" not in text


def test_new_patients_and_recalibration_are_told(browser, run, recalibrated, tmp_path):
    entry = json.loads((recalibrated / "external.json").read_text())
    own = next(m for m in entry["models"] if m["name"] == "Clinical" and not m["adjusted"])
    for folder, judged, extra in ((run, own, ""), (recalibrated, own["recalibrated"], ", others than those who")):
        prldh.write_calculator(folder, tmp_path / "page.html", model="Clinical", force=True)
        page, _ = opened(browser, tmp_path / "page.html")
        text = page.locator("#validation").inner_text()
        assert f"In new patients, “Hospital B” ({own['n_judged']}, {own['events_judged']} with the event{extra}" in text
        assert f"AUC {judged['auc']['estimate']:.3f}" in text
    assert "Before it was recalibrated: Held-out AUC" in text
    assert (
        f"Recalibrated on {entry['recalibration']['n']} patients of “Hospital B”"
        in page.locator("#formula").inner_text()
    )


@pytest.mark.parametrize(("name", "scheme"), [("Scores, adjusted", "light"), ("Clinical", "dark")])
def test_axe_finds_nothing(browser, axe, pages, name, scheme):
    page, heard = opened(browser, pages[name], width=900, color_scheme=scheme, bypass_csp=True)
    fill(page, **({"age": "200"} if name == "Clinical" else {}))
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(axe)
    audit = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(audit["passes"]) > 15
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in audit["violations"]] == []


def test_phone_and_paper(browser, pages, tmp_path):
    from pypdf import PdfReader

    for name, path in pages.items():
        page, _ = opened(browser, path, width=390)
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        small = page.evaluate(
            "[...document.querySelectorAll('form input, form select, form button')].filter(e =>"
            " e.getBoundingClientRect().height < 40).length"
        )
        assert small == 0
    page, _ = opened(browser, pages["Clinical"])
    fill(page, age="61.5", sex="m", grade="II")
    risk = told(page, "risk")
    page.pdf(path=tmp_path / "printed.pdf", format="A4")
    text = " ".join(" ".join(each.extract_text() for each in PdfReader(tmp_path / "printed.pdf").pages).split())
    assert risk in text and "Not a medical device." in text and "61.5" in text


def test_a_page_is_one_file_and_asks_for_nothing(browser, pages):
    for path in pages.values():
        text = path.read_text()
        assert "http://" not in text and "https://" not in text and "default-src 'none'" in text
        page, heard = opened(browser, path)
        assert heard == [] and page.locator("h1 b").count() == 0
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["Clinical"].as_uri())
    assert (
        not page.locator("#calculator").is_visible() and "Scripts are switched off" in page.locator("main").inner_text()
    )
    assert page.locator("#formula tbody tr").count() == 5


def test_the_report_has_the_same_calculator_beside_its_nomogram(browser, run):
    prldh.render(run, 1)
    page, heard = opened(browser, run / "report.html")
    data = json.loads((run / "results.json").read_text())
    boxes = page.locator("#nomogram [data-calculator]")
    assert boxes.count() == 2 and heard == []
    own = pd.read_csv(run / "predictions.csv").query("scheme == 'apparent'")
    table = pd.read_csv(run.parent / "study" / "clinical.csv", dtype=str).set_index("id")
    page.locator("#nomogram-unadjusted .on-screen > summary").click()
    title = page.locator("#nomogram-unadjusted .on-screen > summary").inner_text()
    model = next(m for m in data["models"] if title == f"The same model as a calculator: {m['name']}")
    fields = asked(page)
    scores = {t: {s["id"]: s["value"] for s in e["scores"]} for t, e in data["tissues"].items()}
    patients = own[(own["model"] == model["name"]) & ~own["adjusted"]].head(20)
    rows = [
        [
            str(f["levels"].index(table.loc[i, f["variable"]]))
            if f["levels"]
            else repr(scores[f["variable"]][i])
            if f["is_score"]
            else table.loc[i, f["variable"]]
            for f in fields
        ]
        for i in patients["id"]
    ]
    answers = page.evaluate(ALL, rows)
    np.testing.assert_allclose([float(a[0]) for a in answers], patients["probability"], atol=1e-9)
    points = page.locator("#nomogram-unadjusted [data-out=points]").text_content()
    assert points.startswith("Points of the nomogram: ")
    chart, total = make_nomogram(model, data), float(points.split("in all ")[1].rstrip("."))
    log_odds = chart["intercept"] + chart["per_point"] * total
    assert log_odds == pytest.approx(float(answers[-1][1]), abs=0.06 * chart["per_point"])
    still = browser.new_context(java_script_enabled=False).new_page()
    still.goto((run / "report.html").as_uri())
    assert not still.locator("#calculator-unadjusted").is_visible()
    assert still.locator("#figure-nomogram_unadjusted").is_visible()


def test_what_has_no_coefficient_is_not_asked_for():
    from prldh.report.calculator import _variables

    rows = [("(Intercept)", -1.0), ("age", 0.1), ("constant", None), ("sex", None), ("sex", 0.2)]
    coefficients = [{"variable": name, "b": b} for name, b in rows]
    assert _variables({}, {"coefficients": coefficients}) == ["age", "sex"]


def test_what_cannot_be_a_calculator_is_one_message(run, study, tmp_path):
    with pytest.raises(
        DataError, match=r"there is no model 'Disk'; did you mean 'Disc'\? There are: Clinical; Clinical, adjusted; "
    ):
        prldh.write_calculator(run, tmp_path / "page.html", model="Disk")
    with pytest.raises(OutputError, match=r"its name ends with \.html"):
        prldh.write_calculator(run, tmp_path / "page.txt")
    with pytest.raises(OutputError, match="is a file of the run"):
        prldh.write_calculator(run, run / "report.html", force=True)
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(OutputError, match="not what this command wrote"):
        prldh.write_calculator(run, tmp_path / "mine.html")
    done = CliRunner().invoke(cli, ["calculator", str(run), "--out", str(tmp_path / "page.html")])
    assert done.exit_code == 0 and done.output.startswith(f"calculator: {tmp_path / 'page.html'}\nmodel: ")
    again = CliRunner().invoke(cli, ["calculator", str(run), "--out", str(tmp_path / "page.html")])
    assert again.exit_code == 0  # its own page is replaced unasked
    clinical = {**CLINICAL, "covariates": {**COVARIATES, "rare": "categorical"}}
    models = [{"name": "Rare", "terms": ["rare", "age"]}]
    separated = analysed(study, "separated", clinical=clinical, models=models, separation="warn", adjust=[])
    with pytest.raises(DataError, match=r"no finite coefficient of rarepresent \(separation\)"):
        prldh.write_calculator(separated, tmp_path / "page.html")


def test_an_edited_or_earlier_model(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "model.json"
    content = json.loads(path.read_text())
    for model in content["models"]:
        for key in ("ranges", "predicted", "risk_interval"):
            del model[key]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="--accept-edited"):
        prldh.write_calculator(tmp_path / "run", tmp_path / "page.html", model="Clinical")
    prldh.write_calculator(tmp_path / "run", tmp_path / "page.html", model="Clinical", accept_edited=True)
    text = (tmp_path / "page.html").read_text()
    assert "The model was changed after the run" in text
    assert "this run kept no covariance" in text and "this run kept no predictions" in text


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (18.257, 81.249),
        (-0.5000451, 3.0),
        (0.001234, 0.00987),
        (2, 2),
        (2.34567, 2.34567),
        (1.1e-9, 1.1e-9),
        (-1e6, 12345.678),
        (-2.9002e-120, 2.5878e-120),
        (0.0, 3.3333e-9),
    ],
)
def test_the_range_that_is_shown_lies_within(low, high):
    plain = range_text(low, high).replace(" × 10", "e").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-"))
    assert len(plain) < 40
    ends = [float(end) for end in plain.split(" to ")]
    assert low <= ends[0] <= ends[1] <= high
    assert ends == pytest.approx([low, high], rel=1e-9, abs=0.01 * (high - low) + 1e-140)


def test_every_command_of_the_page_runs(run, recalibrated, tmp_path, monkeypatch):
    import re

    text = (Path(__file__).parents[2] / "docs" / "calculator.md").read_text()
    commands = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    assert len(commands) == 3
    shutil.copytree(run, tmp_path / "results")
    (tmp_path / "results" / "external" / "Hospital B").rename(tmp_path / "results" / "external" / "hospital_b")
    monkeypatch.chdir(tmp_path)
    for command in commands:
        given = shlex.split(command.replace("Disc Radscore", "Disc"))
        assert given[0] == "prldh"
        done = CliRunner().invoke(cli, given[1:])
        assert done.exit_code == 0, done.output
        assert Path(given[-1]).read_text().startswith("<!doctype html>")
    (code,) = re.findall(r"In Python: `(.*?)`", text)
    exec(code.replace("Disc Radscore", "Disc"), {"prldh": prldh})
