"""python tests/golden/make_golden_harmonize.py, from the repository's root, in an environment with neuroHarmonize
(which pins packages that prldh does not need): writes tests/golden/data/golden_harmonize.json. The values are those of
make_golden_combat.R; the first 24 patients train."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from neuroHarmonize import harmonizationApply, harmonizationLearn

DATA = Path("tests/golden/data")
N_TRAIN = 24
facts = json.loads((DATA / "golden_combat.json").read_text())
values = np.array(facts["values"])
covariates = pd.DataFrame({"SITE": np.array(facts["batch"]).astype(str), "age": facts["age"], "sex": facts["sex"]})
train, new = slice(None, N_TRAIN), slice(N_TRAIN, None)
golden = {"n_train": N_TRAIN}
for name, reference in (("all", None), ("reference", "1")):
    model, adjusted = harmonizationLearn(values[train], covariates[train].reset_index(drop=True), ref_batch=reference)
    applied = harmonizationApply(values[new], covariates[new].reset_index(drop=True), model)
    golden[name] = {"trained": adjusted.tolist(), "applied": applied.tolist()}
golden["call"] = "harmonizationLearn(values[:24], covariates[:24], ref_batch); harmonizationApply(values[24:], ...)"
golden["made_by"] = f"neuroHarmonize {version('neuroHarmonize')}, neuroCombat {version('neuroCombat')}"
(DATA / "golden_harmonize.json").write_text(json.dumps(golden))
