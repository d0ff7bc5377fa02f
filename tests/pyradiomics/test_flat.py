"""Images of one plane: force2D and shape2D give PyRadiomics' own values, and volumes are not asked of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("radiomics", reason="PyRadiomics is not installed (it needs a C compiler)")
pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")

from prldh_pyradiomics.own import quietly
from prldh_pyradiomics.settings import Settings, make_plan
from prldh_pyradiomics.source import PyRadiomicsSource

from prldh.api import Case, DataError, Geometry, StudyError, Volume

SOURCE = PyRadiomicsSource()
UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
FLAT = {"force2D": True, "shape2D": True}


@pytest.fixture
def case() -> Case:
    y, x = np.mgrid[:40, :50]
    inside = ((y - 20) / 11) ** 2 + ((x - 24) / 15) ** 2 < 1
    values = np.random.default_rng(2).integers(0, 200, (1, 40, 50)).astype(np.int16) + x[None].astype(np.int16)
    geometry = Geometry((50, 40, 1), (0.4, 0.5, 1.0), (0.0, 0.0, 0.0), UPRIGHT)
    return Case("P1", "lesion", 2, Volume(values, geometry, "DX", is_flat=True), (inside[None],))


def test_both_ways_give_the_same(case):
    differences = SOURCE.verify(case, Settings(**FLAT))
    assert max(differences.values()) <= 1e-9
    values = SOURCE.extract(case, Settings(**FLAT))[0]
    assert "original_shape2D_Perimeter" in values and not any("_shape_" in name for name in values)
    assert "wavelet-LH_glcm_Contrast" in values and "wavelet-LLH_glcm_Contrast" not in values


def test_pyradiomics_of_a_picture_of_two_axes_gives_the_same(case):
    """SimpleITK's own images of two axes, as PyRadiomics reads a PNG; without force2D, which there would leave out the
    first of the two."""
    import SimpleITK as sitk
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    image = sitk.GetImageFromArray(case.image.values[0])
    mask = sitk.GetImageFromArray(case.masks[0][0].astype(np.uint8))
    for each in (image, mask):
        each.SetSpacing((0.4, 0.5))
    plan = make_plan(Settings(**FLAT))
    extractor = RadiomicsFeatureExtractor(**plan.options)
    extractor.settings = plan.options | {"force2D": False}
    extractor.enabledImagetypes = {"Original": {}, "Logarithm": {}}
    extractor.enabledFeatures = {name: [] for name in plan.classes}
    with quietly():
        reference = extractor.execute(image, mask, label=1)
    found = SOURCE.extract(case, Settings(**FLAT))[0]
    names = [name for name in reference if not name.startswith("diagnostics")]
    assert len(names) > 180
    for name in names:
        if not name.endswith("_TotalEnergy"):  # energy times the volume of a voxel, which is its area there
            assert found[name] == pytest.approx(float(reference[name]), rel=1e-9, abs=1e-12), name
    assert found["original_firstorder_TotalEnergy"] == pytest.approx(
        float(reference["original_firstorder_TotalEnergy"])
    )


@pytest.mark.parametrize("backend", ["fast", "pyradiomics"])
@pytest.mark.parametrize("wanted", [{}, {"force2D": True}, {"force2D": True, "shape2D": True, "force2Ddimension": 1}])
def test_volumes_are_not_asked_of_a_plane(case, wanted, backend):
    with pytest.raises(DataError, match="of one plane .* force2D: true and shape2D: true"):
        SOURCE.extract(case, Settings(backend=backend, **wanted))


def test_a_volume_of_one_slice_may_have_both(case):
    thick = replace(case, image=replace(case.image, is_flat=False))
    assert "original_shape_MeshVolume" in SOURCE.extract(thick, Settings())[0]
    assert "original_shape2D_Perimeter" in SOURCE.extract(thick, Settings(**FLAT))[0]


def test_shape_2d_needs_force_2d():
    with pytest.raises(StudyError, match="shape2D needs force2D: true"):
        make_plan(Settings(shape2D=True))
    assert list(make_plan(Settings(**FLAT)).classes)[-1] == "shape2D"
