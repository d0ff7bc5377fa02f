"""The report's sections on acquisition, processing, segmentation and features: what results hold, tissue beside tissue,
and never more."""

from __future__ import annotations

import copy

import pytest
from test_checklists import _metadata, _results

from prldh.ibsi.feature_names import count_families
from prldh.report.image_sections import image_sections
from prldh.report.images import images_view

SPREAD = {
    "n": 2,
    "mean": 9000.0,
    "sd": 1414.2,
    "median": 9000.0,
    "q1": 8500.0,
    "q3": 9500.0,
    "min": 8000.0,
    "max": 10000.0,
}


def _images(**changes) -> dict:
    """Two patients, one with two regions; MR from DICOM, masks of two readers."""
    dicom = {"Manufacturer": "SIEMENS", "MagneticFieldStrength": "1.5", "SliceThickness": "3"}
    case = {
        "label": None,
        "segment": "disc",
        "size": [320, 320, 15],
        "spacing_mm": [0.5, 0.5, 3.0],
        "modality": "MR",
        "dicom": dicom,
        "dice": 0.9,
        "hd95_mm": 1.0,
        "volume_mm3": [8000.0],
    }
    formats = {"image": "DICOM series", "masks": ["DICOM SEG, manual", "3D Slicer segmentation"]}
    content = _metadata() | {
        "cases": (
            [{**case, "patient": "1", "line": k, "formats": formats} for k in (2, 3)]
            + [{**case, "patient": "2", "line": 4, "dicom": dicom | {"MagneticFieldStrength": "3"}, "formats": formats}]
        ),
        "n_patients": 2,
        "n_cases": 4,
        "n_measured": 3,
        "n_features": 3,
        "perturbation": None,
        "agreement": {"dice": SPREAD},
        "volumes_mm3": [SPREAD],
        "put_aside": [{"patient": "2", "line": 5, "reason": "empty"}],
        "patients_put_aside": [],
        "findings": [{"patient": "1", "line": 2, "severity": "warning", "kind": "k", "message": "m"}] * 2,
    }
    return content | changes


def _sections(**images) -> dict:
    tissue = _results()["tissues"]["disc"]
    return image_sections(_results(images=images, tissues={name: copy.deepcopy(tissue) for name in images}))


def _cell(rows: list[dict], title: str, column: int = 0) -> str:
    found = [r for r in rows if r["title"].startswith(title)]
    assert len(found) == 1, (title, [r["title"] for r in rows])
    return found[0]["cells"][column]


def test_acquisition_counts_patients_not_regions():
    rows = _sections(disc=_images())["acquisition"]
    assert _cell(rows, "Format of the images") == "DICOM series (2)" and _cell(rows, "Size") == "320 × 320 × 15 (2)"
    assert _cell(rows, "Scanner type") == "manufacturer SIEMENS (2)" and _cell(rows, "Imaging modality") == "MRI (2)"
    assert _cell(rows, "Magnetic field strength") == "magnetic field strength 1.5 T (1), 3 T (1)"
    assert _cell(rows, "Image slice thickness") == "slice thickness 3 mm (2)"
    assert _cell(rows, "In-plane resolution") == "0.5 × 0.5 mm (2), as stored in the images read"
    assert not any("Tube" in r["title"] or "SUV" in r["title"] for r in rows)


def test_what_is_not_recorded_is_said_once_for_all_tissues_alike():
    nifti = _images()
    nifti["cases"] = [
        {**c, "dicom": {}, "modality": None, "formats": {"image": "NIfTI", "masks": ["label map, NIfTI"] * 2}}
        for c in nifti["cases"]
    ]
    found = _sections(disc=_images(), muscle=nifti, psoas=nifti)
    assert len(found["unknown"]) == 2 and found["unknown"][1].startswith("muscle, psoas: NIfTI does not record how")
    assert (
        "RF coil" in found["unknown"][0] and "magnetic" not in found["unknown"][0] and "tube" not in found["unknown"][0]
    )
    assert _cell(found["acquisition"], "Scanner type", 1) == "not recorded"


def test_processing_in_ibsi_terms():
    content = _images()
    content["sources"]["pyradiomics"]["computed"] = {
        "setting": {"binWidth": 5, "resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkLinear", "normalize": True},
        "imageType": {"Original": {}, "LoG": {"sigma": [1.0]}},
        "corrections": [],
    }
    rows = _sections(disc=content)["processing"]
    assert (
        _cell(rows, "Discretisation method: FBN") == "fixed bin width (FBS, Q3RU)"
        and _cell(rows, "Discretisation method: bin number") == "bin width 5"
    )
    assert (
        _cell(rows, "Voxel dimensions") == "1 × 1 × 1 mm"
        and _cell(rows, "Interpolation method: interpolator for the image") == "linear"
    )
    assert _cell(rows, "Intensity normalisation").startswith("z-score") and "sigma 1 mm" in _cell(rows, "Image filter")
    assert not any(r["title"].startswith("Voxel") and "does not apply" in r["cells"] for r in rows)
    unknown = _images()
    unknown["sources"] = {"net": {"version": "1", "settings": {}, "packages": {}}}
    assert [r["number"] for r in _sections(disc=unknown)["processing"]] == ["57"]  # the names of the features alone


def test_segmentation_tells_readers_formats_regions_and_what_was_put_aside():
    rows = _sections(disc=_images())["segmentation"]
    assert (
        _cell(rows, "Readers") == "2"
        and _cell(rows, "Format of the masks") == "3D Slicer segmentation (2), DICOM SEG, manual (2)"
    )
    assert _cell(rows, "Regions") == "3 regions of 2 patients; 1 with several, merged by the mean of each feature"
    assert (
        _cell(rows, "Part of the mask") == "disc (3)" and _cell(rows, "Volume") == "9.00 (8.50 to 9.50), 8.00 to 10.00"
    )
    assert _cell(rows, "Put aside") == "1 of 4 regions, 0 patients" and _cell(rows, "Findings") == "2 warnings"
    content = _images(
        n_readers=1,
        perturbation={"n": 10, "contour_mm": 1, "smoothness_mm": 2, "translation_mm": 0.5, "rotation_degrees": 3},
        agreement=None,
    )
    content["cases"] = [
        {**c, "formats": {"image": "DICOM series", "masks": ["DICOM RTSTRUCT"]}} for c in content["cases"]
    ]
    content["sources"]["pyradiomics"]["settings"]["combine"] = "volume"
    found = _sections(disc=content)
    assert "perturbed 10 times" in _cell(found["segmentation"], "Readers") and "weighted by volume" in _cell(
        found["segmentation"], "Regions"
    )
    assert (
        "odd number of the contours" in _cell(found["segmentation"], "Conversion to mask") and found["agreement"] == {}
    )


def test_features_by_family_and_software():
    """Families in the order of their names, whatever the order of the features."""
    found = _sections(disc=_images())
    assert found["families"]["disc"] == [
        {
            "family": "GLCM",
            "code": "LFYI",
            "n": 1,
            "as_ibsi": 0,
            "bin_edges": 1,
            "deviate": 0,
            "no_code": 0,
            "unknown": 0,
        },
        {
            "family": "Intensity-based statistics",
            "code": "UHIW",
            "n": 1,
            "as_ibsi": 1,
            "bin_edges": 0,
            "deviate": 0,
            "no_code": 0,
            "unknown": 0,
        },
        {
            "family": "Morphology",
            "code": "HCUG",
            "n": 2,
            "as_ibsi": 2,
            "bin_edges": 0,
            "deviate": 0,
            "no_code": 0,
            "unknown": 0,
        },
    ]
    assert "pyradiomics-bhklab 3.1.4" in _cell(found["features"], "Software")


def test_families_add_up_whatever_the_names():
    names = [
        "wavelet-LLH_firstorder_Kurtosis",
        "original_glcm_MCC",
        "uctransnet_001",
        "MR_original_shape_Sphericity",
        "log-sigma-1-0-mm-3D_gldm_SmallDependenceEmphasis",
    ]
    rows = count_families(names)
    assert sum(r["n"] for r in rows) == len(names) and all(
        r["n"] == sum(r[k] for k in ("as_ibsi", "bin_edges", "deviate", "no_code", "unknown")) for r in rows
    )
    assert rows[-1] == {
        "family": "Not PyRadiomics'",
        "code": None,
        "n": 1,
        "as_ibsi": 0,
        "bin_edges": 0,
        "deviate": 0,
        "no_code": 0,
        "unknown": 1,
    }
    assert count_families([]) == []


@pytest.mark.parametrize("lost", ["formats", "volumes_mm3"])
def test_results_of_before_lack_what_was_added_since(lost):
    content = _images()
    content.pop(lost, None)
    for case in content["cases"]:
        case.pop(lost, None)
    rows = _sections(disc=content)
    assert "not recorded" in (_cell(rows["acquisition"], "Format"), _cell(rows["segmentation"], "Volume"))


def test_without_images_there_is_nothing(tmp_path):
    found = images_view(_results(), tmp_path)
    assert found["of"] == {} and found["tissues"] == [] and list(found["families"]) == ["disc"]
    # tables with PyRadiomics' names: what each step dropped, too
    assert sum(r["n"] for r in found["families"]["disc"]) == 4
