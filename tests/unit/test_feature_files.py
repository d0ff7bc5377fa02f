"""PyRadiomics' feature files in every layout that people have: the same is known of each."""

from __future__ import annotations

import csv
import json

import pandas as pd
import pytest

from prldh.checklists.dossier import read_dossier
from prldh.core.errors import DataError
from prldh.ibsi.feature_files import read_dictionary, read_feature_file
from prldh.plugins.registry import Registry

CASES = [
    {
        "Image": f"/data/{case}.nrrd",
        "diagnostics_Versions_PyRadiomics": "v3.1.0",
        "diagnostics_Versions_Numpy": "1.26.4",
        "diagnostics_Configuration_Settings": "{'binWidth': 20, 'resampledPixelSpacing': [1, 1, 1], 'label': 1}",
        "diagnostics_Configuration_EnabledImageTypes": "{'Original': {}, 'LoG': {'sigma': [1.0]}}",
        "diagnostics_Image-original_Hash": case,
        "diagnostics_Image-original_Spacing": f"(0.5, 0.5, {z})",
        "diagnostics_Image-interpolated_Spacing": "(1.0, 1.0, 1.0)",
        "diagnostics_Mask-original_VoxelNum": str(voxels),
        "original_shape_Sphericity": "0.5",
        "original_firstorder_Mean": "12.5",
        "log-sigma-1-0-mm-3D_glcm_Idm": "0.25",
    }
    for case, z, voxels in (("a", "2.0", 143), ("b", "3.0", 4137))
]
NAMES = [k for k in CASES[0] if k != "Image"]


def _write(path, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, delimiter=delimiter).writerows(rows)
    return path


def _slicer(name: str) -> list[str]:
    return name.split("_", 2)


LAYOUTS = {
    "cases.csv": lambda p: _write(p, [list(CASES[0]), *([*c.values()] for c in CASES)]),
    "cases.tsv": lambda p: _write(p, [list(CASES[0]), *([*c.values()] for c in CASES)], "\t"),
    "cases.xlsx": lambda p: pd.DataFrame(CASES).to_excel(p, index=False),
    "cases.json": lambda p: p.write_text(json.dumps(CASES)),
    "lines.json": lambda p: p.write_text("\n".join(json.dumps(c) for c in CASES)),
    "lines.txt": lambda p: p.write_text(
        "\n".join(f"Case-{i}_{k}: {v}" for i, c in enumerate(CASES, 1) for k, v in c.items())
    ),
    "features as rows.csv": lambda p: _write(
        p, [["feature", "a", "b"], *([k, *(c[k] for c in CASES)] for k in CASES[0])]
    ),
    "without header.csv": lambda p: _write(p, [[k, *(c[k] for c in CASES)] for k in NAMES]),
    "pandas.csv": lambda p: pd.DataFrame(CASES).T.to_csv(p),
    "features as rows.parquet": lambda p: (
        pd.DataFrame(CASES).T.rename_axis("feature").reset_index().set_axis(["feature", "a", "b"], axis=1).to_parquet(p)
    ),
    "slicer.csv": lambda p: _write(
        p,
        [
            ["Image type", "Feature Class", "Feature Name", "s1", "s2"],
            *([*_slicer(k), *(c[k] for c in CASES)] for k in NAMES),
        ],
    ),
    "slicer.tsv": lambda p: _write(
        p,
        [
            ["Label", "Input image type", "Feature Class", "Feature Name", "Value"],
            *([f"seg_{i}", *_slicer(k), c[k]] for i, c in enumerate(CASES) for k in NAMES),
        ],
        "\t",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_says_the_same(layout, tmp_path):
    LAYOUTS[layout](tmp_path / layout)
    found = read_feature_file(tmp_path / layout)
    assert found.features == ("original_shape_Sphericity", "original_firstorder_Mean", "log-sigma-1-0-mm-3D_glcm_Idm")
    assert found.versions == ("PyRadiomics v3.1.0", "NumPy 1.26.4") and found.n_cases == 2
    assert found.setting("binWidth") == (20,) and found.image_types["LoG"] == ({"sigma": [1.0]},)
    assert dict(found.spacings) == {(0.5, 0.5, 2.0): 1, (0.5, 0.5, 3.0): 1} and dict(found.resampled) == {
        (1.0, 1.0, 1.0): 2
    }
    assert found.measured == "2 regions on 2 images, of 143 to 4137 voxels"


def test_what_the_file_knows_is_filled(tmp_path):
    from test_checklists import _entry

    dossier = read_dossier(LAYOUTS["lines.txt"](tmp_path / "f.txt") and tmp_path / "f.txt", Registry())
    for standard, number, status, said in (
        ("ibsi", "1", "author", "2 regions on 2 images"),
        ("ibsi", "51", "filled", "1 × 1 × 1 mm; found after resampling: 1 × 1 × 1 mm (2)"),
        ("ibsi", "61", "filled", "NumPy 1.26.4"),
        ("metrics", "12", "filled", "PyRadiomics v3.1.0"),
        ("metrics", "13", "filled", "bin width 20"),
        ("metrics", "C1", "filled", "within masks"),
        ("clear", "27", "filled", "f.txt 3"),
        ("clear", "24", "filled", "Laplacian of Gaussian"),
        ("tripod-ai", "9b", "filled", "3 with PyRadiomics' names"),
    ):
        found = _entry(standard, number, dossier)
        assert found["status"] == status and said in found["value"], found


def test_one_case_and_names_alone(tmp_path):
    path = _write(tmp_path / "f.csv", [["", "0"], *([k, CASES[0][k]] for k in NAMES)])
    assert read_feature_file(path).measured == "1 region on 1 image, of 143 voxels"
    path = _write(
        tmp_path / "g.csv",
        [["feature", "value"], ["original_shape_Sphericity", "1"], ["T2_wavelet-LLH_glcm_Idm", "2"], ["mine", "3"]],
    )
    found = read_feature_file(path)
    assert (
        found.features == ("original_shape_Sphericity", "T2_wavelet-LLH_glcm_Idm")
        and found.settings is None
        and found.measured == "1 region"
    )
    one = read_feature_file(
        _write(tmp_path / "h.csv", [["id", "original_shape_Sphericity", "note"], ["a", "1", "x"], ["b", "2", "y"]])
    )
    assert one.features == ("original_shape_Sphericity",) and one.measured == "2 regions"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "cannot be read as JSON"),
        ("a.json", "[" * 100_000, "cannot be read as JSON"),
        ("a.json", '[{"original_shape_Sphericity": ' + "1" * 5000 + "}]", "cannot be read as JSON"),
        ("a.json", '[{"original_shape_Sphericity": "\\ud800"}]', "cannot be read as JSON"),
        ("a.json", "[]", "holds no cases"),
        ("a.json", "[1, 2]", "holds no cases"),
        ("a.json", '{"x": 1}', "is no table of PyRadiomics"),
        ("a.txt", "Case-1_original_shape_Sphericity: 1\nnonsense\n", "line 2: 'Case-1_name: value' is expected"),
        (
            "a.csv",
            "feature,a\noriginal_shape_Sphericity,1\noriginal_shape_Sphericity,2\n",
            "stands twice for one case (a)",
        ),
        ("a.csv", "id,age\n1,2\n", "no column or row is named"),
        ("a.csv", "", "is empty"),
        ("a.csv", "id;original_shape_Sphericity\n1;2\n", "separated by semicolons"),
        ("a.csv", "feature,a\ngeneral_info_Version,2.0\noriginal_x,1\n", "is no table of PyRadiomics"),
    ],
)
def test_one_message_for_what_cannot_be_read(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as error:
        read_feature_file(tmp_path / name)
    assert (
        message in str(error.value) and str(tmp_path / name) in str(error.value) and "Traceback" not in str(error.value)
    )


def test_numbers_of_numpy_are_read_and_nothing_is_run():
    assert read_dictionary(
        "{'normalizeScale': np.float64(1.5), 'sigma': array([1., 2.]), 'n': numpy.int64(3)}", "here"
    ) == {"normalizeScale": 1.5, "sigma": [1.0, 2.0], "n": 3}
    with pytest.raises(DataError):
        read_dictionary("{'a': np.load('x')}", "here")
