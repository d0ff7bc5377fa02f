"""The limitations of a run, written from its warnings: the one place that says for a code what limitation it is."""

from __future__ import annotations

from collections.abc import Iterator

from prldh.report.text.writer import Writer

#: By code, in the order in which an author tells them: the patients, what was measured, the models, their validation.
LIMITATIONS = {
    "PRL-062": "For one model at least there were fewer patients than the criteria for prediction models ask for.",
    "PRL-010": "Patients with blanks were left out, which biases results where blanks go with the outcome.",
    "PRL-017": "Blank covariates were imputed once, so that intervals leave out how uncertain the imputed values are.",
    "PRL-014": "Some patients were left out of models in whose terms they have no blanks.",
    "PRL-032": "Patients were left out for their images.",
    "PRL-013": "Blank covariates were imputed, which takes them to be blank at random given what was recorded.",
    "PRL-182": "A column of the study nearly tells the outcome, so that what is learnt may be that column.",
    "PRL-183": "Several rows were of one patient, so that there is less information than the number of rows suggests.",
    "PRL-181": "Some patients were in no part of the split and were not judged.",
    "PRL-025": "Features with blanks were filled.",
    "PRL-031": "Some regions could not be measured and were put aside.",
    "PRL-035": "A network that measured features had been trained on patients of this study, or on unknown ones.",
    "PRL-111": "A score came as a column: how it was made, and so its optimism, cannot be told from this analysis.",
    "PRL-160": "The outcome differed between batches, so that harmonisation may have taken away what tells it.",
    "PRL-161": "Some features could not be harmonised.",
    "PRL-200": "Rows shared images, and it is not known whose they are.",
    "PRL-201": "One region stood in several rows.",
    "PRL-203": "Regions spanned few grey levels, of which texture features tell little.",
    "PRL-044": "Selected features separated the outcome, so that a Radscore has no finite estimates.",
    "PRL-041": "No feature met a step of the selection, and the strongest was kept alone.",
    "PRL-046": "Features of a Radscore were collinear: its coefficients cannot be told one by one.",
    "PRL-058": "Terms of a model were collinear: their coefficients cannot be told one by one.",
    "PRL-105": "Features of the final Radscore were not selected again in any resample.",
    "PRL-092": "In some resamples the selection left no feature.",
    "PRL-050": "Not every term could be estimated.",
    "PRL-051": "The outcome was separated by terms of a model, which was fitted by Firth's penalised likelihood.",
    "PRL-052": "The outcome was separated by terms of a model, whose maximum-likelihood estimates do not exist.",
    "PRL-053": "A fit did not converge.",
    "PRL-054": "A score entered a model against the direction that was given for it.",
    "PRL-055": "A model had an apparent AUC of one or zero, which new patients will not repeat.",
    "PRL-080": "Groups of two scores separated the outcome, and their interaction was fitted by penalised likelihood.",
    "PRL-131": "Standard errors are conditional on cross-fitted scores.",
    "PRL-090": "A fit was handed patients who were held out from it: held-out numbers of that scheme are too hopeful.",
    "PRL-091": "No null run tells what the analysis finds where there is nothing to be found.",
    "PRL-093": "Some folds held patients of one outcome only.",
    "PRL-094": "Some refits ended as the intercept alone.",
    "PRL-095": "A held-out AUC lay below 0.5.",
    "PRL-099": "Some held-out patients had a level that their training patients lacked.",
    "PRL-104": "Some held-out predictions were implausibly extreme.",
    "PRL-107": "In some resamples a spline had fewer knots.",
    "PRL-162": "Some held-out patients could not be predicted, as a step could not be applied to them.",
    "PRL-172": "Some subgroups had too few patients of an outcome to be judged.",
    "PRL-180": "Some groups could not be pooled.",
    "PRL-170": "The analysis departed from its plan.",
}
#: Codes that limit nothing of what is concluded: remarks on reading, on what is not shown, on numbers that do not
#: exist; and those of external cohorts, which are told where these are shown.
NO_LIMITATION = frozenset(
    f"PRL-{number}"
    for number in """
    001 002 011 012 015 016 020 021 022 023 024 026 027 030 033 034 040 042 043 045 056 057 059 060 061 064 070
    071 072 073 074 075 081 082 083 084 085 086 096 097 098 100 101 106 110 112 120 130 132 140 141 142 143 144
    145 146 147 148 150 151 152 153 154 155 156 157 163 171 202 220
    """.split()
)


def limitations(w: Writer) -> Iterator[str]:
    """A sentence a code; nothing of a run that warned of no limitation."""
    warned = {warning.get("code") for warning in w.data["warnings"]}  # first results had none
    yield from (sentence for code, sentence in LIMITATIONS.items() if code in warned)
