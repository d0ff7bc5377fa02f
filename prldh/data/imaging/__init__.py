"""Images and masks: reading, checking and measuring what people have."""

from __future__ import annotations

from prldh.data.imaging.cases import read_cases
from prldh.data.imaging.compute import content_hash
from prldh.data.imaging.describe import Formats, ImagesEntry, describe_images, describe_tissue
from prldh.data.imaging.image_steps import IMAGE_STEPS
from prldh.data.imaging.measured import cases_as_measured
from prldh.data.imaging.measuring import check_tissues, measure, rows_by_patient, verify_cases
from prldh.data.imaging.naming import file_stem, without_names
from prldh.data.imaging.overlap import dice, hausdorff_mm
from prldh.data.imaging.patients import Images, TissueImages
from prldh.data.imaging.read import load_case, read_image
from prldh.data.imaging.seen import warn_of_leaks
from prldh.data.imaging.sources import PERTURB, ChosenSource, check_names, refuse_unread, settings_for
from prldh.data.imaging.stepping import ChosenStep, apply_steps, choose_steps, problem_of

__all__ = [
    "PERTURB",
    "ChosenSource",
    "ChosenStep",
    "IMAGE_STEPS",
    "Images",
    "Formats",
    "ImagesEntry",
    "TissueImages",
    "apply_steps",
    "cases_as_measured",
    "check_names",
    "refuse_unread",
    "check_tissues",
    "choose_steps",
    "content_hash",
    "describe_images",
    "describe_tissue",
    "dice",
    "file_stem",
    "hausdorff_mm",
    "load_case",
    "measure",
    "problem_of",
    "read_cases",
    "read_image",
    "settings_for",
    "rows_by_patient",
    "verify_cases",
    "warn_of_leaks",
    "without_names",
]
