"""Real images: two forms of one image hold the same, contours give the published mask, labels the published voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")

from prldh.core.imaging import CaseRow
from prldh.data.imaging.check import check_cases
from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.overlap import dice
from prldh.data.imaging.read import load_case, read_image


def _row(image: Path, *masks: Path, **meant) -> CaseRow:
    return CaseRow("region", "P1", 2, image, masks, **meant)


def test_the_ibsi_ct_phantom_is_the_same_from_dicom_and_from_nifti(shared_data):
    folder = shared_data / "ibsi" / "ct_phantom"
    dicom, nifti = read_image(folder / "dicom" / "image"), read_image(folder / "nifti" / "image" / "phantom.nii.gz")
    assert np.array_equal(dicom.values, nifti.values) and dicom.values.shape == (60, 201, 204)
    assert np.allclose(to_mm(dicom.geometry), to_mm(nifti.geometry), atol=1e-4) and dicom.modality == "CT"


@pytest.mark.parametrize("image", ["dicom/image", "nifti/image/phantom.nii.gz"])
def test_contours_of_the_ibsi_ct_phantom_give_its_voxel_mask(shared_data, image):
    folder = shared_data / "ibsi" / "ct_phantom"
    (contours,) = (folder / "dicom" / "mask").iterdir()
    case = load_case(_row(folder / image, contours, folder / "nifti" / "mask" / "mask.nii.gz", segment=None))
    ours, published = case.masks
    assert np.count_nonzero(published) == 125_256 and np.array_equal(ours, published) and dice(ours, published) == 1


def test_labels_of_the_totalsegmentator_example(shared_data):
    """Back muscles and two vertebrae on a CT whose axes are flipped; held to the raw voxels of the file."""
    import gzip

    folder = shared_data / "totalsegmentator"
    raw = gzip.decompress((folder / "example_seg.nii.gz").read_bytes())
    labels = np.frombuffer(raw, np.uint8, offset=len(raw) - 122 * 101 * 30).reshape(30, 101, 122)
    rows = [_row(folder / "example_ct_sm.nii.gz", folder / "example_seg.nii.gz", label=k) for k in (86, 87, 30, 31)]
    for row in rows:
        (mask,) = load_case(row).masks
        assert np.array_equal(mask, labels == row.label) and mask.any()
    assert not [f for f in check_cases(rows) if f.severity == "refused"]


def test_a_segmentation_with_its_axes_unflipped_gives_the_same_mask(shared_data, tmp_path):
    """As by tools that save in canonical orientation while the image keeps its own."""
    import SimpleITK as sitk

    folder = shared_data / "totalsegmentator"
    sitk.WriteImage(
        sitk.DICOMOrient(sitk.ReadImage(str(folder / "example_seg.nii.gz")), "LPS"), str(tmp_path / "lps.nii.gz")
    )
    image = folder / "example_ct_sm.nii.gz"
    case = load_case(_row(image, folder / "example_seg.nii.gz", tmp_path / "lps.nii.gz", label=86))
    assert case.masks[0].sum() == 7050 and np.array_equal(*case.masks)
    assert [f.kind for f in check_cases([_row(image, tmp_path / "lps.nii.gz", label=86)])] == ["border"]


def test_a_mask_of_another_patient_is_told(shared_data):
    folder = shared_data / "totalsegmentator"
    found = check_cases([_row(folder / "example_mr_sm.nii.gz", folder / "example_seg.nii.gz", label=86)])
    assert [(f.severity, f.kind) for f in found] == [("refused", "another_patient")]


def test_discs_of_the_lumbar_mri_and_the_pyradiomics_brain(shared_data):
    lumbar = shared_data / "lumbar_mri"
    counts = [
        int(load_case(_row(lumbar / "subject20_t2.nii.gz", lumbar / "subject20_discs.nii.gz", label=k)).masks[0].sum())
        for k in range(1, 6)
    ]
    assert all(counts) and counts[4] == 9797
    brain = shared_data / "pyradiomics"
    # as PyRadiomics' own baseline has it
    assert load_case(_row(brain / "brain1_image.nrrd", brain / "brain1_label.nrrd", label=1)).masks[0].sum() == 4137
