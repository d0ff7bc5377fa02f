"""The Results of a study, a paragraph a function: numbers in sentences, with what they are of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prldh.core import HOLDOUT, REPEATED_HOLDOUT, is_groups
from prldh.pages import typeset
from prldh.report.text.writer import Writer, listed
from prldh.results import (
    BY_KEY,
    NO_USABLE,
    Place,
    bootstrap_first,
    by_honesty,
    compares_artefacts,
    given_scores,
    has_own_patients,
    honest_auc,
    is_artefact,
    is_bootstrap,
    is_clustered,
    largest_difference,
    leading_comparisons,
    leading_key,
    led_as,
    row_noun,
    unknown_leakage,
)

#: More models, variables or pairs than this are left to the tables.
MOST = 6
ALPHA = 0.05


def flow(w: Writer) -> Iterator[str]:
    data = w.data
    n_left = len(data["cohort"]["excluded"])
    noun = row_noun(data)
    if n_left:
        yield (
            f"The table held {w.exact('cohort', 'n_read')} {noun}s, of {'which' if is_clustered(data) else 'whom'}"
            f" {w.count('cohort', 'excluded')} {'was' if n_left == 1 else 'were'} left out: {_reasons(w)}."
        )
        start = f"The other {w.exact('cohort', 'n')} were analysed"
    else:
        start = f"All {w.exact('cohort', 'n_read')} {noun}s in the table were analysed"
    of = f", of {w.exact('cohort', 'n_patients')} patients" if is_clustered(data) else ""
    which = f"of these {noun}s" if is_clustered(data) else "of them"
    yield (
        f"{start}{of}, and {w.exact('cohort', 'events')} {which} ({w.share(('cohort', 'events'), ('cohort', 'n'))}%)"
        f" had the event."
    )
    needs = (data.get("sample_size") or {}).get("models", [])
    if needs:
        k = max(range(len(needs)), key=lambda i: needs[i]["n_needed"])
        place = ("sample_size", "models", k)
        if any(not m["is_enough"] for m in needs):
            yield (
                f"The sample was smaller than the criteria ask for: {w.label(place)} would need"
                f" {w.exact(*place, 'n_needed')} patients."
            )
        else:
            yield (
                f"The sample was as large as the criteria ask for ({w.exact(*place, 'n_needed')} patients for"
                f" {w.label(place)})."
            )
    yield from _table_one(w)


def _reasons(w: Writer) -> str:
    """Why patients were left out, and how many for each reason, the most frequent first."""
    first: dict[str, int] = {}
    for k, each in enumerate(w.data["cohort"]["excluded"]):
        first.setdefault(each["reason"], k)
    ranked = sorted(first.values(), key=lambda k: (-w.times("cohort", "excluded", k, "reason"), k))
    shown = [
        f"{w.name('cohort', 'excluded', k, 'reason')} (n = {w.alike('cohort', 'excluded', k, 'reason')})"
        for k in ranked[:MOST]
    ]
    return listed(shown) + ("; other reasons are in the tables" if len(ranked) > MOST else "")


def _table_one(w: Writer) -> Iterator[str]:
    """Variables with a small p; Radscores and cutoffs that were fitted to these patients make differences of their own,
    and are left out."""
    fitted = w.selected_tissues()
    rows = [(k, v) for k, v in enumerate(w.data["table_one"]) if v["p"] is not None]
    own = [(k, v) for k, v in rows if v["variable"] not in fitted and not is_groups(v["variable"])]
    if not own or not (w.settings("table_one") or {}).get("p_values", True):
        return
    set_aside = [w.variable("table_one", k, "variable") for k, v in rows if v["variable"] in fitted]
    groups = ["the groups"] * any(is_groups(v["variable"]) for _, v in rows)
    what = "the groups, whose cutoffs were fitted to these patients"
    if set_aside and len(fitted) == len(w.data["tissues"]):
        scores = "the Radscore" if len(fitted) == 1 else "the Radscores"
        were = "was" if len(fitted) == 1 and not groups else "were"
        what = f"{scores}{' and their groups' * bool(groups)}, which {were} fitted to these patients"
    elif set_aside:  # beside scores that were given
        what = f"{listed([*set_aside, *groups])}, fitted to these patients"
    aside = f", apart from {what}" if len(own) < len(rows) else ""
    below = sorted((v["p"], k) for k, v in own if v["p"] < ALPHA)
    if below:
        shown = [f"{w.variable('table_one', k, 'variable')} ({w.p('table_one', k, 'p')})" for _, k in below[: 2 * MOST]]
        yield (
            f"In Table 1 p was below {ALPHA} for {listed(shown)}{' and others' if len(below) > 2 * MOST else ''},"
            f" unadjusted for the number of tests{aside}."
        )
    else:
        yield f"In Table 1 no p was below {ALPHA}{aside}."


def selected(w: Writer) -> Iterator[str]:
    for name in w.selected_tissues():
        place = ("tissues", name, "selection")
        steps = w.at((*place, "steps"))
        first = {s["source"]: k for k, s in reversed(list(enumerate(steps)))}
        read = []
        for source, k in sorted(first.items(), key=lambda item: item[1]):
            n = w.exact(*place, "steps", k, "n_in")
            # a source without a name of its own
            read.append(n if source == "features" else f"{n} {w.name(*place, 'steps', k, 'source')}")
        before = (
            f"Of {listed(read)} features of {w.key('tissues', name)}"
            if read
            else f"Of {w.key('tissues', name)}, whose features went through no step of selection"
        )
        kept = f"{before}, {w.count(*place, 'features')} entered its Radscore"
        stability = w.at((*place, "stability")) or {}
        stable = [
            s
            for s in bootstrap_first(w.data, stability)
            if (stability.get(s) or {}).get("index", {}).get("estimate") is not None
        ]
        if stable:
            kept += (
                f"; the stability index over the resamples ({w.words.scheme(stable[0]).label}) was"
                f" {w.interval(*place, 'stability', stable[0], 'index')}"
            )
        for scheme in (s for s in stable if stability[s].get("n_empty")):
            own = (*place, "stability", scheme)
            kept += (
                f"; in {w.exact(*own, 'n_empty')} of {w.exact(*own, 'n_resamples')} resamples"
                f" ({w.words.scheme(scheme).label}) no feature was left"
            )
        yield kept + "."


def unadjusted(w: Writer) -> Iterator[str]:
    yield from _performance(w, False)


def adjusted(w: Writer) -> Iterator[str]:
    yield from _performance(w, True)


def _performance(w: Writer, is_adjusted: bool) -> Iterator[str]:
    """Every model's AUC, apparent and held out; then the held-out classification and calibration of the one that did
    best."""
    models = w.data["models"]
    own = [k for k, m in enumerate(models) if m["adjusted"] == is_adjusted]
    how = None
    for k in own[:MOST]:
        sentence, how = _aucs(w, k, how)
        yield sentence
    if any(unknown_leakage(w.data, models[k]) and by_honesty(models[k]["validation"]) for k in own[:MOST]):
        yield _leakage_unknown(w, own)
    if len(own) > MOST:
        yield f"The other {'adjusted' if is_adjusted else 'unadjusted'} models are in the tables."
    known = {k: leading for k in own[:MOST] if (leading := honest_auc(models[k]))}
    if known:
        best = max(known, key=lambda k: known[k][2]["estimate"])
        yield from _of_the_best(w, best, known[best][0], known[best][1], len(own) > 1)


def _size(w: Writer, *place: Any) -> str:
    """`` (n = 93, 30 with the event)`` where models have patients of their own."""
    if not has_own_patients(w.data):
        return ""
    return f" (n = {w.exact(*place, 'n')}, {w.exact(*place, 'events')} with the event)"


def _leakage_unknown(w: Writer, own: list[int]) -> str:
    """Of models of which a part was made outside the analysis."""
    models = [w.data["models"][k] for k in own]
    given = dict.fromkeys(name for m in models for name in given_scores(w.data, m))
    if not given:
        return "A source of features was trained on these patients, or on unknown ones, so leakage is unknown."
    names = listed([w.key("tissues", name) for name in given])
    return f"How the score{'s' * (len(given) > 1)} of {names} came about is not known here, so leakage is unknown."


def _aucs(w: Writer, k: int, how_before: Any) -> tuple[str, Any]:
    """A model's apparent and held-out AUC. How patients were held out is said where it differs from the sentence
    before."""
    place, m = ("models", k), w.data["models"][k]
    apparent = f"{w.label(place)}{_size(w, *place)} had an apparent AUC of {w.interval(*place, 'auc')}"
    leading = honest_auc(m)
    if not leading:
        reason = f"there is {NO_USABLE}" if by_honesty(m["validation"]) else "it was not validated"
        return f"{apparent}; {reason}.", how_before
    scope, scheme, _ = leading
    held = ("validation", scope, scheme)
    key = leading_key(m["validation"][scope][scheme])
    if key == "b632plus":
        how = f" (.632+ bootstrap, {w.words.scope(scope)})"
        number = w.interval(*place, *held, "auc", keys=("b632plus", "b632plus_low", "b632plus_high"))
        return f"{apparent} and, corrected for optimism{'' if how == how_before else how}, of {number}.", how
    how = f" ({w.words.scheme(scheme).label}{led_as(m['validation'][scope][scheme])}, {w.words.scope(scope)})"
    number = w.interval(*place, *held, str(key))
    return f"{apparent} and, on held-out patients{'' if how == how_before else how}, of {number}.", how


def _of_the_best(w: Writer, k: int, scope: str, scheme: str, is_one_of_several: bool) -> Iterator[str]:
    """What the scope and scheme that lead say of a model."""
    place, m = ("models", k), w.data["models"][k]
    kept, held = m["validation"][scope][scheme], (*place, "validation", scope, scheme)
    without = {"slope"} if is_artefact(kept) else set()  # of the same pooled predictions
    leading = (BY_KEY[key] for key in ("sensitivity", "specificity", "slope", "brier") if key not in without)
    shown = [(m.key, m.name) for m in leading if (kept.get(m.key) or {}).get("estimate") is not None]
    if not shown:
        return
    start = f"The highest of these validated AUCs was that of {w.label(place)}; its" if is_one_of_several else "Its"
    values = [f"{what}{' was' if not i else ''} {w.interval(*held, key)}" for i, (key, what) in enumerate(shown)]
    how = "corrected for optimism" if is_bootstrap(w.data, scheme) else "on held-out patients"
    yield f"{start} {listed(values)}, {how}."


def added(w: Writer) -> Iterator[str]:
    """The covariates alone, and what the models add to them on held-out patients."""
    alone = w.data.get("clinical_model")
    leading = honest_auc(alone) if alone else None
    if not alone or leading is None or not alone["added_value"]:  # that model was told as the study's own
        return
    scope, scheme, _ = leading
    held: Place = ("clinical_model", "validation", scope, scheme)
    key = leading_key(w.at(held))
    if key == "b632plus":
        area = w.interval(*held, "auc", keys=("b632plus", "b632plus_low", "b632plus_high"))
        how = f"Corrected for optimism (.632+ bootstrap, {w.words.scope(scope)})"
    else:
        area = w.interval(*held, key)
        how = f"On held-out patients ({w.words.scheme(scheme).label}{led_as(w.at(held))}, {w.words.scope(scope)})"
    yield f"{how} the covariates alone had an AUC of {area}."
    own = [
        k
        for k, c in enumerate(alone["added_value"])
        if (c["scope"], c["scheme"]) == (scope, scheme) and c["p"] is not None and not compares_artefacts(w.data, c)
    ]
    if own:
        place: Place = ("clinical_model", "added_value")
        differences = [
            f"{w.interval(*place, k, keys=('difference', 'low', 'high'))} for “{w.name(*place, k, 'a')}”"
            f"{' (adjusted)' if w.at((*place, k, 'adjusted')) else ''}{_size(w, *place, k)} ({w.p(*place, k, 'p')})"
            for k in own[:MOST]
        ]
        more = "; others are in the tables" if len(own) > MOST else ""
        kind, one = w.data["study"]["schemes"][scheme]["kind"], len(own) == 1
        start = {REPEATED_HOLDOUT: "Mean held-out", HOLDOUT: "Held-out"}.get(kind, "Pooled held-out")
        yield f"{start} AUC{'' if one else 's'} less theirs {'was' if one else 'were'} {listed(differences)}{more}."


def compared(w: Writer) -> Iterator[str]:
    yield from _nested(w)
    areas = [
        c
        for c in w.data["comparisons"]
        if c["measure"] == "auc" and c["difference"] is not None and c["p"] is not None and not c["adjusted"]
    ]
    leading = leading_comparisons(w.data, areas)
    if leading:
        own = [k for k, c in enumerate(w.data["comparisons"]) if any(c is each for each in leading)]
        differences = [
            f"{w.interval('comparisons', k, keys=('difference', 'low', 'high'))} for"
            f" “{w.name('comparisons', k, 'a')}” minus “{w.name('comparisons', k, 'b')}”"
            f"{_size(w, 'comparisons', k)} ({w.p('comparisons', k, 'p')})"
            for k in own[:MOST]
        ]
        more = "; others are in the tables" if len(own) > MOST else ""
        what = "The difference of held-out AUCs" if len(own) == 1 else "Differences of held-out AUCs"
        how = f"{w.words.scheme(leading[0]['scheme']).label}, {w.words.scope(leading[0]['scope'])}"
        yield f"{what} ({how}) {'was' if len(own) == 1 else 'were'} {listed(differences)}{more}."


def _nested(w: Writer) -> Iterator[str]:
    own = [
        k
        for k, c in enumerate(w.data["comparisons"])
        if (c.get("likelihood_ratio") or {}).get("p") is not None and not c["adjusted"]
    ]
    if own:
        p_values = [
            f"{w.p('comparisons', k, 'likelihood_ratio', 'p')} for “{w.name('comparisons', k, 'a')}” and"
            f" “{w.name('comparisons', k, 'b')}”"
            for k in own[:MOST]
        ]
        more = "; others are in the tables" if len(own) > MOST else ""
        yield f"The likelihood-ratio test gave {listed(p_values)}{more}."


def by_subgroup(w: Writer) -> Iterator[str]:
    """Of each column the model whose levels differ most clearly; of a column whose levels are not compared, nothing."""
    for column, entry in list((w.data.get("subgroups") or {}).items())[:MOST]:
        tests = [(each["p"], i) for i, each in enumerate(entry["heterogeneity"]) if each["p"] is not None]
        if not tests:
            continue
        p, i = min(tests)
        ranked = [
            (level["models"][i]["auc"]["estimate"], k)
            for k, level in enumerate(entry["levels"])
            if level["models"][i]["auc"]["estimate"] is not None
            and level["level"] not in entry["heterogeneity"][i]["left_out"]
        ]
        place = ("subgroups", column, "heterogeneity", i)
        most = ", the model of which levels differed most" if len(tests) > 1 else ""
        start = f"By {w.covariate('subgroups', column)}, the held-out AUC of {w.label(place)}{most},"
        ends = [
            f"{w.number(*own, 'models', i, 'auc', 'estimate')} in {w.name(*own, 'level')}"
            for own in (("subgroups", column, "levels", k) for _, k in (min(ranked), max(ranked)))
        ]
        verdict = "differed" if p < ALPHA else "was not shown to differ"
        yield f"{start} {verdict} between levels ({' to '.join(ends)}; Cochran's Q, {w.p(*place, 'p')})."


def interacted(w: Writer) -> Iterator[str]:
    x = w.data["interaction"]
    if not x:
        return
    for kind in ("unadjusted", "adjusted"):
        rows = [k for k, g in enumerate(x.get(kind) or []) if not g["reference"] and g["or"] is not None]
        if rows:
            reference = w.name("interaction", "reference")
            odds_ratios = [
                f"{w.interval('interaction', kind, k, keys=('or', 'low', 'high'))} for"
                f" {w.name('interaction', kind, k, 'group')}"
                for k in rows
            ]
            yield f"With {reference} as the reference, {kind} odds ratios were {listed(odds_ratios)}."
        yield from _product(w, kind)
        reri = ((x.get("additive") or {}).get(kind) or {}).get("reri")
        if reri and reri["estimate"] is not None:
            yield (
                f"The RERI from {kind} odds ratios, with {w.name('interaction', 'additive', 'reference')} as the"
                f" reference, was {w.interval('interaction', 'additive', kind, 'reri')}."
            )


def _product(w: Writer, kind: str) -> Iterator[str]:
    place: Place = ("interaction", "product", kind, "groups")
    term = ((w.data["interaction"].get("product") or {}).get(kind) or {}).get("groups")
    if term and term["or"] is not None and (term.get("likelihood_ratio") or {}).get("p") is not None:
        yield (
            f"The odds ratio of the product term {w.name(*place, 'term')}, {kind}, was"
            f" {w.interval(*place, keys=('or', 'low', 'high'))}, {w.p(*place, 'likelihood_ratio', 'p')} by the"
            " likelihood-ratio test."
        )


def agreed(w: Writer) -> Iterator[str]:
    rows = [r for r in w.data["agreement"] if r["difference"] is not None]
    if rows:
        n = w.note(str(len(rows)), "agreement count", ("agreement",))
        largest = w.note(typeset(f"{largest_difference(rows):.1e}"), "agreement largest", ("agreement",))
        yield f"R and Python computed {n} quantities, each on its own; the largest relative difference was {largest}."


PARTS = (flow, selected, unadjusted, adjusted, added, compared, by_subgroup, interacted, agreed)
