"""Names that a spreadsheet takes for formulas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prldh.core import Cohort, CsvFormulas, FeatureBlock, Warn, formulas_among, shown, warn


def tell_of_formulas(formulas: CsvFormulas, texts: Mapping[str, Iterable[str]]) -> list[Warn]:
    """One warning of all texts, by what they are, that a spreadsheet takes for formulas; none where these are
    escaped."""
    found = {what: formulas_among(own) for what, own in texts.items()} if formulas == "warn" else {}
    listed = ", ".join(f"{len(own)} {what} (such as '{shown(own[0], 40)}')" for what, own in found.items() if own)
    return [warn.CSV_FORMULAS(listed=listed)] if listed else []


def names_of(cohort: Cohort, blocks: Iterable[FeatureBlock]) -> dict[str, list[str]]:
    """The texts of a study that stand in its CSV files."""
    levels = [level for covariate in cohort.covariates for level in covariate.levels]
    levels += [cell for column in cohort.columns.values() for cell in dict.fromkeys(column.tolist())]
    return {
        "ids": [*cohort.ids, *(i for i, _ in cohort.excluded), *(cohort.patients or ())],
        "columns": [cohort.outcome_name, *(covariate.name for covariate in cohort.covariates), *cohort.columns],
        "levels": [cohort.event, cohort.non_event, *levels],
        "features": [name for block in blocks for name in block.names],
    }
