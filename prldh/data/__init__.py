"""What is read: tables, the cohort, features, blanks that are imputed, and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prldh.core import on_first_use

if TYPE_CHECKING:
    from prldh.data.cells import BLANKS, PLACEHOLDERS, is_number
    from prldh.data.coded import tell_of_coded
    from prldh.data.cohort import absent_levels, number_ids, patients_of, read_cohort, read_outcome, texts_of_event
    from prldh.data.confounding import tell_of_confounded
    from prldh.data.contents import ROW_NAMES
    from prldh.data.digests import CasesDigest, TableDigest, digest_cases, digest_table
    from prldh.data.features import read_features, tell_of_blanks, without_constants
    from prldh.data.formulas import names_of, tell_of_formulas
    from prldh.data.guessing import guess_read
    from prldh.data.ids import check_ids, id_number, ids_of, refuse_doubled, same_id, tell_of_alike, told_alike
    from prldh.data.imaging import IMAGE_STEPS
    from prldh.data.imputation import Missing, describe_missing, impute_everyone, impute_resample
    from prldh.data.numeric import numbers, refuse_failed_cells, why_no_numbers
    from prldh.data.tables import Table, column_of, open_joined, open_table, read_table, some

__all__ = [
    "BLANKS",
    "IMAGE_STEPS",
    "PLACEHOLDERS",
    "ROW_NAMES",
    "CasesDigest",
    "Missing",
    "Table",
    "TableDigest",
    "absent_levels",
    "check_ids",
    "column_of",
    "describe_missing",
    "digest_cases",
    "digest_table",
    "guess_read",
    "id_number",
    "ids_of",
    "impute_everyone",
    "impute_resample",
    "is_number",
    "names_of",
    "number_ids",
    "numbers",
    "open_joined",
    "open_table",
    "patients_of",
    "read_cohort",
    "read_features",
    "read_outcome",
    "read_table",
    "refuse_doubled",
    "refuse_failed_cells",
    "same_id",
    "some",
    "tell_of_alike",
    "tell_of_blanks",
    "tell_of_coded",
    "tell_of_confounded",
    "tell_of_formulas",
    "texts_of_event",
    "told_alike",
    "why_no_numbers",
    "without_constants",
]

if not TYPE_CHECKING:
    __getattr__ = on_first_use(
        __name__,
        cohort="absent_levels number_ids patients_of read_cohort read_outcome texts_of_event",
        coded="tell_of_coded",
        confounding="tell_of_confounded",
        digests="CasesDigest TableDigest digest_cases digest_table",
        features="read_features tell_of_blanks without_constants",
        formulas="names_of tell_of_formulas",
        guessing="guess_read",
        imaging="IMAGE_STEPS",
        imputation="Missing describe_missing impute_everyone impute_resample",
        cells="BLANKS PLACEHOLDERS is_number",
        contents="ROW_NAMES",
        ids="check_ids id_number ids_of refuse_doubled same_id tell_of_alike told_alike",
        numeric="numbers refuse_failed_cells why_no_numbers",
        tables="Table column_of open_joined open_table read_table some",
    )
