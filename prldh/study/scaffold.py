"""``prldh init``: a commented study file and folders to start from."""

from __future__ import annotations

import os
from pathlib import Path

from prldh.core import OutputError, is_folder, is_there, refuse_in_run, write_whole

STUDY = """\
# A prldh study. Paths are relative to this file. `prldh schema study` prints every key.
title: My radiomics study
seed: 20240101
engine: both                     # r, python, or both (R's number is reported, Python's checks it)

clinical:
  table: data/clinical.csv       # CSV, TSV, XLSX or Parquet: one row a patient
  # read: {separator: ";", decimal: ",", missing: ["-"]}   # where the file is not as its ending says: docs/tables.md
  id: patient_id
  outcome: recurrence
  event: yes                     # the value that means event; compared as text
  covariates:                    # Table 1, and the adjusted models
    age: continuous
    sex: categorical             # reference level: the first in sorted order, or the first one listed:
    # pfirrmann: {type: ordinal, levels: [III, IV, V]}
  # columns: {centre: hospital, set: split}   # name: column; for schemes, transforms and subgroups; never predictors
  # patient: patient_id          # where a row is a lesion or visit and `id` is the row's: whose rows are never parted

tissues:                         # each has one of: radscore (a column of the clinical table), features, images
  disc: {features: [data/disc_reader1.csv, data/disc_reader2.csv]}   \
# the id column, then one column a feature; 1 or 2 readers
  # muscle: {images: data/muscle_cases.csv, sources: [pyradiomics]}   \
# patient_id, image, mask (or mask_reader1, mask_reader2), label, segment, lesion
  #   share_images: true; lesions: largest; consensus: staple   # several lesions of one image, several readers
# extraction: {pyradiomics: {preset: protocol-1223, combine: mean}}   # perturb: {n: 10} where there is one reader
# image_steps: [n4, {z_score: {scale: 100}}]   # before anything is measured, of each image alone

# selection:                     # the default, in order
#   - icc: {threshold: 0.75}
#   - mrmr_forest: {folds: 5}
#   - correlation: {between: 0.9, outcome: 0.3}
#   - lasso_svm_rfe: {folds: 10, combine: intersection}
# if_empty: stop                 # where a step leaves no feature: stop, or keep the best one
# transforms: [impute: {method: median}, scale: {method: z}]   # before the selection, fitted on training patients
# learner: logistic              # what makes the score: lasso, ridge, elastic_net, random_forest, boosting, …
# protocols: {published: {}, lasso: {selection: [], learner: lasso}}   # several ways on the same resamples
# choose: {among: [published, lasso]}   # and a choice among them, made anew within every training set

# models:                        # default: each tissue alone, and their groups where there are two
#   - {name: Disc Radscore, terms: [disc]}
# adjust: [age, sex]             # default: all covariates; [] for none

# separation: firth              # where the outcome is separated: firth, warn or error
# univariate: {test: wilcoxon, adjust_p: both}   # screens of covariates and features; false for none
# sample_size: {r2_nagelkerke: 0.15}   # the R² to be expected, for Riley's criteria; or r2_cox_snell

# scope: `model` keeps the Radscore and refits the logistic model alone; `pipeline` validates the whole process: honest.
validation: {leave_one_out: true, folds: 10, bootstrap: 1000, scope: [model, pipeline]}
#   leave_one_group_out: {column: centre}     # each hospital held out; or group_folds: {column: centre, folds: 5}
#   split: {column: set, train: [train], test: [test]}   # fixed before
#   monte_carlo: {test: 0.2, repeats: 100}    # splits at random
# missing: complete_case         # patients with blank covariates are left out and listed; \
or by_model (every model has those without blanks in its own terms), error, or multiple_imputation
# missing_outcome: error         # or leave_out: patients without an outcome are left out and listed
# imputation: {imputations: 20}  # with the latter; fitted inside the training rows of every resample
"""


def new_study_file(folder: Path) -> Path:
    """Where the study file of a folder is to stand; an error where one is there already."""
    refuse_in_run(folder, "folder")
    if os.path.lexists(folder) and not is_folder(folder):
        what = "a link to nothing" if not is_there(folder) else "no folder"
        raise OutputError(f"{folder} is {what}. Give a folder, or the name of a new one.")
    study = folder / "study.yaml"
    if os.path.lexists(study):
        raise OutputError(f"{study} exists already. Give another folder, or edit that file.")
    return study


def write_study(study: Path, text: str, *folders: Path) -> None:
    """Write a study file, and folders beside it.

    Raises
    ------
    OutputError
        If that cannot be done.
    """
    try:
        for folder in (study.parent, *folders):
            folder.mkdir(parents=True, exist_ok=True)
        write_whole(study, text.encode("utf-8"), is_result=True)
    except OSError as error:
        raise OutputError(
            f"folder {study.parent} cannot be written: {error.strerror or error}. Give another folder."
        ) from None


def write_scaffold(folder: Path) -> list[str]:
    """Write ``study.yaml`` and ``data/`` into a folder; nothing that exists is replaced.

    Raises
    ------
    OutputError
        If ``study.yaml`` is there already or the folder cannot be written.
    """
    study = new_study_file(folder)
    write_study(study, STUDY, folder / "data")
    return [
        f"wrote {study}",
        f"put your tables into {folder / 'data'}, edit {study.name}, then:",
        f"  prldh analyze {study} --out {folder / 'results'}",
    ]
