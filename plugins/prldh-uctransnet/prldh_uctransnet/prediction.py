"""Masks from a trained network, in the geometry of the image."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prldh.api import CaseRow, DataError, OutputError, Volume, read_image, whole_file
from prldh_uctransnet.checkpoints import Checkpoint
from prldh_uctransnet.devices import choose_device
from prldh_uctransnet.memory import attempt, halved, on_stderr
from prldh_uctransnet.regions import Stack, stack_of, turn_back
from prldh_uctransnet.slices import is_picture, load_picture, mask_of_logits, picture_of_slice

ENDINGS = {"nifti": ".nii.gz", "seg.nrrd": ".seg.nrrd"}


class Segmenter:
    """A network of one class on a device. Plane and size are those it was trained with; checkpoints that do not say:
    ``plane``, and the size of their position embeddings. A network of several channels is given the grey slice in each.
    A device that runs out of memory gets half of the ``batch``, which ``say`` is told."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: str = "auto",
        plane: str | None = None,
        batch: int = 8,
        say: Callable[[str], None] = on_stderr,
    ) -> None:
        if checkpoint.network.n_classes != 1:
            raise DataError(
                f"the checkpoint has {checkpoint.network.n_classes} classes; masks are written for one structure. Train"
                " with one."
            )
        settings = checkpoint.provenance.get("settings", {})
        if settings.get("on", "slices") != "slices":
            raise DataError(
                "the checkpoint was trained on rectangles around masks (train.on), which an image without a mask does"
                " not have; it gives features, and no masks. Train one with on: slices."
            )
        self.scale = settings.get("scale", "picture")
        self.plane = plane or settings.get("plane", "acquired")
        self.size = settings.get("size", checkpoint.network.image_size)
        self.device, self.batch, self.say = choose_device(device), batch, say
        self.network = checkpoint.network.to(self.device).eval()

    def __call__(self, image: Volume) -> np.ndarray:
        """The mask (z, y, x) of an image, boolean, on its own grid.

        Raises
        ------
        DataError
            If a slice holds values that are not finite.
        PluginError
            If not even one slice fits into the memory.
        """
        stack = stack_of(image.values, np.zeros(image.values.shape, bool), image.geometry, self.plane)
        limits = stack.limits if self.scale == "image" else None
        masks: list[np.ndarray] = []
        start = 0
        while start < len(stack.values):
            part = Stack(
                stack.values[start : start + self.batch], stack.mask[start : start + self.batch], stack.pixel_mm
            )
            pictures = [picture_of_slice(part, k, self.size, limits) for k in range(len(part.values))]
            logits = attempt(partial(self._logits, np.stack(pictures)))
            if logits is None:
                self.batch = halved(self.batch, self.device, f"slice of {self.size} x {self.size}", self.say)
                continue
            masks.append(mask_of_logits(logits, part))
            start += len(part.values)
        return turn_back(np.concatenate(masks), image.geometry, self.plane)

    def _logits(self, pictures: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            x = torch.from_numpy(pictures)[:, None].expand(-1, self.network.n_channels, -1, -1).to(self.device)
            return self.network(x)[:, 0].float().cpu().numpy()


def load_volume(path: Path, reading: Any = None) -> Volume:
    """An image to segment: a volume, or a picture with pixels of 1 x 1."""
    if is_picture(path):
        return load_picture(CaseRow("", "", 0, path, ())).image

    return read_image(path, reading)


def write_mask(path: Path, mask: np.ndarray, image: Volume, name: str = "region") -> None:
    """Write a mask with the geometry of its image, whole or not at all. By its ending: NIfTI, ``.seg.nrrd`` as 3D
    Slicer reads it, PNG, or TIFF of a page a slice.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # the writers go by the ending, so the file keeps its name
    folder = Path(tempfile.mkdtemp(prefix=".partial-", dir=path.parent))
    try:
        _write(folder / path.name, mask.astype(np.uint8), image, name)
        with whole_file(path, is_result=True) as scratch:
            os.replace(folder / path.name, scratch)
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"the mask {path.name} cannot be written to {path.parent}: {error}. Free some space, or give another"
            " folder."
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, labels: np.ndarray, image: Volume, name: str) -> None:
    if path.suffix in (".png", ".tif"):
        from PIL import Image

        first, *others = (Image.fromarray(page * 255) for page in labels)
        if path.suffix == ".tif":
            first.save(path, save_all=True, append_images=others, compression="tiff_deflate")
        else:
            first.save(path)
        return
    import SimpleITK as sitk

    written = sitk.GetImageFromArray(labels)
    written.SetSpacing([float(v) for v in image.geometry.spacing_mm])
    written.SetOrigin([float(v) for v in image.geometry.origin_mm])
    written.SetDirection([float(v) for v in image.geometry.direction])
    if path.name.endswith(".seg.nrrd"):
        size = image.geometry.size
        about = {
            "Segment0_ID": "Segment_1",
            "Segment0_Name": name,
            "Segment0_LabelValue": "1",
            "Segment0_Layer": "0",
            "Segment0_Color": "0.90 0.62 0.00",
            "Segment0_Extent": f"0 {size[0] - 1} 0 {size[1] - 1} 0 {size[2] - 1}",
            "Segment0_NameAutoGenerated": "0",
            "Segment0_ColorAutoGenerated": "0",
            "Segmentation_MasterRepresentation": "Binary labelmap",
            "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
            "Segmentation_ReferenceImageExtentOffset": "0 0 0",
        }
        for key, value in about.items():
            written.SetMetaData(key, value)
    sitk.WriteImage(written, str(path), useCompression=True)
