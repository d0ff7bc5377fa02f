"""The feature source: presets, names, settings, parameter files, refusals and what is said of features."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
pytest.importorskip("radiomics", reason="PyRadiomics is not installed (it needs a C compiler)")

from pydantic import ValidationError

sys.path.insert(0, str(Path(__file__).parent))
from cases import ball, make_case, textured
from prldh_pyradiomics.settings import Settings, make_plan
from prldh_pyradiomics.source import PyRadiomicsSource

from prldh.core.errors import DataError, PluginError, StudyError
from prldh.plugins.interfaces import FeatureSource
from prldh.plugins.registry import Registry

SOURCE = PyRadiomicsSource()
SHAPE = (8, 12, 11)
VALUES = textured(SHAPE)
MASK = ball(SHAPE, (4, 6, 5), (3, 5, 4))


def extract(*masks, values=VALUES, **wanted):
    return SOURCE.extract(make_case(values, *(masks or (MASK,))), Settings(**wanted))


def test_is_found_by_its_entry_point():
    found = Registry().choose("register_feature_sources", "pyradiomics", "here")
    assert isinstance(found, FeatureSource)
    assert found.version.startswith("0.1.0 (pyradiomics-bhklab 3.1")


def test_importing_it_imports_neither_radiomics_nor_simpleitk():
    heavy = ("radiomics", "SimpleITK", "pywt", "numba")
    code = f"import sys, prldh_pyradiomics.source; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_protocol_has_the_papers_1223_names():
    names = list(extract()[0])
    assert len(names) == len(set(names)) == 1223
    images = list(dict.fromkeys(n.split("_")[0] for n in names))
    wavelets = [f"wavelet-{a}{b}{c}" for a in "LH" for b in "LH" for c in "LH"]
    assert images == ["original", *wavelets[1:], "wavelet-LLL", "square", "squareroot", "logarithm", "exponential"]
    count = {
        c: sum(f"_{c}_" in n for n in names) for c in ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    }
    each = {"firstorder": 18, "glcm": 24, "glrlm": 16, "glszm": 16, "gldm": 14, "ngtdm": 5}
    assert count == {"shape": 14} | {c: 13 * n for c, n in each.items()}
    assert names[0] == "original_shape_Elongation" and names[-1] == "exponential_ngtdm_Strength"


def test_names_are_those_of_pyradiomics_defaults_with_the_six_image_types():
    """Asked of PyRadiomics in its own way, without this plugin."""
    from prldh_pyradiomics.own import quietly, sitk_image
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    extractor = RadiomicsFeatureExtractor(additionalInfo=False)
    for name in ("Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential"):
        extractor.enableImageTypeByName(name)
    with quietly():
        theirs = extractor.execute(sitk_image(VALUES), sitk_image(MASK.astype(np.uint8)))
    ours = extract()[0]
    assert list(ours) == list(theirs)
    np.testing.assert_allclose(list(ours.values()), [float(v) for v in theirs.values()], rtol=1e-9, atol=1e-16)


def test_protocol_log_is_the_papers_text():
    names = list(extract(preset="protocol-log")[0])
    assert len(names) == 14 + 4 * (18 + 24 + 16)
    assert [n.split("_")[0] for n in names[14::58]] == ["original", *(f"log-sigma-{s}-0-mm-3D" for s in (1, 2, 3))]


def test_ibsi_preset_has_ibsis_definitions():
    plain, ibsi = extract(binWidth=30)[0], extract(preset="ibsi", binWidth=30)[0]
    n = MASK.sum()
    assert len(ibsi) == 107
    assert ibsi["original_firstorder_Kurtosis"] == pytest.approx(plain["original_firstorder_Kurtosis"] - 3, rel=1e-12)
    for axis in ("Major", "Minor", "Least"):
        name = f"original_shape_{axis}AxisLength"
        assert ibsi[name] == pytest.approx(plain[name] * np.sqrt(n / (n - 1)), rel=1e-12)
    # bins from the minimum: the image moved so that its minimum is a multiple of the width has them in PyRadiomics too
    moved = extract(values=VALUES - VALUES[MASK].min(), binWidth=30)[0]
    for name in moved:
        if any(f"_{c}_" in name for c in ("glcm", "glrlm", "glszm", "gldm", "ngtdm")) and name.startswith("original"):
            assert ibsi[name] == pytest.approx(moved[name], rel=1e-9), name


def test_ibsi_bins_begin_at_the_lower_bound_of_resegmentation():
    """Levels are floor((x − lower) / width) + 1 (IBSI Q3RU), also where the region does not reach the bound."""
    lower, width = -500, 25
    found = extract(preset="ibsi", binWidth=width, resegmentRange=[lower, 400])[0]
    inside = VALUES[MASK]
    level = np.floor((inside[(inside >= lower) & (inside <= 400)] - lower) / width) + 1
    # a run's level is a voxel's level: HGRE of single directions cannot be had, but GLDM weighs each voxel once
    assert found["original_gldm_HighGrayLevelEmphasis"] == pytest.approx((level**2).mean(), rel=1e-12)
    assert found["original_gldm_LowGrayLevelEmphasis"] == pytest.approx((1 / level**2).mean(), rel=1e-12)


def test_ibsi_preset_refuses_pyradiomics_alone():
    with pytest.raises(StudyError, match="bin edges and grids where IBSI does. Say backend: fast"):
        extract(preset="ibsi", backend="pyradiomics")


def test_backends_agree_and_are_both_there():
    fast, own = (extract(backend=b, preset="protocol-log")[0] for b in ("fast", "pyradiomics"))
    assert list(fast) == list(own)
    assert all(isinstance(v, float) for v in (*fast.values(), *own.values()))
    np.testing.assert_allclose(list(fast.values()), list(own.values()), rtol=1e-6)


def test_modality_has_its_own_settings():
    wanted = Settings(binWidth=25, modality={"MR": {"normalize": True, "normalizeScale": 100, "binWidth": 5}})
    ct, mr = (SOURCE.extract(make_case(VALUES, MASK, modality=m), wanted) for m in ("CT", "MR"))
    assert ct == extract(binWidth=25)
    assert mr == extract(normalize=True, normalizeScale=100, binWidth=5)
    assert make_plan(wanted, "mr").options["normalize"] is True


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"binWidht": 25}, "Extra inputs"),
        ({"binWidth": 0}, "greater than 0"),
        ({"binWidth": float("inf")}, "finite number"),
        ({"binWidth": 25, "binCount": 32}, "give one"),
        ({"wavelet": "morlet"}, "not known"),
        ({"modality": {"MR": {"preset": "ibsi"}}}, "Extra inputs"),
        ({"resampledPixelSpacing": [1, 1]}, "at least 3"),
        ({"combine": "max"}, "'mean' or 'volume'"),
    ],
)
def test_settings_are_checked(wanted, message):
    with pytest.raises(ValidationError, match=message):
        Settings(**wanted)


def test_unknown_preset():
    with pytest.raises(
        StudyError, match=r"no preset 'protocol-1233'. Give one of protocol-1223, protocol-log, ibsi, or the path"
    ):
        make_plan(Settings(preset="protocol-1233"))


# ---------------------------------------------------------------- parameter files

PARAMETERS = """\
imageType:
  Original: {}
  LoG: {sigma: [1.0], binWidth: 10}
featureClass:
  shape: [MeshVolume, Sphericity]
  glcm: [Idm, Contrast]
  firstorder:
setting:
  binWidth: 40
  label: 1
  normalize: false
"""


def test_parameter_file_is_read_as_pyradiomics_reads_it(tmp_path):
    from prldh_pyradiomics.own import quietly, sitk_image
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    path = tmp_path / "mit Leerzeichen.yaml"
    path.write_text(PARAMETERS, encoding="utf-8")
    extractor = RadiomicsFeatureExtractor(str(path), additionalInfo=False)
    with quietly():
        theirs = extractor.execute(sitk_image(VALUES), sitk_image(MASK.astype(np.uint8)))
    ours = extract(preset=str(path), exact_log=True)[0]
    assert list(ours) == list(theirs)
    np.testing.assert_allclose(list(ours.values()), [float(v) for v in theirs.values()], rtol=1e-9)


def test_names_of_whole_and_broken_sigmas_are_pyradiomics(tmp_path):
    from prldh_pyradiomics.own import quietly, sitk_image
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    path = tmp_path / "params.yaml"
    path.write_text("imageType: {LoG: {sigma: [2, 1.0, 1.5]}}\nfeatureClass: {firstorder: [Mean]}")
    extractor = RadiomicsFeatureExtractor(str(path), additionalInfo=False)
    with quietly():
        theirs = extractor.execute(sitk_image(VALUES), sitk_image(MASK.astype(np.uint8)))
    ours = extract(preset=str(path))[0]
    assert list(ours) == list(theirs) == [f"log-sigma-{s}-mm-3D_firstorder_Mean" for s in ("2", "1-0", "1-5")]
    assert (
        SOURCE.describe(list(ours), Settings(preset=str(path)))["log-sigma-2-mm-3D_firstorder_Mean"]["ibsi"] == "Q4LE"
    )


@pytest.mark.parametrize(
    ("image", "without", "message"),
    [
        ("LBP2D", "skimage", "LBP2D needs scikit-image, not installed here. Run: pip install scikit-image"),
        ("LBP3D", "trimesh", "LBP3D needs trimesh"),
    ],
)
def test_a_filter_that_lacks_a_package_is_refused_before_any_image(tmp_path, monkeypatch, image, without, message):
    import importlib.util

    path = tmp_path / "params.yaml"
    path.write_text(f"imageType: {{{image}: {{}}}}")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == without else found(name, *more)
    )
    with pytest.raises(PluginError, match=message):
        SOURCE.check(Settings(preset=str(path)))


def test_lbp_3d_without_the_function_of_scipy_it_needs(tmp_path, monkeypatch):
    import importlib.util

    import scipy.special

    path = tmp_path / "params.yaml"
    path.write_text("imageType: {LBP3D: {}}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: object())
    monkeypatch.delattr(scipy.special, "sph_harm", raising=False)
    with pytest.raises(PluginError, match=r"LBP3D needs a function that SciPy .* no longer has"):
        SOURCE.check(Settings(preset=str(path)))


@pytest.mark.parametrize("backend", ["fast", "pyradiomics"])
def test_shape_2d_of_a_region_in_several_slices(tmp_path, backend):
    path = tmp_path / "params.yaml"
    path.write_text("setting: {force2D: true}\nfeatureClass: {shape2D: [Perimeter]}")
    with pytest.raises(DataError, match=r"over \d+ slices along z, and shape2D is of regions in one slice"):
        extract(MASK, preset=str(path), backend=backend)
    flat = np.zeros_like(MASK)
    flat[3] = MASK[3]
    assert extract(flat, preset=str(path), backend=backend)[0]["original_shape2D_Perimeter"] > 0


def test_study_file_goes_before_the_parameter_file(tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"setting": {"binCount": 8}, "imageType": {"Original": {"binWidth": 3}}}))
    plan = make_plan(Settings(preset=str(path), binWidth=50))
    assert plan.options["binWidth"] == 50 and "binCount" not in plan.options and plan.image_types == {"Original": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "settings: {binWidth: 25}",
            "the top of the file has 'settings', which PyRadiomics does not know. Did you mean 'setting'?",
        ),
        (
            "setting: {binwidth: 25}",
            "setting has 'binwidth', which PyRadiomics does not know. Did you mean 'binWidth'?",
        ),
        ("setting: {binWidth: -1}", "setting.binWidth is -1: it must be greater than 0"),
        ("imageType: {LoG: {sigma: [1, -1]}}", "imageType.LoG.sigma.1 is -1: it must be greater than 0"),
        ("imageType: {Wavlet: {}}", "Did you mean 'Wavelet'?"),
        ("imageType: {LoG: {}}", "LoG has no sigma"),
        (
            "featureClass: {glcm: [Idmm]}",
            "featureClass.glcm has 'Idmm', which PyRadiomics does not know. Did you mean 'Idm'?",
        ),
        ("featureClass: {glcm: [[Idm]]}", "featureClass.glcm has '['Idm']', which PyRadiomics does not know"),
        ("featureClass: {shape2D: }", "shape2D needs `force2D: true`"),
        ("setting: {label: 3}", "columns label and segment"),
        ("voxelSetting: {kernelRadius: 2}", "maps of features"),
        ("[1, 2]", "must hold the sections"),
        ("setting: [", "is not valid YAML"),
        ("setting: {binWidth: 25, binWidth: 5}", "the key 'binWidth' stands twice"),
    ],
)
def test_bad_parameter_files(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as raised:
        make_plan(Settings(preset=str(path)))
    assert message in str(raised.value) and str(path) in str(raised.value)


def test_doubled_keys_and_a_byte_order_mark_in_json(tmp_path):
    path = tmp_path / "params.json"
    path.write_text('{"setting": {"binWidth": 25, "binWidth": 5}}')
    with pytest.raises(StudyError, match="the key 'binWidth' stands twice"):
        make_plan(Settings(preset=str(path)))
    path.write_text('{"setting": {"binWidth": 5}}', encoding="utf-8-sig")
    assert make_plan(Settings(preset=str(path))).options["binWidth"] == 5


def test_missing_parameter_file():
    with pytest.raises(StudyError, match="parameter file not found: nowhere.yaml"):
        make_plan(Settings(preset="nowhere.yaml"))


def test_parameter_file_may_be_relative_to_the_study_file(tmp_path):
    (tmp_path / "params.yaml").write_text("imageType: {Original: {}}")
    found = Settings(preset="params.yaml").relative_to(tmp_path)
    assert list(make_plan(found).image_types) == ["Original"]
    assert Settings(preset="protocol-log").relative_to(tmp_path).preset == "protocol-log"
    with pytest.raises(StudyError, match="not found"):
        SOURCE.check(Settings(preset="other.yaml").relative_to(tmp_path))


def test_fingerprint_follows_the_content_of_a_parameter_file(tmp_path):
    path = tmp_path / "params.yaml"
    seen = set()
    for width in (25, 26):
        path.write_text(f"setting: {{binWidth: {width}}}")
        seen.add(SOURCE.fingerprint(Settings(preset=str(path))))
    assert len(seen) == 2


# ---------------------------------------------------------------- refusals


def line() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[3, 4, 2:7] = True
    return mask


def voxel() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[3, 4, 5] = True
    return mask


@pytest.mark.parametrize("backend", ["fast", "pyradiomics"])
@pytest.mark.parametrize(
    ("mask", "values", "wanted", "message"),
    [
        (voxel(), VALUES, {}, "a single voxel"),
        (line(), VALUES, {}, "along 1 of the image's axes, and minimumROIDimensions asks for 2"),
        (np.zeros(SHAPE, bool), VALUES, {}, "mask of reader 1 is empty"),
        (MASK, VALUES, {"minimumROISize": 10_000}, "minimumROISize asks for more than 10000"),
        (
            MASK,
            VALUES,
            {"resegmentRange": [5000, 6000]},
            "cannot compute features here: Resegmentation excluded too many voxels",
        ),
        (MASK, np.where(MASK, np.nan, VALUES), {}, "NaN or infinite"),
        (MASK, VALUES, {"preset": "protocol-log", "sigma": [30.0]}, "too small for LoG with sigma 30.0 mm"),
    ],
)
def test_refusals_are_the_same_in_both_backends(backend, mask, values, wanted, message):
    with pytest.raises(DataError) as raised:
        extract(mask, values=values, backend=backend, **wanted)
    assert message in str(raised.value)


def test_a_line_is_measured_where_the_settings_allow_it():
    differences = SOURCE.verify(make_case(VALUES, line()), Settings(minimumROIDimensions=1))
    assert max(differences.values()) <= 1e-9


def test_too_many_grey_levels_are_refused_before_memory_is():
    with pytest.raises(DataError, match=r"grey levels, at most 2200 can be handled: the bin width 25.0 is too small"):
        extract(values=VALUES.astype(float) * 1e9)


def test_an_image_of_zeros():
    with pytest.raises(DataError, match="no finite values"):
        extract(values=np.zeros(SHAPE, np.int16))


def test_two_distributions_of_radiomics_are_named(monkeypatch):
    from prldh_pyradiomics import own

    own.radiomics_version.cache_clear()
    monkeypatch.setattr(own, "_version_of", lambda name: "3.1.0")
    with pytest.raises(PluginError, match="both installed"):
        extract()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "radiomics", None)
    with pytest.raises(PluginError, match="cannot be imported: .* needs gcc"):
        extract()
    monkeypatch.undo()
    assert own.radiomics_version().startswith("pyradiomics-bhklab")


def test_radiomics_says_nothing(capfd):
    extract(line(), backend="pyradiomics", minimumROIDimensions=1)
    extract(MASK, binCount=8)
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- what is said of features


def test_describe():
    names = list(extract()[0])
    about = SOURCE.describe(names, Settings())
    assert list(about) == names and all(row["unit"] and "ibsi" in row and row["family"] for row in about.values())
    assert about["original_shape_MeshVolume"]["unit"] == "mm³" and about["original_shape_MeshVolume"]["ibsi"] == "RNU0"
    assert (
        about["original_shape_Maximum2DDiameterRow"]["unit"] == "mm"
        and about["original_shape_Maximum2DDiameterRow"]["ibsi"] is None
    )
    assert about["wavelet-LLH_glcm_Idm"] == {
        "unit": "1",
        "ibsi": "WF0Z",
        "family": "GLCM",
        "image_type": "wavelet-LLH",
        "class": "glcm",
        "aggregation": "ITBB",
        "deviates": "by bin edges",
        "note": about["wavelet-LLH_glcm_Idm"]["note"],
    }
    mended = ["original_firstorder_Kurtosis", "original_shape_MajorAxisLength", "original_glcm_Idm"]
    corrected = SOURCE.describe(mended, Settings(preset="ibsi"))
    assert [row["deviates"] for row in corrected.values()] == ["no"] * 3


def test_metadata_say_what_pyradiomics_itself_computes(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("imageType: {Original: {}, Gradient: {}}")
    about = SOURCE.metadata(Settings(preset=str(path), modality={"MR": {"binWidth": 5}}))
    assert about["notes"] == ["Gradient images are filtered by PyRadiomics itself, on the whole image"]
    assert about["setting"]["binWidth"] == 25 and about["modality"]["MR"]["setting"]["binWidth"] == 5
    json.dumps(about)
    assert max(SOURCE.verify(make_case(VALUES, MASK), Settings(preset=str(path))).values()) <= 1e-9
