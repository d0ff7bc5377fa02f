"""What may be said of held-out numbers: whether all of a model was made within the run, what leakage costs, and which
pooled AUCs are artefacts of refits that hardly differ from a constant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prldh.core import ALL_THAT_IS_FITTED, GROUPS, WHOLE, variables_in

#: Why the optimism from selection, the difference of the scopes' AUCs, is null.
LEAKAGE_UNKNOWN = (
    "the score of {names} came as a column: how it was made, and so how much leakage there is, is not known to this run"
)
NOTHING_CHOSEN = "nothing of this model is selected, nor any cutoff: both scopes are the same, and there is no leakage"

#: What a page says beside a pooled AUC that :func:`is_artefact`.
ARTEFACT = (
    "below 0.5 with its whole interval: an artefact of refits that hardly differ from a constant, each moved against"
    " the patients that it leaves out; no result"
)


def tissues_of(terms: Iterable[Mapping[str, Any]], tissues: Iterable[str], covariates: Iterable[str] = ()) -> list[str]:
    """The tissues whose score, or group by cutoff, is a term of a model. ``covariates`` may be called like terms."""
    names: dict[str, None] = {}
    tissues = set(tissues)
    for term in terms:
        names |= dict.fromkeys(variables_in(term.get("variable") or "", {*tissues, *covariates}))
    return [name for name in names if name in tissues]


def tissues_of_model(data: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """The same of a model of a run's results."""
    settings = (data.get("study") or {}).get("settings") or {}
    covariates = (settings.get("clinical") or {}).get("covariates") or ()
    return tissues_of(model.get("terms", ()), data.get("tissues") or (), covariates)


def given_scores(data: Mapping[str, Any], model: Mapping[str, Any] | None = None) -> list[str]:
    """Tissues, those of a model or all, whose score came as a column of the clinical table."""
    tissues = data.get("tissues") or {}
    names = tissues if model is None else tissues_of_model(data, model)
    return [name for name in names if tissues[name]["selection"] is None]


def trained_on_patients(data: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """Tissues of a model of which a source of features was trained on patients of this analysis, or on unknown ones."""
    names = tissues_of_model(data, model)
    trained = {
        name: [about.get("trained_on") or {} for about in images.get("sources", {}).values()]
        for name, images in (data.get("images") or {}).items()
    }
    return [
        name for name in names if any(t and (t.get("n") or t.get("n_trained") is None) for t in trained.get(name, ()))
    ]


def is_chosen(data: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    """Whether a model holds what scope pipeline fits beside the logistic model: a Radscore, or cutoffs of groups."""
    names = tissues_of_model(data, model)
    is_grouped = any(GROUPS.match(term.get("variable") or "") for term in model.get("terms", ()))
    return is_grouped or any(name not in given_scores(data) for name in names)


def selects(data: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    """Whether features are selected for a model within the run, by any of the ways that its choice is among."""
    tissues, names = data.get("tissues") or {}, tissues_of_model(data, model)
    among = [data["protocols"][way]["tissues"] for way in (data.get("choice") or {}).get("candidates", ())]
    return any((tissues[name]["selection"] or {}).get("steps") for name in names) or any(
        way[name]["selection"] for way in among for name in names if name in way
    )


def is_honest(data: Mapping[str, Any], model: Mapping[str, Any], scope: str) -> bool:
    """Whether everything that made a model was fitted anew, within the run, for held-out numbers of a scope."""
    if given_scores(data, model) or trained_on_patients(data, model):
        return False
    return scope == "pipeline" or not is_chosen(data, model)


def unknown_leakage(data: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """What is to be said of a model of which a part was made outside the run; nothing of others."""
    return _unknown(given_scores(data, model), trained_on_patients(data, model))


def unknown_leakage_of_all(data: Mapping[str, Any]) -> str:
    """The same of all models of a run at once."""
    parts = (given_scores, trained_on_patients)
    given, trained = (list(dict.fromkeys(name for m in data["models"] for name in part(data, m))) for part in parts)
    return _unknown(given, trained)


def whole_words(data: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> str:
    """What scope pipeline is of these models in the field's words: of a score that came from outside it validates what
    the run fits to it."""
    return ALL_THAT_IS_FITTED if any(unknown_leakage(data, model) for model in models) else WHOLE


def _unknown(given: Sequence[str], trained: Sequence[str]) -> str:
    sentences = []
    if len(given) == 1:
        sentences.append(
            f"The score of {given[0]} came as a column: this run cannot know how it was made, so leakage is unknown"
        )
    elif given:
        sentences.append(
            f"The scores of {' and '.join(given)} came as columns: this run cannot know how they were made, so"
            " leakage is unknown"
        )
    if trained:
        sentences.append(
            f"A feature source of {' and '.join(trained)} was trained on patients of this analysis, or on patients that"
            " are not known, so leakage is unknown"
        )
    return ". ".join(sentences) + "." if sentences else ""


def cost_of_leakage(data: Mapping[str, Any], model: Mapping[str, Any], scheme: str) -> float | None:
    """The AUC of scope model less that of scope pipeline, where that is what leakage costs."""
    if unknown_leakage(data, model) or not is_chosen(data, model):
        return None
    if any(is_artefact(model["validation"].get(scope, {}).get(scheme)) for scope in ("model", "pipeline")):
        return None
    cost: float | None = (model["validation"].get("difference") or {}).get(scheme)
    return cost


#: Why scope model less scope pipeline is not what leakage costs, though a score was made in the run.
OTHER_SCORES = (
    "with the model refitted, cross-fitted scores, or those of the protocol chosen on everyone, are kept, and where the"
    " whole modelling process is validated there are others: their difference is no optimism from selection"
)


def no_difference(terms: Iterable[Mapping[str, Any]], given: Mapping[str, bool], covariates: Iterable[str] = ()) -> str:
    """Why a model has no optimism from selection; ``given``: by tissue, whether its score came as a column. Empty
    where it has one."""
    terms = list(terms)
    names = tissues_of(terms, given, covariates)
    columns = [name for name in names if given[name]]
    if columns:
        return LEAKAGE_UNKNOWN.format(names=" and ".join(columns))
    is_grouped = any(GROUPS.match(term.get("variable") or "") for term in terms)
    return "" if names or is_grouped else NOTHING_CHOSEN


def is_artefact(held_out: Mapping[str, Any] | None) -> bool:
    """Whether the pooled AUC of an entry of ``validation`` says only that its refits hardly differ from a constant:
    0, or below 0.5 with its whole interval. Bootstrap estimates are not pooled."""
    auc = (held_out or {}).get("auc") or {}
    if auc.get("estimate") is None or "oob" in auc or "b632plus" in auc:
        return False
    return bool(auc["estimate"] == 0.0 or (auc.get("high") is not None and auc["high"] < 0.5))


def compares_artefacts(data: Mapping[str, Any], comparison: Mapping[str, Any]) -> bool:
    """Whether a comparison of held-out predictions, with the covariates alone as well, is of pooled ones whose AUC is
    an artefact."""
    names, scope = (comparison["a"], comparison["b"]), comparison["scope"]
    pair = [m for m in data["models"] if m["name"] in names and m["adjusted"] == comparison["adjusted"]]
    alone = data.get("clinical_model") or {}
    pair += [alone] if alone.get("name") in names else []
    return scope is not None and any(
        is_artefact(m["validation"].get(scope, {}).get(comparison["scheme"])) for m in pair
    )


#: What is said of an AUC that leads, beside its scheme.
LED_AS = {"b632plus": ", .632+", "auc_mean": ", mean of folds", "auc_groups": ", groups as one"}


def leading_key(held_out: Mapping[str, Any]) -> str | None:
    """Which AUC of an entry of ``validation`` leads: .632+ of the bootstrap, that of groups as one, the pooled one, or
    the mean of folds where the pooled one does not exist or is an artefact."""
    for key in ("auc_groups", "auc", "auc_mean"):
        value = held_out.get(key) or {}
        if value.get("b632plus") is not None:
            return "b632plus"
        if value.get("estimate") is not None and not (key == "auc" and is_artefact(held_out)):
            return key
    return None


def led_as(held_out: Mapping[str, Any]) -> str:
    """Which AUC of an entry leads, in words to stand behind those of its scheme: ``, mean of folds``."""
    return LED_AS.get(leading_key(held_out) or "", "")
