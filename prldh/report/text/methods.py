"""The Methods of a study, a paragraph a function: what ran, and nothing that did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prldh.checklists import BY_SOURCE, CONSENSUS_WAYS, LESION_WAYS
from prldh.core import CALIBRATION, CLASSIFICATION, REFITTED, REPEATED_HOLDOUT, SCOPE_WORDS, USEFULNESS, Measure
from prldh.models import AS_IS, FIRTH, MAXIMUM_LIKELIHOOD
from prldh.report.text.writer import Writer, listed
from prldh.report.ways import MEASURED, way_in_words
from prldh.results import (
    BY_KEY,
    CLASSIFIED,
    MEASURES,
    PENALISED,
    PROFILE,
    SANDWICH,
    Place,
    given_scores,
    has_own_patients,
    has_two_stage_interval,
    is_bootstrap,
    is_clustered,
    odds_ratio_limits,
    selects,
    steps_of,
    unknown_leakage,
)

TESTS = {
    "t": "Student's t test",
    "welch": "Welch's t test",
    "wilcoxon": "the Wilcoxon rank-sum test",
    "chi2": "Pearson's χ² test",
    "fisher": "Fisher's exact test",
}
ADJUSTED = {"holm": ("Holm's method", "holm1979"), "bh": ("the Benjamini–Hochberg method", "benjamini1995")}
#: How packages spell themselves, and the paper of each that has one.
PACKAGES = {
    "numpy": ("NumPy", "harris2020"),
    "scipy": ("SciPy", "virtanen2020"),
    "statsmodels": ("statsmodels", "seabold2010"),
    "scikit-learn": ("scikit-learn", "pedregosa2011"),
    "numba": ("Numba", "lam2015"),
    "pROC": ("pROC", "robin2011"),
    "glmnet": ("glmnet", "friedman2010"),
    "ResourceSelection": ("ResourceSelection", ""),
    "rmda": ("rmda", ""),
}


def outcome(w: Writer) -> Iterator[str]:
    yield (
        f"The outcome was “{w.name('cohort', 'outcome')}” (event: {w.name('cohort', 'event')}; no event:"
        f" {w.name('cohort', 'non_event')})."
    )


def sample_size(w: Writer) -> Iterator[str]:
    data = w.data
    if data.get("sample_size"):
        yield (
            f"The sample size was judged by the criteria of Riley et al.{w.cite('riley2019', 'riley2020')}, with an"
            f" anticipated Nagelkerke R² of {w.number('sample_size', 'settings', 'r2_nagelkerke', digits=2)}."
        )


def missing(w: Writer) -> Iterator[str]:
    data = w.data
    if data.get("missing") and w.settings("missing") == "multiple_imputation":
        is_once = data["missing"]["imputations"] == 1
        pooled = f"and estimates were pooled by Rubin's rules{w.cite('rubin1987')}" if not is_once else ""
        alone = "so that intervals and p-values leave out how uncertain an imputed value is"
        yield (
            f"Blank covariates were imputed {'once' if is_once else w.exact('missing', 'imputations') + ' times'} by"
            f" chained equations{w.cite('vanbuuren2011')}, {alone if is_once else pooled}; in every resample the"
            " imputation was fitted to the training patients alone, and held-out patients were imputed without their"
            " outcome."
        )
    elif has_own_patients(data):
        yield (
            "Every model was fitted to the patients without blanks in its own terms, and comparisons of models to the"
            " patients whom both have; selection and Radscores used everyone."
        )
    elif data["cohort"]["excluded"]:
        what = (
            "a blank value, or an image that could not be measured,"
            if data.get("images")
            else "a value that was blank or could not be used"
        )
        yield f"Patients with {what} were left out (complete-case analysis)."


def described(w: Writer) -> Iterator[str]:
    data = w.data
    tests = list(dict.fromkeys(v["test"] for v in data["table_one"] if v["p"] is not None))
    if tests and (w.settings("table_one") or {}).get("p_values", True):
        yield (
            "Characteristics of patients with and without the event were compared by"
            f" {listed([TESTS[t] for t in tests])}."
        )
        adjusted = ADJUSTED.get(str((w.settings("table_one") or {}).get("adjust_p")))
        if adjusted:
            yield f"These p-values are also given adjusted by {adjusted[0]}{w.cite(adjusted[1])}."
    if (data.get("univariate") or {}).get("terms"):
        methods = [ADJUSTED[m] for m in data["univariate"]["adjusted"]]
        also = f", with p-values adjusted by {listed([name + w.cite(key) for name, key in methods])}" if methods else ""
        yield f"Univariable logistic models were fitted for description only{also}."


def features(w: Writer) -> Iterator[str]:
    data = w.data
    yield from _images(w)
    tissues = w.selected_tissues()
    if tissues:
        if data.get("choice"):
            yield (
                f"The way from features to a score was chosen among {w.count('choice', 'candidates')}; the one that was"
                f" chosen on everyone, “{w.name('choice', 'chosen')}”, is described here."
            )
        ran = {s["name"] for name in tissues for s in data["tissues"][name]["selection"]["steps"]}
        steps = steps_of(data["study"]["settings"])
        of = listed([w.key("tissues", name) for name in tissues])
        sentences = [
            sentence for k, (place, step, _) in enumerate(steps) if step in ran and (sentence := _step(w, k, place))
        ]
        sources = {s["source"] for name in tissues for s in data["tissues"][name]["selection"]["steps"]}
        within = " within each source of features" if w.settings("selection_by_source") and len(sources) > 1 else ""
        if sentences:
            numbered = (
                [f"({'abcdefghij'[i] if i < 10 else i + 1}) {s}" for i, s in enumerate(sentences)]
                if len(sentences) > 1
                else sentences
            )
            yield (
                f"For {of}, features were selected{' in steps' if len(sentences) > 1 else ''}{within}:"
                f" {'; '.join(numbered)}."
            )
        else:
            yield f"For {of}, no step selected features: the Radscore was fitted to all that vary."
        if sentences and w.settings("if_empty") == "best":
            yield "Where a step would have left no feature, the strongest candidate was kept."
        yield _score(w, tissues)
        yield from _second_stage(w)
        measured = [e for name in tissues for e in data["tissues"][name]["selection"]["stability"].values()]
        if any(entry["index"]["estimate"] is not None for entry in measured):
            yield (
                "The stability of the selection over resamples was measured by Nogueira's"
                f" index{w.cite('nogueira2018')}."
            )
    given = [name for name in data["tissues"] if name not in tissues]
    if given:
        yield (
            f"{listed([w.key('tissues', name) for name in given])} {'was' if len(given) == 1 else 'were'} given as"
            f" {'a score' if len(given) == 1 else 'scores'}, without selection here."
        )
    if data["tissues"]:
        yield f"A Radscore above the cutoff that maximises Youden's index{w.cite('youden1950')} was called high."


def _images(w: Writer) -> Iterator[str]:
    """Each source once, with the tissues where it was set otherwise, and whether analysed patients had trained it."""
    described = set()
    for tissue, images in (w.data.get("images") or {}).items():
        if images.get("image_steps"):
            parts = [_image_step(w, tissue, k) for k in range(len(images["image_steps"]))]
            yield (
                f"Before anything was measured in {w.key('images', tissue)}, each image was processed by itself:"
                f" {'; then '.join(parts)}."
            )
        for source in images["sources"]:
            if source not in described:
                yield from _source(w, source)
            described.add(source)
        yield from _masks(w, tissue, images)


def _source(w: Writer, source: str) -> Iterator[str]:
    """A source of one tissue or more."""
    entries = {t: images["sources"][source] for t, images in w.data["images"].items() if source in images["sources"]}
    places: dict[str, Place] = {tissue: ("images", tissue, "sources", source) for tissue in entries}
    sentence = w.words.sources.get(source)
    first = next(iter(places.values()))
    yield w.fill(sentence) if sentence else f"Features were measured on images by the source {w.key(*first)}."
    settings = [entry.get("settings") for entry in entries.values()]
    if any(each != settings[0] for each in settings):
        yield f"Its settings were each tissue's own ({listed([w.key('images', tissue) for tissue in places])})."
    seen = {tissue: entry.get("trained_on") or {} for tissue, entry in entries.items()}
    is_same = all(each == next(iter(seen.values())) for each in seen.values())
    for tissue, each in seen.items() if not is_same else [next(iter(seen.items()))]:
        n = w.exact(*places[tissue], "trained_on", "n") if each.get("n") else "None"
        if not each.get("n_trained"):
            continue
        which = "this source" if is_same else f"this source for {w.key('images', tissue)}"
        yield (
            f"{n} of the patients analysed had been used to train {which}"
            + (", so that results on held-out patients are too favourable." if each["n"] else ".")
        )


def _image_step(w: Writer, tissue: str, k: int) -> str:
    sentence = w.words.image_steps.get((tissue, k))
    return w.fill(sentence) if sentence else f"by {w.name('images', tissue, 'image_steps', k, 'label')}"


def _masks(w: Writer, tissue: str, images: Mapping[str, Any]) -> Iterator[str]:
    """Which mask the values are of where there were several readers, and how lesions became patients."""
    place: Place = ("images", tissue)
    if images.get("consensus"):
        cited = w.cite("warfield2004") if images["consensus"] == "staple" else ""
        yield (
            f"In {w.key(*place)} features were measured in the consensus of the {w.exact(*place, 'n_readers')} readers'"
            f" masks, {CONSENSUS_WAYS[images['consensus']]}{cited}, and by each reader's own to judge their agreement."
        )
    lesions = images.get("lesions")
    if lesions and lesions["n_several"]:
        place = (*place, "lesions")
        n, n_patients, several = (w.exact(*place, key) for key in ("n", "n_patients", "n_several"))
        counted = f"{n} lesions of {n_patients} patients were measured in {tissue} ({several} with several)"
        if lesions["combined"] is None:
            yield f"{counted}; each was a row of its own, and those of a patient were never parted."
        else:
            way = LESION_WAYS[lesions["combined"]]
            cited = "" if lesions["combined"] == BY_SOURCE else w.cite("chang2021")
            yield f"{counted}; a patient's features were those of {way.removeprefix('as ')}{cited}."


def _step(w: Writer, k: int, place: Place) -> str:
    """What a step of the study file says of itself; nothing where it did nothing."""
    sentence = w.words.sentences[k] if k < len(w.words.sentences) else None
    if sentence is None:
        return f"the step {w.key('study', 'settings', *place)} was applied"
    return w.fill(sentence)


def _score(w: Writer, tissues: list[str]) -> str:
    """How the features that remained became the Radscore."""
    first = w.data["tissues"][tissues[0]]["radscore"]
    fitted = w.fill(w.words.learner) if w.words.learner else w.words.learner_label(first["method"])
    remained = " that remained" * any(w.data["tissues"][name]["selection"]["steps"] for name in tissues)
    if first.get("reason"):
        made = f"From the features{remained} the Radscore, log odds of the event, was made by {fitted}."
    else:
        made = f"The Radscore is the linear predictor of the standardised features{remained} by {fitted}."
    scores = [w.data["tissues"][name]["radscore"] for name in tissues]  # one feature alone is not penalised
    parts = [part for score in scores for part in (score.get("details") or {}).get("parts", ())]
    if any(each.get("reach") for each in scores) or any(part.get("ends") for part in parts):
        what = "A score" if any(each.get("reach") for each in scores) else "A linear score in it"
        made += (
            f" {what} of a patient whom it was not fitted to was taken to lie no farther beyond the scores of those"
            " whom it was fitted to than a quarter of their range."
        )
    return made


def _second_stage(w: Writer) -> Iterator[str]:
    """What models are made of, where that is not the score of its own training patients."""
    stage = w.settings("second_stage")
    if stage == "cross_fitted":
        yield (
            "Logistic models, cutoffs and thresholds were fitted to cross-fitted Radscores: each patient's by a fit on"
            " the other patients, in folds by patient."
        )
    elif stage == "as_is":
        yield "The Radscore was taken as the model's log odds as it is."


def ways(w: Writer) -> Iterator[str]:
    """The ways that were compared, the choice among them, and the yardstick."""
    data = w.data
    choice, compared = data.get("choice"), list(data.get("protocols") or ())
    if choice:
        rule = {
            "best": "the one with the best mean {}",
            "one_se": "the first listed whose mean {} lay within one standard error of the best",
        }[choice["rule"]]
        yield (
            f"Among {w.count('choice', 'candidates')} ways from features to a score"
            f" {rule.format(MEASURED[choice['measure']])} (of “{w.name('choice', 'model')}”) in"
            f" {w.exact('choice', 'folds')} inner folds was chosen, anew within every training"
            f" set{w.cite('varma2006')}, so that the held-out results include the choosing."
        )
        yield f"The ways: {_named_ways(w, choice['candidates'])}."
        yield from (_how_often(w, scheme) for scheme in choice["validation"])
        beside = [way for way in compared if way not in choice["candidates"]]
        if beside:
            yield f"Compared on the same resamples without being a candidate: {_named_ways(w, beside)}."
    elif compared:
        yield (
            f"{w.count('protocols')} ways from features to a score were compared on the same resamples:"
            f" {_named_ways(w, compared)}."
        )
    if data.get("yardstick"):
        yield (
            "As a yardstick, a plain LASSO and a plain ridge regression of all features were fitted on the same"
            " training sets."
        )
    if any(each.get("low") is not None for each in _differences(data)):
        yield f"Differences have corrected resampled intervals{w.cite('nadeau2003')}."


def _named_ways(w: Writer, names: Iterable[str]) -> str:
    """Ways with what each does, in short."""
    return "; ".join(_named_way(w, name) for name in names)


def _named_way(w: Writer, name: str) -> str:
    own: Place = ("protocols", name)
    quoted = f"“{w.key(*own)}”"
    return f"{quoted}: {way_in_words(w.at(own), w.words, lambda place: w.set_at(*own, *place), joint=', then ')}"


def _how_often(w: Writer, scheme: str) -> str:
    """On which ways the choice fell, the most frequent first."""
    place: Place = ("choice", "validation", scheme, "how_often")
    often = w.at(place)
    n, label = w.exact("study", "schemes", scheme, "n_resamples"), w.words.scheme(scheme).label
    ranked = sorted(often, key=lambda way: -often[way])
    fell = listed([f"“{w.key(*place, way)}” in {w.exact(*place, way)}" for way in ranked])
    return f"Of the {n} training sets ({label}) it fell on {fell}; on everyone on “{w.name('choice', 'chosen')}”."


def _differences(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Those of ways, and of the yardstick, from the study's own."""
    for entry in (data.get("protocols") or {}).values():
        for scheme in entry["validation"].values():
            yield from (m["difference"]["auc"] for m in scheme["models"] if m["difference"])
    for by_scheme in (data.get("yardstick") or {}).values():
        yield from (entry["difference"]["auc"] for entry in by_scheme.values() if entry["difference"])


def models(w: Writer) -> Iterator[str]:
    data = w.data
    yield from _fits(w)
    methods = sorted({m["prediction"]["method"] for m in data["models"] if m.get("prediction")} - {"as_is"})
    if methods:
        yield f"Their predictions were corrected by {' and '.join(methods).upper()}{w.cite('puhr2017')}."
    adjust = w.settings("adjust")
    names = list(range(len(adjust))) if adjust is not None else list(w.settings("clinical", "covariates"))
    if any(m["adjusted"] for m in data["models"]) and names:
        shown = [
            (
                w.variable("study", "settings", "adjust", k)
                if adjust is not None
                else w.covariate("study", "settings", "clinical", "covariates", k)
            )
            for k in names
        ]
        yield f"Adjusted models also contain {listed(shown)}."
    ends = data["models"][0]["pauc"]
    if "from" in ends["sensitivity"]:
        ranges = [
            f"{what} from {w.exact('models', 0, 'pauc', focus, 'from')} to {w.exact('models', 0, 'pauc', focus, 'to')}"
            for focus, what in (("sensitivity", "sensitivities"), ("specificity", "specificities"))
        ]
        yield (
            "Discrimination was measured by the area under the ROC curve (AUC) with"
            f" {_of_area(w)} and by partial areas for {listed(ranges)}, with McClish's"
            f" correction{w.cite(*BY_KEY['pauc'].references)}."
        )
    papers = dict.fromkeys(r for m in CLASSIFIED if m.function == "proportion" for r in m.references)
    youden = f"Patients were classified at Youden's threshold{w.cite(*BY_KEY['threshold'].references)}"
    exact = f", and proportions have Clopper–Pearson intervals{w.cite(*papers)}" * (not is_clustered(data))
    yield f"{youden}{exact}."
    others = _named(w, CLASSIFICATION)
    if others:
        yield f"At that threshold {listed(others)} {'was' if len(others) == 1 else 'were'} computed as well."
    yield (
        f"Calibration was measured by {listed(_named(w, CALIBRATION))}, and clinical usefulness by"
        f" {listed(_named(w, USEFULNESS))}."
    )


def _fits(w: Writer) -> Iterator[str]:
    """How models were fitted, with the limits that their odds ratios have."""
    fits = {m["fit"] for m in w.data["models"]}
    limits = odds_ratio_limits(w.data)
    if fits == {AS_IS}:
        yield "Each model is a Radscore as it is: no logistic model was fitted to it."
        return
    others = "other models, which are logistic," if AS_IS in fits else "logistic models"
    if FIRTH in fits and MAXIMUM_LIKELIHOOD not in fits:
        start = f"Because the outcome was separated, {others} were fitted by Firth's penalised likelihood"
        start += f"{w.cite('firth1993')}, with intervals of odds ratios by"
        yield f"{start} {' or '.join(_limits(w, kind) for kind in limits)}."
        return
    shown = [_limits(w, kind) for kind in limits if kind != PENALISED]
    start = f"{_sentence(others)} were fitted by maximum likelihood, with intervals of odds ratios by"
    yield f"{start} {' or, where covariates were imputed, by '.join(shown)}."
    if FIRTH in fits:
        own = f", with intervals by {_limits(w, PENALISED)}" * (PENALISED in limits)
        yield f"Where the outcome was separated, Firth's penalised likelihood was used{w.cite('firth1993')}{own}."


def _limits(w: Writer, kind: str) -> str:
    """A kind of limits, with its paper."""
    if kind == PROFILE:
        return f"the profile likelihood{w.cite('venzon1988')}"
    if kind == SANDWICH:
        return f"Wald's method with the sandwich of rows clustered in patients{w.cite('liang1986')}"
    return "the profile penalised likelihood" if kind == PENALISED else "Wald's method, pooled over imputations"


def _named(w: Writer, aspect: str) -> list[str]:
    """The measures of an aspect that the Methods name, with their papers; those that need none first."""
    made = (m for m in MEASURES if m.aspect == aspect and m.methods and any(_is_made(m, e) for e in w.data["models"]))
    named = sorted(made, key=lambda m: bool(m.references))
    return [m.methods + (w.cite(*m.references) if m.references else "") for m in named]


def _is_made(measure: Measure, model: Mapping[str, Any]) -> bool:
    """Whether a measure of a model is there, apparent or held out: of a test its p, of a curve a point."""
    entries = [model, model["calibration"]]
    for held in (entry for scope in SCOPE_WORDS for entry in _entries(model, scope)):
        entries += [held, held.get("calibration") or {}]
    return any(_is_there(entry.get(measure.key)) for entry in entries)


def _is_there(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(value.get(key) is not None for key in ("estimate", "p"))
    return value is not None and value != []


def validation(w: Writer) -> Iterator[str]:
    data = w.data
    scopes = {
        scope: set().union(*(m["validation"].get(scope) or {} for m in data["models"]))
        for scope in ("pipeline", "model")
    }
    ran = scopes["pipeline"] | scopes["model"]
    if not ran:
        yield "No internal validation was made."
        return
    yield f"Models were validated by {listed([_scheme(w, s) for s in data['study']['schemes'] if s in ran])}."
    if any(is_bootstrap(data, scheme) for scheme in ran):
        yield (
            f"Bootstrap results are corrected for optimism by Harrell's method{w.cite('harrell1996')}; the .632+"
            f" estimate{w.cite('efron1997')} is given as well."
        )
    if has_two_stage_interval(data):
        yield (
            "Intervals of corrected values come from a two-stage bootstrap, in which the whole estimate is made anew in"
            f" samples of the patients{w.cite('noma2021')}."
        )
    averaged = [
        "column" in entry
        for m in data["models"]
        for scope in scopes
        for entry in _entries(m, scope)
        if (entry.get("auc_mean") or {}).get("low") is not None
    ]
    if averaged:
        parts = " and ".join(["folds"] * (False in averaged) + ["groups"] * (True in averaged))
        yield (
            f"The mean AUC over {parts} has an interval on the logit scale, from DeLong's variances within"
            f" these{w.cite('delong1988')} and Satterthwaite's degrees of freedom."
        )
    yield from _groups_and_repeats(w)
    learnt = _learnt(w)
    if scopes["pipeline"]:
        included = f", {learnt} included," if learnt else ""
        unknown = any(unknown_leakage(data, m) for m in data["models"])
        what = "What this analysis fits" if unknown else "Everything that is fitted"
        yield (
            f"{what} to outcomes{included} was fitted anew on the training patients of every resample"
            f" ({w.words.scope('pipeline')})."
        )
    if scopes["model"]:
        as_is = {m["fit"] == AS_IS for m in data["models"]}
        refitted = "logistic models and thresholds" if True in as_is else "the logistic model and its threshold"
        alone = "thresholds alone were set anew" if as_is == {True} else f"{refitted} alone were refitted"
        start = f"For comparison, {alone}" if scopes["pipeline"] else f"{_sentence(alone)} in every resample"
        leak = f", while {learnt} had seen every patient" if learnt else ""
        yield f"{start} ({REFITTED}){leak}."
    given = given_scores(data)
    if given:
        yield (
            f"How {listed([w.key('tissues', name) for name in given])} came about is not known to this analysis, so"
            " leakage is unknown."
        )
    null = next(
        (
            ("models", k, "validation", scope, scheme, "null")
            for k, m in enumerate(data["models"])
            for scope in ("pipeline", "model")
            for scheme, entry in (m["validation"].get(scope) or {}).items()
            if "null" in entry
        ),
        None,
    )
    if null:
        whole = "What this analysis fits" if given_scores(data) else "The whole modelling process"
        yield f"{whole} was also run on {w.exact(*null, 'n')} random permutations of the outcome."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _groups_and_repeats(w: Writer) -> Iterator[str]:
    """How groups that were left out become one number, and what interval means over random splits have."""
    held = [entry for m in w.data["models"] for scope in ("pipeline", "model") for entry in _entries(m, scope)]
    if any("auc_groups" in entry for entry in held):
        yield (
            "AUCs of the groups that were left out were pooled by a random-effects model on the logit scale, with"
            f" restricted maximum likelihood{w.cite('viechtbauer2005')} and intervals by Hartung, Knapp, Sidik and"
            f" Jonkman{w.cite('hartung2001', 'sidik2002')}."
        )
    if any(_has_repeats_alone(w.data, m) for m in w.data["models"]):
        yield (
            "Where each repeat holds other patients out, AUCs and their differences are means over repeats, with"
            f" corrected resampled intervals{w.cite('nadeau2003')}."
        )


def _entries(model: Mapping[str, Any], scope: str) -> Iterable[Mapping[str, Any]]:
    return (model["validation"].get(scope) or {}).values()


def _has_repeats_alone(data: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    """Whether a scheme that ran has means over repeats that are never pooled."""
    ran = {scheme for scope in ("pipeline", "model") for scheme in model["validation"].get(scope) or {}}
    return any(data["study"]["schemes"][scheme]["kind"] == REPEATED_HOLDOUT for scheme in ran)


def _scheme(w: Writer, scheme: str) -> str:
    sentence = w.words.scheme(scheme).sentence
    if sentence:
        return w.fill(sentence)
    n = w.exact("study", "schemes", scheme, "n_resamples")
    return f"{n} fits of the scheme {w.key('study', 'schemes', scheme)}"


def _learnt(w: Writer) -> str:
    """What beside the logistic model is fitted to outcomes in this study."""
    if w.selected_tissues():
        chosen = ["the choice of the way"] if w.data.get("choice") else []
        selected = ["the selection of features"] if any(selects(w.data, m) for m in w.data["models"]) else []
        return listed([*chosen, *selected, "Radscores", "cutoffs"])
    return "cutoffs of the scores" if w.data["tissues"] else ""


def _of_area(w: Writer) -> str:
    """The interval of an AUC."""
    if is_clustered(w.data):
        return f"Obuchowski's interval for rows clustered in patients{w.cite('obuchowski1997')}"
    return f"DeLong's interval{w.cite(*BY_KEY['auc'].references)}"


def subgroups(w: Writer) -> Iterator[str]:
    """By which columns held-out performance is told, and how."""
    columns = [w.covariate("subgroups", column) for column in w.data.get("subgroups") or {}]
    if columns:
        yield (
            f"Held-out performance was described by {listed(columns)}: AUC with an interval of its logit, calibration"
            " slope and calibration in the large. Whether AUCs differ between levels was tested by Cochran's Q on the"
            " logit scale."
        )


def comparisons(w: Writer) -> Iterator[str]:
    data = w.data
    held = [c["scheme"] for c in data["comparisons"] if c["scheme"]]
    is_mean = {data["study"]["schemes"][scheme]["kind"] == REPEATED_HOLDOUT for scheme in held}
    if any((c.get("likelihood_ratio") or {}).get("p") is not None for c in data["comparisons"]):
        yield (
            "Nested models were compared by likelihood-ratio tests, because DeLong's test is not valid for them on the"
            f" patients to whom they were fitted{w.cite('demler2012')}."
        )
    added = {(c["a"], c["adjusted"]) for c in (data.get("clinical_model") or {}).get("added_value", ())}
    if added:  # where the only model is that of the covariates themselves there is none
        each = "each other model" if len(added) < len(data["models"]) else "each model"
        validated = " and validated" * any(m["validation"].get(s) for m in data["models"] for s in SCOPE_WORDS)
        each = "the model" if len(data["models"]) == 1 else each
        yield (
            f"A logistic model of the covariates alone was fitted{validated} on the same patients, and the AUC of"
            f" {each} was held against its."
        )
    if data["comparisons"]:
        test = f"DeLong's test{w.cite('delong1988')}"
        if is_clustered(data):
            test = f"Obuchowski's test for rows clustered in patients{w.cite('obuchowski1997')}"
        where = ", on held-out predictions where there were any" * (False in is_mean)
        if True in is_mean:  # as was said of means over repeats
            where = (
                f" on the patients to whom they were fitted{' and on pooled held-out predictions' * (False in is_mean)}"
            )
        yield f"AUCs of two models were compared by {test}{where}."
    if data.get("reclassification"):
        yield (
            "Reclassification was described by the net reclassification improvement and the integrated discrimination"
            f" improvement{w.cite('pencina2008')}."
        )
    if data["interaction"]:
        pair = [w.name("interaction", "pair", k) for k in (0, 1)]
        product = " on the multiplicative scale by product terms and" if data["interaction"].get("product") else ""
        yield (
            f"Interaction of {listed(pair)} was measured{product} on the additive scale by the relative excess risk due"
            f" to interaction (RERI), the attributable proportion and the synergy index{w.cite('hosmer1992')}."
        )


def software(w: Writer) -> Iterator[str]:
    """The engines that ran, with the packages whose functions they called; the first results did not tell which."""
    engines: dict[str, Any] = w.data["engines"]
    languages = []
    for language, name, paper in (("r", "R", "r"), ("python", "Python", "")):
        if engines[language]:
            installed = engines[language]["packages"]
            called = (engines.get("called") or {}).get(language, () if language == "r" else tuple(installed))
            version = f"{name} {w.name('engines', language, 'version')}{w.cite(paper) if paper else ''}"
            packages = [
                f"{spelt} {w.name('engines', language, 'packages', key)}{w.cite(reference) if reference else ''}"
                for key, (spelt, reference) in PACKAGES.items()
                if key in called and installed.get(key)
            ]
            languages.append(version + (" with " + listed(packages) if packages else ""))
    both = (
        " The numbers reported are R's; Python computed them a second time."
        if w.data["agreement"] and engines["reported"] == "r"
        else ""
    )
    yield (
        f"The analysis was made with prldh{' ' + w.program if w.program else ''} in {' and in '.join(languages)}; the"
        f" seed of the random numbers was {w.exact('study', 'seed')}.{both}"
    )


#: In the order of TRIPOD+AI: outcome, predictors, sample size, missing data, analysis.
PARTS = (outcome, features, sample_size, missing, described, models, validation, ways, subgroups, comparisons, software)
