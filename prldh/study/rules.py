"""Rules of a study file that span its sections: names that mean one thing, sections that something reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from prldh.core import (
    StudyError,
    is_composed,
    listed,
    nearest,
    parse_term,
    quoted,
    same_term,
    shown,
    variables_in,
)

if TYPE_CHECKING:  # whose models ask these rules
    from prldh.study.study import Study

#: Keys that say how a score is made.
_OF_SCORES = (
    "transforms",
    "selection",
    "learner",
    "second_stage",
    "protocols",
    "choose",
    "selection_by_source",
    "if_empty",
    "radscore",
)
#: Keys of the study that say how images are read and measured.
_OF_IMAGES = ("extraction", "imaging", "image_steps")


def check_rules(study: Study) -> None:
    """Refuse a study whose sections do not fit together.

    Raises
    ------
    PydanticCustomError
        Of the type ``misfit``, with the message and the place in the study.
    """
    _check_names(study)
    _check_reads(study)


def _check_reads(study: Study) -> None:
    """Settings that nothing reads are a slip: whoever wrote them expects something of them. ``imputation`` and
    ``firth`` may stay while ``missing`` and ``separation`` switch them off: they are checked all the same."""
    tissues = study.tissues.values()
    has_images = any(tissue.images is not None for tissue in tissues)
    has_scores = has_images or not tissues or any(tissue.features is not None for tissue in tissues)
    as_default = type(study).model_construct(clinical=study.clinical)
    unread = [(key, "no tissue is given as images") for key in _OF_IMAGES if not has_images]
    unread += [
        (key, "no tissue has features or images, of which a score is made") for key in _OF_SCORES if not has_scores
    ]
    for key, why in unread:
        if getattr(study, key) != getattr(as_default, key):
            raise _misfit((key,), f"nothing reads it: {why}. Remove it, or mend that")
    if study.validation.repeats > 1 and not study.validation.folds:
        raise _misfit(("validation", "repeats"), "nothing reads it: folds are switched off. Remove it, or mend that")


def _check_names(study: Study) -> None:
    """Rules that span sections."""
    clinical = study.clinical
    columns = {clinical.id, clinical.outcome, *clinical.covariates}
    for name, tissue in study.tissues.items():
        if not name.strip() or set(name) & set("(),"):
            raise _misfit(
                ("tissues", name),
                f"'{shown(name)}' cannot be a tissue's name. Rename it, without commas and brackets: terms such"
                " as groups(a,"
                " b) use them",
            )
        if name in columns and tissue.radscore != name:
            raise _misfit(
                ("tissues", name),
                f"'{shown(name)}' is both a tissue and a clinical column. Rename the tissue: in models it would"
                " be ambiguous",
            )
        if tissue.radscore is not None and tissue.radscore in (clinical.id, clinical.outcome):
            raise _misfit(
                ("tissues", name, "radscore"),
                f"'{shown(tissue.radscore)}' is the id or the outcome. Name the column that holds the score",
            )
    if study.learner is not None and study.radscore != "logistic":
        raise _misfit(
            ("learner",),
            f"both learner and radscore: {study.radscore} say how the score is made. Keep learner alone, which takes"
            " the same names",
        )
    _check_choice(study)
    _check_subgroups(study)
    if clinical.outcome == clinical.id:
        raise _misfit(("clinical", "outcome"), f"'{shown(clinical.id)}' is the id as well. Name two columns")
    if clinical.patient in (clinical.outcome, *clinical.covariates):
        raise _misfit(
            ("clinical", "patient"),
            f"'{clinical.patient}' is the outcome or a covariate. Name the column that says whose row it is",
        )
    for name, column in clinical.columns.items():
        if column == clinical.outcome:
            raise _misfit(
                ("clinical", "columns", name),
                f"'{shown(column)}' is the outcome, which steps must not see of those held out. Remove it here",
            )
        if name in clinical.covariates or name in study.tissues:
            what = "covariate" if name in clinical.covariates else "tissue"
            raise _misfit(
                ("clinical", "columns", name),
                f"'{shown(name)}' is a {what} too. Give the column another name"
                + (
                    ", or leave it out here: schemes and steps are given the covariates as well"
                    if what[0] == "c"
                    else ""
                ),
            )
    for column in (clinical.id, clinical.outcome):
        if column in clinical.covariates:
            raise _misfit(
                ("clinical", "covariates", column), "the id and the outcome cannot be covariates. Remove it here"
            )
    labelled: dict[str, str] = {}
    for name, covariate in clinical.covariates.items():
        other = labelled.setdefault(covariate.label or name, name)
        if other != name:
            raise _misfit(
                ("clinical", "covariates", name),
                f"is called '{shown(covariate.label or name)}', as '{shown(other)}' is. Give it a label of its own",
            )
    names = [m.name for m in study.models or []]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise _misfit(("models", i, "name"), f"the name '{shown(name)}' is used twice. Rename one")
    is_continuous = {name: covariate.type == "continuous" for name, covariate in clinical.covariates.items()}
    adjusting: dict[frozenset, str] = {}
    for name in study.adjust or []:
        tissues = [v for v in variables_in(name, {*study.tissues, *is_continuous}) if v not in is_continuous]
        tissues = [v for v in tissues if v in study.tissues]
        if tissues:
            of = "" if name == tissues[0] else "of "
            raise _misfit(
                ("adjust",),
                f"'{shown(name)}' is {of}the tissue '{shown(tissues[0])}', and adjust takes covariates. Name it"
                " in a model",
            )
        if name not in clinical.covariates and is_composed(name):
            try:
                parse_term(name, is_continuous)
            except StudyError as error:
                raise _misfit(("adjust",), str(error).removesuffix(".")) from None
        elif name not in clinical.covariates:
            near = nearest(name, clinical.covariates)
            hint = f"; did you mean '{near}'?" if near else f" ({listed(clinical.covariates) or 'there are none'})."
            raise _misfit(
                ("adjust",),
                f"'{shown(name)}' is not among clinical.covariates{hint} Declare it there, or remove it here",
            )
        before = adjusting.setdefault(same_term(name, is_continuous), name)
        if before is not name or (study.adjust or []).count(name) > 1:
            again = f" (as '{shown(before)}' too)" if before != name else ""
            raise _misfit(("adjust",), f"'{shown(name)}' is listed twice{again}. Remove one")


def _check_subgroups(study: Study) -> None:
    """Whether subgroups are of declared columns, each once, with cuts where these are numbers."""
    clinical, seen = study.clinical, set[str]()
    for each in study.subgroups:
        if len(each) != 1:
            raise _misfit(
                ("subgroups",),
                f"each subgroup names one column (found {listed(each) or 'none'}). Begin each with a dash",
            )
        ((name, settings),) = each.items()
        known = {**clinical.covariates, **dict.fromkeys(clinical.columns)}
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean '{near}'?" if near else f" ({listed(known) or 'there are none'})."
            what = "a tissue, whose groups are made of the outcome" if name in study.tissues else "not declared"
            raise _misfit(
                ("subgroups",),
                f"'{shown(name)}' is {what}: subgroups are of clinical.columns and clinical.covariates{hint}"
                " Declare it there,"
                " or remove it here",
            )
        if name in seen:
            raise _misfit(("subgroups",), f"'{shown(name)}' is listed twice. Remove one")
        seen.add(name)
        covariate = known[name]
        if covariate is not None and covariate.type == "continuous" and settings.cut is None:
            raise _misfit(
                ("subgroups", name),
                f"'{shown(name)}' is continuous. Say where to cut it: {{{name}: {{cut: [50, 65]}}}}",
            )
        if covariate is not None and covariate.type != "continuous" and settings.cut is not None:
            raise _misfit(
                ("subgroups", name), f"'{shown(name)}' is {covariate.type}, and cuts are of numbers. Remove cut"
            )


def _check_choice(study: Study) -> None:
    """Whether protocols have names, and the choice is among several of them."""
    for name in study.protocols:
        if not name.strip():
            raise _misfit(("protocols",), f"give each protocol a name (found {quoted(name)})")
    choose = study.choose
    if choose is None:
        return
    for i, name in enumerate(choose.among):
        if name not in study.protocols:
            near = nearest(name, study.protocols)
            hint = f"; did you mean '{near}'?" if near else f" ({listed(study.protocols) or 'there are none'})."
            raise _misfit(
                ("choose", "among"), f"'{shown(name)}' is not among protocols{hint} Name it there, or not here"
            )
        if name in choose.among[:i]:
            raise _misfit(("choose", "among"), f"'{shown(name)}' is listed twice. Remove one")
    if len(choose.among) < 2:
        raise _misfit(
            ("choose", "among"),
            f"'{shown(choose.among[0])}' alone is no choice. Name two protocols or more, or give its keys as the"
            " study's own"
            " without choose",
        )


def _misfit(place: tuple, message: str) -> PydanticCustomError:
    return PydanticCustomError("misfit", "{message}", {"message": message, "place": place})
