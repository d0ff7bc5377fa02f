"""Every warning is made from the catalogue, has a code that stays, and is explained in docs/warnings.md."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from prldh.core import warn
from prldh.core.warn.kinds import WarnKind
from prldh.plugins.registry import Registry
from prldh.results.nulls import NAMES, NULL_REASONS, REASONS_OF_SCHEMES, REASONS_THERE
from prldh.validation.summaries import NO_CORRECTION

ROOT = Path(__file__).parents[2]
KINDS = {name: kind for name, kind in vars(warn).items() if isinstance(kind, WarnKind)}

#: Codes are a promise: scripts and papers name them. A new one is added here; none is changed or taken away.
CODES = """
001 WITHOUT_R, 002 ENGINE_REMARK,
010 LEFT_OUT_BLANK, 011 ABSENT_LEVELS, 012 ONE_LEVEL, 013 IMPUTED, 014 COMPLETE_CASE_LOSES,
015 ABSENT_LEVELS_OF_MODEL, 016 LEVELS_AS_ONE, 017 IMPUTED_ONCE,
020 CLINICAL_TABLE_AGAIN, 021 NAMED_LIKE_COVARIATES, 022 DIAGNOSTICS, 023 SAME_READERS, 024 CONSTANT_FEATURES,
025 BLANK_FEATURES, 026 WHOLLY_BLANK, 027 FILLED_FEATURES,
030 STRANGERS_LEFT_OUT, 031 REGIONS_ASIDE, 032 PATIENTS_ASIDE, 033 NOT_KEPT, 034 WITHOUT_VALUE, 035 TRAINED_ON_PATIENTS,
040 STEP_REMARK, 041 KEPT_ALONE, 042 SOURCE_EMPTIED, 043 PERTURBED_NOT_USED, 044 RADSCORE_SEPARATED, 045 NO_CUTOFF,
046 COLLINEAR_FEATURES,
050 NOT_ESTIMABLE, 051 SEPARATED_FIRTH, 052 SEPARATED, 053 NOT_CONVERGED, 054 AGAINST_DIRECTION, 055 AUC_ONE,
056 NO_THRESHOLD, 057 NO_HOSMER_LEMESHOW, 058 COLLINEAR_TERMS, 059 WITHOUT_MAIN_EFFECT,
060 NO_TEST, 061 NO_UNIVARIABLE_MODEL, 062 TOO_FEW_PATIENTS, 064 NO_ASSOCIATION,
070 NESTED, 071 NOT_COMPARED, 072 RECLASSIFICATION, 073 NO_COMMON_PATIENTS, 074 UNPLACED_KNOTS, 075 NO_COVARIATES_ALONE,
080 INTERACTION_SEPARATED, 081 NO_ADDITIVE_INTERACTION, 082 NO_PRODUCT_TERM, 083 FEW_SAMPLES_DEFINED,
084 INFINITE_LIMITS, 085 NO_STRATIFIED_CURVE, 086 NO_INTERACTION_PATIENTS,
090 LEAK, 091 NO_NULL_RUN, 092 NOTHING_SELECTED, 093 FOLDS_OF_ONE_CLASS, 094 INTERCEPT_ALONE, 095 BELOW_HALF,
096 SAMPLES_OF_ONE_CLASS, 097 SAMPLES_OF_INTERCEPT, 098 NO_CALIBRATION_LINE, 099 UNSEEN_LEVELS,
100 SAME_PATIENTS, 101 FAR_FEATURES,
104 IMPLAUSIBLE_PREDICTIONS, 105 NEVER_SELECTED_AGAIN, 106 NO_TWO_STAGE, 107 FEWER_KNOTS,
110 NULL_VALUES, 111 SCORE_GIVEN, 112 REPEATED_OTHERWISE,
120 NO_WORDS,
130 LEARNER_REMARK, 131 CROSS_FITTED, 132 SCHEMES_LEFT_OUT,
140 ALIKE_LEVELS, 141 PLACEHOLDER_LEVELS, 142 EXTRA_PATIENTS, 143 BATCH_COLUMNS, 144 ROW_NAMES_LEFT_OUT,
145 CSV_FORMULAS, 146 HIDDEN_ROWS, 147 CODED_BLANKS, 148 ALIKE_IDS,
150 MODELS_NOT_APPLIED, 151 WITHOUT_OUTCOME, 152 EDITED_MODELS, 153 FAR_PATIENTS, 154 REVERSED_SLOPE,
155 SHARED_PATIENTS, 156 FAR_COVARIATES, 157 BEYOND_REACH,
160 BATCH_CONFOUNDED, 161 NOT_HARMONISED, 162 NOT_REACHED, 163 OF_ALL_ROWS,
170 PLAN_DEVIATIONS, 171 NO_SUBGROUPS, 172 SMALL_SUBGROUPS,
180 GROUPS_LEFT_OUT, 181 IN_NO_PART, 182 CONFOUNDED, 183 CLUSTERED,
200 SHARED_IMAGES, 201 SAME_REGION, 202 ONE_MASK, 203 FEW_BINS,
220 OTHER_EXTRACTION
"""


def _sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "prldh").rglob("*.py")):
        if "warn" not in path.parent.parts[-1:]:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def _values_of(kind: WarnKind) -> set[str]:
    return {name for text in (kind.stage, kind.text) for _, name, _, _ in Formatter().parse(text) if name}


def test_codes_are_pinned_and_none_is_given_twice():
    pinned = [tuple(entry.split()) for entry in CODES.replace("\n", " ").split(",")]
    assert sorted((kind.code, name) for name, kind in KINDS.items()) == [(f"PRL-{n}", name) for n, name in pinned]
    assert [kind.code for kind in warn.CATALOGUE] == [f"PRL-{n}" for n, _ in pinned]
    assert len({n for n, _ in pinned}) == len(pinned)


@pytest.mark.parametrize("kind", warn.CATALOGUE, ids=lambda kind: kind.code)
def test_an_entry_explains_itself_and_names_a_section_of_the_report(kind):
    templates = (ROOT / "reports" / "templates").rglob("*.j2")
    known = {i for t in templates for i in re.findall(r'<section id="([\w-]+)"', t.read_text(encoding="utf-8"))}
    known |= {f"plugin-{name}" for name in Registry().registered("register_report_sections")}
    assert kind.section in known
    assert all(text and not text[0].isspace() for text in (kind.title, kind.text, kind.meaning, kind.remedy))
    assert not kind.title.endswith(".") and kind.meaning.endswith(".") and kind.remedy.endswith(".")


#: Words of files and of this house, for which a field has others. Keys of a study file stand in backticks.
HOUSE = re.compile(
    r"\bnull\b(?! (run|hypothesis|band))|\bscopes?\b|\bpipelines?\b|cost of leakage|\bledger\b|\bchain\b|\b\w+_mean\b"
    r"|\bswitch folds\b|(?<!mean )\bof folds\b",
    re.IGNORECASE,
)


def test_no_warning_says_the_words_of_this_house():
    said = {(kind.code, text) for kind in warn.CATALOGUE for text in (kind.title, kind.text, kind.meaning, kind.remedy)}
    said |= {("PRL-110", text) for text in (*NULL_REASONS.values(), *REASONS_THERE.values(), *NAMES.values())}
    said |= {("PRL-110", text) for text in (*REASONS_OF_SCHEMES.values(), NO_CORRECTION)}
    without_keys = [(code, re.sub(r"`[^`]*`|\{[^}]*\}", "", text)) for code, text in said]
    assert len(said) > 350 and [(code, text) for code, text in without_keys if HOUSE.search(text)] == []


def test_every_warning_is_made_from_the_catalogue_with_the_values_of_its_sentence():
    used = set()
    for path, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "Warn", f"{path}:{node.lineno} makes a warning without a code"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "warn":
                assert node.attr in KINDS, f"{path}:{node.lineno}: {node.attr} is not in the catalogue"
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("warn."):
                name = node.func.attr
                given = {keyword.arg for keyword in node.keywords}
                assert not node.args and given == _values_of(KINDS[name]), f"{path}:{node.lineno}: {name} takes others"
                used.add(name)
    assert used == set(KINDS)


def test_every_code_in_the_sources_is_in_the_catalogue():
    known = {kind.code for kind in warn.CATALOGUE}
    for folder in ("prldh", "plugins", "reports", "docs", "r"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".md", ".j2", ".R"):
                strange = set(re.findall(r"PRL-\d{3}", path.read_text(encoding="utf-8"))) - known
                assert strange <= {"PRL-000"}, (path, strange)  # that of examples


def test_the_page_is_the_catalogues():
    spec = importlib.util.spec_from_file_location("warnings_page", ROOT / "tools" / "warnings_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")
    assert page == module.write_page(), "run tools/warnings_page.py"
    assert re.findall(r"^## (PRL-\d{3}): ", page, re.M) == [kind.code for kind in warn.CATALOGUE]


def test_a_warning_of_a_step_is_told_of_its_tissue_with_the_same_code():
    warning = warn.STEP_REMARK(step="icc", source="all", message="one reader: ICC {not} computed")
    assert (warning.code, warning.stage) == ("PRL-040", "selection")
    assert warning.about("tissue disc").message == "tissue disc: icc, source all: one reader: ICC {not} computed"
    assert warning.about("tissue disc").code == "PRL-040"
