"""Methods and Results in plain English, written from ``results.json``: what ran and what came out, and nothing else.

Every number and name is taken through :class:`_Writer`, which notes where in the results it stands (``facts``), so that the text can be
checked against them. What the numbers mean is left to the authors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from prldh.report.format import p_text, plain
from prldh.report.references import as_bibtex, in_words
from prldh.summary import honest_auc

#: More models, variables or pairs than this are left to the tables.
MOST = 6
ALPHA = 0.05
TESTS = {"t": "Student's t test", "welch": "Welch's t test", "wilcoxon": "the Wilcoxon rank-sum test", "chi2": "Pearson's χ² test", "fisher": "Fisher's exact test"}
ADJUSTED = {"holm": ("Holm's method", "holm1979"), "bh": ("the Benjamini–Hochberg method", "benjamini1995")}
SCHEMES = {"leave_one_out": "leave-one-out", "folds": "cross-validation", "bootstrap": "bootstrap"}
Path = tuple[Any, ...]


@dataclass(frozen=True)
class Text:
    """``methods`` and ``results``: paragraphs with citations as [1]; ``references``: in words, in that order; ``bibtex``: the same.

    ``facts``: in the order of the text, (as shown, kind, path in ``results.json``); a share has the paths of both its counts.
    """

    methods: list[str]
    results: list[str]
    references: list[str]
    bibtex: str
    facts: list[tuple[str, str, Path]] = field(repr=False)


def write_text(data: dict[str, Any]) -> Text:
    """The text of a study's results."""
    w = _Writer(data)
    methods = [" ".join(part(w)) for part in (_patients, _features, _models, _validation, _comparisons, _software)]
    results = [" ".join(part(w)) for part in (_flow, _selected, _performance, _compared, _interacted, _agreed)]
    versions = {"r": (data["engines"]["r"] or {}).get("version", "")}
    return Text(
        [m for m in methods if m], [r for r in results if r], [in_words(key, versions.get(key)) for key in w.cited],
        as_bibtex(w.cited, versions), w.facts,
    )


class _Writer:
    """Takes values out of the results, rounded, and notes where each stood."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data, self.facts, self.cited = data, [], []

    def at(self, path: Path) -> Any:
        value = self.data
        for key in path:
            value = value[key]
        return value

    def _note(self, shown: str, kind: str, path: Path) -> str:
        self.facts.append((shown, kind, path))
        return shown

    def number(self, *path: Any, digits: int = 3) -> str:
        return self._note(plain(self.at(path), digits), f"decimals {digits}", path)

    def exact(self, *path: Any) -> str:
        """A setting, as short as it goes."""
        value = self.at(path)
        return self._note(str(value) if isinstance(value, int) else f"{value:g}", "exact", path)

    def percent(self, *path: Any) -> str:
        """A share of 1 as a percentage, as short as it goes: of a confidence level."""
        return self._note(f"{100 * self.at(path):g}", "percent", path)

    def share(self, part: Path, whole: Path) -> str:
        return self._note(f"{100 * self.at(part) / self.at(whole):.1f}", "share", (part, whole))

    def count(self, *path: Any) -> str:
        return self._note(str(len(self.at(path))), "count", path)

    def name(self, *path: Any) -> str:
        return self._note(" ".join(str(self.at(path)).split()), "text", path)

    def key(self, *path: Any) -> str:
        """The name that a key of the results is."""
        return self._note(str(path[-1]), "key", path)

    def p(self, *path: Any) -> str:
        shown = p_text(self.at(path))
        self._note(shown.removeprefix("< ").removeprefix("> "), "p", path)
        return f"p {shown}" if shown[0] in "<>" else f"p = {shown}"

    def interval(self, *path: Any, keys: tuple[str, str, str] = ("estimate", "low", "high"), digits: int = 3) -> str:
        """``0.857 (95% CI 0.797 to 0.918)``; without limits where there are none."""
        middle = self.number(*path, keys[0], digits=digits)
        found = self.at(path)
        if found.get(keys[1]) is None or found.get(keys[2]) is None:
            return f"{middle} (no finite interval)"
        level = self.percent("study", "settings", "performance", "confidence")
        return f"{middle} ({level}% CI {self.number(*path, keys[1], digits=digits)} to {self.number(*path, keys[2], digits=digits)})"

    def cite(self, *keys: str) -> str:
        for key in keys:
            if key not in self.cited:
                self.cited.append(key)
        return f" [{', '.join(str(self.cited.index(key) + 1) for key in keys)}]"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _settings(data: dict[str, Any], *path: str) -> Any:
    value: Any = data["study"]["settings"]
    for key in path:
        value = (value or {}).get(key)
    return value


# ---------------------------------------------------------------- methods


def _patients(w: _Writer) -> Iterator[str]:
    data = w.data
    yield f"The outcome was {w.name('cohort', 'outcome')}, with {w.name('cohort', 'event')} as the event and {w.name('cohort', 'non_event')} as its absence."
    if data.get("missing") and _settings(data, "missing") == "multiple_imputation":
        yield (
            f"Blank covariates were imputed {w.exact('missing', 'imputations')} times by chained equations{w.cite('vanbuuren2011')} and estimates pooled by "
            f"Rubin's rules{w.cite('rubin1987')}; in every resample the imputation was fitted to the training patients, and held-out patients were imputed without their outcome."
        )
    elif data["cohort"]["excluded"]:
        yield "Patients who could not be analysed as they stood (a blank value, or an image that could not be measured) were left out; the analysis is of complete cases."
    if data.get("sample_size"):
        yield f"The sample size was judged by the criteria of Riley et al.{w.cite('riley2019', 'riley2020')}, at an anticipated Nagelkerke R² of {w.number('sample_size', 'settings', 'r2_nagelkerke', digits=2)}."
    shown = (_settings(data, "table_one") or {}).get("p_values", True)
    tests = list(dict.fromkeys(v["test"] for v in data["table_one"]))
    if tests and shown:
        yield f"Characteristics of patients with and without the event were compared by {_listed([TESTS[t] for t in tests])}."
        adjusted = ADJUSTED.get((_settings(data, "table_one") or {}).get("adjust_p"))
        if adjusted:
            yield f"These p-values are also given adjusted by {adjusted[0]}{w.cite(adjusted[1])}."
    if (data.get("univariate") or {}).get("terms"):
        methods = [ADJUSTED[m] for m in data["univariate"]["adjusted"]]
        also = f", with p-values adjusted by {_listed([name + w.cite(key) for name, key in methods])}" if methods else ""
        yield f"Univariable logistic models were fitted for description alone{also}."


def _selected_tissues(data: dict[str, Any]) -> list[str]:
    return [name for name, t in data["tissues"].items() if t["selection"]]


def _features(w: _Writer) -> Iterator[str]:
    data = w.data
    sources = {source for images in (data.get("images") or {}).values() for source in images["sources"]}
    for source, key, what in (("pyradiomics", "vangriethuysen2017", "PyRadiomics' feature definitions"), ("uctransnet", "wang2022", "the encoder of a UCTransNet")):
        if source in sources:
            yield f"Features were measured on images by {what}{w.cite(key)}."
    tissues = _selected_tissues(data)
    if tissues:
        ran = {s["name"] for name in tissues for s in data["tissues"][name]["selection"]["steps"]}
        steps = [(k, next(iter(step))) for k, step in enumerate(_settings(data, "selection"))]
        of = _listed([w.key("tissues", name) for name in tissues])
        said = [sentence for k, step in steps if step in ran and (sentence := STEPS.get(step, _other_step)(w, k, step))]
        within = ", within each source" if _settings(data, "selection_by_source") else ""
        yield f"For {of}, features were selected in steps{within}: {'; '.join(said)}." if said else f"For {of}, all features that vary entered the Radscore."
        methods = {data["tissues"][name]["radscore"]["method"] for name in tissues}
        fitted = "a logistic model" if methods == {"logistic"} else "a logistic model with the LASSO's penalty"
        yield f"The Radscore is the linear predictor of {fitted} of the standardised features that stayed."
        if any(data["tissues"][name]["selection"]["stability"] for name in tissues):
            yield f"The stability of the selection over resamples was measured by Nogueira's index{w.cite('nogueira2018')}."
    given = [name for name in data["tissues"] if name not in tissues]
    if given:
        yield f"{_listed([w.key('tissues', name) for name in given])} {'was' if len(given) == 1 else 'were'} given as {'a score' if len(given) == 1 else 'scores'}, without selection here."
    if data["tissues"]:
        yield f"A Radscore above the cutoff that maximises Youden's index{w.cite('youden1950')} was called high."


def _icc(w: _Writer, k: int, step: str) -> str:
    if not any(w.data["tissues"][name]["selection"]["readers"] > 1 for name in _selected_tissues(w.data)):
        return ""  # with one reader nothing is judged
    return f"features whose intraclass correlation between readers was above {w.exact('study', 'settings', 'selection', k, step, 'threshold')} were kept{w.cite('shrout1979')}"


def _mrmr(w: _Writer, k: int, step: str) -> str:
    return (
        f"features were ranked by minimum redundancy and maximum relevance{w.cite('peng2005')}, and random forests{w.cite('breiman2001')} "
        f"in {w.exact('study', 'settings', 'selection', k, step, 'folds')} inner folds chose how many stayed"
    )


def _correlated(w: _Writer, k: int, step: str) -> str:
    place = ("study", "settings", "selection", k, step)
    return f"features had to correlate with the outcome by an |r| of at least {w.exact(*place, 'outcome')}, and of two that correlated above {w.exact(*place, 'between')} the weaker was dropped"


def _lasso_svm(w: _Writer, k: int, step: str) -> str:
    place = ("study", "settings", "selection", k, step)
    joined = {"intersection": "features that both chose were kept", "union": "features that either chose were kept", "lasso": "the LASSO's were kept", "svm_rfe": "those of SVM-RFE were kept"}
    return (
        f"the LASSO{w.cite('tibshirani1996', 'friedman2010')} and recursive elimination by a support-vector machine{w.cite('guyon2002')} "
        f"were run with {w.exact(*place, 'folds')} inner folds, and {joined[w.at((*place, 'combine'))]}"
    )


def _other_step(w: _Writer, k: int, step: str) -> str:
    return f"the step {w.key('study', 'settings', 'selection', k, step)}"


STEPS: dict[str, Callable[[_Writer, int, str], str]] = {"icc": _icc, "mrmr_forest": _mrmr, "correlation": _correlated, "lasso_svm_rfe": _lasso_svm}


def _models(w: _Writer) -> Iterator[str]:
    data = w.data
    yield f"Logistic models were fitted by maximum likelihood, with profile-likelihood intervals of odds ratios{w.cite('venzon1988')}."
    if any(m["n_imputations"] for m in data["models"]):
        yield "Intervals of models with imputed covariates are Wald's, pooled."
    if any(m["fit"] == "firth" for m in data["models"]):
        yield f"Where the outcome was separated, Firth's penalised likelihood was used{w.cite('firth1993')}."
    adjust = _settings(data, "adjust")
    names = list(range(len(adjust))) if adjust is not None else list(_settings(data, "clinical", "covariates"))
    if any(m["adjusted"] for m in data["models"]) and names:
        shown = [w.name("study", "settings", "adjust", k) if adjust is not None else w.key("study", "settings", "clinical", "covariates", k) for k in names]
        yield f"Adjusted models also contain {_listed(shown)}."
    ends = data["models"][0]["pauc"]
    if "from" in ends["sensitivity"]:
        ranges = [f"{w.exact('models', 0, 'pauc', focus, 'from')} to {w.exact('models', 0, 'pauc', focus, 'to')} of {focus}" for focus in ("sensitivity", "specificity")]
        yield f"Discrimination was measured by the area under the ROC curve (AUC) with DeLong's interval{w.cite('delong1988')} and by partial areas over {_listed(ranges)}, with McClish's correction{w.cite('mcclish1989')}."
    yield f"Patients were classified at Youden's threshold, and proportions have Clopper and Pearson's intervals{w.cite('clopper1934')}."
    yield (
        f"Calibration was measured by intercept, slope, the Brier score{w.cite('brier1950')}, Spiegelhalter's test{w.cite('spiegelhalter1986')}, the integrated calibration "
        f"index{w.cite('austin2019')} and the Hosmer–Lemeshow test{w.cite('hosmer1980')}, and clinical usefulness by decision curves{w.cite('vickers2006')}."
    )


def _validation(w: _Writer) -> Iterator[str]:
    data = w.data
    ran = {scheme for m in data["models"] for scope in ("model", "pipeline") for scheme in m["validation"].get(scope, {})}
    if not ran:
        yield "No internal validation was made."
        return
    said = []
    for scheme in (s for s in data["study"]["schemes"] if s in ran):
        n = w.exact("study", "schemes", scheme, "n_resamples")
        said.append({"leave_one_out": f"leave-one-out ({n} fits)", "folds": f"stratified cross-validation ({n} fits)", "bootstrap": f"the bootstrap ({n} samples)"}.get(scheme) or f"{w.key('study', 'schemes', scheme)} ({n} fits)")
    yield f"Models were validated by {_listed(said)}."
    if "bootstrap" in ran:
        yield f"Bootstrap results are corrected for optimism by Harrell's method{w.cite('harrell1996')}, with the .632+ estimate beside{w.cite('efron1997')}."
    if any("auc_mean" in m["validation"].get(scope, {}).get("folds", {}) for m in data["models"] for scope in ("model", "pipeline")):
        yield f"The mean AUC over folds has the interval of LeDell et al.{w.cite('ledell2015')}."
    scopes = {scope for m in data["models"] for scope in ("model", "pipeline") if m["validation"].get(scope)}
    if "pipeline" in scopes:
        yield "Everything that is fitted to outcomes, cutoffs and any selection of features included, was fitted anew on the training patients of every resample (scope pipeline)."
    if "model" in scopes:
        yield "For comparison, the logistic model and its threshold alone were refitted (scope model), which leaks what selection and cutoffs have learnt." if "pipeline" in scopes else \
            "The logistic model and its threshold alone were refitted in every resample (scope model), which leaks what selection and cutoffs have learnt."


def _comparisons(w: _Writer) -> Iterator[str]:
    data = w.data
    if data["comparisons"]:
        yield f"AUCs of two models were compared by DeLong's test{w.cite('delong1988')}, on held-out predictions where there are such, for it is not valid for nested models on the patients that made them{w.cite('demler2012')}."
    if data.get("reclassification"):
        yield f"Reclassification was described by the net reclassification improvement and the integrated discrimination improvement{w.cite('pencina2008')}."
    if data["interaction"]:
        pair = [w.name("interaction", "pair", k) for k in (0, 1)]
        yield f"Interaction of {_listed(pair)} was measured on the multiplicative scale by product terms and on the additive scale by the relative excess risk due to interaction (RERI), the attributable proportion and the synergy index{w.cite('hosmer1992')}."


def _software(w: _Writer) -> Iterator[str]:
    engines = w.data["engines"]
    said = []
    if engines["r"]:
        r = f"R {w.name('engines', 'r', 'version')}{w.cite('r')}"
        if engines["r"]["packages"].get("pROC"):
            r += f" with pROC {w.name('engines', 'r', 'packages', 'pROC')}{w.cite('robin2011')}"
        said.append(r)
    cited = {"numpy": "harris2020", "scipy": "virtanen2020", "statsmodels": "seabold2010", "scikit-learn": "pedregosa2011"}
    python = f"Python {w.name('engines', 'python', 'version')}"
    packages = [f"{name} {w.name('engines', 'python', 'packages', name)}{w.cite(key)}" for name, key in cited.items() if engines["python"]["packages"].get(name)]
    said.append(python + (" with " + _listed(packages) if packages else ""))
    both = " Numbers are R's, and Python computed them again." if w.data["agreement"] and engines["reported"] == "r" else ""
    yield f"Analyses were made by prldh in {' and '.join(said)}; the seed of random numbers was {w.exact('study', 'seed')}.{both}"


# ---------------------------------------------------------------- results


def _flow(w: _Writer) -> Iterator[str]:
    data = w.data
    read = f"The table held {w.exact('cohort', 'n_read')} patients"
    n_left = len(data["cohort"]["excluded"])
    left = f", of whom {w.count('cohort', 'excluded')} {'was' if n_left == 1 else 'were'} left out" if n_left else ""
    yield (
        f"{read}{left}; {w.exact('cohort', 'n')} were analysed, and {w.exact('cohort', 'events')} of them "
        f"({w.share(('cohort', 'events'), ('cohort', 'n'))}%) had the event."
    )
    needs = (data.get("sample_size") or {}).get("models", [])
    if needs:
        k = max(range(len(needs)), key=lambda i: needs[i]["n_needed"])
        short = sum(not m["is_enough"] for m in needs)
        place = ("sample_size", "models", k)
        if short:
            yield f"The sample was smaller than the criteria ask for: {_label(w, place)} would need {w.exact(*place, 'n_needed')} patients."
        else:
            yield f"The sample was as large as the criteria ask for ({w.exact(*place, 'n_needed')} patients for {_label(w, place)})."
    if (_settings(data, "table_one") or {}).get("p_values", True) and data["table_one"]:
        below = sorted((v["p"], k) for k, v in enumerate(data["table_one"]) if v["p"] is not None and v["p"] < ALPHA)
        if below:
            shown = [f"{w.name('table_one', k, 'variable')} ({w.p('table_one', k, 'p')})" for _, k in below[: 2 * MOST]]
            yield f"In Table 1 p was below {ALPHA} for {_listed(shown)}{' and others' if len(below) > 2 * MOST else ''}, unadjusted for the number of tests."
        else:
            yield f"In Table 1 no p was below {ALPHA}."


def _label(w: _Writer, place: Path) -> str:
    return f"“{w.name(*place, 'name')}”{' (adjusted)' if w.at((*place, 'adjusted')) else ''}"


def _selected(w: _Writer) -> Iterator[str]:
    for name in _selected_tissues(w.data):
        place = ("tissues", name, "selection")
        steps = w.at((*place, "steps"))
        first = {s["source"]: k for k, s in reversed(list(enumerate(steps)))}
        read = [f"{w.exact(*place, 'steps', k, 'n_in')} {w.name(*place, 'steps', k, 'source')}" for k in sorted(first.values())]
        before = f"Of {_listed(read)} features of {w.key('tissues', name)}" if read else f"Of {w.key('tissues', name)}, where nothing was to be selected"
        kept = f"{before}, {w.count(*place, 'features')} entered its Radscore"
        stable = [s for s in ("bootstrap", "folds", "leave_one_out") if (w.at((*place, "stability")).get(s) or {}).get("index", {}).get("estimate") is not None]
        if stable:
            kept += f"; the stability index over the resamples ({SCHEMES[stable[0]]}) was {w.interval(*place, 'stability', stable[0], 'index')}"
        yield kept + "."


def _performance(w: _Writer) -> Iterator[str]:
    models = w.data["models"]
    for adjusted in (False, True):
        own = [k for k, m in enumerate(models) if m["adjusted"] == adjusted]
        for k in own[:MOST]:
            yield from _of_model(w, k)
        if len(own) > MOST:
            yield f"The other {'adjusted' if adjusted else 'unadjusted'} models are in the tables."


def _of_model(w: _Writer, k: int) -> Iterator[str]:
    place, m = ("models", k), w.data["models"][k]
    said = f"{_label(w, place)} had an apparent AUC of {w.interval(*place, 'auc')}"
    found = honest_auc(m)
    if not found:
        yield said + "; it was not validated."
        return
    scope, scheme, _ = found
    held = ("validation", scope, scheme)
    kept = m["validation"][scope][scheme]
    if scheme == "bootstrap" and kept["auc"].get("b632plus") is not None:
        said += f"; by the bootstrap (.632+, scope {scope}) it was {w.interval(*place, *held, 'auc', keys=('b632plus', 'b632plus_low', 'b632plus_high'))}"
    else:
        key = "auc" if kept["auc"].get("estimate") is not None else "auc_mean"
        what = "" if key == "auc" else ", mean of folds"
        said += f"; on held-out patients ({SCHEMES.get(scheme) or scheme}{what}, scope {scope}) it was {w.interval(*place, *held, key)}"
    if (kept.get("sensitivity") or {}).get("estimate") is not None and (kept.get("specificity") or {}).get("estimate") is not None:
        said += f", with a sensitivity of {w.interval(*place, *held, 'sensitivity')} and a specificity of {w.interval(*place, *held, 'specificity')}"
    if (kept.get("slope") or {}).get("estimate") is not None and (kept.get("brier") or {}).get("estimate") is not None:
        said += f", a calibration slope of {w.interval(*place, *held, 'slope')} and a Brier score of {w.interval(*place, *held, 'brier')}"
    yield said + "."


def _compared(w: _Writer) -> Iterator[str]:
    found = [(k, c) for k, c in enumerate(w.data["comparisons"]) if c["measure"] == "auc" and c["difference"] is not None and c["p"] is not None]
    for scope, scheme in (("pipeline", "folds"), ("pipeline", "leave_one_out"), ("model", "folds"), ("model", "leave_one_out")):
        own = [k for k, c in found if (c["scope"], c["scheme"]) == (scope, scheme) and not c["adjusted"]]
        if own:
            said = [
                f"{w.interval('comparisons', k, keys=('difference', 'low', 'high'))} for “{w.name('comparisons', k, 'a')}” less “{w.name('comparisons', k, 'b')}” ({w.p('comparisons', k, 'p')})"
                for k in own[:MOST]
            ]
            more = "; others are in the tables" if len(own) > MOST else ""
            yield f"Differences of held-out AUC ({SCHEMES[scheme]}, scope {scope}) were {_listed(said)}{more}."
            return


def _interacted(w: _Writer) -> Iterator[str]:
    x = w.data["interaction"]
    if not x:
        return
    for kind in ("unadjusted", "adjusted"):
        rows = [k for k, g in enumerate(x.get(kind) or []) if not g["reference"] and g["or"] is not None]
        if rows:
            reference = w.name("interaction", "reference")
            said = [f"{w.interval('interaction', kind, k, keys=('or', 'low', 'high'))} for {w.name('interaction', kind, k, 'group')}" for k in rows]
            yield f"Against {reference}, {kind} odds ratios were {_listed(said)}."
        reri = ((x.get("additive") or {}).get(kind) or {}).get("reri")
        if reri and reri["estimate"] is not None:
            yield f"The RERI from {kind} odds ratios, against {w.name('interaction', 'additive', 'reference')}, was {w.interval('interaction', 'additive', kind, 'reri')}."


def _agreed(w: _Writer) -> Iterator[str]:
    rows = [r for r in w.data["agreement"] if r["difference"] is not None]
    if rows:
        n = w._note(str(len(rows)), "agreement count", ("agreement",))
        largest = w._note(f"{max(abs(r['difference']) for r in rows):.1e}", "agreement largest", ("agreement",))
        yield f"R and Python computed {n} quantities; the largest difference was {largest}."


def without_citations(paragraph: str) -> str:
    """A paragraph without its [1, 2]."""
    return re.sub(r" \[\d+(, \d+)*\]", "", paragraph)
