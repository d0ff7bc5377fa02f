"""Small images and masks in every format that is read, made on the fly."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from prldh.core.imaging import CaseRow, Geometry

#: Of the patient in every DICOM file made here; must never come out of anything.
NAME, HOSPITAL_ID, BIRTH = "Mustermann^Erika", "KH-4711-GEHEIM", "19640812"

GRID = Geometry((12, 10, 6), (0.8, 0.9, 2.5), (-20.0, 5.0, 30.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
SAGITTAL = Geometry((12, 10, 6), (0.8, 0.9, 2.5), (-20.0, 5.0, 30.0), (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0))


def values(seed: int = 0, size: tuple[int, int, int] = GRID.size, kind: type = np.int16) -> np.ndarray:
    """Random voxels (z, y, x), some of them negative."""
    return np.random.default_rng(seed).integers(-1000, 1500, size[::-1]).astype(kind)


def box(size: tuple[int, int, int] = GRID.size) -> np.ndarray:
    """A label map (z, y, x): 1 is a block, 2 a smaller one beside it, neither at the border."""
    found = np.zeros(size[::-1], dtype=np.uint8)
    found[1:4, 2:7, 2:6] = 1
    found[2:5, 3:6, 7:10] = 2
    return found


def write(path: Path, array: np.ndarray, grid: Geometry = GRID) -> Path:
    """An image by SimpleITK, in the format that the name says."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    image.SetOrigin(grid.origin_mm)
    image.SetSpacing(grid.spacing_mm)
    image.SetDirection(grid.direction)
    sitk.WriteImage(image, str(path), path.name.endswith((".gz", ".nrrd", ".mha")))
    return path


def row(
    image: Path, *masks: Path, label: int | None = None, segment: str | None = None, patient: str = "P1", line: int = 2
) -> CaseRow:
    return CaseRow("disc", patient, line, image, masks, label, segment)


# ---------------------------------------------------------------- DICOM


def write_series(
    folder: Path,
    array: np.ndarray,
    grid: Geometry = GRID,
    *,
    uid: str | None = None,
    frame: str = "1.2.3.4",
    patient: str = HOSPITAL_ID,
    modality: str = "MR",
    slopes: list[float] | None = None,
    intercept: float = 0,
    leave_out: tuple[int, ...] = (),
    tilt: float = 0,
    prefix: str = "IM",
) -> list[Path]:
    """A series of one file a slice, whose names are in no order of place."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

    folder.mkdir(parents=True, exist_ok=True)
    uid = uid or generate_uid()
    study = generate_uid()
    turn = np.reshape(grid.direction, (3, 3))
    files = []
    names = np.random.default_rng(1).permutation(len(array))
    for k, plane in enumerate(array):
        if k in leave_out:
            continue
        found = pydicom.Dataset()
        found.file_meta = pydicom.dataset.FileMetaDataset()
        found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID = MRImageStorage
        found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID = generate_uid()
        found.PatientName, found.PatientID, found.PatientBirthDate, found.PatientSex = NAME, patient, BIRTH, "F"
        found.StudyInstanceUID, found.SeriesInstanceUID, found.FrameOfReferenceUID = study, uid, frame
        found.StudyID, found.SeriesNumber, found.InstanceNumber, found.AccessionNumber = "1", 1, k + 1, "A1"
        found.StudyDate = found.StudyTime = found.ReferringPhysicianName = found.Manufacturer = (
            found.PatientOrientation
        ) = ""
        found.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
        found.Modality, found.PositionReferenceIndicator = modality, ""
        position = np.array(grid.origin_mm) + turn[:, 2] * grid.spacing_mm[2] * k + turn[:, 1] * tilt * k
        found.ImagePositionPatient = [f"{v:.6g}" for v in position]
        found.ImageOrientationPatient = [f"{v:.6g}" for v in (*turn[:, 0], *turn[:, 1])]
        found.PixelSpacing = [grid.spacing_mm[1], grid.spacing_mm[0]]
        found.SliceThickness = grid.spacing_mm[2]
        found.Rows, found.Columns = plane.shape
        found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
        found.BitsAllocated = found.BitsStored = 16
        found.HighBit, found.PixelRepresentation = 15, int(plane.dtype.kind == "i")
        if slopes is not None:
            found.RescaleSlope, found.RescaleIntercept = slopes[k], intercept
        found.PixelData = plane.tobytes()
        path = folder / f"{prefix}{names[k]:03d}.dcm"
        found.save_as(path, enforce_file_format=True)
        files.append(path)
    return files


def write_seg(path: Path, slices: list[Path], masks: dict[str, np.ndarray], kind: str = "BINARY") -> Path:
    """A DICOM SEG of named, perhaps overlapping masks on all slices of a series (in the order of ``slices``)."""
    import highdicom as hd
    import pydicom
    from pydicom.sr.codedict import codes

    names = list(masks)
    about = [
        hd.seg.SegmentDescription(
            i + 1,
            name,
            codes.SCT.Tissue,
            codes.SCT.IntervertebralDisc if hasattr(codes.SCT, "IntervertebralDisc") else codes.SCT.Tissue,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for i, name in enumerate(names)
    ]
    stack = np.stack([masks[name] for name in names], axis=-1)
    seg = hd.seg.Segmentation(
        [pydicom.dcmread(s) for s in slices],
        stack.astype(np.float32 if kind == "FRACTIONAL" else np.uint8),
        kind,
        about,
        hd.UID(),
        2,
        hd.UID(),
        1,
        "test",
        "test",
        "1",
        "1",
    )
    seg.save_as(path)
    return path


def write_rtstruct(
    path: Path, regions: dict[str, list[np.ndarray]], frame: str = "1.2.3.4", patient: str = HOSPITAL_ID
) -> Path:
    """An RTSTRUCT of named closed contours, each (n, 3) in mm."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

    found = pydicom.Dataset()
    found.file_meta = pydicom.dataset.FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID = RTStructureSetStorage
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID = generate_uid()
    found.PatientName, found.PatientID, found.Modality, found.SeriesInstanceUID = (
        NAME,
        patient,
        "RTSTRUCT",
        generate_uid(),
    )
    found.StructureSetROISequence, found.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(regions.items(), 1):
        roi = pydicom.Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        found.StructureSetROISequence.append(roi)
        item = pydicom.Dataset()
        item.ReferencedROINumber, item.ContourSequence = number, []
        for points in contours:
            contour = pydicom.Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            contour.ContourData = [f"{v:.8g}" for v in np.ravel(points)]
            item.ContourSequence.append(contour)
        found.ROIContourSequence.append(item)
    found.save_as(path, enforce_file_format=True)
    return path


# ---------------------------------------------------------------- 3D Slicer


def write_slicer(path: Path, layers: np.ndarray, segments: list[tuple[str, int, int]], grid: Geometry = GRID) -> Path:
    """A ``.seg.nrrd``: ``layers`` (layer, z, y, x), ``segments`` of (name, label value, layer), as 3D Slicer 5 writes
    it."""
    import nrrd

    turn = np.reshape(grid.direction, (3, 3)) * np.asarray(grid.spacing_mm)
    header: dict = {"space": "left-posterior-superior", "space origin": np.array(grid.origin_mm), "encoding": "gzip"}
    if len(layers) == 1:
        data, header["space directions"], header["kinds"] = layers[0].transpose(2, 1, 0), turn.T, ["domain"] * 3
    else:
        data = layers.transpose(0, 3, 2, 1)
        header["space directions"], header["kinds"] = np.vstack([np.full(3, np.nan), turn.T]), ["list"] + ["domain"] * 3
    for i, (_, label, layer) in enumerate(segments):
        header |= {
            f"Segment{i}_ID": f"Segment_{i + 1}",
            f"Segment{i}_Name": f"<{i}>",
            f"Segment{i}_LabelValue": str(label),
            f"Segment{i}_Layer": str(layer),
        }
    nrrd.write(str(path), data, header)
    content = path.read_bytes()
    for i, (name, _, _) in enumerate(segments):  # pynrrd writes ASCII alone, Slicer UTF-8
        content = content.replace(f"_Name:=<{i}>".encode(), f"_Name:={name}".encode(), 1)
    path.write_bytes(content)
    return path


def write_from(path: Path, image: object) -> Path:
    """A SimpleITK image as it is."""
    import SimpleITK as sitk

    sitk.WriteImage(image, str(path))
    return path
